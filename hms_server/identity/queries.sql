-- Statements of the identity room. Roles that somebody holds come as one jsonb list of
-- [code, system, all_permissions, permissions], so that they are of one snapshot with the versions; of a role that
-- is held in some departments only with a list of these.

-- name: find_tenant
-- In a platform transaction: whose code is it?
SELECT id FROM tenant WHERE code = :code

-- name: load_login
-- No row: no such tenant. A row without a user: no such user.
SELECT t.state AS tenant_state, t.permission_version AS tenant_permission_version,
       u.id AS user_id, u.username, u.state AS user_state, u.password_hash,
       u.must_change_password,
       u.permission_version AS user_permission_version,
       (SELECT coalesce(jsonb_agg(held.role), '[]')
        FROM (
          SELECT jsonb_build_array(r.code, r.system, r.all_permissions, r.permissions) AS role
          FROM user_role ur
          JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
          WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id
          UNION ALL
          SELECT jsonb_build_array(r.code, r.system, r.all_permissions, r.permissions,
                                   jsonb_agg(lr.department_id))
          FROM limited_role lr
          JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
          WHERE lr.tenant_id = u.tenant_id AND lr.user_id = u.id
          GROUP BY r.tenant_id, r.id
        ) AS held) AS roles
FROM tenant t
LEFT JOIN user_account u ON u.tenant_id = t.id AND u.username_key = :username_key
  AND u.kind = 'PERSON'
WHERE t.id = :tenant_id

-- name: open_session
-- Only for a user who is still as the password check saw him: a change of password or state that
-- came in between ends the sessions it sees, and must not miss this one.
WITH present AS (
  SELECT tenant_id, id FROM user_account
  WHERE tenant_id = :tenant_id AND id = :user_id::uuid AND state = 'ACTIVE'
    AND password_hash = :password_hash
  FOR SHARE
)
INSERT INTO session (tenant_id, id, user_id, refresh_hash, address, expire_time)
SELECT p.tenant_id, :session_id::uuid, p.id, :refresh_hash::bytea, :address,
       now() + make_interval(secs => coalesce(st.session_seconds, :seconds::integer))
FROM present p
LEFT JOIN tenant_setting st ON st.tenant_id = p.tenant_id
RETURNING extract(epoch FROM expire_time)::float8 AS expire_time,
          (SELECT session_idle_seconds FROM tenant_setting WHERE tenant_id = :tenant_id) AS idle_seconds

-- name: rehash_password
UPDATE user_account SET password_hash = :new_hash
WHERE tenant_id = :tenant_id AND id = :user_id::uuid AND password_hash = :password_hash

-- name: lock_session
-- least() passes nulls over: what the hospital has not set ends nothing.
SELECT s.user_id, s.refresh_hash, s.previous_refresh_hash,
       extract(epoch FROM least(s.expire_time,
                                s.create_time + make_interval(secs => st.session_seconds))
              )::float8 AS expire_time,
       s.revoke_time IS NOT NULL
         OR least(s.expire_time, s.create_time + make_interval(secs => st.session_seconds),
                  s.rotate_time + make_interval(secs => st.session_idle_seconds)) <= now() AS ended,
       st.session_idle_seconds AS idle_seconds,
       s.rotate_time > now() - interval '10 seconds' AS in_grace,
       t.state AS tenant_state, t.permission_version AS tenant_permission_version,
       u.username, u.state AS user_state, u.permission_version AS user_permission_version,
       u.must_change_password,
       (SELECT coalesce(jsonb_agg(held.role), '[]')
        FROM (
          SELECT jsonb_build_array(r.code, r.system, r.all_permissions, r.permissions) AS role
          FROM user_role ur
          JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
          WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id
          UNION ALL
          SELECT jsonb_build_array(r.code, r.system, r.all_permissions, r.permissions,
                                   jsonb_agg(lr.department_id))
          FROM limited_role lr
          JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
          WHERE lr.tenant_id = u.tenant_id AND lr.user_id = u.id
          GROUP BY r.tenant_id, r.id
        ) AS held) AS roles
FROM session s
JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
JOIN tenant t ON t.id = s.tenant_id
LEFT JOIN tenant_setting st ON st.tenant_id = s.tenant_id
WHERE s.tenant_id = :tenant_id AND s.id = :session_id::uuid
FOR UPDATE OF s

