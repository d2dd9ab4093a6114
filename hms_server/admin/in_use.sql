-- What still needs an entry of the directory that somebody wants to delete, bounded: nobody reads a count of
-- millions. The entry is locked (lock_to_delete), so that nobody begins to need it meanwhile.

-- name: department
SELECT 'departments' AS used_by, count(*) AS number FROM (
  SELECT FROM department x WHERE x.tenant_id = :tenant_id AND x.parent_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'practitioners', count(*) FROM (
  SELECT FROM practitioner_department x
  JOIN practitioner p ON p.tenant_id = :tenant_id AND p.id = x.practitioner_id AND p.active AND p.delete_time IS NULL
  WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid LIMIT :most::integer + 1) one
UNION ALL
SELECT 'locations', count(*) FROM (
  SELECT FROM location x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'schedules', count(*) FROM (
  SELECT FROM schedule x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'extra_sessions', count(*) FROM (
  SELECT FROM schedule_exception x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid
    AND x.delete_time IS NULL AND x.kind = 'EXTRA' AND x.end_time > now() LIMIT :most::integer + 1) one
UNION ALL
SELECT 'appointments', count(*) FROM (
  SELECT FROM appointment x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid
    AND x.start_time > now() - interval '1 day' AND x.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
    AND (x.end_time > now() OR x.state IN ('ARRIVED', 'CHECKED_IN'))
    AND (x.state <> 'HELD' OR x.hold_expire_time > now()) LIMIT :most::integer + 1) one
UNION ALL
SELECT 'waiting_list_entries', count(*) FROM (
  SELECT FROM appointment x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid
    AND x.start_time IS NULL AND x.state = 'WAITLISTED' LIMIT :most::integer + 1) one
UNION ALL
SELECT 'encounters', count(*) FROM (
  SELECT FROM encounter x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid
    AND x.state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD') LIMIT :most::integer + 1) one
UNION ALL
SELECT 'users', count(*) FROM (
  SELECT FROM user_department x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'limited_roles', count(*) FROM (
  SELECT FROM limited_role x WHERE x.tenant_id = :tenant_id AND x.department_id = :id::uuid
  LIMIT :most::integer + 1) one

-- name: practitioner
SELECT 'schedules' AS used_by, count(*) AS number FROM (
  SELECT FROM schedule x WHERE x.tenant_id = :tenant_id AND x.practitioner_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'extra_sessions', count(*) FROM (
  SELECT FROM schedule_exception x WHERE x.tenant_id = :tenant_id AND x.practitioner_id = :id::uuid
    AND x.delete_time IS NULL AND x.kind = 'EXTRA' AND x.end_time > now() LIMIT :most::integer + 1) one
UNION ALL
SELECT 'appointments', count(*) FROM (
  SELECT FROM appointment x WHERE x.tenant_id = :tenant_id AND x.practitioner_id = :id::uuid
    AND x.start_time > now() - interval '1 day' AND x.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
    AND (x.end_time > now() OR x.state IN ('ARRIVED', 'CHECKED_IN'))
    AND (x.state <> 'HELD' OR x.hold_expire_time > now()) LIMIT :most::integer + 1) one
UNION ALL
SELECT 'waiting_list_entries', count(*) FROM (
  SELECT FROM appointment x WHERE x.tenant_id = :tenant_id AND x.practitioner_id = :id::uuid
    AND x.start_time IS NULL AND x.state = 'WAITLISTED' LIMIT :most::integer + 1) one
UNION ALL
SELECT 'encounters', count(*) FROM (
  SELECT FROM encounter x WHERE x.tenant_id = :tenant_id AND x.practitioner_id = :id::uuid
    AND x.state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD') LIMIT :most::integer + 1) one
UNION ALL
SELECT 'users', count(*) FROM (
  SELECT FROM practitioner x WHERE x.tenant_id = :tenant_id AND x.id = :id::uuid AND x.user_id IS NOT NULL) one

-- name: location
-- Departments name places in their documents; there are few of them.
SELECT 'locations' AS used_by, count(*) AS number FROM (
  SELECT FROM location x WHERE x.tenant_id = :tenant_id AND x.part_of_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'departments', count(*) FROM (
  SELECT FROM department x WHERE x.tenant_id = :tenant_id AND x.delete_time IS NULL
    AND x.document -> 'location_ids' ? :id::text LIMIT :most::integer + 1) one
UNION ALL
SELECT 'schedules', count(*) FROM (
  SELECT FROM schedule x WHERE x.tenant_id = :tenant_id AND x.location_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'extra_sessions', count(*) FROM (
  SELECT FROM schedule_exception x WHERE x.tenant_id = :tenant_id AND x.location_id = :id::uuid
    AND x.delete_time IS NULL AND x.kind = 'EXTRA' AND x.end_time > now() LIMIT :most::integer + 1) one
UNION ALL
-- By department: that has an index of time, and nobody else asks for a place's appointments.
SELECT 'appointments', count(*) FROM (
  SELECT FROM department d
  JOIN appointment x ON x.tenant_id = :tenant_id AND x.department_id = d.id AND x.location_id = :id::uuid
    AND x.start_time > now() - interval '1 day' AND x.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
    AND (x.end_time > now() OR x.state IN ('ARRIVED', 'CHECKED_IN'))
    AND (x.state <> 'HELD' OR x.hold_expire_time > now())
  WHERE d.tenant_id = :tenant_id LIMIT :most::integer + 1) one
UNION ALL
SELECT 'encounters', count(*) FROM (
  SELECT FROM encounter x WHERE x.tenant_id = :tenant_id AND x.location_id = :id::uuid
    AND x.state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD') LIMIT :most::integer + 1) one

-- name: organization
-- Practitioners name organizations in the roles of their documents; nothing is deleted often.
SELECT 'organizations' AS used_by, count(*) AS number FROM (
  SELECT FROM organization x WHERE x.tenant_id = :tenant_id AND x.parent_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'locations', count(*) FROM (
  SELECT FROM location x WHERE x.tenant_id = :tenant_id AND x.parent_id = :id::uuid AND x.delete_time IS NULL
  LIMIT :most::integer + 1) one
UNION ALL
SELECT 'practitioners', count(*) FROM (
  SELECT FROM practitioner x WHERE x.tenant_id = :tenant_id AND x.active AND x.delete_time IS NULL
    AND x.document -> 'roles' @> jsonb_build_array(jsonb_build_object('organization_id', :id::text))
  LIMIT :most::integer + 1) one
