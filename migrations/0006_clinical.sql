-- The clinical record.
--
-- `document` holds the API's fields by name, without those that have a column of their own that other
-- rows or constraints are about: id, patient, encounter, practitioner, department, organization, location.
-- clinical_time is the first moment that the record's own FHIR dateTime can mean.

CREATE TABLE encounter (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  patient_id uuid NOT NULL,
  practitioner_id uuid,
  department_id uuid,
  organization_id uuid,
  location_id uuid,
  state text COLLATE "C" NOT NULL
    CHECK (state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD', 'COMPLETED', 'CANCELLED', 'ENTERED_IN_ERROR')),
  -- HL7 v3 ActCode
  encounter_class text COLLATE "C" NOT NULL,
  clinical_time timestamptz NOT NULL,
  document jsonb NOT NULL,
  -- who made this version
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organization (tenant_id, id),
  FOREIGN KEY (tenant_id, location_id) REFERENCES location (tenant_id, id)
);
CREATE INDEX encounter_by_patient ON encounter (tenant_id, patient_id, clinical_time, id);
SELECT protect_tenant_table('encounter');
GRANT SELECT, INSERT, UPDATE ON encounter TO hms_app;

CREATE TABLE encounter_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  practitioner_id uuid,
  department_id uuid,
  organization_id uuid,
  location_id uuid,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES encounter (tenant_id, id)
);
SELECT protect_tenant_table('encounter_version');
GRANT SELECT, INSERT ON encounter_version TO hms_app;

-- Everything that belongs to a patient beside encounters, in one table: the types share their furniture,
-- the timeline is one index, and a merge moves one table (docs/decisions/0012-one-clinical-table.md).
CREATE TABLE clinical_record (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  type text COLLATE "C" NOT NULL CHECK (type IN (
    'OBSERVATION', 'CONDITION', 'ALLERGY', 'PRESCRIPTION', 'PROCEDURE', 'IMMUNIZATION', 'DIAGNOSTIC_REPORT',
    'DOCUMENT')),
  patient_id uuid NOT NULL,
  encounter_id uuid,
  practitioner_id uuid,
  organization_id uuid,
  -- the type's own states; of conditions and allergies the clinical one, unless refuted or entered in error
  state text COLLATE "C" NOT NULL,
  -- first coding of what it is about; empty where there is none
  code text COLLATE "C" NOT NULL,
  -- of observations the first category; empty otherwise
  category text COLLATE "C" NOT NULL,
  clinical_time timestamptz NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id),
  FOREIGN KEY (tenant_id, encounter_id) REFERENCES encounter (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, organization_id) REFERENCES organization (tenant_id, id)
);
-- Lists of a type; the timeline merges the types' own orders.
CREATE INDEX clinical_record_by_type ON clinical_record (tenant_id, patient_id, type, clinical_time, id);
CREATE INDEX clinical_record_by_encounter ON clinical_record (tenant_id, encounter_id, type, clinical_time, id)
  WHERE encounter_id IS NOT NULL;
-- The last vital sign or result of each code.
CREATE INDEX clinical_record_by_code ON clinical_record (tenant_id, patient_id, category, code, clinical_time, id)
  WHERE type = 'OBSERVATION';
-- What a patient has now: few of the many that there were.
CREATE INDEX clinical_record_current ON clinical_record (tenant_id, patient_id, type, clinical_time, id)
  WHERE state IN ('ACTIVE', 'RECURRENCE', 'RELAPSE', 'ON_HOLD');
SELECT protect_tenant_table('clinical_record');
GRANT SELECT, INSERT, UPDATE ON clinical_record TO hms_app;

CREATE TABLE clinical_record_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  encounter_id uuid,
  practitioner_id uuid,
  organization_id uuid,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES clinical_record (tenant_id, id)
);
SELECT protect_tenant_table('clinical_record_version');
GRANT SELECT, INSERT ON clinical_record_version TO hms_app;
