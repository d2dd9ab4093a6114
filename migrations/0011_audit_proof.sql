-- Anchors: once a day each chain's end is signed with a key that lies outside the database. A chain that is
-- cut together with its last link, or made anew, no longer fits what was signed.

CREATE TABLE audit_anchor (
  tenant_id uuid NOT NULL,
  -- day in UTC on which the chain ended so
  anchor_date date NOT NULL,
  sequence bigint NOT NULL,
  hash bytea NOT NULL,
  key_id text NOT NULL,
  -- Ed25519, over all of the above
  signature bytea NOT NULL,
  PRIMARY KEY (tenant_id, anchor_date)
);
SELECT protect_tenant_table('audit_anchor');
CREATE POLICY drain ON audit_anchor TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_anchor TO hms_worker;

-- `hms audit export` records itself before it writes the first event.
GRANT INSERT ON audit_outbox TO hms_worker;
