-- The departments that users work in: who is of a department that treats a restricted patient sees the patient
-- (migrations/0014_break_glass.sql).

-- name: lock_user
SELECT id FROM user_account WHERE tenant_id = :tenant_id AND id = :user_id::uuid FOR NO KEY UPDATE

-- One row without a department where the user has none; no row where there is no such user.
-- name: read
SELECT u.id AS user_id, d.department_id
FROM user_account u
LEFT JOIN user_department d ON d.tenant_id = :tenant_id AND d.user_id = u.id
WHERE u.tenant_id = :tenant_id AND u.id = :user_id::uuid
ORDER BY d.department_id

-- name: remove
DELETE FROM user_department
WHERE tenant_id = :tenant_id AND user_id = :user_id::uuid AND department_id <> ALL (:ids::uuid[])
RETURNING department_id

-- name: add
INSERT INTO user_department (tenant_id, user_id, department_id)
SELECT :tenant_id::uuid, :user_id::uuid, wanted.id FROM unnest(:ids::uuid[]) AS wanted (id)
ON CONFLICT DO NOTHING
RETURNING department_id
