-- Appointments in order of time. `{owner}` is what they are of, `{op}` and `{direction}` are > ASC or < DESC. Each
-- joins its patient, whose policies decide who sees it; a patient who was merged is read as the one that stands.

-- name: appointments_of_{owner}_{order}
-- audited: patient_id
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id, a.exception_id,
       a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked, a.hold_expire_time,
       a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id, a.document,
       a.create_time, a.update_time,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.create_time AS patient_create_time,
       p.update_time AS patient_update_time, p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids,
       p.restricted
FROM appointment a
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = a.patient_id
WHERE a.tenant_id = :tenant_id AND a.{owner}_id = (
    SELECT CASE WHEN m.merged_into IS NULL THEN o.id ELSE m.merged_into END
    FROM (SELECT :owner_id::uuid AS id) o
    LEFT JOIN patient m ON m.tenant_id = :tenant_id AND m.id = o.id)
  AND (a.start_time, a.id) {op} (:key_time::timestamptz, :key_id::uuid)
  AND a.start_time >= :start_time::timestamptz AND a.start_time < :end_time::timestamptz
  AND (:patient_id::uuid IS NULL OR a.patient_id = :patient_id::uuid)
  AND (:practitioner_id::uuid IS NULL OR a.practitioner_id = :practitioner_id::uuid)
  AND (:department_id::uuid IS NULL OR a.department_id = :department_id::uuid)
  AND (:series_id::uuid IS NULL OR a.series_id = :series_id::uuid)
  AND (:service::text = '' OR a.service = :service::text)
  AND (:states::text[] IS NULL OR a.state = ANY (:states::text[]))
ORDER BY a.start_time {direction}, a.id {direction}
LIMIT :limit::integer

-- name: appointment_versions_{order}
-- audited: patient_id
SELECT every.id, every.patient_id, every.version, every.row_data, every.actor_id, every.update_time, every.create_time
FROM (
  SELECT a.id, a.patient_id, a.version, to_jsonb(a) AS row_data, a.actor_id, a.update_time, a.create_time
  FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid
  UNION ALL
  SELECT a.id, a.patient_id, v.version, v.row_data, v.actor_id, v.update_time, a.create_time
  FROM appointment a
  JOIN appointment_version v ON v.tenant_id = :tenant_id AND v.id = a.id
  WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid
) every
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = every.patient_id
WHERE every.version {op} :key::bigint
ORDER BY every.version {direction}
LIMIT :limit::integer
