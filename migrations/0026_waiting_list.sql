-- The waiting list in its order, offers of seats that came free, and reminders.

-- 1 is URGENT, 2 is ROUTINE: the first part of the list's order, then waitlist_time and id.
ALTER TABLE appointment ADD COLUMN waitlist_rank smallint NOT NULL DEFAULT 2 CHECK (waitlist_rank IN (1, 2));
CREATE INDEX appointment_waiting ON appointment (tenant_id, department_id, waitlist_rank, waitlist_time, id)
  WHERE state = 'WAITLISTED';
CREATE INDEX appointment_waiting_for ON appointment (tenant_id, practitioner_id, waitlist_rank, waitlist_time, id)
  WHERE state = 'WAITLISTED';

-- Slots that an entry of the list had been offered, and did not take: it is not offered them again.
CREATE TABLE waiting_list_pass (
  tenant_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  practitioner_id uuid NOT NULL,
  start_time timestamptz NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, appointment_id, practitioner_id, start_time),
  FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointment (tenant_id, id),
  FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioner (tenant_id, id)
);
SELECT protect_tenant_table('waiting_list_pass');
GRANT SELECT, INSERT ON waiting_list_pass TO hms_app;

-- Whoever puts an offer back to the list, by a decline or because its time is over, notes the slot by that.
CREATE FUNCTION note_waiting_list_pass() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO waiting_list_pass (tenant_id, appointment_id, practitioner_id, start_time)
  VALUES (OLD.tenant_id, OLD.id, OLD.practitioner_id, OLD.start_time)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_waiting_list_pass() FROM PUBLIC;
CREATE TRIGGER note_pass AFTER UPDATE OF state ON appointment
  FOR EACH ROW WHEN (OLD.state = 'HELD' AND NEW.state = 'WAITLISTED') EXECUTE FUNCTION note_waiting_list_pass();

