-- Sets of vital signs, and what is computed from observations.

-- What a set is judged by: the patient of an encounter, the last height and the last pregnancy status.
-- The height is locked: who amends it looks for what was computed from it, and must find this.
-- name: vital_context
SELECT p.document ->> 'birth_date' AS birth_date, height.id AS height_id, height.quantity AS height,
       (extract(epoch FROM height.clinical_time) * 1000000)::bigint AS height_micros,
       pregnancy.concept AS pregnancy,
       (extract(epoch FROM pregnancy.clinical_time) * 1000000)::bigint AS pregnancy_micros
FROM patient p
LEFT JOIN LATERAL (
  SELECT r.id, r.document -> 'quantity' AS quantity, r.clinical_time
  FROM clinical_record r
  WHERE r.tenant_id = :tenant_id AND r.patient_id = p.id AND r.type = 'OBSERVATION'
    AND r.category = 'vital-signs' AND r.code = '8302-2'
    AND r.state <> 'ENTERED_IN_ERROR' AND r.state <> 'CANCELLED'
  ORDER BY r.clinical_time DESC, r.id DESC LIMIT 1
  FOR SHARE
) height ON true
LEFT JOIN LATERAL (
  SELECT last.concept, last.clinical_time
  FROM (VALUES ('social-history'), ('survey'), ('exam'), ('')) AS wanted (category)
  CROSS JOIN LATERAL (
    SELECT r.document -> 'concept' AS concept, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = p.id AND r.type = 'OBSERVATION'
      AND r.category = wanted.category AND r.code = '82810-3'
      AND r.state <> 'ENTERED_IN_ERROR' AND r.state <> 'CANCELLED'
    ORDER BY r.clinical_time DESC, r.id DESC LIMIT 1
  ) last
  ORDER BY last.clinical_time DESC LIMIT 1
) pregnancy ON true
WHERE p.tenant_id = :tenant_id AND p.id = (
  SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid)

-- name: insert_set
INSERT INTO clinical_record
  (tenant_id, id, type, patient_id, encounter_id, practitioner_id, organization_id, state, code, category,
   clinical_time, document, actor_id)
SELECT :tenant_id::uuid, r.id, 'OBSERVATION', r.patient_id, r.encounter_id, r.practitioner_id, NULL, r.state,
       r.code, r.category, r.clinical_time, r.document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb) AS r
  (id uuid, patient_id uuid, encounter_id uuid, practitioner_id uuid, state text, code text, category text,
   clinical_time timestamptz, document jsonb)
RETURNING id, type, version, patient_id, encounter_id, practitioner_id, organization_id, document,
          (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
          (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros

-- name: get_set
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros
FROM clinical_record r
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = r.patient_id
WHERE r.tenant_id = :tenant_id AND r.encounter_id = :encounter_id::uuid AND r.type = 'OBSERVATION'
  AND r.document ->> 'vital_set_id' = :set_id::text
ORDER BY r.id

-- What was computed from an observation and still stands, locked in the order of the ids.
-- name: lock_derived
SELECT r.id
FROM clinical_record r
WHERE r.tenant_id = :tenant_id AND r.type = 'OBSERVATION' AND r.state <> 'ENTERED_IN_ERROR'
  AND r.patient_id = (
    SELECT s.patient_id FROM clinical_record s WHERE s.tenant_id = :tenant_id AND s.id = :source_id::uuid)
  AND r.document -> 'derived_from_ids' @> to_jsonb(:source_id::text)
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = r.patient_id)
ORDER BY r.id FOR UPDATE

-- name: void_derived
WITH kept AS (
  INSERT INTO clinical_record_version
    (tenant_id, id, version, encounter_id, practitioner_id, organization_id, document, actor_id, update_time)
  SELECT c.tenant_id, c.id, c.version, c.encounter_id, c.practitioner_id, c.organization_id, c.document,
         c.actor_id, c.update_time
  FROM clinical_record c WHERE c.tenant_id = :tenant_id AND c.id = ANY (:ids::uuid[])
)
UPDATE clinical_record SET
  version = version + 1, state = 'ENTERED_IN_ERROR',
  document = document || jsonb_build_object('state', 'ENTERED_IN_ERROR', 'error_reason', :reason::text),
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])
