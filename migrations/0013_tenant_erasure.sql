-- A tenant can be erased (docs/decisions/0016-erasure-keeps-the-audit.md). Its own row stays: its id and
-- its code are never given to another.

ALTER TABLE tenant
  DROP CONSTRAINT tenant_state_check,
  ADD CONSTRAINT tenant_state_check CHECK (state IN ('ACTIVE', 'SUSPENDED', 'ERASING', 'ERASED'));

-- How far an erasure has come, so that a killed one goes on where it stopped, and what it ended with. The
-- owner's alone: no role of servers or workers reads or writes it.
CREATE TABLE tenant_erasure (
  tenant_id uuid PRIMARY KEY REFERENCES tenant (id),
  -- who ran the command, by the name of the operator's account
  operator text NOT NULL,
  -- SHA-256 of the export's manifest, null where none was wanted
  export_sha256 text,
  -- {"patient": 1200000}: rows that were deleted so far, by table
  removed jsonb NOT NULL DEFAULT '{}',
  begin_time timestamptz NOT NULL DEFAULT now(),
  end_time timestamptz,
  -- the signed certificate, as it was handed out
  certificate text
);
SELECT protect_tenant_table('tenant_erasure');
