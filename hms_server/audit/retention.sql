-- Retention: what is asked of and written to the database of the events. Runs as hms_worker, which is stopped by
-- the database itself where it goes too far (drop_audit_month in migrations/0015_audit_retention.sql). What stands
-- beside the tenants is in retention_tenants.sql: no statement reads both.

-- The oldest month, and whether it is older than the least that anybody keeps.
-- name: oldest_month
SELECT to_char(m.month, 'YYYY-MM-DD') AS month,
       to_char(m.month + interval '1 month', 'YYYY-MM-DD"T"00:00:00.000000"Z"') AS month_end,
       (m.month + interval '1 month') AT TIME ZONE 'UTC'
         <= (date_trunc('day', now() AT TIME ZONE 'UTC') - interval '6 years') AT TIME ZONE 'UTC' AS is_old
FROM audit_months() m ORDER BY m.month LIMIT 1

-- For the metrics. Seconds since the oldest month began.
-- name: oldest_month_age
SELECT extract(epoch FROM now() - min(m.month)::timestamp AT TIME ZONE 'UTC')::float8 AS age_seconds
FROM audit_months() m

-- Tenants with events in a month, one index probe each, and the last of them in the order of the chain.
-- name: tenants_of_month
WITH RECURSIVE seen (tenant_id) AS (
  (SELECT e.tenant_id FROM audit_event e
   WHERE e.record_time >= :month_begin::timestamptz AND e.record_time < :month_end::timestamptz
   ORDER BY e.tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT e.tenant_id FROM audit_event e
          WHERE e.record_time >= :month_begin::timestamptz AND e.record_time < :month_end::timestamptz
            AND e.tenant_id > s.tenant_id ORDER BY e.tenant_id LIMIT 1)
  FROM seen s WHERE s.tenant_id IS NOT NULL
)
SELECT s.tenant_id, last.sequence, last.hash
FROM seen s
CROSS JOIN LATERAL (
  SELECT e.sequence, e.hash FROM audit_event e
  WHERE e.tenant_id = s.tenant_id
    AND e.record_time >= :month_begin::timestamptz AND e.record_time < :month_end::timestamptz
  ORDER BY e.sequence DESC LIMIT 1
) AS last
WHERE s.tenant_id IS NOT NULL
ORDER BY s.tenant_id

-- name: checkpoints
SELECT to_char(c.month, 'YYYY-MM-DD') AS month, c.first_sequence, c.sequence, c.hash, c.standing, c.key_id,
       c.signature, c.drop_time IS NOT NULL AS dropped
FROM audit_checkpoint c WHERE c.tenant_id = :tenant_id ORDER BY c.month

-- name: add_checkpoint
INSERT INTO audit_checkpoint
  (tenant_id, month, first_sequence, sequence, hash, standing, event_id, key_id, signature)
VALUES (:tenant_id, :month::date, :first_sequence, :sequence, :hash, :standing::jsonb, :event_id::uuid, :key_id,
        :signature)
ON CONFLICT DO NOTHING

-- name: drop_month
SELECT drop_audit_month(:month::date, :keep_from::jsonb)

-- Drops that the audit does not tell of yet.
-- name: untold
SELECT c.tenant_id, to_char(c.month, 'YYYY-MM-DD') AS month, c.event_id, c.first_sequence, c.sequence,
       CASE WHEN c.tenant_id = '00000000-0000-0000-0000-000000000000'
            THEN (SELECT count(*) FROM audit_checkpoint x WHERE x.month = c.month) END AS chains
FROM audit_checkpoint c
WHERE c.drop_time IS NOT NULL AND NOT c.audited
ORDER BY c.tenant_id, c.month LIMIT :limit

-- name: is_event
SELECT 1 AS one FROM audit_event e WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid LIMIT 1

-- name: mark_audited
UPDATE audit_checkpoint SET audited = true WHERE tenant_id = :tenant_id AND month = :month::date

-- Anchors of a piece of a chain.
-- name: anchors_of_piece
SELECT to_char(a.anchor_date, 'YYYY-MM-DD') AS date, a.sequence, a.hash, a.key_id, a.signature
FROM audit_anchor a
WHERE a.tenant_id = :tenant_id AND a.sequence BETWEEN :first_sequence::bigint AND :last_sequence::bigint
ORDER BY a.anchor_date

-- The month that was dropped last, of this tenant: from its end on events are there.
-- name: kept_from
SELECT (max(c.month) + interval '1 month') AT TIME ZONE 'UTC' AS kept_from
FROM audit_checkpoint c WHERE c.tenant_id = :tenant_id AND c.drop_time IS NOT NULL
