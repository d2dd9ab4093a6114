-- Times leave as microseconds since 1970: half the cost of reading them as text. Whatever shows or locks a
-- record joins its patient, whose policy decides who sees it (docs/decisions/0015-restricted-by-policy.md).

-- What a new record hangs on. The lock waits for a merge of the patient, and a merge waits for it.

-- name: lock_patient
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id
  AND p.id = (SELECT coalesce(:patient_id::uuid, (
    SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid)))
FOR KEY SHARE

-- For what is decided by what else the patient has: one call at a time.
-- name: lock_patient_alone
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id
  AND p.id = (SELECT coalesce(:patient_id::uuid, (
    SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid)))
FOR NO KEY UPDATE

-- Ids that name nothing of this hospital; of encounters and records, nothing of this patient.
-- name: missing_references
WITH owner (patient_id) AS (
  SELECT coalesce(
    :patient_id::uuid,
    (SELECT r.patient_id FROM clinical_record r WHERE r.tenant_id = :tenant_id AND r.id = :record_id::uuid),
    (SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :record_id::uuid),
    (SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid))
)
SELECT wanted.field
FROM owner, unnest(:fields::text[], :types::text[], :ids::uuid[]) AS wanted (field, type, id)
WHERE NOT CASE wanted.type
  WHEN 'ENCOUNTER' THEN EXISTS (
    SELECT 1 FROM encounter x WHERE x.tenant_id = :tenant_id AND x.id = wanted.id
      AND x.patient_id = owner.patient_id AND x.state <> 'ENTERED_IN_ERROR')
  WHEN 'PRACTITIONER' THEN EXISTS (
    SELECT 1 FROM practitioner x WHERE x.tenant_id = :tenant_id AND x.id = wanted.id)
  WHEN 'ORGANIZATION' THEN EXISTS (
    SELECT 1 FROM organization x WHERE x.tenant_id = :tenant_id AND x.id = wanted.id)
  WHEN 'DEPARTMENT' THEN EXISTS (
    SELECT 1 FROM department x WHERE x.tenant_id = :tenant_id AND x.id = wanted.id)
  WHEN 'LOCATION' THEN EXISTS (
    SELECT 1 FROM location x WHERE x.tenant_id = :tenant_id AND x.id = wanted.id)
  ELSE EXISTS (
    SELECT 1 FROM clinical_record x WHERE x.tenant_id = :tenant_id AND x.id = wanted.id
      AND x.patient_id = owner.patient_id AND x.type = wanted.type)
END
LIMIT 20

-- Whether a grant of the caller's opens the patient.
-- name: under_grant
SELECT patient_under_grant(:patient_id::uuid) AS granted WHERE :tenant_id::uuid IS NOT NULL

-- name: get_record
-- audited: patient_id
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros
FROM clinical_record r
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = r.patient_id
WHERE r.tenant_id = :tenant_id AND r.id = :id::uuid AND r.type = :type

-- A lock that waited for a merge finds the record with another patient than before: the patient is looked for by
-- a sub-select, which is asked anew then, where a join would lose the row.
-- name: lock_record
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros
FROM clinical_record r
WHERE r.tenant_id = :tenant_id AND r.id = :id::uuid AND r.type = :type
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = r.patient_id)
FOR UPDATE

-- name: lock_encounter
SELECT e.id, 'ENCOUNTER' AS type, e.version, e.patient_id, e.practitioner_id, e.department_id, e.organization_id,
       e.location_id, e.document,
       (extract(epoch FROM e.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM e.update_time) * 1000000)::bigint AS update_micros
FROM encounter e
WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = e.patient_id)
FOR UPDATE

-- name: insert_record
INSERT INTO clinical_record
  (tenant_id, id, type, patient_id, encounter_id, practitioner_id, organization_id, state, code, category,
   clinical_time, document, actor_id)
VALUES (:tenant_id, :id::uuid, :type, :patient_id::uuid, :encounter_id::uuid, :practitioner_id::uuid,
        :organization_id::uuid, :state, :code, :category, :clinical_time::timestamptz, :document::jsonb,
        :actor_id::uuid)
RETURNING id, type, version, patient_id, encounter_id, practitioner_id, organization_id, document,
          (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
          (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros

-- name: insert_encounter
INSERT INTO encounter
  (tenant_id, id, patient_id, practitioner_id, department_id, organization_id, location_id, state,
   encounter_class, clinical_time, document, actor_id, appointment_id, queue_token_id)
VALUES (:tenant_id, :id::uuid, :patient_id::uuid, :practitioner_id::uuid, :department_id::uuid,
        :organization_id::uuid, :location_id::uuid, :state, :encounter_class,
        :clinical_time::timestamptz, :document::jsonb, :actor_id::uuid, :appointment_id::uuid,
        :queue_token_id::uuid)
RETURNING id, 'ENCOUNTER' AS type, version, patient_id, practitioner_id, department_id, organization_id,
          location_id, document,
          (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
          (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros

-- The version that stood is kept by the same statement that replaces it.
-- name: update_record
WITH kept AS (
  INSERT INTO clinical_record_version
    (tenant_id, id, version, encounter_id, practitioner_id, organization_id, document, actor_id, update_time)
  SELECT tenant_id, id, version, encounter_id, practitioner_id, organization_id, document, actor_id, update_time
  FROM clinical_record WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE clinical_record SET
  version = version + 1, encounter_id = :encounter_id::uuid, practitioner_id = :practitioner_id::uuid,
  organization_id = :organization_id::uuid, state = :state, code = :code, category = :category,
  clinical_time = :clinical_time::timestamptz, document = :document::jsonb, actor_id = :actor_id::uuid,
  update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, type, version, patient_id, encounter_id, practitioner_id, organization_id, document,
          (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
          (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros

-- name: update_encounter
WITH kept AS (
  INSERT INTO encounter_version
    (tenant_id, id, version, practitioner_id, department_id, organization_id, location_id, document, actor_id,
     update_time)
  SELECT tenant_id, id, version, practitioner_id, department_id, organization_id, location_id, document,
         actor_id, update_time
  FROM encounter WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE encounter SET
  version = version + 1, practitioner_id = :practitioner_id::uuid, department_id = :department_id::uuid,
  organization_id = :organization_id::uuid, location_id = :location_id::uuid, state = :state,
  encounter_class = :encounter_class, clinical_time = :clinical_time::timestamptz,
  document = :document::jsonb, actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, 'ENCOUNTER' AS type, version, patient_id, practitioner_id, department_id, organization_id,
          location_id, document,
          (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
          (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros
