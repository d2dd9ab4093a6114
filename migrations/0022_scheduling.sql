-- Scheduling: weekly templates, exceptions from them, appointments, and the queue of the day.
--
-- A slot is no row: `slots_between` computes slots from templates and exceptions, by the hospital's clock.
-- What is booked is a row, and the exclusion constraint on it is what no race gets round.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- What the day needs of a hospital's settings.
ALTER TABLE tenant_setting
  -- [{"weekday": 1 (Monday) to 7, "start_time": "09:00", "end_time": "17:00"}]
  ADD COLUMN working_hours jsonb NOT NULL DEFAULT '[]',
  -- [{"date": "2026-12-25", "display_name": "Christmas"}]: no template gives slots on these days
  ADD COLUMN holidays jsonb NOT NULL DEFAULT '[]',
  -- BCP 47
  ADD COLUMN languages text[] NOT NULL DEFAULT '{}',
  ADD COLUMN token_prefix text NOT NULL DEFAULT 'T',
  ADD COLUMN token_digits integer NOT NULL DEFAULT 3 CHECK (token_digits BETWEEN 1 AND 6),
  -- how long before an appointment its patient is reminded
  ADD COLUMN reminder_minutes integer[] NOT NULL DEFAULT '{1440,120}';

-- A weekly template of one practitioner in one department.
CREATE TABLE schedule (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  practitioner_id uuid NOT NULL,
  department_id uuid NOT NULL,
  location_id uuid,
  -- code of what is offered: "CONSULTATION"
  service text COLLATE "C" NOT NULL DEFAULT '',
  -- by the hospital's calendar, both included
  valid_from date NOT NULL,
  valid_until date NOT NULL DEFAULT 'infinity',
  active boolean NOT NULL DEFAULT true,
  document jsonb NOT NULL DEFAULT '{}',
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  delete_time timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id),
  FOREIGN KEY (tenant_id, location_id) REFERENCES location (tenant_id, id),
  CHECK (valid_from <= valid_until)
);
CREATE INDEX schedule_by_practitioner ON schedule (tenant_id, practitioner_id, valid_from, id);
CREATE INDEX schedule_by_department ON schedule (tenant_id, department_id, valid_from, id);
SELECT protect_tenant_table('schedule');
GRANT SELECT, INSERT, UPDATE ON schedule TO hms_app;

-- A session of a template: one stretch of one weekday, by the hospital's clock.
CREATE TABLE schedule_session (
  tenant_id uuid NOT NULL,
  schedule_id uuid NOT NULL,
  -- ISO 8601: 1 is Monday
  weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
  start_time time NOT NULL,
  -- 24:00 is the end of the day
  end_time time NOT NULL,
  slot_minutes smallint NOT NULL CHECK (slot_minutes BETWEEN 1 AND 480),
  -- patients a slot
  capacity smallint NOT NULL CHECK (capacity BETWEEN 1 AND 100),
  -- percent of all seats of the session that are kept for walk-ins
  walk_in_share smallint NOT NULL DEFAULT 0 CHECK (walk_in_share BETWEEN 0 AND 100),
  -- breaks: the n-th begins at break_starts[n] and ends at break_ends[n]; a slot that meets one is none
  break_starts time[] NOT NULL DEFAULT '{}',
  break_ends time[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, schedule_id, weekday, start_time),
  FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedule (tenant_id, id),
  CHECK (start_time < end_time),
  CHECK (cardinality(break_starts) = cardinality(break_ends))
);
SELECT protect_tenant_table('schedule_session');
GRANT SELECT, INSERT, DELETE ON schedule_session TO hms_app;

-- The template and its sessions as they stood, as the API shows them.
CREATE TABLE schedule_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES schedule (tenant_id, id)
);
SELECT protect_tenant_table('schedule_version');
GRANT SELECT, INSERT ON schedule_version TO hms_app;

