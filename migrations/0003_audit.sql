-- The audit: an outbox that each call's own transaction writes, and the chained, partitioned events
-- that the drain makes of it.

CREATE TABLE audit_outbox (
  tenant_id uuid NOT NULL,
  -- taken while the row's lock is held, so that one entity's records stand in order
  position bigint GENERATED ALWAYS AS IDENTITY,
  event_id uuid NOT NULL,
  record_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- who, what, where: fields of audit_event by name
  record jsonb NOT NULL,
  patient_ids uuid[] NOT NULL DEFAULT '{}',
  outcome text NOT NULL,
  PRIMARY KEY (tenant_id, position)
)
-- Every row is soon deleted again: vacuum by their number, since a share of the rows means nothing here.
WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0,
      autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 50000,
      autovacuum_analyze_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
SELECT protect_tenant_table('audit_outbox');
GRANT INSERT ON audit_outbox TO hms_app;
CREATE POLICY drain ON audit_outbox TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, DELETE ON audit_outbox TO hms_worker;

-- The last link of each tenant's chain.
CREATE TABLE audit_chain (
  tenant_id uuid PRIMARY KEY,
  sequence bigint NOT NULL DEFAULT 0,
  hash bytea NOT NULL DEFAULT '\x',
  update_time timestamptz NOT NULL DEFAULT now()
)
-- updated once a batch: room in the page for the next version of the row
WITH (fillfactor = 50);
SELECT protect_tenant_table('audit_chain');
CREATE POLICY drain ON audit_chain TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON audit_chain TO hms_worker;

CREATE TABLE audit_event (
  tenant_id uuid NOT NULL,
  -- place in the tenant's chain, from 1 without a gap
  sequence bigint NOT NULL,
  id uuid NOT NULL,
  record_time timestamptz NOT NULL,
  action text NOT NULL,
  method text NOT NULL,
  actor_id uuid,
  actor_name text NOT NULL DEFAULT '',
  session_id uuid,
  entity_type text NOT NULL DEFAULT '',
  entity_id text NOT NULL DEFAULT '',
  patient_ids uuid[] NOT NULL DEFAULT '{}',
  outcome text NOT NULL,
  reason text NOT NULL DEFAULT '',
  request_id text NOT NULL DEFAULT '',
  trace_id text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  old_version bigint NOT NULL DEFAULT 0,
  new_version bigint NOT NULL DEFAULT 0,
  key_id text NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (tenant_id, sequence, record_time)
) PARTITION BY RANGE (record_time);
CREATE INDEX audit_event_by_time ON audit_event (tenant_id, record_time, sequence);
CREATE INDEX audit_event_by_actor ON audit_event (tenant_id, actor_id, record_time, sequence);
-- unique beside the chain's own lock: an outbox record can become one event only
CREATE UNIQUE INDEX audit_event_by_id ON audit_event (tenant_id, id, record_time);
SELECT protect_tenant_table('audit_event');
GRANT SELECT ON audit_event TO hms_app;
CREATE POLICY drain ON audit_event TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_event TO hms_worker;

-- Which events name a patient: a B-tree, since an array operator would not reach an index under RLS.
CREATE TABLE audit_event_patient (
  tenant_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  record_time timestamptz NOT NULL,
  sequence bigint NOT NULL,
  PRIMARY KEY (tenant_id, patient_id, record_time, sequence)
) PARTITION BY RANGE (record_time);
SELECT protect_tenant_table('audit_event_patient');
GRANT SELECT ON audit_event_patient TO hms_app;
CREATE POLICY drain ON audit_event_patient TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_event_patient TO hms_worker;

-- Makes the partitions (UTC) of the month that holds `moment`; returns the names of those it made.
-- There is no default partition: it would have to be emptied to make room. A partition is made as a
-- table of its own and then attached, which holds up neither readers nor writers of the parent.
CREATE FUNCTION make_audit_partition(moment timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '5s' AS $$
DECLARE
  month timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
  parent text;
  partition text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('make_audit_partition'));
  FOREACH parent IN ARRAY ARRAY['audit_event', 'audit_event_patient'] LOOP
    partition := format('%s_%s', parent, to_char(month, 'YYYYMM'));
    CONTINUE WHEN to_regclass('public.' || quote_ident(partition)) IS NOT NULL;
    EXECUTE format(
      'CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)',
      partition, parent);
    -- Nobody is granted a partition; should somebody be one day, its rows are still locked.
    PERFORM public.protect_tenant_table(format('public.%I', partition)::regclass);
    EXECUTE format(
      'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
      parent, partition, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    RETURN NEXT partition;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION make_audit_partition(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_audit_partition(timestamptz) TO hms_worker;

-- The partitions of this month and of the next `months_ahead`.
CREATE FUNCTION make_audit_partitions(months_ahead integer) RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT made.name
  FROM generate_series(0, months_ahead) AS ahead,
       make_audit_partition(
         (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC'
       ) AS made (name)
$$;
REVOKE ALL ON FUNCTION make_audit_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_audit_partitions(integer) TO hms_worker;

-- Which tenants there are, for reports of `hms audit verify`: hms_worker reads no tenant itself.
CREATE FUNCTION audit_tenants() RETURNS TABLE (id uuid, code text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT tenant.id, tenant.code FROM tenant
$$;
REVOKE ALL ON FUNCTION audit_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_tenants() TO hms_worker;
