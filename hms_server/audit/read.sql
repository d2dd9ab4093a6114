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

-- name: get_event
SELECT e.id, e.sequence, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.session_id,
       e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id,
       e.address, e.old_version, e.new_version, e.hash, e.entities, e.entity_ids
FROM audit_event e
WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
LIMIT 1

-- In the main database: the patient's record before and after, where the event (if it stands) is a change of one
-- whom the reader sees.
-- name: get_change
-- audited: named_patient_id
SELECT coalesce(old.id, new.id) AS named_patient_id, old.fields AS old_fields, new.fields AS new_fields
FROM (SELECT :tenant_id::uuid AS tenant_id, :patient_id::uuid AS patient_id WHERE :stands::boolean) AS changed
LEFT JOIN LATERAL (
  SELECT p.id, p.document || jsonb_build_object('uhid', p.uhid, 'delete_time', p.delete_time,
                                             'restricted', nullif(p.restricted, false)) AS fields
  FROM patient p
  WHERE p.tenant_id = changed.tenant_id AND p.id = changed.patient_id AND p.version = :old_version::bigint
  UNION ALL
  SELECT v.id, v.document || jsonb_build_object('uhid', v.uhid, 'delete_time', v.delete_time,
                                             'restricted', nullif(v.restricted, false))
  FROM patient_version v JOIN patient p ON p.tenant_id = v.tenant_id AND p.id = v.id
  WHERE v.tenant_id = changed.tenant_id AND v.id = changed.patient_id AND v.version = :old_version::bigint
  LIMIT 1
) AS old ON true
LEFT JOIN LATERAL (
  SELECT p.id, p.document || jsonb_build_object('uhid', p.uhid, 'delete_time', p.delete_time,
                                             'restricted', nullif(p.restricted, false)) AS fields
  FROM patient p
  WHERE p.tenant_id = changed.tenant_id AND p.id = changed.patient_id AND p.version = :new_version::bigint
  UNION ALL
  SELECT v.id, v.document || jsonb_build_object('uhid', v.uhid, 'delete_time', v.delete_time,
                                             'restricted', nullif(v.restricted, false))
  FROM patient_version v JOIN patient p ON p.tenant_id = v.tenant_id AND p.id = v.id
  WHERE v.tenant_id = changed.tenant_id AND v.id = changed.patient_id AND v.version = :new_version::bigint
  LIMIT 1
) AS new ON true

-- In the main database: a patient, and the records that were merged into this one.
-- name: get_subject
-- audited: named_patient_id
SELECT p.id AS named_patient_id, p.uhid,
       array_prepend(p.id, ARRAY(SELECT m.id FROM patient m
                                 WHERE m.tenant_id = :tenant_id AND m.merged_into = p.id)) AS record_ids
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = :patient_id::uuid

-- Who saw what of a patient under any of these records, the oldest first.
-- name: disclosures
SELECT e.id, e.record_time, e.action, e.method, e.actor_id, e.actor_name, e.entity_type, e.entity_id,
       e.patient_ids, e.outcome, e.address, e.request_id, e.entities
FROM (
  SELECT DISTINCT l.record_time, l.sequence
  FROM unnest(:record_ids::uuid[]) AS r (id)
  JOIN audit_event_patient l ON l.tenant_id = :tenant_id AND l.patient_id = r.id
  WHERE l.record_time >= :start_time::timestamptz AND l.record_time < :end_time::timestamptz
  ORDER BY l.record_time, l.sequence
  LIMIT :limit
) AS found
JOIN audit_event e ON e.tenant_id = :tenant_id AND e.sequence = found.sequence
  AND e.record_time = found.record_time
ORDER BY found.record_time, found.sequence

-- In the main database: whether the tenant's chain, where it has begun, stands in the audit database.
-- name: chain_place
SELECT c.elsewhere FROM audit_chain c WHERE c.tenant_id = :tenant_id AND c.sequence > 0
