-- Lists of callers who are limited to departments. The policies of migrations/0017_limited_roles.sql would do (the
-- second lock), but would look at every patient of the hospital for the few of a department, and a search of the
-- whole hospital ends before it comes to them. So lists and search begin at the department's patients and at
-- those whom a grant opens to the caller.

-- OFFSET 0 keeps the planner from the index of the list's order, along which it would go through all patients.

-- `{key}`, `{type}`: create_time timestamptz or name_key text; `{op}` and `{direction}` are < DESC or > ASC.
-- name: list_of_departments_by_{key}_{order}
-- audited: id
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, p.merged_into,
       p.merged_uhids, p.restricted, p.name_key
FROM patients_of_departments() AS known (id)
CROSS JOIN LATERAL (SELECT * FROM patient WHERE tenant_id = :tenant_id AND id = known.id OFFSET 0) p
WHERE (p.{key}, p.id) {op} (:key::{type}, :id::uuid) AND (:show_deleted::boolean OR p.delete_time IS NULL)
ORDER BY p.{key} {direction}, p.id {direction} LIMIT :limit::integer
