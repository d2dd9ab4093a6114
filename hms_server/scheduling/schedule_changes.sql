-- What a change of schedules or exceptions needs beside its own rows. All of it happens while the practitioners are
-- locked, as bookings lock them: nothing is booked between a look and the commit.

-- name: lock_practitioners_to_change
SELECT d.id, d.active, (d.document ->> 'consultation_minutes')::integer AS consultation_minutes
FROM practitioner d
WHERE d.tenant_id = :tenant_id AND d.id = ANY (:ids::uuid[])
ORDER BY d.id
FOR NO KEY UPDATE

-- Whoever may have appointments in a department, or without one in the hospital.
-- name: lock_practitioners_of
SELECT d.id
FROM practitioner d
WHERE d.tenant_id = :tenant_id
  AND (EXISTS (SELECT FROM schedule s WHERE s.tenant_id = :tenant_id AND s.practitioner_id = d.id
               AND (:department_id::uuid IS NULL OR s.department_id = :department_id::uuid))
       OR EXISTS (SELECT FROM schedule_exception e WHERE e.tenant_id = :tenant_id AND e.practitioner_id = d.id
                  AND e.kind = 'EXTRA'
                  AND (:department_id::uuid IS NULL OR e.department_id = :department_id::uuid)))
ORDER BY d.id
FOR NO KEY UPDATE

-- What exists of the departments and locations that a record names.
-- name: existing
SELECT 'department' AS kind, d.id FROM department d WHERE d.tenant_id = :tenant_id AND d.id = ANY (:departments::uuid[])
UNION ALL
SELECT 'location', l.id FROM location l WHERE l.tenant_id = :tenant_id AND l.id = ANY (:locations::uuid[])

-- name: insert_schedule
INSERT INTO schedule (tenant_id, id, practitioner_id, department_id, location_id, service, valid_from, valid_until,
                      active, document, actor_id)
SELECT :tenant_id::uuid, g.id, g.practitioner_id, g.department_id, g.location_id, g.service, g.valid_from, g.valid_until,
       g.active, g.document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb) AS g (
  id uuid, practitioner_id uuid, department_id uuid, location_id uuid, service text, valid_from date, valid_until date,
  active boolean, document jsonb)

-- name: update_schedule
UPDATE schedule s SET version = s.version + 1, department_id = g.department_id, location_id = g.location_id,
  service = g.service, valid_from = g.valid_from, valid_until = g.valid_until, active = g.active, document = g.document,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
FROM jsonb_to_recordset(:rows::jsonb) AS g (
  id uuid, department_id uuid, location_id uuid, service text, valid_from date, valid_until date, active boolean,
  document jsonb)
WHERE s.tenant_id = :tenant_id AND s.id = g.id

-- name: delete_sessions
DELETE FROM schedule_session WHERE tenant_id = :tenant_id AND schedule_id = ANY (:ids::uuid[])

-- name: insert_sessions
INSERT INTO schedule_session (tenant_id, schedule_id, weekday, start_time, end_time, slot_minutes, capacity,
                              walk_in_share, break_starts, break_ends)
SELECT :tenant_id::uuid, g.schedule_id, g.weekday, g.start_time, g.end_time, g.slot_minutes, g.capacity,
       g.walk_in_share, g.break_starts, g.break_ends
FROM jsonb_to_recordset(:rows::jsonb) AS g (
  schedule_id uuid, weekday smallint, start_time time, end_time time, slot_minutes smallint, capacity smallint,
  walk_in_share smallint, break_starts time[], break_ends time[])

-- Whole days are turned into times by the hospital's clock.
-- name: insert_schedule_exception
INSERT INTO schedule_exception (tenant_id, id, kind, practitioner_id, department_id, location_id, service, start_time,
                                end_time, slot_minutes, capacity, walk_in_share, document, actor_id)
SELECT :tenant_id::uuid, g.id, g.kind, g.practitioner_id, g.department_id, g.location_id, g.service,
       coalesce(g.start_time, hospital_instant(g.start_date, t.time_zone)),
       coalesce(g.end_time, hospital_instant(g.end_date + 1, t.time_zone)),
       g.slot_minutes, g.capacity, g.walk_in_share, g.document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb) AS g (
  id uuid, kind text, practitioner_id uuid, department_id uuid, location_id uuid, service text, start_time timestamptz,
  end_time timestamptz, start_date date, end_date date, slot_minutes smallint, capacity smallint,
  walk_in_share smallint, document jsonb)
JOIN tenant_setting t ON t.tenant_id = :tenant_id

-- name: update_schedule_exception
UPDATE schedule_exception s SET version = s.version + 1, department_id = g.department_id, location_id = g.location_id,
  service = g.service, start_time = coalesce(g.start_time, hospital_instant(g.start_date, t.time_zone)),
  end_time = coalesce(g.end_time, hospital_instant(g.end_date + 1, t.time_zone)),
  slot_minutes = g.slot_minutes, capacity = g.capacity, walk_in_share = g.walk_in_share, document = g.document,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
FROM jsonb_to_recordset(:rows::jsonb) AS g (
  id uuid, department_id uuid, location_id uuid, service text, start_time timestamptz, end_time timestamptz,
  start_date date, end_date date, slot_minutes smallint, capacity smallint, walk_in_share smallint, document jsonb)
