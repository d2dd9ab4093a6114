-- Restricted patients (staff, VIP): only the departments that treat them and break-glass see them.
--
-- One restrictive policy on `patient` decides (docs/decisions/0015-restricted-by-policy.md); every statement
-- that shows something of a patient joins that table. Whoever calls stands in the setting app.user_id.

-- A record that was merged into this one is restricted with it: restrict_patient() sees to it.
ALTER TABLE patient ADD COLUMN restricted boolean NOT NULL DEFAULT false;
ALTER TABLE patient_version ADD COLUMN restricted boolean NOT NULL DEFAULT false;

-- The departments that a user works in.
CREATE TABLE user_department (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  department_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, user_id, department_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id)
);
CREATE INDEX user_department_by_department ON user_department (tenant_id, department_id);
SELECT protect_tenant_table('user_department');
GRANT SELECT, INSERT, DELETE ON user_department TO hms_app;

-- Who took the right to see a patient, why, until when, and what a reviewer found. Goes over with a merge.
CREATE TABLE break_glass (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  patient_id uuid NOT NULL,
  user_id uuid NOT NULL,
  reason text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  expire_time timestamptz NOT NULL,
  -- empty until it was reviewed
  outcome text COLLATE "C" NOT NULL DEFAULT '' CHECK (outcome IN ('', 'JUSTIFIED', 'NOT_JUSTIFIED')),
  note text NOT NULL DEFAULT '',
  reviewer_id uuid,
  review_time timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
  CHECK ((outcome = '') = (reviewer_id IS NULL) AND (outcome = '') = (review_time IS NULL)),
  CHECK (reviewer_id <> user_id)
);
CREATE INDEX break_glass_by_time ON break_glass (tenant_id, create_time, id);
CREATE INDEX break_glass_by_patient ON break_glass (tenant_id, patient_id, create_time, id);
SELECT protect_tenant_table('break_glass');
GRANT SELECT, INSERT, UPDATE ON break_glass TO hms_app;

