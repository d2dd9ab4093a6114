-- Series. Locks go as in booking.sql: patients, then practitioners, then appointments.

-- What the hospital's clock shows at a moment.
-- name: clock_time
SELECT to_char(:start_time::timestamptz AT TIME ZONE t.time_zone, 'YYYY-MM-DD"T"HH24:MI:SS.US') AS shown
FROM tenant_setting t
WHERE t.tenant_id = :tenant_id

-- When the hospital's clock shows these times: as with slots, of an hour that comes twice the second one, of a time
-- that is left out the moment of the change.
-- name: instants
SELECT hospital_instant(u.shown, t.time_zone) AS start_time
FROM tenant_setting t
CROSS JOIN unnest(:shown::timestamp[]) WITH ORDINALITY AS u (shown, number)
WHERE t.tenant_id = :tenant_id
ORDER BY u.number

-- Where what cannot be at its time may go: the slots of the practitioner after it, of that day and of the seven
-- next ones, as wanted_slots shows slots. The locks are held.
-- name: later_slots
SELECT w.number, s.practitioner_id, s.department_id, s.location_id, s.service, s.schedule_id, s.exception_id,
       s.start_time, s.end_time, s.seats - s.walk_in_seats AS capacity, clock_timestamp() AS present_time,
       to_char(s.start_time AT TIME ZONE t.time_zone, 'YYYY-MM-DD') AS day,
       ARRAY(
         SELECT a.seat::integer FROM appointment a
         WHERE a.tenant_id = :tenant_id AND a.practitioner_id = s.practitioner_id AND a.start_time < s.end_time
           AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
           AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
           AND (a.state <> 'HELD' OR a.hold_expire_time > now())
       ) AS taken,
       ARRAY(
         SELECT a.id FROM appointment a
         WHERE a.tenant_id = :tenant_id AND a.practitioner_id = s.practitioner_id AND a.start_time < s.end_time
           AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
           AND a.state = 'HELD' AND a.hold_expire_time <= now()
       ) AS stale,
       (
         SELECT a.id FROM appointment a
         WHERE a.tenant_id = :tenant_id AND a.patient_id = :patient_id::uuid AND a.start_time < s.end_time
           AND a.start_time > s.start_time - interval '1 day' AND a.end_time > s.start_time
           AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
           AND (a.state <> 'HELD' OR a.hold_expire_time > now())
         LIMIT 1
       ) AS busy_with,
       CASE WHEN :limited::boolean THEN patient_under_grant(:patient_id::uuid) ELSE true END AS granted
FROM unnest(:numbers::integer[], :start_times::timestamptz[]) AS w (number, start_time)
JOIN tenant_setting t ON t.tenant_id = :tenant_id
CROSS JOIN LATERAL slots_between(
  :tenant_id, ARRAY[:practitioner_id::uuid], w.start_time + interval '1 microsecond',
  hospital_instant((w.start_time AT TIME ZONE t.time_zone)::date + 8, t.time_zone)) AS s
WHERE (:department_id::uuid IS NULL OR s.department_id = :department_id::uuid)
  AND (:service = '' OR s.service = :service)
  AND (:schedule_id::uuid IS NULL OR s.schedule_id = :schedule_id::uuid)
ORDER BY w.number, s.start_time, s.department_id, s.service, s.schedule_id, s.exception_id

-- name: lock_patients_of_series
SELECT p.id
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = ANY (ARRAY(
  SELECT a.patient_id FROM appointment a WHERE a.tenant_id = :tenant_id AND a.series_id = :series_id::uuid))
ORDER BY p.id
FOR NO KEY UPDATE

-- name: lock_practitioners_of_series
SELECT d.id
FROM practitioner d
WHERE d.tenant_id = :tenant_id AND d.id = ANY (ARRAY(
  SELECT a.practitioner_id FROM appointment a
  WHERE a.tenant_id = :tenant_id AND a.series_id = :series_id::uuid AND a.practitioner_id IS NOT NULL))
ORDER BY d.id
FOR NO KEY UPDATE

-- The patient is looked for by a sub-select, as in lock_appointment (queries.sql).
-- name: lock_series
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time, coalesce(a.start_time >= coalesce(:from_time::timestamptz, now()), false) AS ahead
FROM appointment a
WHERE a.tenant_id = :tenant_id AND a.series_id = :series_id::uuid
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = a.patient_id)
ORDER BY a.start_time, a.id
FOR UPDATE
