-- Tenants, users, roles, sessions, and the records of used request ids.

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The one way to lock a tenant table: RLS forced, the tenant from the transaction's setting, and a
-- policy for the owner, whom FORCE would blind otherwise. The policy is a plain call: a sub-select
-- could not be distributed on Citus.
CREATE FUNCTION protect_tenant_table(target regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format(
    'CREATE POLICY tenant_isolation ON %s TO hms_app '
    'USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid) '
    'WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', target);
  EXECUTE format('CREATE POLICY owner_all ON %s TO hms_owner USING (true) WITH CHECK (true)', target);
END
$$;
REVOKE ALL ON FUNCTION protect_tenant_table(regclass) FROM PUBLIC;

-- Platform table: what has no tenant above it. A tenant sees its own row; platform transactions see all.
CREATE TABLE tenant (
  id uuid PRIMARY KEY,
  version bigint NOT NULL DEFAULT 1,
  code text COLLATE "C" NOT NULL UNIQUE,
  display_name text NOT NULL,
  state text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'SUSPENDED')),
  -- {"SEARCH": [limit, window seconds]}: in place of the tier's default
  rate_limits jsonb NOT NULL DEFAULT '{}',
  permission_version bigint NOT NULL DEFAULT 1,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON tenant TO hms_app
  USING (id = nullif(current_setting('app.tenant_id', true), '')::uuid
         OR current_setting('app.platform', true) = 'on')
  WITH CHECK (id = nullif(current_setting('app.tenant_id', true), '')::uuid
              OR current_setting('app.platform', true) = 'on');
CREATE POLICY owner_all ON tenant TO hms_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON tenant TO hms_app;

-- The platform itself: its administrators are users of this tenant, which holds no patients. Its
-- chain also keeps the audit of callers whose tenant is not known.
INSERT INTO tenant (id, code, display_name)
VALUES ('00000000-0000-0000-0000-000000000000', 'platform', 'Platform');

-- Earlier versions of a tenant's own row.
CREATE TABLE tenant_version (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  -- who replaced this version: a user of the platform
  actor_id uuid NOT NULL,
  replace_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, version)
);
SELECT protect_tenant_table('tenant_version');
GRANT SELECT, INSERT ON tenant_version TO hms_app;

CREATE TABLE tenant_setting (
  tenant_id uuid PRIMARY KEY REFERENCES tenant (id),
  version bigint NOT NULL DEFAULT 1,
  time_zone text NOT NULL DEFAULT 'UTC',
  uhid_prefix text NOT NULL DEFAULT 'H',
  uhid_digits integer NOT NULL DEFAULT 8 CHECK (uhid_digits BETWEEN 6 AND 12),
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now()
);
SELECT protect_tenant_table('tenant_setting');
GRANT SELECT, INSERT, UPDATE ON tenant_setting TO hms_app;
INSERT INTO tenant_setting (tenant_id) VALUES ('00000000-0000-0000-0000-000000000000');

-- Earlier versions of a row, without secrets: row_data holds the API's fields by name, actor_id is
-- who replaced them. One shape for every table that needs no more.
CREATE TABLE tenant_setting_version (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  replace_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, version)
);
SELECT protect_tenant_table('tenant_setting_version');
GRANT SELECT, INSERT ON tenant_setting_version TO hms_app;

-- "user" is a reserved word of SQL.
CREATE TABLE user_account (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  username text NOT NULL,
  -- lower case; what makes a user name unique
  username_key text COLLATE "C" NOT NULL,
  display_name text NOT NULL DEFAULT '',
  email text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'DISABLED')),
  password_hash text NOT NULL,
  -- what the history shows of a change of password
  password_time timestamptz NOT NULL DEFAULT now(),
  permission_version bigint NOT NULL DEFAULT 1,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, username_key)
);
SELECT protect_tenant_table('user_account');
GRANT SELECT, INSERT, UPDATE ON user_account TO hms_app;

CREATE TABLE user_account_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  replace_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES user_account (tenant_id, id)
);
SELECT protect_tenant_table('user_account_version');
GRANT SELECT, INSERT ON user_account_version TO hms_app;

CREATE TABLE role (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  code text COLLATE "C" NOT NULL,
  display_name text NOT NULL DEFAULT '',
  -- empty for a system role: hms_server/identity/system_roles.py says what it holds, so that a
  -- release brings its permissions to every tenant
  permissions text[] NOT NULL DEFAULT '{}',
  -- every permission of the tenant, those of later releases too
  all_permissions boolean NOT NULL DEFAULT false,
  system boolean NOT NULL DEFAULT false,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code)
);
SELECT protect_tenant_table('role');
GRANT SELECT, INSERT, UPDATE, DELETE ON role TO hms_app;

-- No foreign key to role: a deleted role's history stays.
CREATE TABLE role_version (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  replace_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id, version)
);
SELECT protect_tenant_table('role_version');
GRANT SELECT, INSERT ON role_version TO hms_app;

CREATE TABLE user_role (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id)
);
CREATE INDEX user_role_by_role ON user_role (tenant_id, role_id);
SELECT protect_tenant_table('user_role');
GRANT SELECT, INSERT, DELETE ON user_role TO hms_app;

CREATE TABLE session (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  -- SHA-256 of the present and of the last refresh token
  refresh_hash bytea NOT NULL,
  previous_refresh_hash bytea,
  rotate_time timestamptz NOT NULL DEFAULT now(),
  expire_time timestamptz NOT NULL,
  revoke_time timestamptz,
  revoke_reason text,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id)
);
CREATE INDEX session_by_user ON session (tenant_id, user_id);
CREATE INDEX session_by_expire_time ON session (expire_time);
SELECT protect_tenant_table('session');
GRANT SELECT, INSERT, UPDATE ON session TO hms_app;

-- AIP-155: which request ids were used, for 24 hours. No patient data: a keyed hash of the request.
CREATE TABLE request_record (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  principal_id uuid NOT NULL,
  method text NOT NULL,
  request_id uuid NOT NULL,
  request_hash bytea NOT NULL,
  entity_id uuid NOT NULL,
  entity_version bigint NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, principal_id, method, request_id)
);
CREATE INDEX request_record_by_time ON request_record (create_time);
SELECT protect_tenant_table('request_record');
GRANT SELECT, INSERT ON request_record TO hms_app;

-- Deletes request records that are older than `age`, at most `max_rows` at a time; returns how many.
CREATE FUNCTION purge_request_records(age interval, max_rows integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH old AS (
    SELECT ctid FROM request_record WHERE create_time < now() - age LIMIT max_rows
  ), gone AS (
    DELETE FROM request_record r USING old WHERE r.ctid = old.ctid RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_request_records(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_request_records(interval, integer) TO hms_worker;

-- Deletes sessions that expired more than `age` ago, at most `max_rows` at a time; returns how many.
CREATE FUNCTION purge_sessions(age interval, max_rows integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH old AS (
    SELECT ctid FROM session WHERE expire_time < now() - age LIMIT max_rows
  ), gone AS (
    DELETE FROM session s USING old WHERE s.ctid = old.ctid RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_sessions(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_sessions(interval, integer) TO hms_worker;
