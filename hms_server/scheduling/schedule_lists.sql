-- Lists of schedules and exceptions. {op} and {direction} are > ASC or < DESC. Each goes along an index of its order.

-- name: schedules_{order}
SELECT {columns} FROM schedule s
WHERE s.tenant_id = :tenant_id AND s.delete_time IS NULL AND (s.valid_from, s.id) {op} (:key::date, :key_id::uuid)
  AND (:show_inactive::boolean OR s.active)
  AND (:valid_on::date IS NULL OR (s.valid_from <= :valid_on::date AND s.valid_until >= :valid_on::date))
ORDER BY s.valid_from {direction}, s.id {direction} LIMIT :limit::integer

-- name: schedules_of_practitioner_{order}
SELECT {columns} FROM schedule s
WHERE s.tenant_id = :tenant_id AND s.practitioner_id = :practitioner_id::uuid AND s.delete_time IS NULL
  AND (s.valid_from, s.id) {op} (:key::date, :key_id::uuid)
  AND (:department_id::uuid IS NULL OR s.department_id = :department_id::uuid)
  AND (:show_inactive::boolean OR s.active)
  AND (:valid_on::date IS NULL OR (s.valid_from <= :valid_on::date AND s.valid_until >= :valid_on::date))
ORDER BY s.valid_from {direction}, s.id {direction} LIMIT :limit::integer

-- name: schedules_of_department_{order}
SELECT {columns} FROM schedule s
WHERE s.tenant_id = :tenant_id AND s.department_id = :department_id::uuid AND s.delete_time IS NULL
  AND (s.valid_from, s.id) {op} (:key::date, :key_id::uuid)
  AND (:show_inactive::boolean OR s.active)
  AND (:valid_on::date IS NULL OR (s.valid_from <= :valid_on::date AND s.valid_until >= :valid_on::date))
ORDER BY s.valid_from {direction}, s.id {direction} LIMIT :limit::integer

-- name: exceptions_{order}
SELECT {columns} FROM schedule_exception s
WHERE s.tenant_id = :tenant_id AND s.delete_time IS NULL AND (s.end_time, s.id) {op} (:key::timestamptz, :key_id::uuid)
  AND s.end_time > :start_time::timestamptz AND s.start_time < :end_time::timestamptz
ORDER BY s.end_time {direction}, s.id {direction} LIMIT :limit::integer

-- name: exceptions_of_practitioner_{order}
SELECT {columns} FROM schedule_exception s
WHERE s.tenant_id = :tenant_id AND s.practitioner_id = :practitioner_id::uuid AND s.delete_time IS NULL
  AND (s.end_time, s.id) {op} (:key::timestamptz, :key_id::uuid)
  AND (:department_id::uuid IS NULL OR s.department_id = :department_id::uuid)
  AND s.end_time > :start_time::timestamptz AND s.start_time < :end_time::timestamptz
ORDER BY s.end_time {direction}, s.id {direction} LIMIT :limit::integer

-- name: exceptions_of_department_{order}
SELECT {columns} FROM schedule_exception s
WHERE s.tenant_id = :tenant_id AND s.department_id = :department_id::uuid AND s.delete_time IS NULL
  AND (s.end_time, s.id) {op} (:key::timestamptz, :key_id::uuid)
  AND s.end_time > :start_time::timestamptz AND s.start_time < :end_time::timestamptz
ORDER BY s.end_time {direction}, s.id {direction} LIMIT :limit::integer
