-- The queue of the day. Whatever shows or locks something of a patient joins `patient`, whose policies decide who
-- sees it. Order of locks: patient, practitioner, appointment, queue_counter (by practitioner and session), token.

-- The day by the hospital's clock, how tokens look, and the practitioner's sessions of the day with what is known
-- of their seats. One row without a session where there is none; the department that is named and the practitioner's
-- own stand in each row.
-- name: sessions_of_day
SELECT day.starts AS day_start, day.ends AS day_end, t.token_prefix, t.token_digits,
       d.id AS practitioner_id, d.active AND d.delete_time IS NULL AS active, n.id AS asked_department, n.code AS asked_code,
       h.id AS home_department, h.code AS home_code, c.code AS department_code,
       s.session_start, s.session_end, s.department_id, s.slot_starts, s.seats, s.walk_in_seats,
       s.booked_starts, s.walk_ins, s.last_order_time
FROM tenant_setting t
CROSS JOIN LATERAL (
  SELECT (:now::timestamptz AT TIME ZONE t.time_zone)::date::timestamp AT TIME ZONE t.time_zone AS starts,
         ((:now::timestamptz AT TIME ZONE t.time_zone)::date + 1)::timestamp AT TIME ZONE t.time_zone AS ends
) day
LEFT JOIN practitioner d ON d.tenant_id = :tenant_id AND d.id = :practitioner_id::uuid
LEFT JOIN LATERAL (
  SELECT x.session_start, x.session_end, x.department_id, x.slot_starts, x.seats, x.walk_in_seats,
         ARRAY(SELECT a.start_time FROM appointment a
               WHERE a.tenant_id = :tenant_id AND a.practitioner_id = :practitioner_id::uuid
                 AND a.start_time >= x.session_start AND a.start_time < x.session_end AND NOT a.overbooked
                 AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
               ORDER BY a.start_time) AS booked_starts,
         w.walk_ins, w.last_order_time
  FROM (
    SELECT b.session_start, max(b.session_end) AS session_end, b.department_id,
           array_agg(b.start_time ORDER BY b.start_time) AS slot_starts,
           array_agg(b.seats ORDER BY b.start_time) AS seats,
           array_agg(b.walk_in_seats ORDER BY b.start_time) AS walk_in_seats
    FROM slots_between(:tenant_id::uuid, ARRAY[:practitioner_id::uuid], day.starts, day.ends) b
    GROUP BY b.session_start, b.department_id
  ) x
  CROSS JOIN LATERAL (
    SELECT count(*) AS walk_ins, max(q.order_time) AS last_order_time
    FROM queue_token q
    WHERE q.tenant_id = :tenant_id AND q.practitioner_id = :practitioner_id::uuid
      AND q.session_start = x.session_start AND q.appointment_id IS NULL AND q.transferred_from IS NULL
      AND q.state <> 'CANCELLED'
  ) w
) s ON true
LEFT JOIN department c ON c.tenant_id = :tenant_id AND c.id = s.department_id
LEFT JOIN department n ON n.tenant_id = :tenant_id AND n.id = :department_id::uuid
LEFT JOIN department h ON h.tenant_id = :tenant_id AND h.id = d.parent_id
WHERE t.tenant_id = :tenant_id
ORDER BY s.session_start, s.department_id

-- Who of a department has a session now, and the fewest waiting.
-- name: least_busy
SELECT s.practitioner_id
FROM (
  SELECT DISTINCT b.practitioner_id, b.session_start
  FROM slots_between(:tenant_id::uuid, ARRAY(
         SELECT c.practitioner_id FROM schedule c
         WHERE c.tenant_id = :tenant_id AND c.department_id = :department_id::uuid AND c.delete_time IS NULL
         UNION
         SELECT e.practitioner_id FROM schedule_exception e
         WHERE e.tenant_id = :tenant_id AND e.department_id = :department_id::uuid AND e.delete_time IS NULL
           AND e.kind = 'EXTRA' AND e.end_time > :now::timestamptz),
       :now::timestamptz - interval '1 day', :now::timestamptz + interval '1 day') b
  WHERE b.department_id = :department_id::uuid
    AND b.session_start <= :now::timestamptz AND b.session_end > :now::timestamptz
) s
JOIN practitioner d ON d.tenant_id = :tenant_id AND d.id = s.practitioner_id AND d.active
CROSS JOIN LATERAL (
  SELECT count(*) AS waiting FROM queue_token q
  WHERE q.tenant_id = :tenant_id AND q.practitioner_id = s.practitioner_id AND q.session_start = s.session_start
    AND q.state = 'WAITING'
) w
WHERE s.practitioner_id <> ALL (:except_ids::uuid[])
ORDER BY w.waiting, s.practitioner_id
LIMIT 1

-- The patient of a token or an appointment, locked before it.
-- name: lock_patient_of_token
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id
  AND p.id = (SELECT q.patient_id FROM queue_token q WHERE q.tenant_id = :tenant_id AND q.id = :id::uuid)
