-- `hms audit export`. Runs as hms_worker, one tenant at a time.

-- name: find_tenant
SELECT t.id, t.code FROM audit_tenants() t WHERE t.code = :wanted OR t.id::text = :wanted

-- name: chain_stands_elsewhere
SELECT c.elsewhere FROM audit_chain c WHERE c.tenant_id = :tenant_id AND c.sequence > 0

-- In the order of time, a bounded number of rows and, for lists of entities, of bytes.
-- name: export_events
SELECT e.tenant_id, e.sequence, e.id,
       to_char(e.record_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS record_time,
       e.action, e.method, e.actor_id, e.actor_name, e.session_id, e.entity_type, e.entity_id,
       e.patient_ids, e.outcome, e.reason, e.request_id, e.trace_id, e.address, e.old_version,
       e.new_version, e.key_id, e.hash, e.entities, e.entity_ids, e.followed
FROM (
  SELECT c.*,
         sum(pg_column_size(c.patient_ids) + coalesce(pg_column_size(c.entity_ids), 0)) OVER in_order
           AS bytes_so_far,
         row_number() OVER in_order AS place,
         lead(c.sequence) OVER in_order IS NOT NULL AS followed
  FROM audit_event c
  WHERE c.tenant_id = :tenant_id
    AND c.record_time >= :after_time::timestamptz AND c.record_time < :end_time::timestamptz
    AND (c.record_time, c.sequence) > (:after_time::timestamptz, :after_sequence::bigint)
  WINDOW in_order AS (ORDER BY c.record_time, c.sequence ROWS UNBOUNDED PRECEDING)
  ORDER BY c.record_time, c.sequence
  LIMIT :limit
) AS e
WHERE e.bytes_so_far <= :most_bytes::bigint OR e.place = 1
ORDER BY e.record_time, e.sequence