-- name: rotate_session
UPDATE session
SET previous_refresh_hash = refresh_hash, refresh_hash = :refresh_hash::bytea, rotate_time = now()
WHERE tenant_id = :tenant_id AND id = :session_id::uuid

-- name: revoke_session
UPDATE session SET revoke_time = now(), revoke_reason = :reason
WHERE tenant_id = :tenant_id AND id = :session_id::uuid AND revoke_time IS NULL

-- name: revoke_sessions_of_user
UPDATE session SET revoke_time = now(), revoke_reason = :reason
WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid AND revoke_time IS NULL
  AND expire_time > now() AND id <> :keep_session_id::uuid
RETURNING id

-- name: list_sessions
SELECT s.id, s.user_id, s.address, s.create_time, s.rotate_time,
       least(s.expire_time, s.create_time + make_interval(secs => st.session_seconds),
             s.rotate_time + make_interval(secs => st.session_idle_seconds)) AS end_time
FROM session s
LEFT JOIN tenant_setting st ON st.tenant_id = s.tenant_id
WHERE s.tenant_id = :tenant_id AND s.user_id = :user_id::uuid AND s.revoke_time IS NULL
  AND least(s.expire_time, s.create_time + make_interval(secs => st.session_seconds),
            s.rotate_time + make_interval(secs => st.session_idle_seconds)) > now()
  AND s.id < :before::uuid
ORDER BY s.id DESC
LIMIT :limit

-- name: list_sessions_backward
SELECT s.id, s.user_id, s.address, s.create_time, s.rotate_time,
       least(s.expire_time, s.create_time + make_interval(secs => st.session_seconds),
             s.rotate_time + make_interval(secs => st.session_idle_seconds)) AS end_time
FROM session s
LEFT JOIN tenant_setting st ON st.tenant_id = s.tenant_id
WHERE s.tenant_id = :tenant_id AND s.user_id = :user_id::uuid AND s.revoke_time IS NULL
  AND least(s.expire_time, s.create_time + make_interval(secs => st.session_seconds),
            s.rotate_time + make_interval(secs => st.session_idle_seconds)) > now()
  AND s.id > :after::uuid
ORDER BY s.id
LIMIT :limit

-- name: gate_state
SELECT t.permission_version AS tenant_permission_version, t.version AS tenant_row_version,
       t.state AS tenant_state, t.rate_limits, t.call_limits,
       u.permission_version AS user_permission_version, u.state AS user_state,
       s.id IS NOT NULL AS session_active
FROM tenant t
JOIN user_account u ON u.tenant_id = t.id AND u.id = :user_id::uuid
LEFT JOIN session s ON s.tenant_id = u.tenant_id AND s.id = :session_id::uuid
  AND s.user_id = u.id AND s.revoke_time IS NULL AND s.expire_time > now()
WHERE t.id = :tenant_id

-- name: lock_tenant
-- Changes of users and roles of one tenant take turns: they are rare, and rules such as "one
-- administrator stays" look at several rows.
SELECT permission_version, version, rate_limits, call_limits, state FROM tenant
WHERE id = :tenant_id
FOR NO KEY UPDATE

-- name: bump_tenant_permissions
UPDATE tenant SET permission_version = permission_version + 1
WHERE id = :tenant_id
RETURNING permission_version, version, rate_limits, call_limits, state

-- name: load_roles_of
-- A service account's own permissions are like a role that it alone holds.
SELECT coalesce(jsonb_agg(held.role), '[]') AS roles
FROM (
  SELECT jsonb_build_array(r.code, r.system, r.all_permissions, r.permissions) AS role
  FROM user_role ur
  JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
  WHERE ur.tenant_id = :tenant_id AND ur.user_id = :user_id::uuid
  UNION ALL
  SELECT jsonb_build_array(r.code, r.system, r.all_permissions, r.permissions,
                           jsonb_agg(lr.department_id))
  FROM limited_role lr
  JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
  WHERE lr.tenant_id = :tenant_id AND lr.user_id = :user_id::uuid
  GROUP BY r.tenant_id, r.id
  UNION ALL
  SELECT jsonb_build_array('', false, false, sa.permissions)
  FROM service_account sa
  WHERE sa.tenant_id = :tenant_id AND sa.id = :user_id::uuid
) AS held