FOR NO KEY UPDATE

-- name: lock_patient_of_appointment
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id
  AND p.id = (SELECT a.patient_id FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid)
FOR NO KEY UPDATE

-- name: lock_practitioner_of_appointment
SELECT d.id FROM practitioner d
WHERE d.tenant_id = :tenant_id
  AND d.id = (SELECT a.practitioner_id FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid)
FOR NO KEY UPDATE

-- The session that an appointment's slot belongs to: by its slot, else by a session that goes over its time.
-- name: session_of_appointment
SELECT t.token_prefix, t.token_digits, day.starts AS day_start, day.ends AS day_end,
       d.code AS department_code, s.session_start
FROM appointment a
JOIN tenant_setting t ON t.tenant_id = :tenant_id
JOIN department d ON d.tenant_id = :tenant_id AND d.id = a.department_id
CROSS JOIN LATERAL (
  SELECT (:now::timestamptz AT TIME ZONE t.time_zone)::date::timestamp AT TIME ZONE t.time_zone AS starts,
         ((:now::timestamptz AT TIME ZONE t.time_zone)::date + 1)::timestamp AT TIME ZONE t.time_zone AS ends
) day
LEFT JOIN LATERAL (
  SELECT b.session_start
  FROM slots_between(:tenant_id::uuid, ARRAY[a.practitioner_id], day.starts, day.ends) b
  WHERE b.session_start <= a.start_time AND b.session_end > a.start_time
  ORDER BY b.department_id = a.department_id DESC, b.start_time = a.start_time DESC, b.session_start DESC
  LIMIT 1
) s ON true
WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid

-- The token of an appointment that counts, locked.
-- name: lock_token_of_appointment
SELECT q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.number, q.token,
       q.appointment_id, q.transferred_from, q.state, q.priority, q.urgency, q.order_time, q.issue_time, q.call_time,
       q.start_time, q.end_time, q.document, q.create_time, q.update_time
FROM queue_token q
WHERE q.tenant_id = :tenant_id AND q.appointment_id = :id::uuid AND q.state NOT IN ('TRANSFERRED', 'CANCELLED')
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = q.patient_id)
FOR UPDATE

-- Changes of a session's queue go one after the other.
-- name: lock_counter
SELECT c.practitioner_id, c.session_start FROM queue_counter c
WHERE c.tenant_id = :tenant_id AND c.practitioner_id = :practitioner_id::uuid
  AND c.session_start = :session_start::timestamptz
FOR UPDATE

-- name: lock_counter_of_token
SELECT c.practitioner_id, c.session_start FROM queue_counter c
WHERE c.tenant_id = :tenant_id
  AND (c.practitioner_id, c.session_start) = (
    SELECT q.practitioner_id, q.session_start FROM queue_token q WHERE q.tenant_id = :tenant_id AND q.id = :id::uuid)
FOR UPDATE

-- The session that is called from: the one that is named, or of today's the earliest with somebody called or
-- waiting, or the latest.
-- name: lock_counter_of_today
SELECT c.practitioner_id, c.session_start FROM queue_counter c
WHERE c.tenant_id = :tenant_id AND c.practitioner_id = :practitioner_id::uuid
  AND c.session_start = (
    SELECT x.session_start
    FROM tenant_setting t
    JOIN queue_counter x ON x.tenant_id = :tenant_id AND x.practitioner_id = :practitioner_id::uuid
    WHERE t.tenant_id = :tenant_id
      AND CASE WHEN :session_start::timestamptz IS NOT NULL THEN x.session_start = :session_start::timestamptz
          ELSE x.session_start >= (:now::timestamptz AT TIME ZONE t.time_zone)::date::timestamp AT TIME ZONE t.time_zone
               AND x.session_start < ((:now::timestamptz AT TIME ZONE t.time_zone)::date + 1)::timestamp AT TIME ZONE t.time_zone
          END
    ORDER BY EXISTS (
        SELECT FROM queue_token q
        WHERE q.tenant_id = :tenant_id AND q.practitioner_id = x.practitioner_id AND q.session_start = x.session_start
          AND q.state IN ('WAITING', 'CALLED')) DESC,
      CASE WHEN EXISTS (
        SELECT FROM queue_token q
        WHERE q.tenant_id = :tenant_id AND q.practitioner_id = x.practitioner_id AND q.session_start = x.session_start
          AND q.state IN ('WAITING', 'CALLED'))
      THEN extract(epoch FROM x.session_start) ELSE -extract(epoch FROM x.session_start) END
    LIMIT 1)
FOR UPDATE

-- name: lock_token
SELECT q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.number, q.token,
       q.appointment_id, q.transferred_from, q.state, q.priority, q.urgency, q.order_time, q.issue_time, q.call_time,
       q.start_time, q.end_time, q.document, q.create_time, q.update_time
