-- Statements on passwords: how they are judged, changed and reset.

-- name: password_facts
-- What a new password is judged by; without a user where there is none.
SELECT t.code, t.display_name, t.state AS tenant_state, st.password_min_length, st.password_history,
       u.username, u.state AS user_state, u.password_hash, u.permission_version,
       ARRAY(SELECT h.password_hash
             FROM password_history h
             WHERE h.tenant_id = u.tenant_id AND h.user_id = u.id
             ORDER BY h.replace_time DESC
             LIMIT 23) AS former_hashes
FROM tenant t
LEFT JOIN tenant_setting st ON st.tenant_id = t.id
LEFT JOIN user_account u ON u.tenant_id = t.id AND u.id = :user_id::uuid
  AND u.kind = 'PERSON'
WHERE t.id = :tenant_id

-- name: keep_password
-- The present hash joins those of before.
INSERT INTO password_history (tenant_id, user_id, password_hash)
SELECT tenant_id, id, password_hash FROM user_account
WHERE tenant_id = :tenant_id AND id = :user_id::uuid

-- name: trim_passwords
DELETE FROM password_history
WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid
  AND replace_time NOT IN (
    SELECT replace_time FROM password_history
    WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid
    ORDER BY replace_time DESC
    LIMIT 23)

-- name: lock_password
-- The user, if still as the password was checked against.
SELECT id FROM user_account
WHERE tenant_id = :tenant_id AND id = :user_id::uuid AND password_hash = :seen_hash
  AND state = 'ACTIVE'
FOR UPDATE

-- name: change_password
-- Of the user's own: the version that is replaced is kept, without the hash.
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
                          WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id)),
         u.id
  FROM user_account u
  WHERE u.tenant_id = :tenant_id AND u.id = :user_id::uuid AND u.password_hash = :seen_hash
    AND u.state = 'ACTIVE'
)
UPDATE user_account
SET version = version + 1, update_time = now(), password_hash = :fresh_hash, password_time = now(),
    must_change_password = false, permission_version = permission_version + 1
WHERE tenant_id = :tenant_id AND id = :user_id::uuid AND password_hash = :seen_hash
  AND state = 'ACTIVE'
RETURNING version, permission_version

-- name: count_wrong_password
UPDATE session SET wrong_passwords = wrong_passwords + 1
WHERE tenant_id = :tenant_id AND id = :session_id::uuid
RETURNING wrong_passwords

-- name: put_password_reset
INSERT INTO password_reset (tenant_id, user_id, token_hash, expire_time, actor_id)
VALUES (:tenant_id, :user_id, :token_hash::bytea, now() + make_interval(secs => :seconds::integer),
        :actor_id)
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET token_hash = excluded.token_hash, expire_time = excluded.expire_time,
    actor_id = excluded.actor_id, create_time = excluded.create_time
RETURNING expire_time

-- name: void_password_reset
DELETE FROM password_reset
WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid

-- name: get_password_reset
-- With who made it, and whether he is still enabled.
SELECT r.token_hash, r.actor_id, u.state AS actor_state
FROM password_reset r
JOIN user_account u ON u.tenant_id = r.tenant_id AND u.id = r.actor_id
WHERE r.tenant_id = :tenant_id AND r.user_id = :user_id::uuid AND r.expire_time > now()

-- name: use_password_reset
DELETE FROM password_reset
WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid AND token_hash = :token_hash::bytea
  AND expire_time > now()
