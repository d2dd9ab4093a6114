-- The API's reads. Run as hms_app, inside the tenant.
--
-- Each list stands twice, for the page after a key and for the page before it: newest first, and its
-- opposite. What names a patient in the audit of such a read is the patient asked for, where there are
-- events: the events themselves hold ids only. No list reads entity_ids, which may be long.

-- name: list_all_after
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       NULL::uuid AS named_patient_id
FROM audit_event e
WHERE e.tenant_id = :tenant_id
  AND e.record_time >= :start_time::timestamptz AND e.record_time < :end_time::timestamptz
  AND e.record_time <= :key_time::timestamptz
  AND (e.record_time, e.sequence) < (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY e.record_time DESC, e.sequence DESC
LIMIT :limit

-- name: list_all_before
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       NULL::uuid AS named_patient_id
FROM audit_event e
WHERE e.tenant_id = :tenant_id
  AND e.record_time >= :start_time::timestamptz AND e.record_time < :end_time::timestamptz
  AND e.record_time >= :key_time::timestamptz
  AND (e.record_time, e.sequence) > (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY e.record_time ASC, e.sequence ASC
LIMIT :limit

-- name: list_by_actor_after
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       NULL::uuid AS named_patient_id
FROM audit_event e
WHERE e.tenant_id = :tenant_id
  AND e.actor_id = :actor_id::uuid
  AND e.record_time >= :start_time::timestamptz AND e.record_time < :end_time::timestamptz
  AND e.record_time <= :key_time::timestamptz
  AND (e.record_time, e.sequence) < (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY e.record_time DESC, e.sequence DESC
LIMIT :limit

-- name: list_by_actor_before
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       NULL::uuid AS named_patient_id
FROM audit_event e
WHERE e.tenant_id = :tenant_id
  AND e.actor_id = :actor_id::uuid
  AND e.record_time >= :start_time::timestamptz AND e.record_time < :end_time::timestamptz
  AND e.record_time >= :key_time::timestamptz
  AND (e.record_time, e.sequence) > (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY e.record_time ASC, e.sequence ASC
LIMIT :limit

-- name: list_by_patient_after
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       l.patient_id AS named_patient_id
FROM audit_event_patient l
JOIN audit_event e ON e.tenant_id = l.tenant_id AND e.sequence = l.sequence
 AND e.record_time = l.record_time
WHERE l.tenant_id = :tenant_id
  AND l.patient_id = :patient_id::uuid
  AND (:actor_id::uuid IS NULL OR e.actor_id = :actor_id::uuid)
  AND l.record_time >= :start_time::timestamptz AND l.record_time < :end_time::timestamptz
  AND l.record_time <= :key_time::timestamptz
  AND (l.record_time, l.sequence) < (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY l.record_time DESC, l.sequence DESC
LIMIT :limit

-- name: list_by_patient_before
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       l.patient_id AS named_patient_id
FROM audit_event_patient l
JOIN audit_event e ON e.tenant_id = l.tenant_id AND e.sequence = l.sequence
 AND e.record_time = l.record_time
WHERE l.tenant_id = :tenant_id
  AND l.patient_id = :patient_id::uuid
  AND (:actor_id::uuid IS NULL OR e.actor_id = :actor_id::uuid)
  AND l.record_time >= :start_time::timestamptz AND l.record_time < :end_time::timestamptz
  AND l.record_time >= :key_time::timestamptz
  AND (l.record_time, l.sequence) > (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY l.record_time ASC, l.sequence ASC
LIMIT :limit

-- The index on entity_id leaves empty ones out: the statement must say so, too.
-- name: list_by_entity_after
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       CASE WHEN :patient_id::uuid IS NOT NULL THEN :patient_id::uuid
            WHEN e.entity_type = 'patient' AND e.outcome = 'OK' THEN :entity_id::uuid
       END AS named_patient_id
FROM audit_event e
WHERE e.tenant_id = :tenant_id
  AND e.entity_id = :entity_id::text AND e.entity_id <> ''
  AND (:patient_id::uuid IS NULL OR :patient_id::uuid = ANY (e.patient_ids))
  AND (:actor_id::uuid IS NULL OR e.actor_id = :actor_id::uuid)
  AND e.record_time >= :start_time::timestamptz AND e.record_time < :end_time::timestamptz
  AND e.record_time <= :key_time::timestamptz
  AND (e.record_time, e.sequence) < (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY e.record_time DESC, e.sequence DESC
LIMIT :limit

-- name: list_by_entity_before
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities,
       CASE WHEN :patient_id::uuid IS NOT NULL THEN :patient_id::uuid
            WHEN e.entity_type = 'patient' AND e.outcome = 'OK' THEN :entity_id::uuid
       END AS named_patient_id
FROM audit_event e
WHERE e.tenant_id = :tenant_id
  AND e.entity_id = :entity_id::text AND e.entity_id <> ''
  AND (:patient_id::uuid IS NULL OR :patient_id::uuid = ANY (e.patient_ids))
  AND (:actor_id::uuid IS NULL OR e.actor_id = :actor_id::uuid)
  AND e.record_time >= :start_time::timestamptz AND e.record_time < :end_time::timestamptz
  AND e.record_time >= :key_time::timestamptz
  AND (e.record_time, e.sequence) > (:key_time::timestamptz, :key_sequence::bigint)
ORDER BY e.record_time ASC, e.sequence ASC
LIMIT :limit

-- With the patient's record before and after, where the event is a change of one whom the reader sees.
-- name: get_event
-- audited: named_patient_id
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities, e.entity_ids,
       coalesce(old.id, new.id) AS named_patient_id,
       old.fields AS old_fields, new.fields AS new_fields
FROM audit_event e
CROSS JOIN LATERAL (
  SELECT CASE WHEN e.entity_type = 'patient' AND e.outcome = 'OK' AND e.new_version > 0
              AND e.entity_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
         THEN e.entity_id::uuid END AS patient_id
) AS changed
LEFT JOIN LATERAL (
  SELECT p.id, p.document || jsonb_build_object('uhid', p.uhid, 'delete_time', p.delete_time,
                                             'restricted', nullif(p.restricted, false)) AS fields
  FROM patient p
  WHERE p.tenant_id = e.tenant_id AND p.id = changed.patient_id AND p.version = e.old_version
  UNION ALL
  SELECT v.id, v.document || jsonb_build_object('uhid', v.uhid, 'delete_time', v.delete_time,
                                             'restricted', nullif(v.restricted, false))
  FROM patient_version v JOIN patient p ON p.tenant_id = e.tenant_id AND p.id = v.id
  WHERE v.tenant_id = e.tenant_id AND v.id = changed.patient_id AND v.version = e.old_version
  LIMIT 1
) AS old ON true
LEFT JOIN LATERAL (
  SELECT p.id, p.document || jsonb_build_object('uhid', p.uhid, 'delete_time', p.delete_time,
                                             'restricted', nullif(p.restricted, false)) AS fields
  FROM patient p
  WHERE p.tenant_id = e.tenant_id AND p.id = changed.patient_id AND p.version = e.new_version
  UNION ALL
  SELECT v.id, v.document || jsonb_build_object('uhid', v.uhid, 'delete_time', v.delete_time,
                                             'restricted', nullif(v.restricted, false))
  FROM patient_version v JOIN patient p ON p.tenant_id = e.tenant_id AND p.id = v.id
  WHERE v.tenant_id = e.tenant_id AND v.id = changed.patient_id AND v.version = e.new_version
  LIMIT 1
) AS new ON true
WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
LIMIT 1

-- Who saw what of a patient, the oldest first: also under the records that were merged into this one.
-- name: disclosures
-- audited: named_patient_id
WITH subject AS (
  SELECT p.id, p.uhid FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = :patient_id::uuid
), records AS (
  SELECT s.id FROM subject s
  UNION ALL
  SELECT m.id FROM patient m WHERE m.tenant_id = :tenant_id AND m.merged_into = :patient_id::uuid
)
SELECT s.id AS named_patient_id, s.uhid, (SELECT array_agg(r.id) FROM records r) AS record_ids,
       e.id, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.entity_type, e.entity_id,
       e.patient_ids, e.outcome, e.address, e.request_id, e.entities
FROM subject s
LEFT JOIN (
  SELECT DISTINCT l.record_time, l.sequence
  FROM records r
  JOIN audit_event_patient l ON l.tenant_id = :tenant_id AND l.patient_id = r.id
  WHERE l.record_time >= :start_time::timestamptz AND l.record_time < :end_time::timestamptz
  ORDER BY l.record_time, l.sequence
  LIMIT :limit
) AS found ON true
LEFT JOIN audit_event e ON e.tenant_id = :tenant_id AND e.sequence = found.sequence
  AND e.record_time = found.record_time
ORDER BY found.record_time, found.sequence
