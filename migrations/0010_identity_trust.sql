-- Sessions end as their hospital says, and tell where they were opened; passwords follow its rules;
-- microservices have accounts of their own.

ALTER TABLE tenant_setting
  -- null: as the platform is set
  ADD COLUMN session_seconds integer CHECK (session_seconds BETWEEN 300 AND 2592000),
  -- null: a session that nobody refreshes stands as long as any
  ADD COLUMN session_idle_seconds integer CHECK (session_idle_seconds BETWEEN 300 AND 2592000),
  -- null: hms_server/identity/password_rules.py says
  ADD COLUMN password_min_length integer CHECK (password_min_length BETWEEN 12 AND 128),
  ADD COLUMN password_history integer CHECK (password_history BETWEEN 1 AND 24);

ALTER TABLE session
  ADD COLUMN address text NOT NULL DEFAULT '',
  -- how often its holder did not know the present password
  ADD COLUMN wrong_passwords integer NOT NULL DEFAULT 0;

ALTER TABLE user_account
  ADD COLUMN must_change_password boolean NOT NULL DEFAULT false,
  ADD COLUMN kind text NOT NULL DEFAULT 'PERSON' CHECK (kind IN ('PERSON', 'SERVICE'));

-- Hashes of passwords of before, so that they are not taken again.
CREATE TABLE password_history (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  user_id uuid NOT NULL,
  replace_time timestamptz NOT NULL DEFAULT now(),
  password_hash text NOT NULL,
  PRIMARY KEY (tenant_id, user_id, replace_time),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id)
);
SELECT protect_tenant_table('password_history');
GRANT SELECT, INSERT, DELETE ON password_history TO hms_app;

-- A token with which a user chooses a new password once: the last one that was made for him.
CREATE TABLE password_reset (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  user_id uuid NOT NULL,
  -- SHA-256 of the token
  token_hash bytea NOT NULL,
  expire_time timestamptz NOT NULL,
  -- who made it
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id)
);
SELECT protect_tenant_table('password_reset');
GRANT SELECT, INSERT, UPDATE, DELETE ON password_reset TO hms_app;

-- What a user of kind SERVICE has in place of a password and roles.
CREATE TABLE service_account (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  permissions text[] NOT NULL DEFAULT '{}',
  -- SHA-256 of a random secret of 256 bits
  secret_hash bytea NOT NULL,
  secret_time timestamptz NOT NULL DEFAULT now(),
  -- the secret of before works until then
  previous_secret_hash bytea,
  previous_secret_end timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, id) REFERENCES user_account (tenant_id, id)
);
SELECT protect_tenant_table('service_account');
GRANT SELECT, INSERT, UPDATE ON service_account TO hms_app;
