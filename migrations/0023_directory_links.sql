-- The directory as a working hospital needs it: rooms inside of wards, users who are practitioners, who works where
-- and in what, and entries that are deleted (docs/decisions/0026-directory-by-trigger.md).

-- Deleted entries stay, so that what pointed to them goes on to; they leave lists.
ALTER TABLE organization ADD COLUMN delete_time timestamptz;
ALTER TABLE department ADD COLUMN delete_time timestamptz;
ALTER TABLE location
  ADD COLUMN delete_time timestamptz,
  -- the place that this one is in; parent_id is whose it is
  ADD COLUMN part_of_id uuid,
  -- who works there
  ADD COLUMN department_id uuid,
  ADD FOREIGN KEY (tenant_id, part_of_id) REFERENCES location (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id);
ALTER TABLE practitioner
  ADD COLUMN delete_time timestamptz,
  -- whose account it is
  ADD COLUMN user_id uuid,
  ADD FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id);
CREATE INDEX location_by_part_of ON location (tenant_id, part_of_id, name_key, id) WHERE part_of_id IS NOT NULL;
CREATE INDEX location_by_department ON location (tenant_id, department_id, name_key, id)
  WHERE department_id IS NOT NULL;
CREATE UNIQUE INDEX practitioner_by_user ON practitioner (tenant_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX practitioner_by_create_time ON practitioner (tenant_id, create_time, id);

-- The columns of a location that its document has. Here, so that no way of writing it can forget them.
CREATE FUNCTION take_location_columns() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.part_of_id := (NEW.document ->> 'part_of_id')::uuid;
  NEW.department_id := (NEW.document ->> 'department_id')::uuid;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION take_location_columns() FROM PUBLIC;
CREATE TRIGGER take_columns BEFORE INSERT OR UPDATE OF document ON location
  FOR EACH ROW EXECUTE FUNCTION take_location_columns();

-- require_tree (0005) for places, whose tree has a column of its own.
CREATE FUNCTION require_location_tree(tenant uuid, members uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(format('location of %s', tenant), 0));
  IF EXISTS (
    WITH RECURSIVE above (member, id) AS (
      SELECT l.id, l.part_of_id FROM location l
      WHERE l.tenant_id = tenant AND l.id = ANY (members) AND l.part_of_id IS NOT NULL
      UNION SELECT a.member, l.part_of_id FROM above a JOIN location l ON l.tenant_id = tenant AND l.id = a.id
      WHERE l.part_of_id IS NOT NULL)
    SELECT FROM above WHERE id = member
  ) THEN
    RAISE EXCEPTION 'a place is inside of itself'
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'location_tree';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION require_location_tree(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION require_location_tree(uuid, uuid[]) TO hms_app;

-- What a practitioner works in: his own specialities and those of his roles that are active.
CREATE TABLE practitioner_speciality (
  tenant_id uuid NOT NULL,
  practitioner_id uuid NOT NULL,
  -- of the code, empty where the coding has none
  system text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, practitioner_id, system, code),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id)
);
CREATE INDEX practitioner_speciality_by_code ON practitioner_speciality (tenant_id, code, practitioner_id);
SELECT protect_tenant_table('practitioner_speciality');
GRANT SELECT, INSERT, DELETE ON practitioner_speciality TO hms_app;

-- Where a practitioner works: the home department and those of the roles that are active.
CREATE TABLE practitioner_department (
  tenant_id uuid NOT NULL,
  practitioner_id uuid NOT NULL,
  department_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, practitioner_id, department_id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id)
);
CREATE INDEX practitioner_department_by_department
  ON practitioner_department (tenant_id, department_id, practitioner_id);
SELECT protect_tenant_table('practitioner_department');
GRANT SELECT, INSERT, DELETE ON practitioner_department TO hms_app;

-- Keeps both by the document, whoever writes it: the API, imports, batches.
CREATE FUNCTION keep_practitioner_links() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  roles constant jsonb := coalesce(jsonb_path_query_array(
    NEW.document, '$.roles[*] ? (!exists (@.active) || @.active != false)'), '[]');
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM practitioner_speciality s WHERE s.tenant_id = NEW.tenant_id AND s.practitioner_id = NEW.id;
    DELETE FROM practitioner_department d
    WHERE d.tenant_id = NEW.tenant_id AND d.practitioner_id = NEW.id
      AND d.department_id IS DISTINCT FROM NEW.parent_id
      AND d.department_id::text NOT IN (SELECT role ->> 'department_id' FROM jsonb_array_elements(roles) role
                                        WHERE role ->> 'department_id' <> '');
  END IF;
  INSERT INTO practitioner_speciality (tenant_id, practitioner_id, system, code)
  SELECT DISTINCT NEW.tenant_id, NEW.id, coalesce(coding ->> 'system', ''), coding ->> 'code'
  FROM (
    SELECT jsonb_path_query(NEW.document, '$.specialities[*].codings[*]') AS coding
    UNION ALL SELECT jsonb_path_query(roles, '$[*].specialities[*].codings[*]')
  ) worked_in
  WHERE coding ->> 'code' <> '';
  INSERT INTO practitioner_department (tenant_id, practitioner_id, department_id)
  SELECT NEW.tenant_id, NEW.id, NEW.parent_id WHERE NEW.parent_id IS NOT NULL
  UNION
  SELECT NEW.tenant_id, NEW.id, (role ->> 'department_id')::uuid FROM jsonb_array_elements(roles) role
  WHERE role ->> 'department_id' <> ''
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION keep_practitioner_links() FROM PUBLIC;
CREATE TRIGGER keep_links AFTER INSERT OR UPDATE OF document, parent_id ON practitioner
  FOR EACH ROW EXECUTE FUNCTION keep_practitioner_links();
