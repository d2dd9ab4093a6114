-- Retention of the audit, and legal holds (docs/decisions/0018-audit-retention.md).
--
-- Two groups, which may come to live in two databases: what stands beside the tenant, and what stands beside the
-- events. Nothing of the second reads the first but drop_audit_month(), and that where it is there.

-- Beside the tenant.

ALTER TABLE tenant_setting
  -- null: the six years of HIPAA (45 CFR 164.316(b)(2)(i), 164.528), which are the least, too
  ADD COLUMN audit_retention_years integer CHECK (audit_retention_years BETWEEN 6 AND 50);
ALTER TABLE tenant_erasure
  -- what the hospital had chosen: its settings go with it, its audit stays as long as it said
  ADD COLUMN audit_retention_years integer;

-- While one stands nothing of the tenant's audit is dropped, and the tenant is not erased. Kept when a tenant
-- is erased, like the audit that it is about.
CREATE TABLE legal_hold (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  reason text NOT NULL,
  -- placed by the platform: a user of it, and to be released by it alone
  of_platform boolean NOT NULL,
  user_id uuid NOT NULL,
  username text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  release_time timestamptz,
  release_user_id uuid,
  release_username text NOT NULL DEFAULT '',
  release_reason text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  CHECK ((release_time IS NULL) = (release_user_id IS NULL))
);
CREATE INDEX legal_hold_by_time ON legal_hold (tenant_id, create_time, id);
SELECT protect_tenant_table('legal_hold');
GRANT SELECT, INSERT, UPDATE ON legal_hold TO hms_app;

-- Of each tenant the moment before which its audit may go: -infinity while a hold stands. A tenant that is not
-- here keeps everything.
CREATE FUNCTION audit_retention() RETURNS TABLE (tenant_id uuid, code text, keep_from timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT t.id, t.code,
         CASE WHEN EXISTS (SELECT FROM legal_hold h WHERE h.tenant_id = t.id AND h.release_time IS NULL)
              THEN '-infinity'::timestamptz
              ELSE (date_trunc('day', now() AT TIME ZONE 'UTC')
                    - make_interval(years => greatest(6, s.audit_retention_years, e.audit_retention_years)))
                   AT TIME ZONE 'UTC'
         END
  FROM tenant t
  LEFT JOIN tenant_setting s ON s.tenant_id = t.id
  LEFT JOIN tenant_erasure e ON e.tenant_id = t.id
$$;
REVOKE ALL ON FUNCTION audit_retention() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_retention() TO hms_worker;

-- Until the transaction ends nobody places a hold and nobody asks for a longer retention: whoever has got an
-- answer to that before is seen by what comes after this.
CREATE FUNCTION lock_audit_retention() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '2s' AS $$
BEGIN
  LOCK TABLE public.legal_hold, public.tenant_setting IN SHARE MODE;
END
$$;
REVOKE ALL ON FUNCTION lock_audit_retention() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_audit_retention() TO hms_worker;

-- Beside the events.

-- Where a tenant's chain begins after its oldest month was archived and dropped.
CREATE TABLE audit_checkpoint (
  tenant_id uuid NOT NULL,
  -- first day of the month
  month date NOT NULL,
  -- The piece of the chain that was archived with that month: everything after the checkpoint before, up to the
  -- last event of the month.
  first_sequence bigint NOT NULL,
  sequence bigint NOT NULL,
  hash bytea NOT NULL,
  -- Events of later months within that piece, which stand on: [{"sequence", "previous", "hash"}, ...]. An event's
  -- month is that of its own time, its place that of its commit.
  standing jsonb NOT NULL DEFAULT '[]',
  -- of the audit event that tells of the drop
  event_id uuid NOT NULL,
  key_id text NOT NULL,
  -- Ed25519, over all of the above but event_id
  signature bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  -- set by drop_audit_month(), together with the drop
  drop_time timestamptz,
  -- whether the drop is in the tenant's audit by now
  audited boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, month)
);
CREATE INDEX audit_checkpoint_untold ON audit_checkpoint (tenant_id, month) WHERE NOT audited;
SELECT protect_tenant_table('audit_checkpoint');
-- The servers say from when on events are there.
GRANT SELECT ON audit_checkpoint TO hms_app;
CREATE POLICY drain ON audit_checkpoint TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (audited) ON audit_checkpoint TO hms_worker;