-- name: get_user
SELECT u.id, u.version, u.username, u.display_name, u.email, u.state, u.permission_version,
       u.must_change_password,
       u.create_time, u.update_time,
       ARRAY(SELECT r.code
             FROM user_role ur
             JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
             WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id
             ORDER BY r.code) AS role_codes,
       ARRAY(SELECT jsonb_build_array(r.code, jsonb_agg(lr.department_id ORDER BY lr.department_id))
             FROM limited_role lr
             JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
             WHERE lr.tenant_id = u.tenant_id AND lr.user_id = u.id
             GROUP BY r.code
             ORDER BY r.code) AS limited_roles
FROM user_account u
WHERE u.tenant_id = :tenant_id AND u.id = :id::uuid AND u.kind = 'PERSON'

-- name: list_users
SELECT u.id, u.version, u.username, u.username_key, u.display_name, u.email, u.state,
       u.must_change_password, u.create_time, u.update_time,
       ARRAY(SELECT r.code
             FROM user_role ur
             JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
             WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id
             ORDER BY r.code) AS role_codes,
       ARRAY(SELECT jsonb_build_array(r.code, jsonb_agg(lr.department_id ORDER BY lr.department_id))
             FROM limited_role lr
             JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
             WHERE lr.tenant_id = u.tenant_id AND lr.user_id = u.id
             GROUP BY r.code
             ORDER BY r.code) AS limited_roles
FROM user_account u
WHERE u.tenant_id = :tenant_id AND u.kind = 'PERSON' AND u.username_key > :after
ORDER BY u.username_key
LIMIT :limit

-- name: list_users_backward
SELECT u.id, u.version, u.username, u.username_key, u.display_name, u.email, u.state,
       u.must_change_password, u.create_time, u.update_time,
       ARRAY(SELECT r.code
             FROM user_role ur
             JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
             WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id
             ORDER BY r.code) AS role_codes,
       ARRAY(SELECT jsonb_build_array(r.code, jsonb_agg(lr.department_id ORDER BY lr.department_id))
             FROM limited_role lr
             JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
             WHERE lr.tenant_id = u.tenant_id AND lr.user_id = u.id
             GROUP BY r.code
             ORDER BY r.code) AS limited_roles
FROM user_account u
WHERE u.tenant_id = :tenant_id AND u.kind = 'PERSON' AND u.username_key < :before
ORDER BY u.username_key DESC
LIMIT :limit

-- name: insert_user
INSERT INTO user_account
  (tenant_id, id, username, username_key, display_name, email, state, password_hash,
   must_change_password)
VALUES (:tenant_id, :id, :username, :username_key, :display_name, :email, :state, :password_hash,
        :must_change_password::boolean)

-- name: update_user
-- The version that is replaced is kept, without the password's hash.
WITH kept AS (
  INSERT INTO user_account_version (tenant_id, id, version, row_data, actor_id)
  SELECT u.tenant_id, u.id, u.version,
         jsonb_build_object(
           'username', u.username, 'display_name', u.display_name, 'email', u.email,
           'state', u.state, 'password_time', u.password_time,
           'must_change_password', u.must_change_password,
           'role_codes', (SELECT coalesce(jsonb_agg(r.code ORDER BY r.code), '[]')
                          FROM user_role ur
                          JOIN role r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
                          WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id),
           'limited_roles', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                      'role_code', r.code, 'department_id', lr.department_id)
                                      ORDER BY r.code, lr.department_id), '[]')
                             FROM limited_role lr
                             JOIN role r ON r.tenant_id = lr.tenant_id AND r.id = lr.role_id
                             WHERE lr.tenant_id = u.tenant_id AND lr.user_id = u.id)),
         :actor_id::uuid
  FROM user_account u
  WHERE u.tenant_id = :tenant_id AND u.id = :id::uuid
)
UPDATE user_account
SET version = version + 1, update_time = now(), display_name = :display_name, email = :email,
    state = :state, password_hash = coalesce(:password_hash::text, password_hash),
    password_time = CASE WHEN :password_hash::text IS NULL THEN password_time ELSE now() END,
    must_change_password = :must_change_password::boolean,
    permission_version = permission_version + :permission_step::bigint
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: remove_user_roles
DELETE FROM user_role
WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid AND role_id <> ALL (:role_ids::uuid[])

