-- Roles that are held in some departments only, and what their holders see
-- (docs/decisions/0020-department-limits.md).

-- Beside user_role, not in it: a release that does not know limits takes nobody for unlimited.
CREATE TABLE limited_role (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role_id uuid NOT NULL,
  department_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_id, department_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id)
);
CREATE INDEX limited_role_by_role ON limited_role (tenant_id, role_id);
CREATE INDEX limited_role_by_department ON limited_role (tenant_id, department_id);
SELECT protect_tenant_table('limited_role');
GRANT SELECT, INSERT, DELETE ON limited_role TO hms_app;

-- The patients of a department.
CREATE INDEX encounter_by_department ON encounter (tenant_id, department_id, patient_id)
  WHERE department_id IS NOT NULL;

-- The functions look where their caller cannot, as those of migrations/0014_break_glass.sql do.
GRANT SELECT (id) ON encounter TO hms_search;
GRANT SELECT (tenant_id, id, patient_id, encounter_id) ON clinical_record TO hms_search;
CREATE POLICY restriction ON clinical_record FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Whether a grant opens this patient to the caller (app.user_id). The transaction is marked then, so that
-- what it does is audited as done under the grant.
CREATE FUNCTION patient_under_grant(patient uuid) RETURNS boolean
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

-- Whether the patient has or had an encounter in the caller's departments (app.departments), or a grant opens
-- the patient. A record that was merged is where the one is that it was merged into.
CREATE FUNCTION patient_in_departments(patient uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE COST 1000 SET search_path = pg_catalog, public AS $$
DECLARE
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  departments constant uuid[] := nullif(current_setting('app.departments', true), '')::uuid[];
  standing uuid;
BEGIN
  SELECT CASE WHEN p.merged_into IS NULL THEN p.id ELSE p.merged_into END INTO standing
  FROM patient p WHERE p.tenant_id = tenant AND p.id = patient;
  RETURN EXISTS (
    SELECT FROM encounter e
    WHERE e.tenant_id = tenant AND e.patient_id = standing AND e.department_id = ANY (departments)
      AND e.state <> 'ENTERED_IN_ERROR'
  ) OR patient_under_grant(standing);
END
$$;

-- The same of an encounter by its id, and of what hangs on one.
CREATE FUNCTION encounter_in_departments(encounter uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE COST 1000 SET search_path = pg_catalog, public AS $$
DECLARE
  departments constant uuid[] := nullif(current_setting('app.departments', true), '')::uuid[];
  place uuid;
  patient uuid;
BEGIN
  SELECT e.department_id, e.patient_id INTO place, patient FROM encounter e
  WHERE e.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND e.id = encounter;
  RETURN coalesce(place = ANY (departments), false) OR coalesce(patient_under_grant(patient), false);
END
$$;

CREATE FUNCTION record_in_departments(record uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE COST 1000 SET search_path = pg_catalog, public AS $$
DECLARE
  visit uuid;
  patient uuid;
BEGIN
  SELECT r.encounter_id, r.patient_id INTO visit, patient FROM clinical_record r
  WHERE r.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND r.id = record;
  RETURN encounter_in_departments(visit) OR patient_under_grant(patient);
END
$$;

-- The patients of the caller's departments and those whom a grant opens to the caller: where his lists and
-- searches begin. Not a part of these statements, since a plan for any departments would take them for large.
-- One department after the other, each along its index.
CREATE FUNCTION patients_of_departments() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, public
SET enable_seqscan = off AS $$
DECLARE
  caller constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  departments constant uuid[] := nullif(current_setting('app.departments', true), '')::uuid[];
BEGIN
  RETURN QUERY
    SELECT of_one.patient_id FROM unnest(departments) AS department (id)
    CROSS JOIN LATERAL (
      SELECT e.patient_id FROM encounter e
      WHERE e.tenant_id = tenant AND e.department_id = department.id AND e.state <> 'ENTERED_IN_ERROR'
      OFFSET 0
    ) of_one
    UNION
    SELECT g.patient_id FROM break_glass g
    WHERE g.tenant_id = tenant AND g.user_id = caller AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED';
END
$$;

-- PUBLIC loses its right before the owner changes: afterwards hms_owner has no say in it.
REVOKE ALL ON FUNCTION patient_under_grant(uuid), patient_in_departments(uuid), encounter_in_departments(uuid),
  record_in_departments(uuid), patients_of_departments() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION patient_under_grant(uuid), patient_in_departments(uuid), encounter_in_departments(uuid),
  record_in_departments(uuid), patients_of_departments() TO hms_app;
GRANT CREATE ON SCHEMA public TO hms_search;
ALTER FUNCTION patient_under_grant(uuid) OWNER TO hms_search;
ALTER FUNCTION patient_in_departments(uuid) OWNER TO hms_search;
ALTER FUNCTION encounter_in_departments(uuid) OWNER TO hms_search;
ALTER FUNCTION record_in_departments(uuid) OWNER TO hms_search;
ALTER FUNCTION patients_of_departments() OWNER TO hms_search;
REVOKE CREATE ON SCHEMA public FROM hms_search;

-- Beside tenant_isolation and restricted_patients. The setting stands in a transaction of a limited caller
-- alone; for everybody else it is NULL or, where a connection had one, empty, and the first half decides.
CREATE POLICY department_limits ON patient AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE OR patient_in_departments(id));
CREATE POLICY department_limits ON patient_version AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE OR patient_in_departments(id));
CREATE POLICY department_limits ON encounter AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE
         OR department_id = ANY (nullif(current_setting('app.departments', true), '')::uuid[])
         OR patient_under_grant(patient_id));
CREATE POLICY department_limits ON encounter_version AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE OR encounter_in_departments(id));
CREATE POLICY department_limits ON clinical_record AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE
         OR encounter_in_departments(encounter_id)
         OR (encounter_id IS NULL AND patient_under_grant(patient_id)));
CREATE POLICY department_limits ON clinical_record_version AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE OR record_in_departments(id));
