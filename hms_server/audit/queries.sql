-- The drain. Runs as hms_worker, one tenant at a time.

-- name: lock_chain
SELECT sequence, hash, elsewhere FROM audit_chain WHERE tenant_id = :tenant_id FOR UPDATE SKIP LOCKED

-- A chain begins only where no event stands or was archived: one whose last link was taken away must not begin anew.
-- name: open_chain
INSERT INTO audit_chain (tenant_id, elsewhere)
SELECT :tenant_id::uuid, :elsewhere::boolean
WHERE NOT EXISTS (SELECT 1 FROM audit_event WHERE tenant_id = :tenant_id)
  AND NOT EXISTS (SELECT 1 FROM audit_checkpoint WHERE tenant_id = :tenant_id AND sequence > 0)
ON CONFLICT DO NOTHING

-- name: chain_stands
SELECT 1 FROM audit_chain WHERE tenant_id = :tenant_id

-- A statement of its own, after the lock is held: its snapshot must not be older than the lock.
-- Sizes are those stored, which are known without reading what lies outside the row.
-- name: take_records
SELECT o.position, o.event_id,
       to_char(o.record_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS record_time,
       o.record, o.patient_ids, o.outcome, o.followed
FROM (
  SELECT w.position, w.event_id, w.record_time, w.record, w.patient_ids, w.outcome,
         sum(pg_column_size(w.record) + pg_column_size(w.patient_ids)) OVER in_order AS bytes_so_far,
         row_number() OVER in_order AS place,
         lead(w.position) OVER in_order IS NOT NULL AS followed
  FROM audit_outbox w
  WHERE w.tenant_id = :tenant_id
  WINDOW in_order AS (ORDER BY w.position ROWS UNBOUNDED PRECEDING)
  ORDER BY w.position
  LIMIT :limit
) AS o
WHERE o.bytes_so_far <= :most_bytes::bigint OR o.place = 1
ORDER BY o.position

-- name: append_events
INSERT INTO audit_event
  (tenant_id, sequence, id, record_time, action, method, actor_id, actor_name, session_id,
   entity_type, entity_id, patient_ids, outcome, reason, request_id, trace_id, address,
   old_version, new_version, key_id, hash, entities, entity_ids)
SELECT :tenant_id::uuid, e.sequence, e.id, e.record_time, e.action, e.method, e.actor_id,
       e.actor_name, e.session_id, e.entity_type, e.entity_id, e.patient_ids, e.outcome, e.reason,
       e.request_id, e.trace_id, e.address, e.old_version, e.new_version, e.key_id,
       decode(e.hash, 'hex'), e.entities, e.entity_ids
FROM json_to_recordset(:events::json) AS e
  (sequence bigint, id uuid, record_time timestamptz, action text, method text, actor_id uuid,
   actor_name text, session_id uuid, entity_type text, entity_id text, patient_ids uuid[],
   outcome text, reason text, request_id text, trace_id text, address text, old_version bigint,
   new_version bigint, key_id text, hash text, entities jsonb, entity_ids uuid[])

-- name: append_links
INSERT INTO audit_event_patient (tenant_id, patient_id, record_time, sequence)
SELECT :tenant_id::uuid, l.patient_id, l.record_time, l.sequence
FROM json_to_recordset(:links::json) AS l
  (patient_id uuid, record_time timestamptz, sequence bigint)

-- name: delete_records
DELETE FROM audit_outbox WHERE tenant_id = :tenant_id AND position = ANY(:positions::bigint[])

-- name: move_chain
UPDATE audit_chain SET sequence = :sequence, hash = :hash, elsewhere = :elsewhere::boolean, update_time = now()
WHERE tenant_id = :tenant_id

-- In a separate audit database: which of these records are events already, of a batch that was done in half.
-- A statement of its own, after the chain's lock is held. LIMIT keeps it to one look into the index for each.
-- name: stored_events
SELECT k.id
FROM json_to_recordset(:keys::json) AS k (id uuid, record_time timestamptz), LATERAL (
  SELECT FROM audit_event e
  WHERE e.tenant_id = :tenant_id AND e.id = k.id AND e.record_time = k.record_time LIMIT 1
) AS one

-- name: make_partition
SELECT made.name FROM make_audit_partition(:moment::timestamptz) AS made (name)

-- name: make_partitions
SELECT made.name FROM make_audit_partitions(:months_ahead::integer) AS made (name)

-- The anchors, over all tenants.

-- name: unanchored
SELECT c.tenant_id, c.sequence, c.hash, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date,
       coalesce((SELECT a.sequence FROM audit_anchor a WHERE a.tenant_id = c.tenant_id
                 ORDER BY a.anchor_date DESC LIMIT 1), 0) AS anchored
FROM audit_chain c
WHERE (:after_tenant::uuid IS NULL OR c.tenant_id > :after_tenant::uuid) AND c.sequence > 0
  AND NOT EXISTS (SELECT FROM audit_anchor a
                  WHERE a.tenant_id = c.tenant_id AND a.anchor_date = (now() AT TIME ZONE 'UTC')::date)
ORDER BY c.tenant_id
LIMIT :limit

-- name: add_anchors
INSERT INTO audit_anchor (tenant_id, anchor_date, sequence, hash, key_id, signature)
SELECT a.tenant_id, a.anchor_date, a.sequence, decode(a.hash, 'hex'), a.key_id, decode(a.signature, 'hex')
FROM json_to_recordset(:anchors::json) AS a
  (tenant_id uuid, anchor_date date, sequence bigint, hash text, key_id text, signature text)
ON CONFLICT DO NOTHING

-- The sweep. One index probe a tenant, however long its queue is.

-- name: waiting_tenants
WITH RECURSIVE waiting (tenant_id) AS (
  (SELECT tenant_id FROM audit_outbox ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT o.tenant_id FROM audit_outbox o
          WHERE o.tenant_id > w.tenant_id ORDER BY o.tenant_id LIMIT 1)
  FROM waiting w WHERE w.tenant_id IS NOT NULL
)
SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL LIMIT :limit

-- Depth (counted up to :ceiling) and the time of the oldest record: a tenant's first one is its oldest.
-- name: outbox_state
WITH RECURSIVE waiting (tenant_id) AS (
  (SELECT tenant_id FROM audit_outbox ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT o.tenant_id FROM audit_outbox o
          WHERE o.tenant_id > w.tenant_id ORDER BY o.tenant_id LIMIT 1)
  FROM waiting w WHERE w.tenant_id IS NOT NULL
)
SELECT (SELECT count(*) FROM (SELECT 1 FROM audit_outbox LIMIT :ceiling) AS counted) AS records,
       extract(epoch FROM clock_timestamp() - (
         SELECT min(oldest.record_time)
         FROM waiting w
         CROSS JOIN LATERAL (SELECT o.record_time FROM audit_outbox o
                             WHERE o.tenant_id = w.tenant_id ORDER BY o.position LIMIT 1) AS oldest
       ))::float8 AS age_seconds
