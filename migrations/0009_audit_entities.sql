-- One audit event lists the entities it is about (FHIR AuditEvent.entity), and is found by its own entity.

-- The audit trail of one entity. Building it holds up the drain alone (the outbox waits meanwhile), so it
-- comes first: the change of the table below, which holds up readers too, takes a moment.
CREATE INDEX audit_event_by_entity ON audit_event (tenant_id, entity_id, record_time, sequence)
WHERE entity_id <> '';

-- Apart, so that a list of events reads no ids: what was done to how many of each type, and the ids of all
-- of them, group after group. Null where an event lists none, which costs a row nothing; the hash chain
-- covers both where they are not null (hms_server/audit/chain.py).
ALTER TABLE audit_event
  -- [{"type": "observation", "action": "CREATE", "count": 2}, ...]
  ADD COLUMN entities jsonb,
  ADD COLUMN entity_ids uuid[];
