-- Lists begin at what they are of, so that an empty list of somebody who exists is told from nobody. A patient
-- who was merged into another is read as that one, and whoever does not see the patient sees nothing: each list
-- joins the patient. `{op}` and `{direction}` are < DESC or > ASC.
-- That is said by CASE: PostgreSQL takes coalesce() for leaky, so that under row-level security whatever is
-- compared with it is compared row by row.

-- name: records_of_patient_{order}
-- audited: patient_id
SELECT p.shown_id AS patient_id, found.*
FROM (
  SELECT CASE WHEN merged_into IS NULL THEN id ELSE merged_into END AS shown_id FROM patient
  WHERE tenant_id = :tenant_id AND id = :patient_id::uuid
) p
LEFT JOIN LATERAL (
  SELECT r.id, r.type, r.version, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
         (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
         (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros,
         (extract(epoch FROM r.clinical_time) * 1000000)::bigint AS clinical_micros
  FROM clinical_record r
  WHERE r.tenant_id = :tenant_id AND r.patient_id = p.shown_id AND r.type = :type
    AND (r.clinical_time, r.id) {op} (:key_time::timestamptz, :key_id::uuid)
    AND r.clinical_time >= :start_time::timestamptz AND r.clinical_time < :end_time::timestamptz
    AND (:encounter_id::uuid IS NULL OR r.encounter_id = :encounter_id::uuid)
    AND (:category::text = '' OR r.category = :category::text)
    AND (:codes::text[] IS NULL OR r.code = ANY (:codes::text[]))
    AND (:states::text[] IS NULL OR r.state = ANY (:states::text[]))
    AND (:show_entered_in_error::boolean OR r.state <> 'ENTERED_IN_ERROR')
  ORDER BY r.clinical_time {direction}, r.id {direction}
  LIMIT :limit::integer
) found ON true
ORDER BY found.clinical_micros {direction}, found.id {direction}

-- name: records_of_encounter_{order}
-- audited: patient_id
SELECT e.patient_id, found.*
FROM encounter e
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = e.patient_id
LEFT JOIN LATERAL (
  SELECT r.id, r.type, r.version, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
         (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
         (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros,
         (extract(epoch FROM r.clinical_time) * 1000000)::bigint AS clinical_micros
  FROM clinical_record r
  WHERE r.tenant_id = :tenant_id AND r.encounter_id = e.id AND r.type = :type
    AND (r.clinical_time, r.id) {op} (:key_time::timestamptz, :key_id::uuid)
    AND r.clinical_time >= :start_time::timestamptz AND r.clinical_time < :end_time::timestamptz
    AND (:category::text = '' OR r.category = :category::text)
    AND (:codes::text[] IS NULL OR r.code = ANY (:codes::text[]))
    AND (:states::text[] IS NULL OR r.state = ANY (:states::text[]))
    AND (:show_entered_in_error::boolean OR r.state <> 'ENTERED_IN_ERROR')
  ORDER BY r.clinical_time {direction}, r.id {direction}
  LIMIT :limit::integer
) found ON true
WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid
ORDER BY found.clinical_micros {direction}, found.id {direction}

-- name: encounters_of_patient_{order}
-- audited: patient_id
SELECT p.shown_id AS patient_id, found.*
FROM (
  SELECT CASE WHEN merged_into IS NULL THEN id ELSE merged_into END AS shown_id FROM patient
  WHERE tenant_id = :tenant_id AND id = :patient_id::uuid
) p
LEFT JOIN LATERAL (
  SELECT e.id, 'ENCOUNTER' AS type, e.version, e.practitioner_id, e.department_id, e.organization_id,
         e.location_id, e.document,
         (extract(epoch FROM e.create_time) * 1000000)::bigint AS create_micros,
         (extract(epoch FROM e.update_time) * 1000000)::bigint AS update_micros,
         (extract(epoch FROM e.clinical_time) * 1000000)::bigint AS clinical_micros
  FROM encounter e
  WHERE e.tenant_id = :tenant_id AND e.patient_id = p.shown_id
    AND (e.clinical_time, e.id) {op} (:key_time::timestamptz, :key_id::uuid)
    AND e.clinical_time >= :start_time::timestamptz AND e.clinical_time < :end_time::timestamptz
    AND (:classes::text[] IS NULL OR e.encounter_class = ANY (:classes::text[]))
    AND (:states::text[] IS NULL OR e.state = ANY (:states::text[]))
    AND (:show_entered_in_error::boolean OR e.state <> 'ENTERED_IN_ERROR')
    AND (:department_id::uuid IS NULL OR e.department_id = :department_id::uuid)
    AND (:practitioner_id::uuid IS NULL OR e.practitioner_id = :practitioner_id::uuid)
  ORDER BY e.clinical_time {direction}, e.id {direction}
  LIMIT :limit::integer
) found ON true
ORDER BY found.clinical_micros {direction}, found.id {direction}

-- The day of a department: the encounters of whom the caller sees.
-- name: encounters_of_department_{order}
-- audited: patient_id
SELECT o.id AS owner_id, found.*
FROM department o
LEFT JOIN LATERAL (
  SELECT e.id, 'ENCOUNTER' AS type, e.version, e.patient_id, e.practitioner_id, e.department_id,
         e.organization_id, e.location_id, e.document,
         (extract(epoch FROM e.create_time) * 1000000)::bigint AS create_micros,
         (extract(epoch FROM e.update_time) * 1000000)::bigint AS update_micros,
         (extract(epoch FROM e.clinical_time) * 1000000)::bigint AS clinical_micros,
         p.uhid, p.version AS patient_version, p.document AS patient_document,
         p.create_time AS patient_create_time, p.update_time AS patient_update_time,
         p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids, p.restricted
  FROM encounter e
  JOIN patient p ON p.tenant_id = :tenant_id AND p.id = e.patient_id
  WHERE e.tenant_id = :tenant_id AND e.department_id = o.id
    AND (e.clinical_time, e.id) {op} (:key_time::timestamptz, :key_id::uuid)
    AND e.clinical_time >= :start_time::timestamptz AND e.clinical_time < :end_time::timestamptz
    AND (:classes::text[] IS NULL OR e.encounter_class = ANY (:classes::text[]))
    AND (:states::text[] IS NULL OR e.state = ANY (:states::text[]))
    AND (:show_entered_in_error::boolean OR e.state <> 'ENTERED_IN_ERROR')
    AND (:practitioner_id::uuid IS NULL OR e.practitioner_id = :practitioner_id::uuid)
  ORDER BY e.clinical_time {direction}, e.id {direction}
  LIMIT :limit::integer
) found ON true
WHERE o.tenant_id = :tenant_id AND o.id = :department_id::uuid
ORDER BY found.clinical_micros {direction}, found.id {direction}

-- The day of a practitioner: the encounters of whom the caller sees.
-- name: encounters_of_practitioner_{order}
-- audited: patient_id
SELECT o.id AS owner_id, found.*
FROM practitioner o
LEFT JOIN LATERAL (
  SELECT e.id, 'ENCOUNTER' AS type, e.version, e.patient_id, e.practitioner_id, e.department_id,
         e.organization_id, e.location_id, e.document,
         (extract(epoch FROM e.create_time) * 1000000)::bigint AS create_micros,
         (extract(epoch FROM e.update_time) * 1000000)::bigint AS update_micros,
         (extract(epoch FROM e.clinical_time) * 1000000)::bigint AS clinical_micros,
         p.uhid, p.version AS patient_version, p.document AS patient_document,
         p.create_time AS patient_create_time, p.update_time AS patient_update_time,
         p.delete_time AS patient_delete_time, p.merged_into, p.merged_uhids, p.restricted
  FROM encounter e
  JOIN patient p ON p.tenant_id = :tenant_id AND p.id = e.patient_id
  WHERE e.tenant_id = :tenant_id AND e.practitioner_id = o.id
    AND (e.clinical_time, e.id) {op} (:key_time::timestamptz, :key_id::uuid)
    AND e.clinical_time >= :start_time::timestamptz AND e.clinical_time < :end_time::timestamptz
    AND (:classes::text[] IS NULL OR e.encounter_class = ANY (:classes::text[]))
    AND (:states::text[] IS NULL OR e.state = ANY (:states::text[]))
    AND (:show_entered_in_error::boolean OR e.state <> 'ENTERED_IN_ERROR')
  ORDER BY e.clinical_time {direction}, e.id {direction}
  LIMIT :limit::integer
) found ON true
WHERE o.tenant_id = :tenant_id AND o.id = :practitioner_id::uuid
ORDER BY found.clinical_micros {direction}, found.id {direction}

-- Each type in its own order, then merged: reads at most a page of each. Of appointments and tokens only those that
-- are left on the page are made into JSON.
-- name: timeline_{order}
-- audited: patient_id
SELECT p.shown_id AS patient_id, found.*,
       CASE found.type
         WHEN 'APPOINTMENT' THEN (
           SELECT to_jsonb(a) FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = found.id)
         WHEN 'QUEUE_TOKEN' THEN (
           SELECT to_jsonb(q) FROM queue_token q WHERE q.tenant_id = :tenant_id AND q.id = found.id)
       END AS extra
FROM (
  SELECT CASE WHEN merged_into IS NULL THEN id ELSE merged_into END AS shown_id FROM patient
  WHERE tenant_id = :tenant_id AND id = :patient_id::uuid
) p
LEFT JOIN LATERAL (
  SELECT each.id, each.type, each.version, each.encounter_id, each.practitioner_id, each.department_id,
         each.organization_id, each.location_id, each.document,
         (extract(epoch FROM each.create_time) * 1000000)::bigint AS create_micros,
         (extract(epoch FROM each.update_time) * 1000000)::bigint AS update_micros,
         (extract(epoch FROM each.clinical_time) * 1000000)::bigint AS clinical_micros
  FROM (
    SELECT of_type.*
    FROM unnest(:types::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
      SELECT r.id, r.type, r.version, r.encounter_id, r.practitioner_id, NULL::uuid AS department_id,
             r.organization_id, NULL::uuid AS location_id, r.document, r.create_time, r.update_time,
             r.clinical_time
      FROM clinical_record r
      WHERE r.tenant_id = :tenant_id AND r.patient_id = p.shown_id AND r.type = wanted.type
        AND (r.clinical_time, r.id) {op} (:key_time::timestamptz, :key_id::uuid)
        AND r.clinical_time >= :start_time::timestamptz AND r.clinical_time < :end_time::timestamptz
        AND (:show_entered_in_error::boolean OR r.state <> 'ENTERED_IN_ERROR')
      ORDER BY r.clinical_time {direction}, r.id {direction}
      LIMIT :limit::integer
    ) of_type
    UNION ALL (
      SELECT e.id, 'ENCOUNTER', e.version, NULL, e.practitioner_id, e.department_id, e.organization_id,
             e.location_id, e.document, e.create_time, e.update_time, e.clinical_time
      FROM encounter e
      WHERE :with_encounters::boolean AND e.tenant_id = :tenant_id AND e.patient_id = p.shown_id
        AND (e.clinical_time, e.id) {op} (:key_time::timestamptz, :key_id::uuid)
        AND e.clinical_time >= :start_time::timestamptz AND e.clinical_time < :end_time::timestamptz
        AND (:show_entered_in_error::boolean OR e.state <> 'ENTERED_IN_ERROR')
      ORDER BY e.clinical_time {direction}, e.id {direction}
      LIMIT :limit::integer
    )
    UNION ALL (
      -- A hold was never more than a seat kept for some minutes.
      SELECT a.id, 'APPOINTMENT', a.version, NULL, a.practitioner_id, a.department_id, NULL, a.location_id, NULL,
             a.create_time, a.update_time, a.start_time
      FROM appointment a
      WHERE :with_appointments::boolean AND a.tenant_id = :tenant_id AND a.patient_id = p.shown_id
        AND (a.start_time, a.id) {op} (:key_time::timestamptz, :key_id::uuid)
        AND a.start_time >= :start_time::timestamptz AND a.start_time < :end_time::timestamptz
        AND a.state <> 'HELD' AND a.state <> 'EXPIRED'
      ORDER BY a.start_time {direction}, a.id {direction}
      LIMIT :limit::integer
    )
    UNION ALL (
      SELECT q.id, 'QUEUE_TOKEN', q.version, NULL, q.practitioner_id, q.department_id, NULL, NULL, NULL,
             q.create_time, q.update_time, q.issue_time
      FROM queue_token q
      WHERE :with_tokens::boolean AND q.tenant_id = :tenant_id AND q.patient_id = p.shown_id
        AND (q.issue_time, q.id) {op} (:key_time::timestamptz, :key_id::uuid)
        AND q.issue_time >= :start_time::timestamptz AND q.issue_time < :end_time::timestamptz
      ORDER BY q.issue_time {direction}, q.id {direction}
      LIMIT :limit::integer
    )
  ) each
  ORDER BY each.clinical_time {direction}, each.id {direction}
  LIMIT :limit::integer
) found ON true
ORDER BY found.clinical_micros {direction}, found.id {direction}

-- name: versions_{order}
-- audited: patient_id
SELECT every.id, every.type, every.version, every.patient_id, every.encounter_id, every.practitioner_id,
       every.department_id, every.organization_id, every.location_id, every.document, every.actor_id,
       (extract(epoch FROM every.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM every.update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM every.clinical_time) * 1000000)::bigint AS clinical_micros
FROM (
  SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id,
         NULL::uuid AS department_id, r.organization_id, NULL::uuid AS location_id, r.document, r.actor_id,
         r.create_time, r.update_time, r.clinical_time
  FROM clinical_record r WHERE r.tenant_id = :tenant_id AND r.id = :id::uuid
  UNION ALL
  SELECT r.id, r.type, v.version, r.patient_id, v.encounter_id, v.practitioner_id, NULL, v.organization_id,
         NULL, v.document, v.actor_id, r.create_time, v.update_time, r.clinical_time
  FROM clinical_record r
  JOIN clinical_record_version v ON v.tenant_id = :tenant_id AND v.id = r.id
  WHERE r.tenant_id = :tenant_id AND r.id = :id::uuid
  UNION ALL
  SELECT e.id, 'ENCOUNTER', e.version, e.patient_id, NULL, e.practitioner_id, e.department_id,
         e.organization_id, e.location_id, e.document, e.actor_id, e.create_time, e.update_time,
         e.clinical_time
  FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
  UNION ALL
  SELECT e.id, 'ENCOUNTER', v.version, e.patient_id, NULL, v.practitioner_id, v.department_id,
         v.organization_id, v.location_id, v.document, v.actor_id, e.create_time, v.update_time,
         e.clinical_time
  FROM encounter e
  JOIN encounter_version v ON v.tenant_id = :tenant_id AND v.id = e.id
  WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
) every
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = every.patient_id
WHERE every.version {op} :key::bigint
ORDER BY every.version {direction} LIMIT :limit::integer