JOIN tenant_setting t ON t.tenant_id = :tenant_id
WHERE s.tenant_id = :tenant_id AND s.id = g.id

-- Other templates of the same practitioners with a session on a day and at a time that one of `ids` has, too.
-- name: overlapping_schedules
SELECT DISTINCT o.id
FROM schedule s
JOIN schedule_session p ON p.tenant_id = :tenant_id AND p.schedule_id = s.id
JOIN schedule o ON o.tenant_id = :tenant_id AND o.practitioner_id = s.practitioner_id AND o.id <> s.id
JOIN schedule_session q ON q.tenant_id = :tenant_id AND q.schedule_id = o.id AND q.weekday = p.weekday
  AND q.start_time < p.end_time AND q.end_time > p.start_time
WHERE s.tenant_id = :tenant_id AND s.id = ANY (:ids::uuid[]) AND s.active AND s.delete_time IS NULL
  AND o.active AND o.delete_time IS NULL
  -- the first such weekday of the days that both are valid
  AND greatest(s.valid_from, o.valid_from)
      + ((p.weekday - extract(isodow FROM greatest(s.valid_from, o.valid_from))::integer + 7) % 7)
      <= least(s.valid_until, o.valid_until)
ORDER BY o.id LIMIT 20

-- Extra sessions of these practitioners that lie ahead and have slots of theirs at the same time.
-- name: overlapping_extras
SELECT DISTINCT e.id, CASE WHEN s.schedule_id IS NULL THEN s.exception_id ELSE s.schedule_id END AS other_id
FROM schedule_exception e
CROSS JOIN LATERAL slots_between(:tenant_id, ARRAY[e.practitioner_id], e.start_time - interval '8 hours', e.end_time) s
WHERE e.tenant_id = :tenant_id AND e.practitioner_id = ANY (:practitioners::uuid[]) AND e.kind = 'EXTRA'
  AND e.delete_time IS NULL AND e.end_time > now() AND s.end_time > e.start_time
  AND s.exception_id IS DISTINCT FROM e.id
ORDER BY 1, 2 LIMIT 20

-- Appointments ahead that hold a seat for which there is none: no slot of their practitioner and department begins
-- when they do and is as long, or it has fewer seats. Of all patients, seen or not: the patient's id is shown to
-- those alone who see the patient.
-- name: without_place
WITH ahead AS MATERIALIZED (
  SELECT a.id, a.practitioner_id, a.department_id, a.start_time, a.end_time, a.seat, a.overbooked
  FROM appointment a
  WHERE a.tenant_id = :tenant_id AND a.practitioner_id = ANY (:practitioners::uuid[])
    AND a.start_time > now() AND a.start_time > :from_time::timestamptz - interval '1 day'
    AND a.start_time < :until_time::timestamptz
    AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
    AND (a.state <> 'HELD' OR a.hold_expire_time > now())
), bounds AS (
  SELECT min(start_time) AS first, max(start_time) + interval '1 microsecond' AS beyond,
         array_agg(DISTINCT practitioner_id) AS practitioners
  FROM ahead
), slots AS MATERIALIZED (
  SELECT s.* FROM bounds b CROSS JOIN LATERAL slots_between(:tenant_id, b.practitioners, b.first, b.beyond) s
  WHERE b.first IS NOT NULL
)
SELECT a.id FROM ahead a
WHERE NOT EXISTS (
  SELECT FROM slots s
  WHERE s.practitioner_id = a.practitioner_id AND s.department_id = a.department_id AND s.start_time = a.start_time
    AND s.end_time >= a.end_time AND (a.overbooked OR a.seat <= s.seats))

-- Of any patient, as the whole schedule is changed: the patient's id is there for the audit, and `seen` says whether
-- the caller sees the patient.
-- name: lock_stranded
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time,
       EXISTS (SELECT FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = a.patient_id) AS seen
FROM appointment a
WHERE a.tenant_id = :tenant_id AND a.id = ANY (:ids::uuid[])
ORDER BY a.start_time, a.id
FOR NO KEY UPDATE OF a

-- Slots with room for those who are moved, in order of time, with the seats that others have.
-- name: slots_with_room
SELECT s.practitioner_id, s.department_id, s.location_id, s.service, s.schedule_id, s.exception_id, s.start_time,
       s.end_time, s.seats, s.seats - s.walk_in_seats AS bookable, taken.ids AS taken_ids, taken.seats AS taken_seats
FROM slots_between(:tenant_id, :practitioners::uuid[], greatest(:from_time::timestamptz, now()),
                   greatest(:from_time::timestamptz, now()) + interval '62 days') s
CROSS JOIN LATERAL (
  SELECT array_agg(a.id ORDER BY a.id) AS ids, array_agg(a.seat ORDER BY a.id) AS seats
  FROM appointment a
  WHERE a.tenant_id = :tenant_id AND a.practitioner_id = s.practitioner_id
    AND a.start_time > s.start_time - interval '1 day' AND a.start_time < s.end_time AND a.end_time > s.start_time
    AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
) taken
WHERE s.seats > s.walk_in_seats AND s.start_time > now()
ORDER BY s.start_time, s.practitioner_id
