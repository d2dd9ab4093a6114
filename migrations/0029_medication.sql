-- A hospital's own codes, and its own rules of interactions.

CREATE TABLE code_entry (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  system text COLLATE "C" NOT NULL CHECK (system <> ''),
  code text COLLATE "C" NOT NULL CHECK (code <> ''),
  -- words of display and synonyms, as they are looked for
  words_key text COLLATE "C" NOT NULL,
  active boolean NOT NULL,
  -- display and synonyms
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
-- Also the order of lists.
CREATE UNIQUE INDEX code_entry_by_code ON code_entry (tenant_id, system, code);
SELECT protect_tenant_table('code_entry');
GRANT SELECT, INSERT, UPDATE ON code_entry TO hms_app;

CREATE TABLE code_entry_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  active boolean NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES code_entry (tenant_id, id)
);
SELECT protect_tenant_table('code_entry_version');
GRANT SELECT, INSERT ON code_entry_version TO hms_app;

CREATE TABLE interaction_rule (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  -- The built-in rule that this one changes; empty for a rule of the hospital's own.
  builtin_key text COLLATE "C" NOT NULL,
  -- The terms of the rule in order, joined by "+": one active rule for a pair.
  pair_key text COLLATE "C" NOT NULL,
  first_term text COLLATE "C" NOT NULL,
  second_term text COLLATE "C" NOT NULL,
  -- NONE switches a built-in rule off
  severity text COLLATE "C" NOT NULL
    CHECK (severity IN ('CONTRAINDICATED', 'SEVERE', 'MODERATE', 'MINOR')
           OR (severity = 'NONE' AND builtin_key <> '')),
  active boolean NOT NULL,
  -- effect, management, source, reason
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX interaction_rule_in_force ON interaction_rule (tenant_id, pair_key) WHERE active;
SELECT protect_tenant_table('interaction_rule');
GRANT SELECT, INSERT, UPDATE ON interaction_rule TO hms_app;

CREATE TABLE interaction_rule_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  severity text COLLATE "C" NOT NULL,
  active boolean NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES interaction_rule (tenant_id, id)
);
SELECT protect_tenant_table('interaction_rule_version');
GRANT SELECT, INSERT ON interaction_rule_version TO hms_app;
