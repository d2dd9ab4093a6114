-- What an attacker's look at 0001 to 0014 found open.

-- 1. An unjustified grant takes back what was built on it. Whoever had broken the glass could open an encounter
-- in his own department, which then treated the patient and saw the record for good. Which encounters a grant
-- opened, or gave to another department, is noted here; a reviewer who finds the grant unjustified ends what
-- they show. Until then they count: an emergency admission has to be seen by those who treat it.
CREATE TABLE encounter_under_glass (
  tenant_id uuid NOT NULL,
  encounter_id uuid NOT NULL,
  grant_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, encounter_id, grant_id),
  FOREIGN KEY (tenant_id, encounter_id) REFERENCES encounter (tenant_id, id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES break_glass (tenant_id, id)
);
SELECT protect_tenant_table('encounter_under_glass');
GRANT INSERT ON encounter_under_glass TO hms_app;
GRANT SELECT ON encounter_under_glass TO hms_search;
GRANT SELECT (id) ON encounter TO hms_search;
CREATE POLICY restriction ON encounter_under_glass FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Whether an encounter makes its department one that treats: now, or until 30 days ago. Days are compared as
-- they are written, FHIR dates of any precision.
CREATE FUNCTION encounter_treats(state text, began timestamptz, document jsonb) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD')
    OR (state = 'COMPLETED'
        AND CASE WHEN document ->> 'end_time' <> ''
            THEN left(document ->> 'end_time', 10) COLLATE "C"
                 >= to_char(now() - interval '30 days', 'YYYY-MM-DD') COLLATE "C"
            ELSE began >= now() - interval '30 days' END)
$$;
REVOKE ALL ON FUNCTION encounter_treats(text, timestamptz, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encounter_treats(text, timestamptz, jsonb) TO hms_app, hms_search;

-- Notes the caller's grant beside an encounter that shows the patient to a department from here on.
CREATE FUNCTION note_under_glass() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.department_id IS NOT DISTINCT FROM OLD.department_id
       AND encounter_treats(OLD.state, OLD.clinical_time, OLD.document) THEN
      RETURN NULL;
    END IF;
  END IF;
  INSERT INTO encounter_under_glass (tenant_id, encounter_id, grant_id)
  SELECT NEW.tenant_id, NEW.id, g.id
  FROM break_glass g
  WHERE g.tenant_id = NEW.tenant_id AND g.patient_id = NEW.patient_id
    AND g.user_id = nullif(current_setting('app.user_id', true), '')::uuid
    AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED'
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_under_glass() FROM PUBLIC;
CREATE TRIGGER note_under_glass AFTER INSERT OR UPDATE OF department_id, state, clinical_time, document ON encounter
  FOR EACH ROW WHEN (current_setting('app.break_glass', true) = 'on') EXECUTE FUNCTION note_under_glass();

-- As before, without encounters of an unjustified grant.
GRANT CREATE ON SCHEMA public TO hms_search;
SET LOCAL ROLE hms_search;
CREATE OR REPLACE FUNCTION may_see_restricted(patient uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE COST 1000 SET search_path = pg_catalog, public AS $$
DECLARE
  caller constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  standing uuid;
BEGIN
  IF caller IS NULL OR tenant IS NULL THEN
    RETURN false;
  END IF;
  SELECT CASE WHEN p.merged_into IS NULL THEN p.id ELSE p.merged_into END INTO standing
  FROM patient p WHERE p.tenant_id = tenant AND p.id = patient;
  IF EXISTS (
    SELECT FROM encounter e
    JOIN user_department d ON d.tenant_id = tenant AND d.user_id = caller AND d.department_id = e.department_id
    WHERE e.tenant_id = tenant AND e.patient_id = standing
      AND encounter_treats(e.state, e.clinical_time, e.document)
      AND NOT EXISTS (
        SELECT FROM encounter_under_glass u
        JOIN break_glass g ON g.tenant_id = tenant AND g.id = u.grant_id
        WHERE u.tenant_id = tenant AND u.encounter_id = e.id AND g.outcome = 'NOT_JUSTIFIED')
  ) THEN
    RETURN true;
  END IF;
  IF NOT EXISTS (
    SELECT FROM break_glass g
    WHERE g.tenant_id = tenant AND g.user_id = caller AND g.patient_id = standing
      AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED'
  ) THEN
    RETURN false;
  END IF;
  PERFORM set_config('app.break_glass', 'on', true);
  RETURN true;
END
$$;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM hms_search;

-- 2. Functions look for tables in pg_temp last. Where a search path does not name pg_temp PostgreSQL looks there
-- first: a temporary table of the caller's, called `patient`, would stand in for ours inside a function that
-- runs as another role, and its triggers would run as that role.
--
-- Whoever alters a function must own it, and what hms_search owns hms_owner alters in its name.
DO $$
DECLARE
  each record;
BEGIN
  FOR each IN
    SELECT p.oid::regprocedure AS function, p.proowner::regrole AS keeper
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND 'search_path=pg_catalog, public' = ANY (p.proconfig)
  LOOP
    EXECUTE format('SET LOCAL ROLE %s', each.keeper);
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', each.function);
    RESET ROLE;
  END LOOP;
END
$$;