-- name: add_user_roles
INSERT INTO user_role (tenant_id, user_id, role_id)
SELECT :tenant_id::uuid, :user_id::uuid, unnest(:role_ids::uuid[])
ON CONFLICT DO NOTHING

-- name: remove_limited_roles
DELETE FROM limited_role lr
WHERE lr.tenant_id = :tenant_id AND lr.user_id = :user_id::uuid
  AND NOT EXISTS (SELECT FROM unnest(:role_ids::uuid[], :department_ids::uuid[]) AS wanted (role_id, department_id)
                  WHERE wanted.role_id = lr.role_id AND wanted.department_id = lr.department_id)

-- name: add_limited_roles
INSERT INTO limited_role (tenant_id, user_id, role_id, department_id)
SELECT :tenant_id::uuid, :user_id::uuid, wanted.role_id, wanted.department_id
FROM unnest(:role_ids::uuid[], :department_ids::uuid[]) AS wanted (role_id, department_id)
ON CONFLICT DO NOTHING

-- name: find_departments
SELECT id, active FROM department
WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])

-- name: other_administrators
-- Whether somebody else could still administer the tenant.
SELECT EXISTS (
  SELECT FROM role r
  JOIN user_role ur ON ur.tenant_id = r.tenant_id AND ur.role_id = r.id
  JOIN user_account u ON u.tenant_id = ur.tenant_id AND u.id = ur.user_id
  WHERE r.tenant_id = :tenant_id AND r.all_permissions AND u.state = 'ACTIVE'
    AND u.id <> :user_id::uuid
) AS found

-- name: find_roles
SELECT id, code, system, all_permissions, permissions FROM role
WHERE tenant_id = :tenant_id AND code = ANY (:codes::text[])

-- name: get_role
SELECT id, version, code, display_name, permissions, all_permissions, system, create_time,
       update_time
FROM role
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: list_roles
SELECT id, version, code, display_name, permissions, all_permissions, system, create_time,
       update_time
FROM role
WHERE tenant_id = :tenant_id AND code > :after
ORDER BY code
LIMIT :limit

-- name: list_roles_backward
SELECT id, version, code, display_name, permissions, all_permissions, system, create_time,
       update_time
FROM role
WHERE tenant_id = :tenant_id AND code < :before
ORDER BY code DESC
LIMIT :limit

-- name: insert_role
INSERT INTO role (tenant_id, id, code, display_name, permissions)
VALUES (:tenant_id, :id, :code, :display_name, :permissions)

-- name: update_role
WITH kept AS (
  INSERT INTO role_version (tenant_id, id, version, row_data, actor_id)
  SELECT tenant_id, id, version,
         jsonb_build_object('code', code, 'display_name', display_name,
                            'permissions', to_jsonb(permissions)),
         :actor_id::uuid
  FROM role
  WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE role
SET version = version + 1, update_time = now(), display_name = :display_name,
    permissions = :permissions
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: delete_role
WITH kept AS (
  INSERT INTO role_version (tenant_id, id, version, row_data, actor_id)
  SELECT tenant_id, id, version,
         jsonb_build_object('code', code, 'display_name', display_name,
                            'permissions', to_jsonb(permissions)),
         :actor_id::uuid
  FROM role
  WHERE tenant_id = :tenant_id AND id = :id::uuid
)
DELETE FROM role
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: role_is_held
SELECT EXISTS (
  SELECT FROM user_role WHERE tenant_id = :tenant_id AND role_id = :id::uuid
  UNION ALL
  SELECT FROM limited_role WHERE tenant_id = :tenant_id AND role_id = :id::uuid
) AS held

-- name: insert_system_roles
INSERT INTO role (tenant_id, id, code, display_name, all_permissions, system)
SELECT :tenant_id::uuid, made.id, made.code, made.display_name, made.all_permissions, true
FROM unnest(:ids::uuid[], :codes::text[], :display_names::text[], :all_permissions::boolean[])
  AS made (id, code, display_name, all_permissions)
ON CONFLICT (tenant_id, code) DO NOTHING

-- name: find_user
SELECT id, state FROM user_account
WHERE tenant_id = :tenant_id AND username_key = :username_key

-- name: give_role
INSERT INTO user_role (tenant_id, user_id, role_id)
SELECT tenant_id, :user_id::uuid, id FROM role
WHERE tenant_id = :tenant_id AND code = :code
ON CONFLICT DO NOTHING
