-- What waits for somebody: open orders, open referrals, critical reports that nobody has acknowledged. Whose desk
-- it lies on stands in columns of its own, since under row-level security no condition on the document reaches an
-- index (docs/decisions/0033-what-waits.md). Columns without a default: no row is rewritten.
ALTER TABLE clinical_record
  ADD COLUMN waiting boolean,
  ADD COLUMN desk_department_id uuid,
  ADD COLUMN desk_practitioner_id uuid;
ALTER TABLE clinical_record ADD CONSTRAINT clinical_record_desk_department_fkey
  FOREIGN KEY (tenant_id, desk_department_id) REFERENCES department (tenant_id, id) NOT VALID;
ALTER TABLE clinical_record ADD CONSTRAINT clinical_record_desk_practitioner_fkey
  FOREIGN KEY (tenant_id, desk_practitioner_id) REFERENCES practitioner (tenant_id, id) NOT VALID;
ALTER TABLE clinical_record VALIDATE CONSTRAINT clinical_record_desk_department_fkey;
ALTER TABLE clinical_record VALIDATE CONSTRAINT clinical_record_desk_practitioner_fkey;

-- Every writer passes here, one record or an import of thousands, so the columns never differ from the document.
CREATE FUNCTION lay_on_desk() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.desk_department_id := NULL;
  NEW.desk_practitioner_id := NULL;
  CASE NEW.type
    WHEN 'ORDER' THEN
      NEW.waiting := NEW.state IN ('ACTIVE', 'IN_PROGRESS');
      NEW.desk_department_id := nullif(NEW.document ->> 'performing_department_id', '')::uuid;
    WHEN 'REFERRAL' THEN
      NEW.waiting := NEW.state IN ('ACTIVE', 'ACCEPTED');
      NEW.desk_department_id := nullif(NEW.document ->> 'to_department_id', '')::uuid;
      NEW.desk_practitioner_id := nullif(NEW.document ->> 'to_practitioner_id', '')::uuid;
    ELSE
      NEW.waiting := coalesce((NEW.document ->> 'critical')::boolean, false)
        AND coalesce(NEW.document ->> 'acknowledge_time', '') = ''
        AND NEW.state NOT IN ('CANCELLED', 'ENTERED_IN_ERROR');
      NEW.desk_department_id := nullif(NEW.document ->> 'requester_department_id', '')::uuid;
      NEW.desk_practitioner_id := nullif(NEW.document ->> 'requester_id', '')::uuid;
  END CASE;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lay_on_desk() FROM PUBLIC;
CREATE TRIGGER lay_on_desk BEFORE INSERT OR UPDATE OF document, state ON clinical_record
  FOR EACH ROW WHEN (NEW.type IN ('ORDER', 'REFERRAL', 'DIAGNOSTIC_REPORT')) EXECUTE FUNCTION lay_on_desk();

-- What waits is a small part of what there is: of the hospital, of a department, of a practitioner.
CREATE INDEX clinical_record_waiting ON clinical_record (tenant_id, type, category, clinical_time, id)
  WHERE waiting;
CREATE INDEX clinical_record_waiting_in_department
  ON clinical_record (tenant_id, desk_department_id, type, category, clinical_time, id) WHERE waiting;
CREATE INDEX clinical_record_waiting_for_practitioner
  ON clinical_record (tenant_id, desk_practitioner_id, type, category, clinical_time, id) WHERE waiting;
