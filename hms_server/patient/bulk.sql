-- Many patients at once; :rows is a JSON array of rows by column name.

-- The record that each of these patients lives on in: itself, or the one it was merged into. Until the
-- transaction ends nobody merges or deletes one of them.
-- name: survivors
SELECT id, coalesce(merged_into, id) AS survivor_id, delete_time IS NOT NULL AND merged_into IS NULL AS deleted
FROM patient WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])
ORDER BY id FOR KEY SHARE

-- name: load_patients
SELECT id, version, uhid, document, merged_uhids
FROM patient WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])
ORDER BY id FOR NO KEY UPDATE

-- name: insert_patients
INSERT INTO patient (tenant_id, id, uhid, document, name_key, birth_date, search_text, actor_id)
SELECT :tenant_id::uuid, r.id, r.uhid, r.document, r.name_key, r.birth_date, r.search_text, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb) AS r
  (id uuid, uhid text, document jsonb, name_key text, birth_date text, search_text text)

-- The version that stood is kept by the same statement that replaces it. A deleted one stays deleted.
-- name: update_patients
WITH given AS (
  SELECT * FROM jsonb_to_recordset(:rows::jsonb) AS r
    (id uuid, document jsonb, name_key text, birth_date text, search_text text)
), kept AS (
  INSERT INTO patient_version
    (tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
     merged_uhids, restricted)
  SELECT p.tenant_id, p.id, p.version, p.uhid, p.document, p.actor_id, p.create_time, p.update_time,
         p.delete_time, p.merged_into, p.merged_uhids, p.restricted
  FROM patient p WHERE p.tenant_id = :tenant_id AND p.id IN (SELECT id FROM given)
)
UPDATE patient p SET
  version = p.version + 1, document = g.document, name_key = g.name_key, birth_date = g.birth_date,
  search_text = g.search_text, actor_id = :actor_id::uuid, update_time = clock_timestamp()
FROM given g WHERE p.tenant_id = :tenant_id AND p.id = g.id

-- name: insert_keys_of_many
INSERT INTO patient_key (tenant_id, kind, value, patient_id)
SELECT :tenant_id::uuid, k.kind, k.value, r.id
FROM jsonb_to_recordset(:rows::jsonb) AS r (id uuid, pairs jsonb)
CROSS JOIN LATERAL (
  SELECT pair ->> 0 AS kind, pair ->> 1 AS value FROM jsonb_array_elements(r.pairs) AS pair
) k

-- name: delete_keys_of_many
DELETE FROM patient_key WHERE tenant_id = :tenant_id AND patient_id = ANY (:ids::uuid[])
