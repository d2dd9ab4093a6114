-- Many records at once; :rows is a JSON array of rows by column name.

-- name: insert_encounters
INSERT INTO encounter
  (tenant_id, id, patient_id, practitioner_id, department_id, organization_id, location_id, state,
   encounter_class, clinical_time, document, actor_id)
SELECT :tenant_id::uuid, r.id, r.patient_id, r.practitioner_id, r.department_id, r.organization_id, r.location_id,
       r.state, r.encounter_class, r.clinical_time, r.document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb) AS r
  (id uuid, patient_id uuid, practitioner_id uuid, department_id uuid, organization_id uuid, location_id uuid,
   state text, encounter_class text, clinical_time timestamptz, document jsonb)

-- name: insert_records
INSERT INTO clinical_record
  (tenant_id, id, type, patient_id, encounter_id, practitioner_id, organization_id, state, code, category,
   clinical_time, document, actor_id)
SELECT :tenant_id::uuid, r.id, r.type, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id,
       r.state, r.code, r.category, r.clinical_time, r.document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb) AS r
  (id uuid, type text, patient_id uuid, encounter_id uuid, practitioner_id uuid, organization_id uuid,
   state text, code text, category text, clinical_time timestamptz, document jsonb)

-- Locked in the order of their ids, so that two imports never wait for each other in a circle.
-- name: lock_encounters
SELECT e.id FROM encounter e
WHERE e.tenant_id = :tenant_id AND e.id = ANY (:ids::uuid[])
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = e.patient_id)
ORDER BY e.id FOR UPDATE

-- name: lock_records
SELECT r.id FROM clinical_record r
WHERE r.tenant_id = :tenant_id AND r.id = ANY (:ids::uuid[])
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = r.patient_id)
ORDER BY r.id FOR UPDATE

-- The patient stays: only a merge moves a record.
-- name: update_encounters
WITH given AS (
  SELECT * FROM jsonb_to_recordset(:rows::jsonb) AS r
    (id uuid, practitioner_id uuid, department_id uuid, organization_id uuid, location_id uuid,
     state text, encounter_class text, clinical_time timestamptz, document jsonb)
), kept AS (
  INSERT INTO encounter_version
    (tenant_id, id, version, practitioner_id, department_id, organization_id, location_id, document, actor_id,
     update_time)
  SELECT e.tenant_id, e.id, e.version, e.practitioner_id, e.department_id, e.organization_id, e.location_id,
         e.document, e.actor_id, e.update_time
  FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id IN (SELECT id FROM given)
)
UPDATE encounter e SET
  version = e.version + 1, practitioner_id = g.practitioner_id, department_id = g.department_id,
  organization_id = g.organization_id, location_id = g.location_id, state = g.state,
  encounter_class = g.encounter_class, clinical_time = g.clinical_time, document = g.document,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
FROM given g WHERE e.tenant_id = :tenant_id AND e.id = g.id

-- name: update_records
WITH given AS (
  SELECT * FROM jsonb_to_recordset(:rows::jsonb) AS r
    (id uuid, encounter_id uuid, practitioner_id uuid, organization_id uuid, state text, code text,
     category text, clinical_time timestamptz, document jsonb)
), kept AS (
  INSERT INTO clinical_record_version
    (tenant_id, id, version, encounter_id, practitioner_id, organization_id, document, actor_id, update_time)
  SELECT c.tenant_id, c.id, c.version, c.encounter_id, c.practitioner_id, c.organization_id, c.document,
         c.actor_id, c.update_time
  FROM clinical_record c WHERE c.tenant_id = :tenant_id AND c.id IN (SELECT id FROM given)
)
UPDATE clinical_record c SET
  version = c.version + 1, encounter_id = g.encounter_id, practitioner_id = g.practitioner_id,
  organization_id = g.organization_id, state = g.state, code = g.code, category = g.category,
  clinical_time = g.clinical_time, document = g.document, actor_id = :actor_id::uuid,
  update_time = clock_timestamp()
FROM given g WHERE c.tenant_id = :tenant_id AND c.id = g.id