-- What is otherwise than the templates say.
CREATE TABLE schedule_exception (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  -- LEAVE: the practitioner gives no slots (of a department, where one is named). CLOSURE: a department, or
  -- without one the hospital, gives none. EXTRA: a session beside the templates, on holidays and closed
  -- days too; only a leave takes it away.
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('CLOSURE', 'LEAVE', 'EXTRA')),
  practitioner_id uuid,
  department_id uuid,
  location_id uuid,
  service text COLLATE "C" NOT NULL DEFAULT '',
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL,
  -- of an EXTRA session alone
  slot_minutes smallint CHECK (slot_minutes BETWEEN 1 AND 480),
  capacity smallint CHECK (capacity BETWEEN 1 AND 100),
  walk_in_share smallint CHECK (walk_in_share BETWEEN 0 AND 100),
  document jsonb NOT NULL DEFAULT '{}',
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  delete_time timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id),
  FOREIGN KEY (tenant_id, location_id) REFERENCES location (tenant_id, id),
  CHECK (start_time < end_time),
  CHECK ((kind = 'CLOSURE') = (practitioner_id IS NULL)),
  CHECK (kind <> 'EXTRA' OR (department_id IS NOT NULL AND slot_minutes IS NOT NULL AND capacity IS NOT NULL
         AND walk_in_share IS NOT NULL AND end_time - start_time <= interval '1 day'))
);
CREATE INDEX schedule_exception_by_practitioner
  ON schedule_exception (tenant_id, practitioner_id, end_time, id) WHERE delete_time IS NULL;
CREATE INDEX schedule_exception_by_department
  ON schedule_exception (tenant_id, department_id, end_time, id) WHERE delete_time IS NULL;
SELECT protect_tenant_table('schedule_exception');
GRANT SELECT, INSERT, UPDATE ON schedule_exception TO hms_app;

CREATE TABLE schedule_exception_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES schedule_exception (tenant_id, id)
);
SELECT protect_tenant_table('schedule_exception_version');
GRANT SELECT, INSERT ON schedule_exception_version TO hms_app;

-- The slots that begin in [from_time, until_time), of some practitioners: what there is, booked or not.
--
-- A session's ends are the hospital's wall clock; between them slots follow each other in real time. So a
-- session has an hour less on the day on which clocks go forward and one more when they go back, no slot
-- stands on a time that does not exist, and none twice. Of an hour that comes twice the later one counts.
-- The walk-in seats of a session are spread evenly over its slots.
CREATE FUNCTION slots_between(tenant uuid, practitioners uuid[], from_time timestamptz, until_time timestamptz)
RETURNS TABLE (
  practitioner_id uuid, department_id uuid, location_id uuid, service text, schedule_id uuid, exception_id uuid,
  session_start timestamptz, session_end timestamptz, start_time timestamptz, end_time timestamptz,
  seats integer, walk_in_seats integer
)
LANGUAGE sql STABLE AS $$
  WITH hospital AS (
    SELECT t.time_zone AS zone,
           ARRAY(SELECT (h ->> 'date')::date FROM jsonb_array_elements(t.holidays) AS h) AS holidays
    FROM tenant_setting t WHERE t.tenant_id = tenant
  ), days AS (
    SELECT day::date AS day
    FROM hospital h, generate_series(
      (from_time AT TIME ZONE h.zone)::date, (until_time AT TIME ZONE h.zone)::date, interval '1 day') AS day
    WHERE day::date <> ALL (h.holidays)
  ), sessions AS (
    SELECT s.practitioner_id, s.department_id, s.location_id, s.service, s.id AS schedule_id,
           NULL::uuid AS exception_id, p.slot_minutes, p.capacity, p.walk_in_share,
           (d.day + p.start_time) AT TIME ZONE h.zone AS session_start,
           (d.day + p.end_time) AT TIME ZONE h.zone AS session_end,
           ARRAY(SELECT tstzrange((d.day + b.starts) AT TIME ZONE h.zone, (d.day + b.ends) AT TIME ZONE h.zone)
                 FROM unnest(p.break_starts, p.break_ends) AS b (starts, ends)) AS breaks
    FROM hospital h
    CROSS JOIN schedule s
    JOIN schedule_session p ON p.tenant_id = tenant AND p.schedule_id = s.id
    JOIN days d ON d.day BETWEEN s.valid_from AND s.valid_until AND extract(isodow FROM d.day) = p.weekday
    WHERE s.tenant_id = tenant AND s.practitioner_id = ANY (practitioners) AND s.active AND s.delete_time IS NULL
    UNION ALL
    SELECT e.practitioner_id, e.department_id, e.location_id, e.service, NULL, e.id, e.slot_minutes, e.capacity,
           e.walk_in_share, e.start_time, e.end_time, '{}'::tstzrange[]
    FROM schedule_exception e
    WHERE e.tenant_id = tenant AND e.practitioner_id = ANY (practitioners) AND e.kind = 'EXTRA'
      AND e.delete_time IS NULL AND e.end_time > from_time AND e.start_time < until_time
  )
  SELECT s.practitioner_id, s.department_id, s.location_id, s.service, s.schedule_id, s.exception_id,
         s.session_start, s.session_end, slot.start_time, slot.start_time + s.slot_minutes * interval '1 minute',
         s.capacity::integer, (slot.number * s.capacity * s.walk_in_share / 100
                               - (slot.number - 1) * s.capacity * s.walk_in_share / 100)::integer
  FROM sessions s
  CROSS JOIN LATERAL generate_series(
    s.session_start, s.session_end - s.slot_minutes * interval '1 minute', s.slot_minutes * interval '1 minute'
  ) WITH ORDINALITY AS slot (start_time, number)
  WHERE slot.start_time >= from_time AND slot.start_time < until_time
    AND NOT EXISTS (
      SELECT FROM unnest(s.breaks) AS pause
      WHERE pause && tstzrange(slot.start_time, slot.start_time + s.slot_minutes * interval '1 minute'))
    AND NOT EXISTS (
      SELECT FROM schedule_exception e
      WHERE e.tenant_id = tenant AND e.delete_time IS NULL
        AND e.start_time < slot.start_time + s.slot_minutes * interval '1 minute' AND e.end_time > slot.start_time
        AND ((e.kind = 'LEAVE' AND e.practitioner_id = s.practitioner_id
              AND (e.department_id IS NULL OR e.department_id = s.department_id))
             OR (e.kind = 'CLOSURE' AND s.exception_id IS NULL
                 AND (e.department_id IS NULL OR e.department_id = s.department_id))))
