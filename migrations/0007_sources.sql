-- Where imported records came from: the identity of a resource of another system, and what it held.
CREATE TABLE source_record (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  -- the other system's name, empty where there is only one
  source text COLLATE "C" NOT NULL,
  -- FHIR resource type
  type text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  -- the record it became
  entity_id uuid NOT NULL,
  -- of the resource as it was last taken over
  content_hash bytea NOT NULL,
  PRIMARY KEY (tenant_id, source, type, source_id)
);
SELECT protect_tenant_table('source_record');
GRANT SELECT, INSERT, UPDATE ON source_record TO hms_app;