-- The functions below look where their caller cannot: at hidden patients and the visits that treat them.
-- They run as the role that owns the searches, which reads ids and states, writes nothing, and of these tables
-- sees one tenant alone.
GRANT SELECT (uhid, merged_into) ON patient TO hms_search;
GRANT SELECT (tenant_id, patient_id, department_id, state, clinical_time, document) ON encounter TO hms_search;
GRANT SELECT (tenant_id, user_id, department_id) ON user_department TO hms_search;
GRANT SELECT (tenant_id, id, patient_id, user_id, create_time, expire_time, outcome) ON break_glass TO hms_search;
CREATE POLICY restriction ON encounter FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY restriction ON user_department FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY restriction ON break_glass FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- Whether the caller (app.user_id) sees this restricted patient: as one of a department that treats the patient
-- now or did within 30 days, or under a grant that stands. Where a grant alone opens it, the transaction is
-- marked (app.break_glass), so that what it does is audited as done under the grant: hence plpgsql, and no
-- parallel plans, which may not set anything. A grant that a reviewer found unjustified ends. As of the
-- transaction's beginning, so that a change does not lose sight between its two halves.
CREATE FUNCTION may_see_restricted(patient uuid) RETURNS boolean
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
  -- Days are compared as they are written, FHIR dates of any precision.
  IF EXISTS (
    SELECT FROM encounter e
    JOIN user_department d ON d.tenant_id = tenant AND d.user_id = caller AND d.department_id = e.department_id
    WHERE e.tenant_id = tenant AND e.patient_id = standing
      AND (e.state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD')
           OR (e.state = 'COMPLETED'
               AND CASE WHEN e.document ->> 'end_time' <> ''
                   THEN left(e.document ->> 'end_time', 10) COLLATE "C"
                        >= to_char(now() - interval '30 days', 'YYYY-MM-DD') COLLATE "C"
                   ELSE e.clinical_time >= now() - interval '30 days' END))
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

-- The record that stands of a patient who is known by id or by exact UHID, seen or not: for breaking glass.
-- Its id alone.
CREATE FUNCTION patient_behind_glass(patient uuid, number text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT CASE WHEN p.merged_into IS NULL THEN p.id ELSE p.merged_into END
  FROM patient p
  WHERE p.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    AND (p.id = patient OR (patient IS NULL AND p.uhid = number))
$$;

-- PUBLIC loses its right before the owner changes: afterwards hms_owner has no say in it.
REVOKE ALL ON FUNCTION may_see_restricted(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION patient_behind_glass(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION may_see_restricted(uuid) TO hms_app;
GRANT EXECUTE ON FUNCTION patient_behind_glass(uuid, text) TO hms_app;
GRANT CREATE ON SCHEMA public TO hms_search;
ALTER FUNCTION may_see_restricted(uuid) OWNER TO hms_search;
ALTER FUNCTION patient_behind_glass(uuid, text) OWNER TO hms_search;
REVOKE CREATE ON SCHEMA public FROM hms_search;
SET LOCAL ROLE hms_search;
GRANT EXECUTE ON FUNCTION may_see_restricted(uuid) TO hms_owner;
RESET ROLE;

-- Restricts a patient and the records that were merged into it, or lifts that. The versions that stood are
-- kept. As the owner, since the policy would not let a caller write a row that he no longer sees; what he does
-- not see now he cannot change here either: SELECT ... FOR UPDATE under the policy comes first, and this asks
-- again. Returns the records that changed.
CREATE FUNCTION restrict_patient(patient uuid, wanted boolean, actor uuid)
RETURNS TABLE (patient_id uuid, new_version bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH changing AS (
    SELECT p.* FROM patient p
    WHERE p.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
      AND (p.id = patient OR p.merged_into = patient) AND p.restricted <> wanted
      AND (NOT p.restricted OR may_see_restricted(p.id))
  ), kept AS (
    INSERT INTO patient_version
      (tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
       merged_uhids, restricted)
    SELECT tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
           merged_uhids, restricted
    FROM changing
  )
  UPDATE patient p SET restricted = wanted, version = p.version + 1, actor_id = actor,
    update_time = clock_timestamp()
  FROM changing c WHERE p.tenant_id = c.tenant_id AND p.id = c.id
  RETURNING p.id, p.version
$$;
REVOKE ALL ON FUNCTION restrict_patient(uuid, boolean, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION restrict_patient(uuid, boolean, uuid) TO hms_app;
-- Beside tenant_isolation, not in its place. The function is called for restricted rows alone.
CREATE POLICY restricted_patients ON patient AS RESTRICTIVE TO hms_app
  USING (NOT restricted OR may_see_restricted(id));

-- What a transaction did with patients whom a grant opened is audited as done under that grant, whoever wrote
-- the record: its reason names the grant of each such patient. Asked where the policy met a grant alone: a record
-- of any other transaction costs one look at a setting.
CREATE FUNCTION mark_break_glass() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  marks text;
BEGIN
  SELECT string_agg('BREAK_GLASS:' || opened.id, ' ' ORDER BY opened.id) INTO marks
  FROM (
    SELECT DISTINCT ON (g.patient_id) g.id
    FROM patient p
    JOIN break_glass g ON g.tenant_id = NEW.tenant_id
      AND g.patient_id = CASE WHEN p.merged_into IS NULL THEN p.id ELSE p.merged_into END
    WHERE p.tenant_id = NEW.tenant_id AND p.id = ANY (NEW.patient_ids)
      AND g.user_id = nullif(current_setting('app.user_id', true), '')::uuid
      AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED'
    ORDER BY g.patient_id, g.create_time DESC
  ) opened;
  IF marks IS NOT NULL THEN
    NEW.record := NEW.record || jsonb_build_object(
      'reason', concat_ws(' ', marks, nullif(NEW.record ->> 'reason', '')));
  END IF;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION mark_break_glass() FROM PUBLIC;
CREATE TRIGGER mark_break_glass BEFORE INSERT ON audit_outbox
  FOR EACH ROW WHEN (current_setting('app.break_glass', true) = 'on') EXECUTE FUNCTION mark_break_glass();
