-- The patient registry.

-- Numbers for UHIDs are handed out in blocks; gaps are allowed, repeats are not.
CREATE TABLE uhid_counter (
  tenant_id uuid PRIMARY KEY REFERENCES tenant (id),
  next_number bigint NOT NULL DEFAULT 1
);
SELECT protect_tenant_table('uhid_counter');
GRANT SELECT, INSERT, UPDATE ON uhid_counter TO hms_app;

CREATE TABLE patient (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  uhid text COLLATE "C" NOT NULL,
  -- What the API calls the patient, by field name (FHIR-shaped). The truth; the columns below that
  -- are made from it exist for indexes.
  document jsonb NOT NULL,
  -- normalised family and given name, the order of lists
  name_key text COLLATE "C" NOT NULL,
  -- FHIR date: its prefix is its precision
  birth_date text COLLATE "C" NOT NULL DEFAULT '',
  -- UHID, phone digits and words of names in lower-case ASCII, a blank before and after each
  -- (hms_server/patient/keys.py)
  search_text text COLLATE "C" NOT NULL,
  -- who made this version
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  delete_time timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, uhid)
);
CREATE INDEX patient_by_create_time ON patient (tenant_id, create_time, id);
CREATE INDEX patient_by_name ON patient (tenant_id, name_key, id);
-- Searches pass deleted records by.
CREATE INDEX patient_by_birth_date ON patient (tenant_id, birth_date, id) WHERE delete_time IS NULL;
-- fastupdate off: the pending list makes slow outliers under writes
CREATE INDEX patient_by_search_text ON patient
  USING gin (tenant_id, search_text gin_trgm_ops) WITH (fastupdate = off) WHERE delete_time IS NULL;
SELECT protect_tenant_table('patient');
GRANT SELECT, INSERT, UPDATE ON patient TO hms_app;

-- Earlier versions, as they stood.
CREATE TABLE patient_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  uhid text COLLATE "C" NOT NULL,
  document jsonb NOT NULL,
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  delete_time timestamptz,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES patient (tenant_id, id)
);
SELECT protect_tenant_table('patient_version');
GRANT SELECT, INSERT ON patient_version TO hms_app;

-- What a patient is looked up by exactly or by prefix, and what duplicates are found by. A deleted
-- patient has none, so that a look-up never has to pass any by.
CREATE TABLE patient_key (
  tenant_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('WORD', 'PHONE', 'IDENTIFIER', 'NAME_BIRTH')),
  value text COLLATE "C" NOT NULL,
  patient_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, kind, value, patient_id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id)
);
CREATE INDEX patient_key_by_patient ON patient_key (tenant_id, patient_id);
SELECT protect_tenant_table('patient_key');
GRANT SELECT, INSERT, DELETE ON patient_key TO hms_app;

