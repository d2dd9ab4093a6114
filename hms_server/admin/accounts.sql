-- Whose account a user's is.

-- name: of_user
SELECT id, version, document, create_time, update_time, delete_time, user_id
FROM practitioner WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid

-- name: user
SELECT id FROM user_account WHERE tenant_id = :tenant_id AND id = :user_id::uuid FOR KEY SHARE

-- name: set_user
WITH kept AS (
  INSERT INTO practitioner_version (tenant_id, id, version, document, actor_id, update_time)
  SELECT tenant_id, id, version, document, actor_id, update_time
  FROM practitioner WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE practitioner SET
  version = version + 1, user_id = :user_id::uuid, actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, document, create_time, update_time, delete_time, user_id
