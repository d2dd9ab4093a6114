-- Addresses that may not call, and addresses that alone may: of a hospital, or (the platform's own rows) of all.
CREATE TABLE address_rule (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  action text NOT NULL CHECK (action IN ('DENY', 'ALLOW')),
  -- as CIDR: "203.0.113.0/24"
  network text COLLATE "C" NOT NULL,
  note text NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  -- A deleted rule stays, so that it can be told later why somebody was refused.
  delete_time timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX address_rule_in_force ON address_rule (tenant_id, network, action) WHERE delete_time IS NULL;
SELECT protect_tenant_table('address_rule');
GRANT SELECT, INSERT, UPDATE ON address_rule TO hms_app;
