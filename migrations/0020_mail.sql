-- Mail: asked for by rows of the very transaction that gives reason to it, sent by a worker at least once, and
-- kept for a while as the record of what was sent (docs/decisions/0023-mail-by-outbox.md).

-- Who is told when the glass is broken; empty: the users who may review it.
ALTER TABLE tenant_setting ADD COLUMN privacy_officer_emails text[] NOT NULL DEFAULT '{}';

CREATE TABLE mail (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  -- one row for each address, from 1; 0 where there was nobody to tell
  recipient smallint NOT NULL,
  -- of hms_server/notify/kinds.py
  kind text COLLATE "C" NOT NULL,
  -- what it is about, of a type that the kind tells
  entity_id uuid NOT NULL,
  address text NOT NULL,
  -- what the text needs to know: never anything of a patient
  detail jsonb NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'SENT', 'FAILED', 'NOBODY')),
  tries integer NOT NULL DEFAULT 0,
  -- why the last try failed: codes alone
  reply text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL DEFAULT now(),
  -- no try before: the pause after one that failed, and the time that a worker has for one under way
  due_time timestamptz NOT NULL DEFAULT now(),
  end_time timestamptz,
  PRIMARY KEY (tenant_id, id, recipient),
  CHECK ((state = 'WAITING') = (end_time IS NULL))
);
CREATE INDEX mail_by_entity ON mail (tenant_id, entity_id);
CREATE INDEX mail_unsent ON mail (tenant_id, state, due_time) WHERE state IN ('WAITING', 'FAILED');
CREATE INDEX mail_by_end_time ON mail (end_time);
SELECT protect_tenant_table('mail');
-- Addresses of staff are not read again by calls.
GRANT INSERT, SELECT (tenant_id, id, recipient, kind, entity_id, state, create_time, end_time) ON mail TO hms_app;
CREATE POLICY delivery ON mail TO hms_worker USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE (state, tries, reply, due_time, end_time) ON mail TO hms_worker;

-- Deletes the records of mails that ended (sent, failed or for nobody) longer than `age` ago, at most `max_rows`
-- at a time; returns how many.
CREATE FUNCTION purge_mails(age interval, max_rows integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH old AS (
    SELECT ctid FROM mail WHERE end_time < now() - age LIMIT max_rows
  ), gone AS (
    DELETE FROM mail m USING old WHERE m.ctid = old.ctid RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_mails(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_mails(interval, integer) TO hms_worker;
