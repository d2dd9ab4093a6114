-- A hospital's rules of interactions.

-- name: insert
INSERT INTO interaction_rule
  (tenant_id, id, builtin_key, pair_key, first_term, second_term, severity, active, document, actor_id)
VALUES (:tenant_id, :id::uuid, :builtin_key, :pair_key, :first_term, :second_term, :severity, :active::boolean,
        :document::jsonb, :actor_id::uuid)
RETURNING id, version, builtin_key, first_term, second_term, severity, active, document, create_time, update_time

-- name: get
SELECT id, version, builtin_key, first_term, second_term, severity, active, document, create_time, update_time
FROM interaction_rule WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: lock
SELECT id, version, builtin_key, first_term, second_term, severity, active, document, create_time, update_time
FROM interaction_rule WHERE tenant_id = :tenant_id AND id = :id::uuid FOR NO KEY UPDATE

-- A hospital has some hundreds at most.
-- name: list_ascending
SELECT id, version, builtin_key, first_term, second_term, severity, active, document, create_time, update_time
FROM interaction_rule
WHERE tenant_id = :tenant_id AND id > :key::uuid AND (:show_inactive::boolean OR active)
  AND (:term = '' OR :term IN (first_term, second_term))
ORDER BY id LIMIT :limit::integer

-- name: list_descending
SELECT id, version, builtin_key, first_term, second_term, severity, active, document, create_time, update_time
FROM interaction_rule
WHERE tenant_id = :tenant_id AND id < :key::uuid AND (:show_inactive::boolean OR active)
  AND (:term = '' OR :term IN (first_term, second_term))
ORDER BY id DESC LIMIT :limit::integer

-- The version that stood is kept by the same statement that replaces it. The row is locked.
-- name: update
WITH kept AS (
  INSERT INTO interaction_rule_version (tenant_id, id, version, severity, active, document, actor_id, update_time)
  SELECT tenant_id, id, version, severity, active, document, actor_id, update_time
  FROM interaction_rule WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE interaction_rule SET
  version = version + 1, severity = :severity, active = :active::boolean, document = :document::jsonb,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, builtin_key, first_term, second_term, severity, active, document, create_time, update_time
