-- Booking. The locks come first, patients before practitioners and each in order of their ids; what is read behind
-- them in the same flush sees what was committed before the lock was granted (each statement has its own snapshot).

-- Patients for whom is booked, and the one of an appointment that is changed.
-- name: lock_patients
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = ANY (:ids::uuid[] || ARRAY(
  SELECT a.patient_id FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :appointment_id::uuid))
ORDER BY p.id
FOR NO KEY UPDATE

-- name: lock_practitioners_of_booking
SELECT d.id, d.active AND d.delete_time IS NULL AS active
FROM practitioner d
WHERE d.tenant_id = :tenant_id AND d.id = ANY (:ids::uuid[] || ARRAY(
  SELECT a.practitioner_id FROM appointment a
  WHERE a.tenant_id = :tenant_id AND a.id = :appointment_id::uuid AND a.practitioner_id IS NOT NULL))
ORDER BY d.id
FOR NO KEY UPDATE

-- The slots that begin at the wanted times, the seats of each that count, the holds whose time is over, and what
-- else the patient has then. An appointment that is moved (:appointment_id) is in nobody's way, and lends its
-- patient and practitioner.
-- name: wanted_slots
WITH wanted AS (
  SELECT u.number, CASE WHEN u.patient_id IS NULL THEN m.patient_id ELSE u.patient_id END AS patient_id,
         CASE WHEN u.practitioner_id IS NULL THEN m.practitioner_id ELSE u.practitioner_id END AS practitioner_id,
         u.start_time, u.department_id, u.service, u.schedule_id
  FROM unnest(:patient_ids::uuid[], :practitioner_ids::uuid[], :start_times::timestamptz[], :department_ids::uuid[],
              :services::text[], :schedule_ids::uuid[])
       WITH ORDINALITY AS u (patient_id, practitioner_id, start_time, department_id, service, schedule_id, number)
  LEFT JOIN appointment m ON m.tenant_id = :tenant_id AND m.id = :appointment_id::uuid
)
SELECT w.number::integer - 1 AS number, s.practitioner_id, s.department_id, s.location_id, s.service, s.schedule_id,
       s.exception_id, s.start_time, s.end_time, s.seats - s.walk_in_seats AS capacity,
       clock_timestamp() AS present_time,
       ARRAY(
         SELECT a.seat::integer FROM appointment a
         WHERE a.tenant_id = :tenant_id AND a.practitioner_id = s.practitioner_id AND a.start_time < s.end_time
           AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
           AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
           AND (a.state <> 'HELD' OR a.hold_expire_time > now()) AND a.id IS DISTINCT FROM :appointment_id::uuid
       ) AS taken,
       ARRAY(
         SELECT a.id FROM appointment a
         WHERE a.tenant_id = :tenant_id AND a.practitioner_id = s.practitioner_id AND a.start_time < s.end_time
           AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
           AND a.state = 'HELD' AND a.hold_expire_time <= now() AND a.id IS DISTINCT FROM :appointment_id::uuid
       ) AS stale,
       (
         SELECT a.id FROM appointment a
         WHERE a.tenant_id = :tenant_id AND a.patient_id = w.patient_id AND a.start_time < s.end_time
           AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
           AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
           AND (a.state <> 'HELD' OR a.hold_expire_time > now()) AND a.id IS DISTINCT FROM :appointment_id::uuid
         LIMIT 1
       ) AS busy_with,
       CASE WHEN :limited::boolean THEN patient_under_grant(w.patient_id) ELSE true END AS granted
FROM wanted w
CROSS JOIN LATERAL slots_between(
  :tenant_id, ARRAY[w.practitioner_id], w.start_time, w.start_time + interval '1 microsecond') AS s
WHERE (w.department_id IS NULL OR s.department_id = w.department_id)
  AND (w.service = '' OR s.service = w.service)
  AND (w.schedule_id IS NULL OR s.schedule_id = w.schedule_id)
ORDER BY w.number, s.department_id, s.service, s.schedule_id, s.exception_id

-- Appointments that others are to follow up: whose they are.
-- name: owners_of_appointments
SELECT a.id, a.patient_id
FROM appointment a
WHERE a.tenant_id = :tenant_id AND a.id = ANY (:ids::uuid[])
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = a.patient_id)

-- Where there is room: of these practitioners, or of those who have a schedule in the department.
-- name: free_slots
SELECT s.practitioner_id, s.department_id, s.location_id, s.service, s.schedule_id, s.exception_id, s.start_time,
       s.end_time, s.seats, s.walk_in_seats, room.free_seats
FROM (
  SELECT f.*
  FROM slots_between(:tenant_id, :practitioner_ids::uuid[] || ARRAY(
         SELECT DISTINCT t.practitioner_id
         FROM schedule t
         JOIN practitioner d ON d.tenant_id = :tenant_id AND d.id = t.practitioner_id AND d.active
         WHERE t.tenant_id = :tenant_id AND t.department_id = :department_id::uuid AND t.delete_time IS NULL
           AND t.practitioner_id <> :not_practitioner_id::uuid),
       :from_time::timestamptz, :until_time::timestamptz) AS f
  WHERE f.seats > f.walk_in_seats AND f.start_time > now()
    AND (:department_id::uuid IS NULL OR f.department_id = :department_id::uuid)
    AND (:departments::uuid[] IS NULL OR f.department_id = ANY (:departments::uuid[]))
  ORDER BY f.start_time, f.practitioner_id
  OFFSET 0
) s
CROSS JOIN LATERAL (
  SELECT s.seats - s.walk_in_seats - count(DISTINCT a.seat) AS free_seats
  FROM appointment a
  WHERE a.tenant_id = :tenant_id AND a.practitioner_id = s.practitioner_id AND a.start_time < s.end_time
    AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
    AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
    AND (a.state <> 'HELD' OR a.hold_expire_time > now()) AND a.seat <= s.seats - s.walk_in_seats
) room
WHERE room.free_seats > 0
ORDER BY s.start_time, s.practitioner_id
LIMIT :limit::integer