-- The months that stand as partitions, the oldest first.
CREATE FUNCTION audit_months() RETURNS TABLE (month date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT DISTINCT to_date(substring(c.relname FROM '\d{6}$'), 'YYYYMM')
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent IN ('public.audit_event'::regclass, 'public.audit_event_patient'::regclass)
  ORDER BY 1
$$;
REVOKE ALL ON FUNCTION audit_months() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_months() TO hms_worker;

-- Drops a month of events and of links to patients: the one way to be rid of any, and it trusts nobody. Refused
-- (HMS01) unless the month is the oldest, older than six years, past what each tenant with events there keeps, and
-- each of these has a checkpoint that names the last of them.
--
-- `keep_from`: what audit_retention() says, {"<tenant>": "<time>"}. Where the tenants live in this database it is
-- not believed but asked for here, under the lock of holds; the argument counts where they live in another one.
CREATE FUNCTION drop_audit_month(month date, keep_from jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
-- Shorter than the deadlock detector's second: whoever reads the audit is not the one who is sent away.
SET lock_timeout = '500ms' AS $$
DECLARE
  month_begin constant timestamptz := month::timestamp AT TIME ZONE 'UTC';
  month_end constant timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
  suffix constant text := to_char(month, 'YYYYMM');
  kept jsonb := keep_from;
  tenant uuid;
  last_sequence bigint;
  last_hash bytea;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('make_audit_partition'));
  IF (month = (SELECT min(m.month) FROM audit_months() m)) IS NOT TRUE THEN
    RAISE EXCEPTION 'only the oldest month is dropped' USING ERRCODE = 'HMS01';
  END IF;
  IF month_end > (date_trunc('day', now() AT TIME ZONE 'UTC') - interval '6 years') AT TIME ZONE 'UTC' THEN
    RAISE EXCEPTION 'the month is younger than six years' USING ERRCODE = 'HMS01';
  END IF;
  IF to_regprocedure('public.audit_retention()') IS NOT NULL THEN
    PERFORM lock_audit_retention();
    SELECT jsonb_object_agg(r.tenant_id, r.keep_from) INTO kept FROM audit_retention() r;
  END IF;
  -- Nothing comes into the month from here on; it can still be read.
  LOCK TABLE public.audit_event, public.audit_event_patient IN SHARE ROW EXCLUSIVE MODE;
  LOOP
    -- From tenant to tenant, one look into the index for each.
    tenant := (SELECT e.tenant_id FROM audit_event e
               WHERE e.record_time >= month_begin AND e.record_time < month_end
                 AND (tenant IS NULL OR e.tenant_id > tenant)
               ORDER BY e.tenant_id LIMIT 1);
    EXIT WHEN tenant IS NULL;
    IF ((kept ->> tenant::text)::timestamptz >= month_end) IS NOT TRUE THEN
      RAISE EXCEPTION 'tenant % keeps the month', tenant USING ERRCODE = 'HMS01';
    END IF;
    SELECT e.sequence, e.hash INTO last_sequence, last_hash FROM audit_event e
    WHERE e.tenant_id = tenant AND e.record_time >= month_begin AND e.record_time < month_end
    ORDER BY e.sequence DESC LIMIT 1;
    -- All of them may stand in the piece of an earlier month: then the checkpoint is further on.
    IF NOT EXISTS (SELECT FROM audit_checkpoint c WHERE c.tenant_id = tenant AND c.month = drop_audit_month.month
                   AND (c.sequence > last_sequence OR (c.sequence = last_sequence AND c.hash = last_hash))) THEN
      RAISE EXCEPTION 'tenant % has no checkpoint at its last event', tenant USING ERRCODE = 'HMS01';
    END IF;
  END LOOP;
  EXECUTE format('DROP TABLE IF EXISTS public.%I, public.%I', 'audit_event_' || suffix,
                 'audit_event_patient_' || suffix);
  UPDATE audit_checkpoint c SET drop_time = now() WHERE c.month = drop_audit_month.month;
END
$$;
REVOKE ALL ON FUNCTION drop_audit_month(date, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_audit_month(date, jsonb) TO hms_worker;