-- Fills them for those who stand.
UPDATE practitioner SET document = document;

-- Nobody begins to point to an entry that is deleted. Whoever deletes one locks it FOR UPDATE and then counts who
-- uses it (admin/in_use.sql); whoever points to one locks it here FOR KEY SHARE, as its foreign key does. So either
-- the one who deletes sees the use, or the one who uses sees that it is deleted. A fault is told as that of a
-- foreign key, "<table>_deleted".
DO $$
DECLARE
  pointing record;
BEGIN
  FOR pointing IN
    SELECT * FROM (VALUES
      ('practitioner', 'practitioner_id', ARRAY['encounter', 'clinical_record', 'schedule', 'schedule_exception',
                                                'appointment', 'queue_token']),
      ('department', 'department_id', ARRAY['encounter', 'schedule', 'schedule_exception', 'appointment',
                                            'queue_token', 'user_department', 'limited_role',
                                            'practitioner_department']),
      ('location', 'location_id', ARRAY['encounter', 'schedule', 'schedule_exception', 'appointment']),
      ('organization', 'organization_id', ARRAY['encounter', 'clinical_record'])
    ) AS listed (target, field, tables)
  LOOP
    EXECUTE format(
      'CREATE FUNCTION refuse_deleted_%1$s() RETURNS trigger '
      'LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $body$ '
      'BEGIN '
      'PERFORM FROM %1$s x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.%2$s AND x.delete_time IS NULL '
      'FOR KEY SHARE; '
      'IF NOT FOUND THEN RAISE EXCEPTION ''what is pointed to is deleted'' '
      'USING ERRCODE = ''foreign_key_violation'', CONSTRAINT = ''%1$s_deleted''; END IF; '
      'RETURN NULL; '
      'END $body$', pointing.target, pointing.field);
    EXECUTE format('REVOKE ALL ON FUNCTION refuse_deleted_%s() FROM PUBLIC', pointing.target);
    FOR i IN 1 .. cardinality(pointing.tables) LOOP
      EXECUTE format(
        'CREATE TRIGGER refuse_deleted_%1$s AFTER INSERT ON %2$s FOR EACH ROW '
        'WHEN (NEW.%3$s IS NOT NULL) EXECUTE FUNCTION refuse_deleted_%1$s()',
        pointing.target, pointing.tables[i], pointing.field);
      EXECUTE format(
        'CREATE TRIGGER refuse_other_deleted_%1$s AFTER UPDATE OF %3$s ON %2$s FOR EACH ROW '
        'WHEN (NEW.%3$s IS NOT NULL AND NEW.%3$s IS DISTINCT FROM OLD.%3$s) '
        'EXECUTE FUNCTION refuse_deleted_%1$s()',
        pointing.target, pointing.tables[i], pointing.field);
    END LOOP;
  END LOOP;
END
$$;

-- The same inside of the directory; also an entry that comes back into use has nothing deleted above it.
DO $$
DECLARE
  pointing record;
BEGIN
  FOR pointing IN
    SELECT * FROM (VALUES
      ('department', 'parent_id', 'department'), ('practitioner', 'parent_id', 'department'),
      ('organization', 'parent_id', 'organization'), ('location', 'parent_id', 'organization'),
      ('location', 'part_of_id', 'location'), ('location', 'department_id', 'department')
    ) AS listed (source, field, target)
  LOOP
    EXECUTE format(
      'CREATE FUNCTION refuse_deleted_%2$s_of_%1$s() RETURNS trigger '
      'LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $body$ '
      'BEGIN '
      'PERFORM FROM %3$s x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.%2$s AND x.delete_time IS NULL '
      'FOR KEY SHARE; '
      'IF NOT FOUND THEN RAISE EXCEPTION ''what is pointed to is deleted'' '
      'USING ERRCODE = ''foreign_key_violation'', CONSTRAINT = ''%3$s_deleted''; END IF; '
      'RETURN NULL; '
      'END $body$', pointing.source, pointing.field, pointing.target);
    EXECUTE format('REVOKE ALL ON FUNCTION refuse_deleted_%2$s_of_%1$s() FROM PUBLIC',
                   pointing.source, pointing.field);
    EXECUTE format(
      'CREATE TRIGGER refuse_deleted_%2$s AFTER INSERT ON %1$s FOR EACH ROW '
      'WHEN (NEW.%2$s IS NOT NULL) EXECUTE FUNCTION refuse_deleted_%2$s_of_%1$s()',
      pointing.source, pointing.field);
    EXECUTE format(
      'CREATE TRIGGER refuse_other_deleted_%2$s AFTER UPDATE ON %1$s FOR EACH ROW '
      'WHEN (NEW.%2$s IS NOT NULL AND NEW.delete_time IS NULL AND ('
      'NEW.%2$s IS DISTINCT FROM OLD.%2$s OR NEW.active > OLD.active OR OLD.delete_time IS NOT NULL)) '
      'EXECUTE FUNCTION refuse_deleted_%2$s_of_%1$s()',
      pointing.source, pointing.field);
  END LOOP;
END
$$;

-- What is open at one of them, for admin/in_use.sql.
CREATE INDEX encounter_open_by_practitioner ON encounter (tenant_id, practitioner_id)
  WHERE practitioner_id IS NOT NULL AND state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD');
CREATE INDEX encounter_open_by_department ON encounter (tenant_id, department_id)
  WHERE department_id IS NOT NULL AND state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD');
CREATE INDEX encounter_open_by_location ON encounter (tenant_id, location_id)
  WHERE location_id IS NOT NULL AND state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD');
