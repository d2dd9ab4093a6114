-- Lists of the waiting list, follow-ups and reminders (waiting_store.py). `{op}` and `{direction}` are > ASC
-- or < DESC.

-- name: list_of_department_{order}
-- audited: patient_id
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time, a.waitlist_rank,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted
FROM appointment a
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = a.patient_id
WHERE a.tenant_id = :tenant_id AND a.state = 'WAITLISTED' AND a.department_id = :department_id::uuid
  AND (:practitioner_id::uuid IS NULL OR a.practitioner_id = :practitioner_id::uuid)
  AND (a.waitlist_rank, a.waitlist_time, a.id) {op} (:rank::smallint, :time::timestamptz, :id::uuid)
ORDER BY a.waitlist_rank {direction}, a.waitlist_time {direction}, a.id {direction} LIMIT :limit::integer

-- name: list_of_practitioner_{order}
-- audited: patient_id
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time, a.waitlist_rank,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted
FROM appointment a
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = a.patient_id
WHERE a.tenant_id = :tenant_id AND a.state = 'WAITLISTED' AND a.practitioner_id = :practitioner_id::uuid
  AND (a.waitlist_rank, a.waitlist_time, a.id) {op} (:rank::smallint, :time::timestamptz, :id::uuid)
ORDER BY a.waitlist_rank {direction}, a.waitlist_time {direction}, a.id {direction} LIMIT :limit::integer

-- The appointment itself gives a row, with nulls, where it has none: so that one that is not there can be told.
-- name: follow_ups_{order}
-- audited: patient_id
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted
FROM appointment f
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = f.patient_id
LEFT JOIN LATERAL (
  SELECT n.* FROM appointment n
  WHERE n.tenant_id = :tenant_id AND n.previous_appointment_id = f.id AND n.patient_id = f.patient_id
    AND n.id {op} :key::uuid
  ORDER BY n.id {direction} LIMIT :limit::integer
) a ON true
WHERE f.tenant_id = :tenant_id AND f.id = :id::uuid
ORDER BY a.id {direction}

-- name: reminders_{order}
-- audited: patient_id
SELECT a.patient_id, r.id, r.appointment_id, r.due_time, r.channel, r.state, r.reason, r.create_time, r.update_time
FROM appointment a
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = a.patient_id
LEFT JOIN LATERAL (
  SELECT n.* FROM appointment_reminder n
  WHERE n.tenant_id = :tenant_id AND n.appointment_id = a.id
    AND (n.due_time, n.id) {op} (:time::timestamptz, :key::uuid)
  ORDER BY n.due_time {direction}, n.id {direction} LIMIT :limit::integer
) r ON true
WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid
ORDER BY r.due_time {direction}, r.id {direction}
