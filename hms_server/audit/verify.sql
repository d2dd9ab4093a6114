-- `hms audit verify`. Runs as hms_worker; every statement reads a bounded number of rows.

-- Every tenant that the audit knows.
-- name: known_tenants
WITH RECURSIVE seen (tenant_id) AS (
  (SELECT tenant_id FROM audit_event ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT e.tenant_id FROM audit_event e
          WHERE e.tenant_id > s.tenant_id ORDER BY e.tenant_id LIMIT 1)
  FROM seen s WHERE s.tenant_id IS NOT NULL
), linked (tenant_id) AS (
  (SELECT tenant_id FROM audit_event_patient ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT p.tenant_id FROM audit_event_patient p
          WHERE p.tenant_id > l.tenant_id ORDER BY p.tenant_id LIMIT 1)
  FROM linked l WHERE l.tenant_id IS NOT NULL
), anchored (tenant_id) AS (
  (SELECT tenant_id FROM audit_anchor ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT a.tenant_id FROM audit_anchor a
          WHERE a.tenant_id > n.tenant_id ORDER BY a.tenant_id LIMIT 1)
  FROM anchored n WHERE n.tenant_id IS NOT NULL
), archived (tenant_id) AS (
  (SELECT tenant_id FROM audit_checkpoint ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT c.tenant_id FROM audit_checkpoint c
          WHERE c.tenant_id > x.tenant_id ORDER BY c.tenant_id LIMIT 1)
  FROM archived x WHERE x.tenant_id IS NOT NULL
), everyone AS (
  SELECT tenant_id FROM seen UNION SELECT tenant_id FROM linked UNION SELECT tenant_id FROM archived
  UNION SELECT tenant_id FROM audit_chain UNION SELECT tenant_id FROM anchored
)
SELECT e.tenant_id FROM everyone e WHERE e.tenant_id IS NOT NULL ORDER BY e.tenant_id

-- In the main database: the tenants that stand.
-- name: named_tenants
SELECT t.id AS tenant_id, t.code FROM audit_tenants() t

-- In the main database: where the chain stands, and what it had come to if that is the audit database.
-- name: last_known
SELECT c.sequence, c.hash, c.elsewhere, to_char(c.update_time AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date
FROM audit_chain c WHERE c.tenant_id = :tenant_id

-- The last link, and the events that stand behind it, seen in one snapshot.
-- name: chain_end
SELECT c.sequence, c.hash,
       (SELECT min(e.sequence) FROM audit_event e
        WHERE e.tenant_id = :tenant_id AND e.sequence > coalesce(c.sequence, -9223372036854775808)) AS beyond
FROM (SELECT 1) AS one
LEFT JOIN audit_chain c ON c.tenant_id = :tenant_id

-- name: read_anchors
SELECT to_char(a.anchor_date, 'YYYY-MM-DD') AS date, a.sequence, a.hash, a.key_id, a.signature
FROM audit_anchor a
WHERE a.tenant_id = :tenant_id AND a.anchor_date > :after_date::date
ORDER BY a.anchor_date
LIMIT :limit

-- Events in the order of the chain, and how many of the patients of each are linked to it.
-- name: read_chain
SELECT e.tenant_id, e.sequence, e.id,
       to_char(e.record_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS record_time,
       e.action, e.method, e.actor_id, e.actor_name, e.session_id, e.entity_type, e.entity_id,
       e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id, e.address, e.old_version,
       e.new_version, e.key_id, e.hash, e.entities::text AS entities, e.entity_ids, e.followed,
       -- LIMIT keeps the planner from a hash join over the tenant's whole index, which it would choose for
       -- every event of a month that has no statistics yet.
       (SELECT count(*) FROM unnest(e.patient_ids) AS named (patient_id), LATERAL (
          SELECT FROM audit_event_patient l
          WHERE l.tenant_id = e.tenant_id AND l.patient_id = named.patient_id
            AND l.record_time = e.record_time AND l.sequence = e.sequence LIMIT 1) AS one) AS links
FROM (
  SELECT c.*,
         sum(pg_column_size(c.patient_ids) + coalesce(pg_column_size(c.entities), 0)
             + coalesce(pg_column_size(c.entity_ids), 0)) OVER in_order AS bytes_so_far,
         row_number() OVER in_order AS place,
         lead(c.sequence) OVER in_order IS NOT NULL AS followed
  FROM audit_event c
  WHERE c.tenant_id = :tenant_id
    AND (c.sequence, c.record_time) > (:after_sequence::bigint, :after_time::timestamptz)
    AND c.sequence <= :last_sequence::bigint
  WINDOW in_order AS (ORDER BY c.sequence, c.record_time ROWS UNBOUNDED PRECEDING)
  ORDER BY c.sequence, c.record_time
  LIMIT :limit
) AS e
WHERE e.bytes_so_far <= :most_bytes::bigint OR e.place = 1
ORDER BY e.sequence, e.record_time

-- Links in the order of their key, and whether an event names the patient.
-- name: read_links
SELECT l.patient_id,
       to_char(l.record_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS record_time,
       l.sequence,
       EXISTS (SELECT 1 FROM audit_event e
               WHERE e.tenant_id = l.tenant_id AND e.sequence = l.sequence
                 AND e.record_time = l.record_time AND l.patient_id = ANY (e.patient_ids)) AS named
FROM audit_event_patient l
WHERE l.tenant_id = :tenant_id
  AND (l.patient_id, l.record_time, l.sequence)
      > (:after_patient::uuid, :after_time::timestamptz, :after_sequence::bigint)
  AND l.sequence > :begun_sequence::bigint
ORDER BY l.patient_id, l.record_time, l.sequence
LIMIT :limit