$$;
REVOKE ALL ON FUNCTION slots_between(uuid, uuid[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION slots_between(uuid, uuid[], timestamptz, timestamptz) TO hms_app;

-- An appointment, from a hold or a place on the waiting list to its end (scheduling/states.py).
CREATE TABLE appointment (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  patient_id uuid NOT NULL,
  -- on the waiting list: whom the patient wants, or anybody of the department
  practitioner_id uuid,
  department_id uuid NOT NULL,
  location_id uuid,
  schedule_id uuid,
  exception_id uuid,
  service text COLLATE "C" NOT NULL DEFAULT '',
  state text COLLATE "C" NOT NULL CHECK (state IN (
    'WAITLISTED', 'HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED', 'CANCELLED', 'NO_SHOW',
    'EXPIRED')),
  -- none on the waiting list
  start_time timestamptz,
  end_time timestamptz,
  -- of the slot: 1 to capacity, above it where the slot was overbooked
  seat smallint,
  capacity smallint,
  overbooked boolean NOT NULL DEFAULT false,
  -- of a hold: until when the seat is kept
  hold_expire_time timestamptz,
  -- of the waiting list: the times that would do, and since when the patient waits
  wanted_from timestamptz,
  wanted_until timestamptz,
  waitlist_time timestamptz,
  -- appointments that were booked together
  series_id uuid,
  -- what this one follows up
  previous_appointment_id uuid,
  document jsonb NOT NULL DEFAULT '{}',
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id),
  FOREIGN KEY (tenant_id, location_id) REFERENCES location (tenant_id, id),
  FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedule (tenant_id, id),
  FOREIGN KEY (tenant_id, exception_id) REFERENCES schedule_exception (tenant_id, id),
  CHECK ((start_time IS NULL) = (end_time IS NULL) AND (start_time IS NULL) = (seat IS NULL)),
  CHECK (start_time < end_time AND end_time - start_time <= interval '1 day'),
  CHECK (state = 'WAITLISTED' OR state = 'CANCELLED' OR (start_time IS NOT NULL AND practitioner_id IS NOT NULL)),
  CHECK (state <> 'WAITLISTED' OR start_time IS NULL),
  CHECK (seat >= 1 AND (overbooked OR seat <= capacity)),
  CHECK (state <> 'HELD' OR hold_expire_time IS NOT NULL),
  -- Two patients never have one seat of one practitioner at one time.
  CONSTRAINT appointment_seat EXCLUDE USING gist (
    tenant_id WITH =, practitioner_id WITH =, seat WITH =, tstzrange(start_time, end_time) WITH &&
  ) WHERE (state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED'))
);
CREATE INDEX appointment_by_practitioner ON appointment (tenant_id, practitioner_id, start_time, id);
CREATE INDEX appointment_by_department ON appointment (tenant_id, department_id, start_time, id);
CREATE INDEX appointment_by_patient ON appointment (tenant_id, patient_id, start_time, id);
CREATE INDEX appointment_by_schedule ON appointment (tenant_id, schedule_id, start_time)
  WHERE schedule_id IS NOT NULL;
CREATE INDEX appointment_by_hold ON appointment (tenant_id, hold_expire_time, id) WHERE state = 'HELD';
CREATE INDEX appointment_by_series ON appointment (tenant_id, series_id, start_time) WHERE series_id IS NOT NULL;
CREATE INDEX appointment_by_previous ON appointment (tenant_id, previous_appointment_id)
  WHERE previous_appointment_id IS NOT NULL;
SELECT protect_tenant_table('appointment');
GRANT SELECT, INSERT, UPDATE ON appointment TO hms_app;
CREATE POLICY department_limits ON appointment AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE
         OR department_id = ANY (nullif(current_setting('app.departments', true), '')::uuid[])
         OR patient_under_grant(patient_id));

-- The row as it stood, without its patient: a merge changes that alone.
CREATE TABLE appointment_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES appointment (tenant_id, id)
);
SELECT protect_tenant_table('appointment_version');
GRANT SELECT, INSERT ON appointment_version TO hms_app;

