-- Statements on service accounts: users of kind SERVICE, with a secret in place of a password and
-- permissions of their own in place of roles.

-- name: load_service_login
-- No row: no such tenant. A row without an account: no such account.
SELECT t.state AS tenant_state, t.permission_version AS tenant_permission_version,
       u.id AS user_id, u.username, u.state AS user_state,
       u.permission_version AS user_permission_version,
       sa.secret_hash, sa.permissions,
       CASE WHEN sa.previous_secret_end > now() THEN sa.previous_secret_hash END
         AS previous_secret_hash
FROM tenant t
LEFT JOIN user_account u ON u.tenant_id = t.id AND u.id = :client_id::uuid AND u.kind = 'SERVICE'
LEFT JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
WHERE t.id = :tenant_id

-- name: open_service_session
-- Only for an account that is still as the secret was checked against.
WITH present AS (
  SELECT u.tenant_id, u.id
  FROM user_account u
  JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
  WHERE u.tenant_id = :tenant_id AND u.id = :client_id::uuid AND u.state = 'ACTIVE'
    AND sa.secret_hash = :secret_hash::bytea
  FOR SHARE
)
INSERT INTO session (tenant_id, id, user_id, refresh_hash, address, expire_time)
SELECT tenant_id, :session_id::uuid, id, :refresh_hash::bytea, :address,
       now() + make_interval(secs => :seconds::integer)
FROM present
RETURNING extract(epoch FROM expire_time)::float8 AS expire_time

-- name: get_service_account
SELECT u.id, u.version, u.username, u.display_name, u.state, u.permission_version, u.create_time,
       u.update_time, sa.permissions, sa.secret_time, sa.secret_hash
FROM user_account u
JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
WHERE u.tenant_id = :tenant_id AND u.id = :id::uuid

-- name: list_service_accounts
SELECT u.id, u.version, u.username, u.username_key, u.display_name, u.state, u.create_time,
       u.update_time, sa.permissions, sa.secret_time
FROM user_account u
JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
WHERE u.tenant_id = :tenant_id AND u.kind = 'SERVICE' AND u.username_key > :after
ORDER BY u.username_key
LIMIT :limit

-- name: list_service_accounts_backward
SELECT u.id, u.version, u.username, u.username_key, u.display_name, u.state, u.create_time,
       u.update_time, sa.permissions, sa.secret_time
FROM user_account u
JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
WHERE u.tenant_id = :tenant_id AND u.kind = 'SERVICE' AND u.username_key < :before
ORDER BY u.username_key DESC
LIMIT :limit

-- name: insert_service_user
-- Its password is none: no text has this hash.
INSERT INTO user_account
  (tenant_id, id, username, username_key, display_name, state, password_hash, kind)
VALUES (:tenant_id, :id, :username, :username_key, :display_name, :state, '-', 'SERVICE')

-- name: insert_service_account
INSERT INTO service_account (tenant_id, id, permissions, secret_hash)
VALUES (:tenant_id, :id, :permissions, :secret_hash::bytea)

-- name: update_service_user
-- The version that is replaced is kept, without the secret's hash.
WITH kept AS (
  INSERT INTO user_account_version (tenant_id, id, version, row_data, actor_id)
  SELECT u.tenant_id, u.id, u.version,
         jsonb_build_object(
           'name', u.username, 'display_name', u.display_name, 'state', u.state,
           'permissions', to_jsonb(sa.permissions), 'secret_time', sa.secret_time),
         :actor_id::uuid
  FROM user_account u
  JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
  WHERE u.tenant_id = :tenant_id AND u.id = :id::uuid
)
UPDATE user_account
SET version = version + 1, update_time = now(), display_name = :display_name, state = :state,
    permission_version = permission_version + :permission_step::bigint
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: set_service_permissions
UPDATE service_account SET permissions = :permissions
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: set_service_secret
UPDATE service_account
SET previous_secret_hash = secret_hash,
    previous_secret_end = now() + make_interval(secs => :keep_seconds::integer),
    secret_hash = :secret_hash::bytea, secret_time = now()
WHERE tenant_id = :tenant_id AND id = :id::uuid