-- Offers every free seat of the slots that meet the stretches [starts[n], ends[n]) of practitioners[n] to the
-- waiting list: to the first in its order whose wish matches, who did not pass this slot and has nothing else
-- then. The entry becomes HELD on the seat until `offer_seconds` from now or the slot begins; a slot that
-- begins within `least_seconds` is offered to nobody. With `chosen`, the slot that begins at starts[n] to that
-- entry alone, whatever its wish says but for its department: somebody chose by hand.
--
-- It sees the whole list of the hospital, whoever freed the seat: the order does not depend on what the caller
-- may see. The hospital is that of the setting. The practitioners' locks make offers of one go one after the
-- other; an entry that waits for anybody of a department may be reached by two at once: it is locked, and
-- looked at again. Who has no caller acts as nil.
CREATE FUNCTION offer_seats(
  practitioners uuid[], starts timestamptz[], ends timestamptz[], offer_seconds integer, least_seconds integer,
  chosen uuid
)
RETURNS TABLE (id uuid, patient_id uuid, old_version bigint, new_version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  caller constant uuid := coalesce(nullif(current_setting('app.user_id', true), '')::uuid,
                                   '00000000-0000-0000-0000-000000000000');
  zone text;
  moment timestamptz;
  slot record;
  taken integer[];
  free integer;
  first uuid;
BEGIN
  PERFORM FROM practitioner d WHERE d.tenant_id = tenant AND d.id = ANY (practitioners)
  ORDER BY d.id FOR NO KEY UPDATE;
  SELECT t.time_zone INTO zone FROM tenant_setting t WHERE t.tenant_id = tenant;
  moment := clock_timestamp();
  FOR slot IN
    SELECT DISTINCT s.practitioner_id, s.department_id, s.location_id, s.service, s.schedule_id, s.exception_id,
           s.start_time, s.end_time, s.seats, s.walk_in_seats,
           s.start_time AT TIME ZONE zone AS local_start, s.end_time AT TIME ZONE zone AS local_end
    FROM unnest(practitioners, starts, ends) AS freed (practitioner_id, start_time, end_time)
    JOIN practitioner d ON d.tenant_id = tenant AND d.id = freed.practitioner_id AND d.active
    CROSS JOIN LATERAL slots_between(
      tenant, ARRAY[freed.practitioner_id], freed.start_time - interval '8 hours', freed.end_time) AS s
    WHERE s.end_time > freed.start_time AND (chosen IS NULL OR s.start_time = freed.start_time)
      AND s.start_time >= moment + make_interval(secs => least_seconds)
      AND EXISTS (SELECT FROM appointment a
                  WHERE a.tenant_id = tenant AND a.department_id = s.department_id AND a.state = 'WAITLISTED')
    ORDER BY s.start_time, s.practitioner_id, s.department_id, s.service, s.schedule_id, s.exception_id
  LOOP
    LOOP
      SELECT coalesce(array_agg(a.seat::integer), '{}') INTO taken
      FROM appointment a
      WHERE a.tenant_id = tenant AND a.practitioner_id = slot.practitioner_id
        AND a.start_time > slot.start_time - interval '1 day' AND a.start_time < slot.end_time
        AND a.end_time > slot.start_time
        AND a.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED');
      EXIT WHEN cardinality(taken) >= slot.seats - slot.walk_in_seats;
      SELECT min(n) INTO free FROM generate_series(1, slot.seats - slot.walk_in_seats) AS n
      WHERE n <> ALL (taken);
      EXIT WHEN free IS NULL;

      first := NULL;
      SELECT a.id INTO first
      FROM appointment a
      JOIN patient p ON p.tenant_id = tenant AND p.id = a.patient_id
      WHERE a.tenant_id = tenant AND a.department_id = slot.department_id AND a.state = 'WAITLISTED'
        AND p.delete_time IS NULL AND p.merged_into IS NULL
        AND (a.id = chosen
             OR chosen IS NULL
             AND (a.practitioner_id IS NULL OR a.practitioner_id = slot.practitioner_id)
             AND (a.service = '' OR a.service = slot.service)
             AND (a.wanted_from IS NULL OR a.wanted_from <= slot.start_time)
             AND (a.wanted_until IS NULL OR a.wanted_until >= slot.end_time)
             AND (a.document -> 'wanted_weekdays' IS NULL
                  OR a.document -> 'wanted_weekdays' @> to_jsonb(extract(isodow FROM slot.local_start)::integer))
             AND (a.document ->> 'wanted_day_start' IS NULL
                  OR (a.document ->> 'wanted_day_start')::time <= slot.local_start::time)
             AND (a.document ->> 'wanted_day_end' IS NULL
                  OR slot.local_start::date + (a.document ->> 'wanted_day_end')::time >= slot.local_end)
             AND NOT EXISTS (
               SELECT FROM waiting_list_pass w
               WHERE w.tenant_id = tenant AND w.appointment_id = a.id
                 AND w.practitioner_id = slot.practitioner_id AND w.start_time = slot.start_time)
             AND NOT EXISTS (
               SELECT FROM appointment o
               WHERE o.tenant_id = tenant AND o.patient_id = a.patient_id
                 AND o.start_time > slot.start_time - interval '1 day' AND o.start_time < slot.end_time
                 AND o.end_time > slot.start_time
                 AND o.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')))
      ORDER BY a.waitlist_rank, a.waitlist_time, a.id LIMIT 1;
      EXIT WHEN first IS NULL;

      -- Somebody else may have come first: then the list is read again.
      PERFORM FROM appointment a WHERE a.tenant_id = tenant AND a.id = first AND a.state = 'WAITLISTED'
      FOR NO KEY UPDATE;
      CONTINUE WHEN NOT FOUND;
      INSERT INTO appointment_version (tenant_id, id, version, row_data, actor_id, update_time)
      SELECT a.tenant_id, a.id, a.version, to_jsonb(a) - 'patient_id' - 'tenant_id', a.actor_id, a.update_time
      FROM appointment a WHERE a.tenant_id = tenant AND a.id = first;
      RETURN QUERY
        UPDATE appointment a SET
          version = a.version + 1, state = 'HELD', practitioner_id = slot.practitioner_id,
          location_id = slot.location_id, schedule_id = slot.schedule_id, exception_id = slot.exception_id,
          service = CASE WHEN slot.service = '' THEN a.service ELSE slot.service END,
          start_time = slot.start_time, end_time = slot.end_time, seat = free,
          capacity = slot.seats - slot.walk_in_seats, overbooked = false,
          hold_expire_time = least(moment + make_interval(secs => offer_seconds), slot.start_time),
          actor_id = caller, update_time = clock_timestamp()
        WHERE a.tenant_id = tenant AND a.id = first
        RETURNING a.id, a.patient_id, a.version - 1, a.version;
      IF chosen IS NOT NULL THEN
        RETURN;
      END IF;
    END LOOP;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION offer_seats(uuid[], timestamptz[], timestamptz[], integer, integer, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offer_seats(uuid[], timestamptz[], timestamptz[], integer, integer, uuid)
  TO hms_app, hms_worker;

-- Practitioners with holds whose time is over, of all hospitals.
CREATE FUNCTION practitioners_with_due_holds(max_rows integer) RETURNS TABLE (tenant_id uuid, practitioner_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT DISTINCT a.tenant_id, a.practitioner_id FROM (
    SELECT tenant_id, practitioner_id FROM appointment
    WHERE state = 'HELD' AND hold_expire_time <= now() LIMIT max_rows
  ) a
$$;
REVOKE ALL ON FUNCTION practitioners_with_due_holds(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION practitioners_with_due_holds(integer) TO hms_worker;

-- Ends the holds of one practitioner whose time is over, and offers what came free by that. Returns each
-- appointment that changed, for its audit record: those that ended, then those that got an offer. The
-- practitioner is locked first, as in a booking, so that the two never wait for each other.
CREATE FUNCTION end_due_holds(practitioner uuid, offer_seconds integer, least_seconds integer)
RETURNS TABLE (id uuid, patient_id uuid, old_version bigint, new_version bigint, ended boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  hold record;
  practitioners uuid[] := '{}';
  starts timestamptz[] := '{}';
  ends timestamptz[] := '{}';
BEGIN
  PERFORM FROM practitioner d WHERE d.tenant_id = tenant AND d.id = practitioner FOR NO KEY UPDATE;
  FOR hold IN
    SELECT h.* FROM expire_holds(tenant, ARRAY(
      SELECT a.id FROM appointment a
      WHERE a.tenant_id = tenant AND a.practitioner_id = practitioner AND a.state = 'HELD'
        AND a.hold_expire_time <= now())) AS h
  LOOP
    practitioners := practitioners || hold.practitioner_id;
    starts := starts || hold.start_time;
    ends := ends || hold.end_time;
    RETURN QUERY SELECT hold.id, hold.patient_id, hold.old_version, hold.new_version, true;
  END LOOP;
  RETURN QUERY
    SELECT o.id, o.patient_id, o.old_version, o.new_version, false
    FROM offer_seats(practitioners, starts, ends, offer_seconds, least_seconds, NULL) AS o;
END
$$;
REVOKE ALL ON FUNCTION end_due_holds(uuid, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_due_holds(uuid, integer, integer) TO hms_worker;

-- When a patient is to be reminded of an appointment.
CREATE TABLE appointment_reminder (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  version bigint NOT NULL DEFAULT 1,
  appointment_id uuid NOT NULL,
  due_time timestamptz NOT NULL,
  channel text COLLATE "C" NOT NULL DEFAULT 'EMAIL' CHECK (channel IN ('EMAIL')),
  state text COLLATE "C" NOT NULL DEFAULT 'SCHEDULED'
    CHECK (state IN ('SCHEDULED', 'SENT', 'CANCELLED', 'SKIPPED')),
  -- why it was skipped
  reason text COLLATE "C" NOT NULL DEFAULT ''
    CHECK (reason IN ('', 'NO_ADDRESS', 'PATIENT_DELETED', 'PATIENT_DECEASED', 'TOO_LATE', 'SUPERSEDED')),
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointment (tenant_id, id)
);
CREATE INDEX appointment_reminder_by_appointment ON appointment_reminder (tenant_id, appointment_id, due_time, id);
CREATE INDEX appointment_reminder_due ON appointment_reminder (due_time) WHERE state = 'SCHEDULED';
SELECT protect_tenant_table('appointment_reminder');
GRANT SELECT, INSERT, UPDATE ON appointment_reminder TO hms_app;

-- Reminders follow their appointment, whoever changes it: planned when it is booked, planned anew when its time
-- changes, cancelled when it no longer lies ahead. Only times to come are planned.
CREATE FUNCTION plan_reminders() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.start_time = OLD.start_time AND OLD.state IN ('BOOKED', 'CONFIRMED')
       AND NEW.state IN ('BOOKED', 'CONFIRMED') THEN
      RETURN NULL;
    END IF;
    UPDATE appointment_reminder SET state = 'CANCELLED', version = version + 1, update_time = clock_timestamp()
    WHERE tenant_id = NEW.tenant_id AND appointment_id = NEW.id AND state = 'SCHEDULED';
  END IF;
  IF NEW.state IN ('BOOKED', 'CONFIRMED') THEN
    INSERT INTO appointment_reminder (tenant_id, appointment_id, due_time)
    SELECT DISTINCT NEW.tenant_id, NEW.id, NEW.start_time - make_interval(mins => m.minutes)
    FROM tenant_setting t, unnest(t.reminder_minutes) AS m (minutes)
    WHERE t.tenant_id = NEW.tenant_id AND m.minutes > 0
      AND NEW.start_time - make_interval(mins => m.minutes) > clock_timestamp();
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION plan_reminders() FROM PUBLIC;
CREATE TRIGGER remind_new AFTER INSERT ON appointment
  FOR EACH ROW WHEN (NEW.state IN ('BOOKED', 'CONFIRMED')) EXECUTE FUNCTION plan_reminders();
CREATE TRIGGER remind_changed AFTER UPDATE OF state, start_time ON appointment
  FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.start_time IS DISTINCT FROM NEW.start_time)
  EXECUTE FUNCTION plan_reminders();

-- Hands the reminders that are due to the mail, `max_rows` at most, each once: its state and the mail are one
-- commit. Returns each with what became of it. The address is the patient's present one. Of several that are
-- due for one appointment (nothing ran for a while) the last one goes out.
CREATE FUNCTION hand_over_reminders(max_rows integer) RETURNS TABLE (tenant_id uuid, state text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH due AS MATERIALIZED (
    SELECT r.tenant_id, r.id, r.appointment_id, r.due_time FROM appointment_reminder r
    WHERE r.state = 'SCHEDULED' AND r.due_time <= now()
    ORDER BY r.due_time LIMIT max_rows FOR UPDATE SKIP LOCKED
  ), judged AS MATERIALIZED (
    SELECT d.tenant_id, d.id, a.id AS appointment_id, a.start_time, mail.address,
           CASE WHEN a.state NOT IN ('BOOKED', 'CONFIRMED') THEN 'CANCELLED'
                WHEN a.start_time <= now() THEN 'TOO_LATE'
                WHEN p.delete_time IS NOT NULL OR p.merged_into IS NOT NULL THEN 'PATIENT_DELETED'
                WHEN (p.document ->> 'deceased')::boolean THEN 'PATIENT_DECEASED'
                WHEN EXISTS (SELECT FROM appointment_reminder l
                             WHERE l.tenant_id = d.tenant_id AND l.appointment_id = d.appointment_id
                               AND l.state = 'SCHEDULED' AND l.due_time > d.due_time AND l.due_time <= now())
                THEN 'SUPERSEDED'
                WHEN mail.address IS NULL THEN 'NO_ADDRESS'
                ELSE '' END AS reason
    FROM due d
    JOIN appointment a ON a.tenant_id = d.tenant_id AND a.id = d.appointment_id
    JOIN patient p ON p.tenant_id = d.tenant_id AND p.id = a.patient_id
    LEFT JOIN LATERAL (
      SELECT t.value ->> 'value' AS address
      FROM jsonb_array_elements(p.document -> 'telecoms') WITH ORDINALITY AS t (value, place)
      WHERE t.value ->> 'system' = 'email' AND coalesce(t.value ->> 'use', '') <> 'old'
        AND t.value ->> 'value' LIKE '%_@_%'
      ORDER BY t.place LIMIT 1
    ) mail ON true
  ), mailed AS (
    INSERT INTO mail (tenant_id, id, recipient, kind, entity_id, address, detail)
    SELECT j.tenant_id, j.id, 1, 'APPOINTMENT_REMINDER', j.appointment_id, j.address,
           jsonb_build_object('hospital', t.display_name, 'time_zone', coalesce(s.time_zone, 'UTC'),
                              'start_time', to_char(j.start_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'))
    FROM judged j
    JOIN tenant t ON t.id = j.tenant_id
    LEFT JOIN tenant_setting s ON s.tenant_id = j.tenant_id
    WHERE j.reason = ''
  )
  UPDATE appointment_reminder r SET
    state = CASE j.reason WHEN '' THEN 'SENT' WHEN 'CANCELLED' THEN 'CANCELLED' ELSE 'SKIPPED' END,
    reason = CASE j.reason WHEN 'CANCELLED' THEN '' ELSE j.reason END,
    version = r.version + 1, update_time = clock_timestamp()
  FROM judged j
  WHERE r.tenant_id = j.tenant_id AND r.id = j.id
  RETURNING r.tenant_id, r.state
$$;
REVOKE ALL ON FUNCTION hand_over_reminders(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hand_over_reminders(integer) TO hms_worker;