FROM queue_token q
WHERE q.tenant_id = :tenant_id AND q.id = :id::uuid
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = q.patient_id)
FOR UPDATE

-- The token of a patient that stands in a session already.
-- name: token_of_patient
SELECT q.id FROM queue_token q
WHERE q.tenant_id = :tenant_id AND q.patient_id = :patient_id::uuid AND q.practitioner_id = :practitioner_id::uuid
  AND q.session_start = :session_start::timestamptz
  AND q.state IN ('WAITING', 'CALLED', 'IN_CONSULTATION', 'ON_HOLD', 'SKIPPED')

-- Who is called, and who is next: in the session that the last statement locked.
-- name: lock_next
SELECT q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.number, q.token,
       q.appointment_id, q.transferred_from, q.state, q.priority, q.urgency, q.order_time, q.issue_time, q.call_time,
       q.start_time, q.end_time, q.document, q.create_time, q.update_time
FROM queue_token q
WHERE q.tenant_id = :tenant_id AND q.practitioner_id = :practitioner_id::uuid
  AND q.session_start = :session_start::timestamptz AND q.state = :state
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = q.patient_id)
ORDER BY q.urgency, q.order_time, q.id
LIMIT 1
FOR UPDATE

-- Who is next, whoever asks: `lock_next` gives the first that the caller sees.
-- name: first_waiting
SELECT q.id, q.token FROM places_in_queue(:practitioner_id::uuid, :session_start::timestamptz) q
WHERE q.state = 'WAITING'
ORDER BY q.urgency, q.order_time, q.id
LIMIT 1

-- The places of those who wait with one urgency, in order.
-- name: next_places
SELECT q.order_time FROM places_in_queue(:practitioner_id::uuid, :session_start::timestamptz) q
WHERE q.state = 'WAITING' AND q.urgency = :urgency::smallint
ORDER BY q.order_time, q.id
LIMIT :limit::integer

-- The next number. The row stays locked until the end of the transaction, and what is undone takes the number
-- back: so there is no gap and no double.
-- name: next_number
INSERT INTO queue_counter (tenant_id, practitioner_id, session_start, last_number)
VALUES (:tenant_id, :practitioner_id::uuid, :session_start::timestamptz, 1)
ON CONFLICT (tenant_id, practitioner_id, session_start) DO UPDATE SET last_number = queue_counter.last_number + 1
RETURNING last_number

-- The token takes the number that `next_number` gave in this transaction: the counter's row is locked by it.
-- name: insert_token
INSERT INTO queue_token
  (tenant_id, id, patient_id, practitioner_id, department_id, session_start, number, token, appointment_id,
   transferred_from, state, priority, urgency, order_time, issue_time, document, actor_id)
SELECT :tenant_id::uuid, :id::uuid, :patient_id::uuid, :practitioner_id::uuid, :department_id::uuid,
       :session_start::timestamptz, c.last_number,
       :prefix::text || '-' || lpad(c.last_number::text, greatest(:digits::integer, length(c.last_number::text)), '0'),
       :appointment_id::uuid, :transferred_from::uuid, 'WAITING', :priority::text, :urgency::smallint,
       :order_time::timestamptz, :issue_time::timestamptz, :document::jsonb, :actor_id::uuid
FROM queue_counter c
WHERE c.tenant_id = :tenant_id AND c.practitioner_id = :practitioner_id::uuid
  AND c.session_start = :session_start::timestamptz
RETURNING id, version, patient_id, practitioner_id, department_id, session_start, number, token, appointment_id,
          transferred_from, state, priority, urgency, order_time, issue_time, call_time, start_time, end_time,
          document, create_time, update_time

-- The version that stood is kept without its patient, as with appointments. The row is locked.
-- name: update_token
WITH kept AS (
  INSERT INTO queue_token_version (tenant_id, id, version, row_data, actor_id, update_time)
  SELECT q.tenant_id, q.id, q.version, to_jsonb(q) - 'patient_id' - 'tenant_id', q.actor_id, q.update_time
  FROM queue_token q WHERE q.tenant_id = :tenant_id AND q.id = :id::uuid
)
UPDATE queue_token SET
  version = version + 1, state = :state, priority = :priority, urgency = :urgency::smallint,
  order_time = :order_time::timestamptz, call_time = :call_time::timestamptz, start_time = :start_time::timestamptz,
  end_time = :end_time::timestamptz, document = :document::jsonb, actor_id = :actor_id::uuid,
  update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, patient_id, practitioner_id, department_id, session_start, number, token, appointment_id,
          transferred_from, state, priority, urgency, order_time, issue_time, call_time, start_time, end_time,
          document, create_time, update_time

-- A token without a lock: what it says of its session never changes.
-- name: read_token
SELECT q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.state
FROM queue_token q
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = q.patient_id
WHERE q.tenant_id = :tenant_id AND q.id = :id::uuid
