-- What waits for somebody, of all patients: open orders, open referrals, critical reports that nobody has
-- acknowledged. Each joins the patient, whose policy decides who sees it, before the page is cut: a page is short
-- only where the list ends. `{op}` and `{direction}` are < DESC or > ASC.

-- name: waiting_{order}
-- audited: patient_id
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM r.clinical_time) * 1000000)::bigint AS clinical_micros,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.merged_into, p.merged_uhids, p.restricted,
       (extract(epoch FROM p.create_time) * 1000000)::bigint AS patient_create_micros,
       (extract(epoch FROM p.update_time) * 1000000)::bigint AS patient_update_micros,
       (extract(epoch FROM p.delete_time) * 1000000)::bigint AS patient_delete_micros
FROM clinical_record r
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = r.patient_id
WHERE r.tenant_id = :tenant_id AND r.waiting AND r.type = :type AND r.category = :category
  AND (r.clinical_time, r.id) {op} (:key_time::timestamptz, :key_id::uuid)
  AND r.clinical_time >= :start_time::timestamptz AND r.clinical_time < :end_time::timestamptz
  AND (:states::text[] IS NULL OR r.state = ANY (:states::text[]))
  AND (:priorities::text[] IS NULL OR r.document ->> 'priority' = ANY (:priorities::text[]))
ORDER BY r.clinical_time {direction}, r.id {direction}
LIMIT :limit::integer

-- name: waiting_in_department_{order}
-- audited: patient_id
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM r.clinical_time) * 1000000)::bigint AS clinical_micros,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.merged_into, p.merged_uhids, p.restricted,
       (extract(epoch FROM p.create_time) * 1000000)::bigint AS patient_create_micros,
       (extract(epoch FROM p.update_time) * 1000000)::bigint AS patient_update_micros,
       (extract(epoch FROM p.delete_time) * 1000000)::bigint AS patient_delete_micros
FROM clinical_record r
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = r.patient_id
WHERE r.tenant_id = :tenant_id AND r.waiting AND r.type = :type AND r.category = :category
  AND r.desk_department_id = :department_id::uuid
  AND (r.clinical_time, r.id) {op} (:key_time::timestamptz, :key_id::uuid)
  AND r.clinical_time >= :start_time::timestamptz AND r.clinical_time < :end_time::timestamptz
  AND (:states::text[] IS NULL OR r.state = ANY (:states::text[]))
  AND (:priorities::text[] IS NULL OR r.document ->> 'priority' = ANY (:priorities::text[]))
ORDER BY r.clinical_time {direction}, r.id {direction}
LIMIT :limit::integer

-- name: waiting_for_practitioner_{order}
-- audited: patient_id
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM r.clinical_time) * 1000000)::bigint AS clinical_micros,
       p.uhid, p.version AS patient_version, p.document AS patient_document, p.merged_into, p.merged_uhids, p.restricted,
       (extract(epoch FROM p.create_time) * 1000000)::bigint AS patient_create_micros,
       (extract(epoch FROM p.update_time) * 1000000)::bigint AS patient_update_micros,
       (extract(epoch FROM p.delete_time) * 1000000)::bigint AS patient_delete_micros
FROM clinical_record r
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = r.patient_id
WHERE r.tenant_id = :tenant_id AND r.waiting AND r.type = :type AND r.category = :category
  AND r.desk_practitioner_id = :practitioner_id::uuid
  AND (:department_id::uuid IS NULL OR r.desk_department_id = :department_id::uuid)
  AND (r.clinical_time, r.id) {op} (:key_time::timestamptz, :key_id::uuid)
  AND r.clinical_time >= :start_time::timestamptz AND r.clinical_time < :end_time::timestamptz
  AND (:states::text[] IS NULL OR r.state = ANY (:states::text[]))
  AND (:priorities::text[] IS NULL OR r.document ->> 'priority' = ANY (:priorities::text[]))
ORDER BY r.clinical_time {direction}, r.id {direction}
LIMIT :limit::integer
