-- The search for slots.

-- name: search_slots
WITH RECURSIVE part (id) AS (
  SELECT d.id FROM department d WHERE d.tenant_id = :tenant_id AND d.id = ANY (:departments::uuid[])
  UNION
  SELECT d.id FROM part p JOIN department d ON d.tenant_id = :tenant_id AND d.parent_id = p.id
  WHERE :with_parts::boolean
), wanted AS (
  SELECT CASE WHEN :departments::uuid[] IS NOT NULL
    THEN ARRAY(SELECT p.id FROM part p WHERE :limits::uuid[] IS NULL OR p.id = ANY (:limits::uuid[]))
    ELSE :limits::uuid[] END AS departments
)
SELECT s.*
FROM wanted w
CROSS JOIN LATERAL search_slots(
  :tenant_id,
  ARRAY(
    SELECT d.id FROM practitioner d
    WHERE d.tenant_id = :tenant_id AND d.active
      AND (:practitioners::uuid[] IS NULL OR d.id = ANY (:practitioners::uuid[]))
      AND (:codes::text[] IS NULL OR EXISTS (
        SELECT FROM practitioner_speciality p
        JOIN unnest(:systems::text[], :codes::text[]) AS asked (system, code)
          ON asked.code = p.code AND (asked.system = '' OR asked.system = p.system)
        WHERE p.tenant_id = :tenant_id AND p.practitioner_id = d.id))
      AND (EXISTS (
          SELECT FROM schedule t
          WHERE t.tenant_id = :tenant_id AND t.practitioner_id = d.id AND t.active AND t.delete_time IS NULL
            AND (w.departments IS NULL OR t.department_id = ANY (w.departments)))
        OR EXISTS (
          SELECT FROM schedule_exception e
          WHERE e.tenant_id = :tenant_id AND e.practitioner_id = d.id AND e.kind = 'EXTRA' AND e.delete_time IS NULL
            AND e.end_time > now() AND (w.departments IS NULL OR e.department_id = ANY (w.departments))))),
  w.departments, :service, :weekdays::smallint[], :start_clock::time, :end_clock::time, :start_date::date,
  :end_date::date, :least_free::integer, :key_time::timestamptz, :key_practitioner::uuid, :key_source::uuid,
  :backward::boolean, :limit::integer) s
