-- A hospital's own codes. Lists go along (system, code); words are looked for in the rows on the way: about 10 ms
-- for a list of 10^4.

-- name: insert
INSERT INTO code_entry (tenant_id, id, system, code, words_key, active, document, actor_id)
SELECT :tenant_id::uuid, id, system, code, words_key, active, document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb)
  AS (id uuid, system text, code text, words_key text, active boolean, document jsonb)
RETURNING id, version, system, code, active, document, create_time, update_time

-- name: get
SELECT id, version, system, code, active, document, create_time, update_time
FROM code_entry WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: lock
SELECT id, version, system, code, active, document, create_time, update_time
FROM code_entry WHERE tenant_id = :tenant_id AND id = :id::uuid FOR NO KEY UPDATE

-- Those of the codes that stand.
-- name: standing
SELECT c.id, c.version, c.system, c.code, c.active, c.document, c.create_time, c.update_time
FROM unnest(:systems::text[], :codes::text[]) AS asked (system, code)
JOIN code_entry c ON c.tenant_id = :tenant_id AND c.system = asked.system AND c.code = asked.code
WHERE c.tenant_id = :tenant_id

-- name: list_ascending
SELECT id, version, system, code, active, document, create_time, update_time
FROM code_entry
WHERE tenant_id = :tenant_id AND (system, code) > (:system::text, :code::text)
  AND (:show_inactive::boolean OR active) AND starts_with(code, :prefix)
  AND ' ' || words_key LIKE ALL (:patterns::text[])
ORDER BY system, code LIMIT :limit::integer

-- name: list_descending
SELECT id, version, system, code, active, document, create_time, update_time
FROM code_entry
WHERE tenant_id = :tenant_id AND (system, code) < (:system::text, :code::text)
  AND (:show_inactive::boolean OR active) AND starts_with(code, :prefix)
  AND ' ' || words_key LIKE ALL (:patterns::text[])
ORDER BY system DESC, code DESC LIMIT :limit::integer

-- Of one system: the index leads with it.
-- name: list_of_system_ascending
SELECT id, version, system, code, active, document, create_time, update_time
FROM code_entry
WHERE tenant_id = :tenant_id AND system = :only_system AND code > :code AND code >= :prefix
  AND (:show_inactive::boolean OR active) AND starts_with(code, :prefix)
  AND ' ' || words_key LIKE ALL (:patterns::text[])
ORDER BY code LIMIT :limit::integer

-- name: list_of_system_descending
SELECT id, version, system, code, active, document, create_time, update_time
FROM code_entry
WHERE tenant_id = :tenant_id AND system = :only_system AND code < :code AND code >= :prefix
  AND (:show_inactive::boolean OR active) AND starts_with(code, :prefix)
  AND ' ' || words_key LIKE ALL (:patterns::text[])
ORDER BY code DESC LIMIT :limit::integer

-- The version that stood is kept by the same statement that replaces it. The row is locked.
-- name: update
WITH kept AS (
  INSERT INTO code_entry_version (tenant_id, id, version, active, document, actor_id, update_time)
  SELECT tenant_id, id, version, active, document, actor_id, update_time
  FROM code_entry WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE code_entry SET
  version = version + 1, words_key = :words_key, active = :active::boolean, document = :document::jsonb,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, system, code, active, document, create_time, update_time
