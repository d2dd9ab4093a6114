-- name: get_patient
-- audited: id
SELECT id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted
FROM patient WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: batch_get_patients
-- audited: id
-- All of them or none: what is not shown is not audited as seen either.
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, p.merged_into,
       p.merged_uhids, p.restricted
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = ANY (:ids::uuid[])
  AND (SELECT count(*) FROM patient q WHERE q.tenant_id = :tenant_id AND q.id = ANY (:ids::uuid[]))
      = (SELECT count(DISTINCT asked.id) FROM unnest(:ids::uuid[]) AS asked (id))

-- name: existing_ids
SELECT id FROM patient WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])

-- name: list_by_create_time_ascending
-- audited: id
SELECT id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted, name_key
FROM patient
WHERE tenant_id = :tenant_id AND (create_time, id) > (:key::timestamptz, :id::uuid)
  AND (:show_deleted::boolean OR delete_time IS NULL)
ORDER BY create_time, id LIMIT :limit::integer

-- name: list_by_create_time_descending
-- audited: id
SELECT id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted, name_key
FROM patient
WHERE tenant_id = :tenant_id AND (create_time, id) < (:key::timestamptz, :id::uuid)
  AND (:show_deleted::boolean OR delete_time IS NULL)
ORDER BY create_time DESC, id DESC LIMIT :limit::integer

-- name: list_by_name_ascending
-- audited: id
SELECT id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted, name_key
FROM patient
WHERE tenant_id = :tenant_id AND (name_key, id) > (:key::text, :id::uuid)
  AND (:show_deleted::boolean OR delete_time IS NULL)
ORDER BY name_key, id LIMIT :limit::integer

-- name: list_by_name_descending
-- audited: id
SELECT id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted, name_key
FROM patient
WHERE tenant_id = :tenant_id AND (name_key, id) < (:key::text, :id::uuid)
  AND (:show_deleted::boolean OR delete_time IS NULL)
ORDER BY name_key DESC, id DESC LIMIT :limit::integer

-- name: list_versions_descending
-- audited: id
SELECT id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted
FROM (
  SELECT id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into, merged_uhids,
         restricted
  FROM patient WHERE tenant_id = :tenant_id AND id = :id::uuid
  UNION ALL
  SELECT v.id, v.version, v.uhid, v.document, v.actor_id, v.create_time, v.update_time, v.delete_time,
         v.merged_into, v.merged_uhids, v.restricted
  FROM patient p
  JOIN patient_version v ON v.tenant_id = :tenant_id AND v.id = p.id
  WHERE p.tenant_id = :tenant_id AND p.id = :id::uuid
) every
WHERE version < :key::bigint ORDER BY version DESC LIMIT :limit::integer

-- name: list_versions_ascending
-- audited: id
SELECT id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted
FROM (
  SELECT id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into, merged_uhids,
         restricted
  FROM patient WHERE tenant_id = :tenant_id AND id = :id::uuid
  UNION ALL
  SELECT v.id, v.version, v.uhid, v.document, v.actor_id, v.create_time, v.update_time, v.delete_time,
         v.merged_into, v.merged_uhids, v.restricted
  FROM patient p
  JOIN patient_version v ON v.tenant_id = :tenant_id AND v.id = p.id
  WHERE p.tenant_id = :tenant_id AND p.id = :id::uuid
) every
WHERE version > :key::bigint ORDER BY version LIMIT :limit::integer

-- name: lock_patient
SELECT id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted
FROM patient WHERE tenant_id = :tenant_id AND id = :id::uuid FOR UPDATE

-- name: insert_patient
INSERT INTO patient (tenant_id, id, uhid, document, name_key, birth_date, search_text, actor_id)
VALUES (:tenant_id, :id::uuid, :uhid, :document::jsonb, :name_key, :birth_date, :search_text,
        :actor_id::uuid)
RETURNING id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted

-- name: update_patient
-- The version that stood is kept by the same statement that replaces it. Without :merged_uhids those that
-- stand stay.
WITH kept AS (
  INSERT INTO patient_version
    (tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
     merged_uhids, restricted)
  SELECT tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
         merged_uhids, restricted
  FROM patient WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE patient SET
  version = version + 1, document = :document::jsonb, name_key = :name_key,
  birth_date = :birth_date, search_text = :search_text, actor_id = :actor_id::uuid,
  update_time = clock_timestamp(),
  delete_time = CASE WHEN :deleted::boolean THEN clock_timestamp() END,
  merged_into = :merged_into::uuid, merged_uhids = coalesce(:merged_uhids::text[], merged_uhids)
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, uhid, document, create_time, update_time, delete_time, merged_into, merged_uhids,
       restricted

-- name: insert_keys
INSERT INTO patient_key (tenant_id, kind, value, patient_id)
SELECT :tenant_id::uuid, kind, value, :id::uuid
FROM unnest(:kinds::text[], :values::text[]) AS pair (kind, value)

-- name: delete_keys
DELETE FROM patient_key WHERE tenant_id = :tenant_id AND patient_id = :id::uuid

-- name: duplicate_candidates
-- At most 20 of each key: a number that a thousand records share points to nobody.
SELECT p.id, p.uhid, p.document
FROM unnest(:kinds::text[], :values::text[]) AS sought (kind, value)
CROSS JOIN LATERAL (
  SELECT kind, patient_id FROM patient_key
  WHERE tenant_id = :tenant_id AND kind = sought.kind AND value = sought.value LIMIT 20
) k
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = k.patient_id
WHERE p.delete_time IS NULL
GROUP BY p.tenant_id, p.id

-- name: take_numbers
INSERT INTO uhid_counter AS counter (tenant_id, next_number) VALUES (:tenant_id, 1 + :block::bigint)
ON CONFLICT (tenant_id) DO UPDATE SET next_number = counter.next_number + :block::bigint
RETURNING next_number - :block::bigint AS first_number

-- name: uhid_format
SELECT uhid_prefix, uhid_digits FROM tenant_setting WHERE tenant_id = :tenant_id