-- The last token that a practitioner's session gave. Its row is the lock: tokens have no gap and no double.
CREATE TABLE queue_counter (
  tenant_id uuid NOT NULL,
  practitioner_id uuid NOT NULL,
  session_start timestamptz NOT NULL,
  last_number integer NOT NULL CHECK (last_number >= 1),
  PRIMARY KEY (tenant_id, practitioner_id, session_start),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id)
);
SELECT protect_tenant_table('queue_counter');
GRANT SELECT, INSERT, UPDATE ON queue_counter TO hms_app;

-- A patient's place in the queue of a practitioner's session.
CREATE TABLE queue_token (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  id uuid NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  patient_id uuid NOT NULL,
  practitioner_id uuid NOT NULL,
  department_id uuid NOT NULL,
  session_start timestamptz NOT NULL,
  number integer NOT NULL CHECK (number >= 1),
  -- as it is called: "CARD-012"
  token text NOT NULL,
  -- without one the patient walked in
  appointment_id uuid,
  -- the token that was handed over to this practitioner
  transferred_from uuid,
  state text COLLATE "C" NOT NULL CHECK (state IN (
    'WAITING', 'CALLED', 'IN_CONSULTATION', 'ON_HOLD', 'SKIPPED', 'COMPLETED', 'TRANSFERRED', 'CANCELLED')),
  priority text COLLATE "C" NOT NULL DEFAULT 'NORMAL'
    CHECK (priority IN ('EMERGENCY', 'PREGNANT', 'ELDERLY', 'NORMAL')),
  -- the queue goes by urgency, then by this time: of an appointment its own, of a walk-in a place between
  urgency smallint NOT NULL,
  order_time timestamptz NOT NULL,
  issue_time timestamptz NOT NULL DEFAULT now(),
  call_time timestamptz,
  start_time timestamptz,
  end_time timestamptz,
  document jsonb NOT NULL DEFAULT '{}',
  actor_id uuid NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, practitioner_id, session_start, number),
  FOREIGN KEY (tenant_id, patient_id) REFERENCES patient (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id),
  FOREIGN KEY (tenant_id, department_id) REFERENCES department (tenant_id, id),
  FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointment (tenant_id, id),
  FOREIGN KEY (tenant_id, transferred_from) REFERENCES queue_token (tenant_id, id)
);
-- Who is next.
CREATE INDEX queue_token_waiting ON queue_token (tenant_id, practitioner_id, session_start, urgency, order_time, id)
  WHERE state = 'WAITING';
