-- Reads of the queue. Each is one statement; patients are joined, whose policies decide who sees them. `{op}` and
-- `{direction}` are < DESC or > ASC.

-- Of a session: the one that is named, that of a token, or of today's the earliest with somebody waiting, called or
-- in consultation, else the latest. One row without a place where nobody is in the queue; a place without a token where
-- the caller may not see whose it is. Waiting times are reckoned from what stands beside.
-- name: queue_{order}
-- audited: patient_id
SELECT d.id AS of_practitioner, c.session_start AS of_session, s.slot_seconds, s.counts, s.today, s.earlier,
       o.id AS place_id, o.number AS place_number, o.token AS place_token, o.state AS place_state,
       o.start_time AS place_start_time, q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.number, q.token,
       q.appointment_id, q.transferred_from, q.state, q.priority, q.urgency, q.order_time, q.issue_time, q.call_time,
       q.start_time, q.end_time, q.document, q.create_time, q.update_time,
       q.uhid, q.patient_version, q.patient_document, q.patient_create_time, q.patient_update_time,
       q.patient_delete_time, q.merged_into, q.merged_uhids, q.restricted
FROM practitioner d
JOIN tenant_setting t ON t.tenant_id = :tenant_id
CROSS JOIN LATERAL (
  SELECT (:now::timestamptz AT TIME ZONE t.time_zone)::date::timestamp AT TIME ZONE t.time_zone AS starts,
         ((:now::timestamptz AT TIME ZONE t.time_zone)::date + 1)::timestamp AT TIME ZONE t.time_zone AS ends
) day
LEFT JOIN LATERAL (
  SELECT x.session_start FROM queue_counter x
  CROSS JOIN LATERAL (
    SELECT EXISTS (
      SELECT FROM queue_token q WHERE q.tenant_id = :tenant_id AND q.practitioner_id = x.practitioner_id
        AND q.session_start = x.session_start AND q.state IN ('WAITING', 'CALLED', 'IN_CONSULTATION')) AS live
  ) y
  WHERE x.tenant_id = :tenant_id AND x.practitioner_id = d.id
    AND x.session_start >= CASE WHEN :session_start::timestamptz IS NULL THEN day.starts ELSE :session_start::timestamptz END
    AND x.session_start < CASE WHEN :session_start::timestamptz IS NULL THEN day.ends
                          ELSE :session_start::timestamptz + interval '1 microsecond' END
  ORDER BY y.live DESC,
    CASE WHEN y.live THEN extract(epoch FROM x.session_start) ELSE -extract(epoch FROM x.session_start) END
  LIMIT 1
) c ON true
LEFT JOIN LATERAL (
  SELECT (SELECT extract(epoch FROM min(b.end_time - b.start_time))::float8
          FROM slots_between(:tenant_id::uuid, ARRAY[d.id], c.session_start, c.session_start + interval '1 day') b
          WHERE b.session_start = c.session_start) AS slot_seconds,
         (SELECT jsonb_object_agg(n.state, n.count) FROM (
            SELECT q.state, count(*) FROM queue_token q
            WHERE q.tenant_id = :tenant_id AND q.practitioner_id = d.id AND q.session_start = c.session_start
            GROUP BY q.state) n) AS counts,
         ARRAY(SELECT extract(epoch FROM q.end_time - q.start_time)::float8 FROM queue_token q
               WHERE q.tenant_id = :tenant_id AND q.practitioner_id = d.id AND q.state = 'COMPLETED'
                 AND q.start_time IS NOT NULL AND q.end_time >= day.starts
               ORDER BY q.end_time DESC LIMIT 20) AS today,
         ARRAY(SELECT extract(epoch FROM q.end_time - q.start_time)::float8 FROM queue_token q
               WHERE q.tenant_id = :tenant_id AND q.practitioner_id = d.id AND q.state = 'COMPLETED'
                 AND q.start_time IS NOT NULL AND q.end_time < day.starts
                 AND q.end_time >= day.starts - interval '30 days'
               ORDER BY q.end_time DESC LIMIT 20) AS earlier
) s ON true
LEFT JOIN LATERAL places_in_queue(d.id, c.session_start) o ON true
LEFT JOIN LATERAL (
  SELECT q.*, p.uhid, p.version AS patient_version, p.document AS patient_document,
         p.create_time AS patient_create_time, p.update_time AS patient_update_time,
         p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids, p.restricted
  FROM queue_token q
  JOIN patient p ON p.tenant_id = :tenant_id AND p.id = q.patient_id
  WHERE q.tenant_id = :tenant_id AND q.id = o.id
) q ON true
WHERE d.tenant_id = :tenant_id AND d.id = :practitioner_id::uuid
ORDER BY o.urgency, o.order_time, o.id

