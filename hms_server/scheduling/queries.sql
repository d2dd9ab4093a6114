-- Appointments: the statements that every part of the room uses. Whatever shows or locks something of a patient
-- joins `patient`, whose policies decide who sees it (docs/decisions/0015-restricted-by-policy.md).

-- name: get_appointment
-- audited: patient_id
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted,
       d.version AS practitioner_version, d.document AS practitioner_document,
       d.create_time AS practitioner_create_time, d.update_time AS practitioner_update_time,
       t.version AS department_version, t.document AS department_document,
       t.create_time AS department_create_time, t.update_time AS department_update_time
FROM appointment a
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = a.patient_id
JOIN department t ON t.tenant_id = :tenant_id AND t.id = a.department_id
LEFT JOIN practitioner d ON d.tenant_id = :tenant_id AND d.id = a.practitioner_id
WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid

-- The patient is looked for by a sub-select: a lock that waited for a merge finds the record with another patient
-- than before, and a join would lose the row (clinical/queries.sql).
-- name: lock_appointment
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time
FROM appointment a
WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = a.patient_id)
FOR UPDATE

-- Whoever books for a patient locks him first: so one patient's bookings go one after the other, and a merge
-- waits. Then the practitioner (lock_practitioner), always in this order.
-- name: lock_patient
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = :id::uuid
FOR NO KEY UPDATE

-- One practitioner's bookings go one after the other: who waits here sees the seats that were taken before.
-- name: lock_practitioner
SELECT d.id, d.active AND d.delete_time IS NULL AS active
FROM practitioner d
WHERE d.tenant_id = :tenant_id AND d.id = :id::uuid
FOR NO KEY UPDATE

-- name: insert_appointment
INSERT INTO appointment
  (tenant_id, id, patient_id, practitioner_id, department_id, location_id, schedule_id, exception_id, service, state,
   start_time, end_time, seat, capacity, overbooked, hold_expire_time, wanted_from, wanted_until, waitlist_time,
   series_id, previous_appointment_id, document, actor_id)
VALUES (:tenant_id, :id::uuid, :patient_id::uuid, :practitioner_id::uuid, :department_id::uuid, :location_id::uuid,
        :schedule_id::uuid, :exception_id::uuid, :service, :state, :start_time::timestamptz, :end_time::timestamptz,
        :seat::smallint, :capacity::smallint, :overbooked::boolean, :hold_expire_time::timestamptz,
        :wanted_from::timestamptz, :wanted_until::timestamptz, :waitlist_time::timestamptz, :series_id::uuid,
        :previous_appointment_id::uuid, :document::jsonb, :actor_id::uuid)
RETURNING id, version, patient_id, practitioner_id, department_id, location_id, schedule_id, exception_id, service,
          state, start_time, end_time, seat, capacity, overbooked, hold_expire_time, wanted_from, wanted_until,
          waitlist_time, series_id, previous_appointment_id, document, create_time, update_time

-- The version that stood is kept by the same statement that replaces it, without its patient, which a merge
-- changes. The row is locked.
-- name: update_appointment
WITH kept AS (
  INSERT INTO appointment_version (tenant_id, id, version, row_data, actor_id, update_time)
  SELECT a.tenant_id, a.id, a.version, to_jsonb(a) - 'patient_id' - 'tenant_id', a.actor_id, a.update_time
  FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid
)
UPDATE appointment SET
  version = version + 1, practitioner_id = :practitioner_id::uuid, department_id = :department_id::uuid,
  location_id = :location_id::uuid, schedule_id = :schedule_id::uuid, exception_id = :exception_id::uuid,
  service = :service, state = :state, start_time = :start_time::timestamptz, end_time = :end_time::timestamptz,
  seat = :seat::smallint, capacity = :capacity::smallint, overbooked = :overbooked::boolean,
  hold_expire_time = :hold_expire_time::timestamptz, wanted_from = :wanted_from::timestamptz,
  wanted_until = :wanted_until::timestamptz, waitlist_time = :waitlist_time::timestamptz,
  series_id = :series_id::uuid, previous_appointment_id = :previous_appointment_id::uuid,
  document = :document::jsonb, actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, patient_id, practitioner_id, department_id, location_id, schedule_id, exception_id, service,
          state, start_time, end_time, seat, capacity, overbooked, hold_expire_time, wanted_from, wanted_until,
          waitlist_time, series_id, previous_appointment_id, document, create_time, update_time