CREATE INDEX queue_token_by_patient ON queue_token (tenant_id, patient_id, issue_time, id);
-- One patient has one place in a session at a time, and an appointment one token that counts.
CREATE UNIQUE INDEX queue_token_of_appointment ON queue_token (tenant_id, appointment_id)
  WHERE appointment_id IS NOT NULL AND state NOT IN ('TRANSFERRED', 'CANCELLED');
SELECT protect_tenant_table('queue_token');
GRANT SELECT, INSERT, UPDATE ON queue_token TO hms_app;
CREATE POLICY department_limits ON queue_token AS RESTRICTIVE TO hms_app
  USING ((current_setting('app.departments', true) > '') IS NOT TRUE
         OR department_id = ANY (nullif(current_setting('app.departments', true), '')::uuid[])
         OR patient_under_grant(patient_id));

CREATE TABLE queue_token_version (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  version bigint NOT NULL,
  row_data jsonb NOT NULL,
  actor_id uuid NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, id) REFERENCES queue_token (tenant_id, id)
);
SELECT protect_tenant_table('queue_token_version');
GRANT SELECT, INSERT ON queue_token_version TO hms_app;

-- A patient with an appointment or a place in the queue is one of the department's: those who are limited to it
-- see the patient, and of a restricted one those who work there do while it lies ahead. Nobody comes by that by
-- himself: whoever books must see the patient first. What is booked under a grant ends with the grant, as with
-- encounters (0021).
CREATE TABLE appointment_under_glass (
  tenant_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  grant_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, appointment_id, grant_id),
  FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointment (tenant_id, id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES break_glass (tenant_id, id)
);
SELECT protect_tenant_table('appointment_under_glass');
GRANT INSERT ON appointment_under_glass TO hms_app;

CREATE TABLE queue_token_under_glass (
  tenant_id uuid NOT NULL,
  queue_token_id uuid NOT NULL,
  grant_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, queue_token_id, grant_id),
  FOREIGN KEY (tenant_id, queue_token_id) REFERENCES queue_token (tenant_id, id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES break_glass (tenant_id, id)
);
SELECT protect_tenant_table('queue_token_under_glass');
GRANT INSERT ON queue_token_under_glass TO hms_app;

