-- What clinical records point to: organizations, departments, locations, practitioners.
--
-- The four tables have one shape, so that one set of statements serves them (admin/directory.sql): the
-- document is what the API shows, the columns beside it exist for keys, references and order.

CREATE TABLE organization (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  -- unique where it is not empty
  code text COLLATE "C" NOT NULL DEFAULT '',
  -- normalised name, the order of lists
  name_key text COLLATE "C" NOT NULL,
  parent_id uuid,
  active boolean NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES organization (tenant_id, id)
);

CREATE TABLE department (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  code text COLLATE "C" NOT NULL DEFAULT '',
  name_key text COLLATE "C" NOT NULL,
  parent_id uuid,
  active boolean NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES department (tenant_id, id)
);

CREATE TABLE location (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  code text COLLATE "C" NOT NULL DEFAULT '',
  name_key text COLLATE "C" NOT NULL,
  -- whose place it is
  parent_id uuid,
  active boolean NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES organization (tenant_id, id)
);

CREATE TABLE practitioner (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  -- the registration number
  code text COLLATE "C" NOT NULL DEFAULT '',
  name_key text COLLATE "C" NOT NULL,
  -- the home department
  parent_id uuid,
  active boolean NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES department (tenant_id, id)
);

-- Refuses a tree in which one of `members` is above itself. Called behind the change, in its transaction:
-- of two moves at once the second waits for the first, and then sees it. A fault is told as that of a
-- foreign key, "<table>_tree": the record pointed to is not one that may be.
CREATE FUNCTION require_tree(tree regclass, tenant uuid, members uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  circular boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(format('%s of %s', tree, tenant), 0));
  -- UNION drops what was seen: the climb ends in a circle, too.
  EXECUTE format(
    'WITH RECURSIVE above (member, id) AS ('
    'SELECT t.id, t.parent_id FROM %1$s t '
    'WHERE t.tenant_id = $1 AND t.id = ANY ($2) AND t.parent_id IS NOT NULL '
    'UNION SELECT a.member, t.parent_id FROM above a JOIN %1$s t ON t.tenant_id = $1 AND t.id = a.id '
    'WHERE t.parent_id IS NOT NULL) '
    'SELECT EXISTS (SELECT FROM above WHERE id = member)', tree)
  INTO circular USING tenant, members;
  IF circular THEN
    RAISE EXCEPTION 'a record is above itself'
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = format('%s_tree', tree);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION require_tree(regclass, uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION require_tree(regclass, uuid, uuid[]) TO hms_app;

-- Indexes, isolation and the table of earlier versions, alike for each.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['organization', 'department', 'location', 'practitioner'] LOOP
    EXECUTE format('CREATE UNIQUE INDEX %1$s_by_code ON %1$s (tenant_id, code) WHERE code <> ''''', name);
    EXECUTE format('CREATE INDEX %1$s_by_name ON %1$s (tenant_id, name_key, id)', name);
    EXECUTE format('CREATE INDEX %1$s_by_parent ON %1$s (tenant_id, parent_id, name_key, id)', name);
    PERFORM protect_tenant_table(name::regclass);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %s TO hms_app', name);
    EXECUTE format(
      'CREATE TABLE %1$s_version ('
      'tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL, document jsonb NOT NULL, '
      'actor_id uuid NOT NULL, update_time timestamptz NOT NULL, '
      'PRIMARY KEY (tenant_id, id, version), '
      'FOREIGN KEY (tenant_id, id) REFERENCES %1$s (tenant_id, id))', name);
    PERFORM protect_tenant_table(format('%s_version', name)::regclass);
    EXECUTE format('GRANT SELECT, INSERT ON %s_version TO hms_app', name);
  END LOOP;
END
$$;
