-- Statements on service accounts: users of kind SERVICE, with a secret or keys in place of a password and
-- permissions of their own in place of roles. Keys come as a jsonb list of
-- [kid, algorithm, public_key, create_time, expire_time], times in microseconds.

-- name: load_service_login
-- No row: no such tenant. A row without an account: no such account.
SELECT t.state AS tenant_state, t.permission_version AS tenant_permission_version,
       u.id AS user_id, u.username, u.state AS user_state,
       u.permission_version AS user_permission_version,
       sa.secret_hash, sa.permissions,
       CASE WHEN sa.previous_secret_end > now() THEN sa.previous_secret_hash END
         AS previous_secret_hash,
       k.algorithm, k.public_key, extract(epoch FROM now())::float8 AS now
FROM tenant t
LEFT JOIN user_account u ON u.tenant_id = t.id AND u.id = :client_id::uuid AND u.kind = 'SERVICE'
LEFT JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
LEFT JOIN service_account_key k ON k.tenant_id = sa.tenant_id AND k.account_id = sa.id AND k.kid = :kid
  AND (k.expire_time IS NULL OR k.expire_time > now())
WHERE t.id = :tenant_id

-- name: open_service_session
-- Only for an account that is still as the secret was checked against.
WITH present AS (
  SELECT u.tenant_id, u.id
  FROM user_account u
  JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
  WHERE u.tenant_id = :tenant_id AND u.id = :client_id::uuid AND u.state = 'ACTIVE'
    AND sa.secret_hash IS NOT DISTINCT FROM :secret_hash::bytea
  FOR SHARE
)
INSERT INTO session (tenant_id, id, user_id, refresh_hash, address, expire_time)
SELECT tenant_id, :session_id::uuid, id, :refresh_hash::bytea, :address,
       now() + make_interval(secs => :seconds::integer)
FROM present
RETURNING extract(epoch FROM expire_time)::float8 AS expire_time

-- name: open_session_by_key
-- Only for an account that still has the key that the assertion was checked with.
WITH present AS (
  SELECT u.tenant_id, u.id
  FROM user_account u
  JOIN service_account_key k ON k.tenant_id = u.tenant_id AND k.account_id = u.id
  WHERE u.tenant_id = :tenant_id AND u.id = :client_id::uuid AND u.state = 'ACTIVE'
    AND k.kid = :kid AND k.public_key = :public_key
    AND (k.expire_time IS NULL OR k.expire_time > now())
  FOR SHARE
)
INSERT INTO session (tenant_id, id, user_id, refresh_hash, address, expire_time)
SELECT tenant_id, :session_id::uuid, id, :refresh_hash::bytea, :address,
       now() + make_interval(secs => :seconds::integer)
FROM present
RETURNING extract(epoch FROM expire_time)::float8 AS expire_time

-- name: use_assertion
-- Nothing is affected where it was used before, by whichever process.
INSERT INTO service_assertion (tenant_id, account_id, jti_hash, expire_time)
VALUES (:tenant_id, :client_id, :jti_hash::bytea, to_timestamp(:expire_time::float8))
ON CONFLICT DO NOTHING

-- name: forget_assertions
-- Those that nobody could use any more.
DELETE FROM service_assertion
WHERE tenant_id = :tenant_id AND account_id = :client_id::uuid
  AND expire_time < now() - interval '1 hour'

-- name: get_service_account
SELECT u.id, u.version, u.username, u.display_name, u.state, u.permission_version, u.create_time,
       u.update_time, sa.permissions, sa.secret_time, sa.secret_hash,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                 k.kid, k.algorithm, k.public_key,
                 (extract(epoch FROM k.create_time) * 1000000)::bigint,
                 (extract(epoch FROM k.expire_time) * 1000000)::bigint)
                 ORDER BY k.create_time, k.kid), '[]')
        FROM service_account_key k
        WHERE k.tenant_id = sa.tenant_id AND k.account_id = sa.id) AS keys
FROM user_account u
JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
WHERE u.tenant_id = :tenant_id AND u.id = :id::uuid

-- name: list_service_accounts
SELECT u.id, u.version, u.username, u.username_key, u.display_name, u.state, u.create_time,
       u.update_time, sa.permissions, sa.secret_time,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                 k.kid, k.algorithm, k.public_key,
                 (extract(epoch FROM k.create_time) * 1000000)::bigint,
                 (extract(epoch FROM k.expire_time) * 1000000)::bigint)
                 ORDER BY k.create_time, k.kid), '[]')
        FROM service_account_key k
        WHERE k.tenant_id = sa.tenant_id AND k.account_id = sa.id) AS keys
FROM user_account u
JOIN service_account sa ON sa.tenant_id = u.tenant_id AND sa.id = u.id
WHERE u.tenant_id = :tenant_id AND u.kind = 'SERVICE' AND u.username_key > :after
ORDER BY u.username_key
LIMIT :limit

-- name: list_service_accounts_backward
SELECT u.id, u.version, u.username, u.username_key, u.display_name, u.state, u.create_time,
       u.update_time, sa.permissions, sa.secret_time,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                 k.kid, k.algorithm, k.public_key,
                 (extract(epoch FROM k.create_time) * 1000000)::bigint,
                 (extract(epoch FROM k.expire_time) * 1000000)::bigint)
                 ORDER BY k.create_time, k.kid), '[]')
        FROM service_account_key k
        WHERE k.tenant_id = sa.tenant_id AND k.account_id = sa.id) AS keys
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
INSERT INTO service_account (tenant_id, id, permissions, secret_hash, secret_time)
VALUES (:tenant_id, :id, :permissions, :secret_hash::bytea,
        CASE WHEN :secret_hash::bytea IS NOT NULL THEN now() END)

-- name: update_service_user
-- The version that is replaced is kept, without the secret's hash.
WITH kept AS (
  INSERT INTO user_account_version (tenant_id, id, version, row_data, actor_id)
  SELECT u.tenant_id, u.id, u.version,
         jsonb_build_object(
           'name', u.username, 'display_name', u.display_name, 'state', u.state,
           'permissions', to_jsonb(sa.permissions), 'secret_time', sa.secret_time,
           'keys', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                             'kid', k.kid, 'public_key', k.public_key, 'expire_time', k.expire_time)
                             ORDER BY k.create_time, k.kid), '[]')
                    FROM service_account_key k
                    WHERE k.tenant_id = sa.tenant_id AND k.account_id = sa.id)),
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
    secret_hash = :secret_hash::bytea,
    secret_time = CASE WHEN :secret_hash::bytea IS NOT NULL THEN now() END
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: put_service_key
INSERT INTO service_account_key (tenant_id, account_id, kid, algorithm, public_key, expire_time, actor_id)
VALUES (:tenant_id, :id, :kid, :algorithm, :public_key, to_timestamp(:expire_time::float8), :actor_id)
ON CONFLICT (tenant_id, account_id, kid) DO UPDATE
SET expire_time = excluded.expire_time, actor_id = excluded.actor_id

-- name: remove_service_key
DELETE FROM service_account_key
WHERE tenant_id = :tenant_id AND account_id = :id::uuid AND kid = :kid