-- Notes the caller's grant beside the row, in "<table>_under_glass".
CREATE FUNCTION note_row_under_glass() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  EXECUTE format(
    'INSERT INTO %1$I (tenant_id, %2$I, grant_id) '
    'SELECT $1, $2, g.id FROM break_glass g '
    'WHERE g.tenant_id = $1 AND g.patient_id = $3 '
    'AND g.user_id = nullif(current_setting(''app.user_id'', true), '''')::uuid '
    'AND g.expire_time > now() AND g.outcome <> ''NOT_JUSTIFIED'' ON CONFLICT DO NOTHING',
    TG_TABLE_NAME || '_under_glass', TG_TABLE_NAME || '_id')
  USING NEW.tenant_id, NEW.id, NEW.patient_id;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_row_under_glass() FROM PUBLIC;
CREATE TRIGGER note_under_glass AFTER INSERT OR UPDATE OF department_id ON appointment
  FOR EACH ROW WHEN (current_setting('app.break_glass', true) = 'on') EXECUTE FUNCTION note_row_under_glass();
CREATE TRIGGER note_under_glass AFTER INSERT OR UPDATE OF department_id ON queue_token
  FOR EACH ROW WHEN (current_setting('app.break_glass', true) = 'on') EXECUTE FUNCTION note_row_under_glass();

GRANT SELECT (tenant_id, id, patient_id, department_id, state) ON appointment TO hms_search;
GRANT SELECT ON appointment_under_glass, queue_token_under_glass TO hms_search;
CREATE POLICY restriction ON queue_token_under_glass FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY restriction ON appointment FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY restriction ON appointment_under_glass FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT (tenant_id, id, patient_id, department_id, appointment_id, state) ON queue_token TO hms_search;
CREATE POLICY restriction ON queue_token FOR SELECT TO hms_search
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

GRANT CREATE ON SCHEMA public TO hms_search;
SET LOCAL ROLE hms_search;
CREATE OR REPLACE FUNCTION may_see_restricted(patient uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE COST 1000 SET search_path = pg_catalog, public, pg_temp AS $$
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
  IF EXISTS (
    SELECT FROM encounter e
    JOIN user_department d ON d.tenant_id = tenant AND d.user_id = caller AND d.department_id = e.department_id
    WHERE e.tenant_id = tenant AND e.patient_id = standing
      AND encounter_treats(e.state, e.clinical_time, e.document)
      AND NOT EXISTS (
        SELECT FROM encounter_under_glass u
        JOIN break_glass g ON g.tenant_id = tenant AND g.id = u.grant_id
        WHERE u.tenant_id = tenant AND u.encounter_id = e.id AND g.outcome = 'NOT_JUSTIFIED')
  ) OR EXISTS (
    SELECT FROM appointment a
    JOIN user_department d ON d.tenant_id = tenant AND d.user_id = caller AND d.department_id = a.department_id
    WHERE a.tenant_id = tenant AND a.patient_id = standing
      AND a.state IN ('BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN')
      AND NOT EXISTS (
        SELECT FROM appointment_under_glass u
        JOIN break_glass g ON g.tenant_id = tenant AND g.id = u.grant_id
        WHERE u.tenant_id = tenant AND u.appointment_id = a.id AND g.outcome = 'NOT_JUSTIFIED')
  ) OR EXISTS (
    SELECT FROM queue_token t
    JOIN user_department d ON d.tenant_id = tenant AND d.user_id = caller AND d.department_id = t.department_id
    WHERE t.tenant_id = tenant AND t.patient_id = standing
      AND t.state NOT IN ('COMPLETED', 'TRANSFERRED', 'CANCELLED')
      AND NOT EXISTS (
        SELECT FROM queue_token_under_glass u
        JOIN break_glass g ON g.tenant_id = tenant AND g.id = u.grant_id
        WHERE u.tenant_id = tenant AND u.queue_token_id = t.id AND g.outcome = 'NOT_JUSTIFIED')
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

CREATE OR REPLACE FUNCTION patient_in_departments(patient uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE COST 1000 SET search_path = pg_catalog, public, pg_temp AS $$
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
  ) OR EXISTS (
    SELECT FROM appointment a
    WHERE a.tenant_id = tenant AND a.patient_id = standing AND a.department_id = ANY (departments)
      AND a.state NOT IN ('CANCELLED', 'EXPIRED', 'NO_SHOW')
  ) OR EXISTS (
    SELECT FROM queue_token t
    WHERE t.tenant_id = tenant AND t.patient_id = standing AND t.department_id = ANY (departments)
      AND t.state <> 'CANCELLED'
  ) OR patient_under_grant(standing);
END
$$;

CREATE OR REPLACE FUNCTION patients_of_departments() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, public, pg_temp
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
    SELECT booked.patient_id FROM unnest(departments) AS department (id)
    CROSS JOIN LATERAL (
      SELECT a.patient_id FROM appointment a
      WHERE a.tenant_id = tenant AND a.department_id = department.id
        AND a.state NOT IN ('CANCELLED', 'EXPIRED', 'NO_SHOW')
      OFFSET 0
    ) booked
    UNION
    SELECT waiting.patient_id FROM unnest(departments) AS department (id)
    CROSS JOIN LATERAL (
      SELECT t.patient_id FROM queue_token t
      WHERE t.tenant_id = tenant AND t.department_id = department.id AND t.state <> 'CANCELLED'
      OFFSET 0
    ) waiting
    UNION
    SELECT g.patient_id FROM break_glass g
    WHERE g.tenant_id = tenant AND g.user_id = caller AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED';
END
$$;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM hms_search;
CREATE INDEX queue_token_by_department ON queue_token (tenant_id, department_id, patient_id);

-- Types of record that come with the day: consultation notes, orders, referrals. NOT VALID: the rows that stand
-- hold the narrower rule already, and are not read for it.
ALTER TABLE clinical_record DROP CONSTRAINT clinical_record_type_check;
ALTER TABLE clinical_record ADD CONSTRAINT clinical_record_type_check CHECK (type IN (
  'OBSERVATION', 'CONDITION', 'ALLERGY', 'PRESCRIPTION', 'PROCEDURE', 'IMMUNIZATION', 'DIAGNOSTIC_REPORT',
  'DOCUMENT', 'NOTE', 'ORDER', 'REFERRAL')) NOT VALID;