-- Numbers alone: nothing of a patient.
-- name: board_{order}
SELECT d.id AS of_practitioner, c.session_start AS of_session, q.token, q.state
FROM practitioner d
JOIN tenant_setting t ON t.tenant_id = :tenant_id
LEFT JOIN LATERAL (
  SELECT x.session_start FROM queue_counter x
  CROSS JOIN LATERAL (
    SELECT EXISTS (
      SELECT FROM queue_token q WHERE q.tenant_id = :tenant_id AND q.practitioner_id = x.practitioner_id
        AND q.session_start = x.session_start AND q.state IN ('WAITING', 'CALLED', 'IN_CONSULTATION')) AS live
  ) y
  WHERE x.tenant_id = :tenant_id AND x.practitioner_id = d.id
    AND x.session_start >= (:now::timestamptz AT TIME ZONE t.time_zone)::date::timestamp AT TIME ZONE t.time_zone
    AND x.session_start < ((:now::timestamptz AT TIME ZONE t.time_zone)::date + 1)::timestamp AT TIME ZONE t.time_zone
  ORDER BY y.live DESC,
    CASE WHEN y.live THEN extract(epoch FROM x.session_start) ELSE -extract(epoch FROM x.session_start) END
  LIMIT 1
) c ON true
LEFT JOIN LATERAL places_in_queue(d.id, c.session_start) q ON q.state IN ('WAITING', 'CALLED', 'IN_CONSULTATION')
WHERE d.tenant_id = :tenant_id AND d.id = :practitioner_id::uuid
ORDER BY q.urgency, q.order_time, q.id

-- One token; its place and what stands beside are reckoned as in the queue.
-- name: token_{order}
-- audited: patient_id
SELECT q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.number, q.token,
       q.appointment_id, q.transferred_from, q.state, q.priority, q.urgency, q.order_time, q.issue_time, q.call_time,
       q.start_time, q.end_time, q.document, q.create_time, q.update_time,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted,
       beside.before, beside.called, beside.elapsed,
       (SELECT extract(epoch FROM min(b.end_time - b.start_time))::float8
        FROM slots_between(:tenant_id::uuid, ARRAY[q.practitioner_id], q.session_start,
                           q.session_start + interval '1 day') b
        WHERE b.session_start = q.session_start) AS slot_seconds,
       ARRAY(SELECT extract(epoch FROM o.end_time - o.start_time)::float8 FROM queue_token o
             WHERE o.tenant_id = :tenant_id AND o.practitioner_id = q.practitioner_id AND o.state = 'COMPLETED'
               AND o.start_time IS NOT NULL AND o.end_time >= day.starts
             ORDER BY o.end_time DESC LIMIT 20) AS today,
       ARRAY(SELECT extract(epoch FROM o.end_time - o.start_time)::float8 FROM queue_token o
             WHERE o.tenant_id = :tenant_id AND o.practitioner_id = q.practitioner_id AND o.state = 'COMPLETED'
               AND o.start_time IS NOT NULL AND o.end_time < day.starts
               AND o.end_time >= day.starts - interval '30 days'
             ORDER BY o.end_time DESC LIMIT 20) AS earlier
FROM queue_token q
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = q.patient_id
JOIN tenant_setting t ON t.tenant_id = :tenant_id
CROSS JOIN LATERAL (
  SELECT (:now::timestamptz AT TIME ZONE t.time_zone)::date::timestamp AT TIME ZONE t.time_zone AS starts
) day
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (
           WHERE o.state = 'WAITING' AND (o.urgency, o.order_time, o.id) < (q.urgency, q.order_time, q.id)) AS before,
         count(*) FILTER (WHERE o.state = 'CALLED') AS called,
         coalesce(array_agg(extract(epoch FROM :now::timestamptz - o.start_time)::float8) FILTER (
           WHERE o.state = 'IN_CONSULTATION' AND o.start_time IS NOT NULL), '{}') AS elapsed
  FROM places_in_queue(q.practitioner_id, q.session_start) o
) beside
WHERE q.tenant_id = :tenant_id AND q.id = :id::uuid

-- name: tokens_of_department_{order}
-- audited: patient_id
SELECT q.id, q.version, q.patient_id, q.practitioner_id, q.department_id, q.session_start, q.number, q.token,
       q.appointment_id, q.transferred_from, q.state, q.priority, q.issue_time, q.call_time, q.start_time, q.end_time,
       q.document, q.create_time, q.update_time,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted
FROM queue_token q
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = q.patient_id
WHERE q.tenant_id = :tenant_id AND q.department_id = :department_id::uuid
  AND (q.issue_time, q.id) {op} (:key_time::timestamptz, :key_id::uuid)
  AND q.issue_time >= :start_time::timestamptz AND q.issue_time < :end_time::timestamptz
  AND (:states::text[] IS NULL OR q.state = ANY (:states::text[]))
ORDER BY q.issue_time {direction}, q.id {direction}
LIMIT :limit::integer
