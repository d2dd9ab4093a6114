-- Retention: what is asked of and written to the database of the tenants. Runs as hms_worker. What stands beside
-- the events is in retention.sql: no statement reads both.

-- Nobody places a hold or asks for a longer retention until the transaction ends.
-- name: lock_retention
SELECT lock_audit_retention()

-- Tenants of which a month may go.
-- name: tenants_past
SELECT r.tenant_id, r.code, r.keep_from::text AS keep_from
FROM audit_retention() r WHERE r.keep_from >= :month_end::timestamptz
ORDER BY r.tenant_id

-- name: is_in_outbox
SELECT 1 AS one FROM audit_outbox o WHERE o.tenant_id = :tenant_id AND o.event_id = :id::uuid LIMIT 1
