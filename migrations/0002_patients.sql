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
  -- ' ' then words: names, UHID, phone digits; ASCII lower case (hms_server/patient/normalise.py)
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
CREATE INDEX patient_by_birth_date ON patient (tenant_id, birth_date, id);
-- fastupdate off: the pending list makes slow outliers under writes
CREATE INDEX patient_by_search_text ON patient
  USING gin (tenant_id, search_text gin_trgm_ops) WITH (fastupdate = off);
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

-- What a patient is looked up by exactly or by prefix, and what duplicates are found by.
CREATE TABLE patient_key (
  tenant_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('NAME', 'PHONE', 'IDENTIFIER', 'NAME_BIRTH')),
  value text COLLATE "C" NOT NULL,
  patient_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, kind, value, patient_id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id)
);
CREATE INDEX patient_key_by_patient ON patient_key (tenant_id, patient_id);
SELECT protect_tenant_table('patient_key');
GRANT SELECT, INSERT, DELETE ON patient_key TO hms_app;

-- Under RLS only leakproof conditions reach an index, and LIKE is not one. This function runs as a
-- role whose policy is plain true, returns ids only, and takes the tenant from the transaction's
-- setting, never from an argument. Callers join the ids back under RLS.
CREATE POLICY search_ids ON patient FOR SELECT TO hms_search USING (true);
GRANT SELECT (tenant_id, id, search_text, birth_date, delete_time) ON patient TO hms_search;

-- Ids of patients whose words begin with every one of `tokens` (lower-case ASCII letters and
-- digits); where none does, of those that hold them anywhere. At most `max_rows`, in no order.
CREATE FUNCTION search_patient_ids(tokens text[], birth_from text, birth_before text, max_rows integer)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  statement text := 'SELECT id FROM patient WHERE tenant_id = $1 AND delete_time IS NULL';
  found_rows bigint;
BEGIN
  IF tenant IS NULL OR cardinality(tokens) NOT BETWEEN 1 AND 8 THEN
    RETURN;
  END IF;
  FOR i IN 1 .. cardinality(tokens) LOOP
    IF tokens[i] !~ '^[a-z0-9]+$' THEN
      RAISE EXCEPTION 'a search token holds other than a-z and 0-9' USING ERRCODE = '22023';
    END IF;
    statement := statement || format(' AND search_text LIKE ''%%'' || $2 || %L', tokens[i] || '%');
  END LOOP;
  IF birth_from <> '' THEN
    statement := statement || ' AND birth_date >= $3 AND birth_date < $4';
  END IF;
  statement := statement || ' LIMIT $5';
  RETURN QUERY EXECUTE statement USING tenant, ' ', birth_from, birth_before, max_rows;
  GET DIAGNOSTICS found_rows = ROW_COUNT;
  IF found_rows = 0 THEN
    RETURN QUERY EXECUTE statement USING tenant, '', birth_from, birth_before, max_rows;
  END IF;
END
$$;
-- Before the function changes hands: only its owner may say who executes it.
REVOKE ALL ON FUNCTION search_patient_ids(text[], text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_patient_ids(text[], text, text, integer) TO hms_app;
GRANT CREATE ON SCHEMA public TO hms_search;
ALTER FUNCTION search_patient_ids(text[], text, text, integer) OWNER TO hms_search;
REVOKE CREATE ON SCHEMA public FROM hms_search;
