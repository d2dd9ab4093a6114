-- Service accounts log in with a secret, with assertions that they sign (RFC 7523), or with either.

-- null: the account has keys alone
ALTER TABLE service_account
  ALTER COLUMN secret_hash DROP NOT NULL,
  ALTER COLUMN secret_time DROP NOT NULL;

-- Public keys of service accounts.
CREATE TABLE service_account_key (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  account_id uuid NOT NULL,
  kid text COLLATE "C" NOT NULL,
  -- the only one that an assertion of this key may have
  algorithm text NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256')),
  -- SubjectPublicKeyInfo as PEM
  public_key text NOT NULL,
  -- null: until it is removed
  expire_time timestamptz,
  -- who registered it
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, account_id, kid),
  FOREIGN KEY (tenant_id, account_id) REFERENCES service_account (tenant_id, id)
);
SELECT protect_tenant_table('service_account_key');
GRANT SELECT, INSERT, UPDATE, DELETE ON service_account_key TO hms_app;

-- Assertions that were used, so that none is used twice: kept for an hour beyond their end.
CREATE TABLE service_assertion (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  account_id uuid NOT NULL,
  -- SHA-256 of the jti
  jti_hash bytea NOT NULL,
  expire_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, jti_hash),
  FOREIGN KEY (tenant_id, account_id) REFERENCES service_account (tenant_id, id)
);
SELECT protect_tenant_table('service_assertion');
GRANT SELECT, INSERT, DELETE ON service_assertion TO hms_app;
