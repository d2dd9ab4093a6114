-- Schedules as they are kept and looked through: slots by one look at the exceptions, the search for free ones.

CREATE INDEX schedule_by_day ON schedule (tenant_id, valid_from, id);
CREATE INDEX schedule_exception_by_end ON schedule_exception (tenant_id, end_time, id) WHERE delete_time IS NULL;

-- The first instant at which the hospital's clock shows `moment` or later: of an hour that comes twice the second one,
-- of a time that is left out the moment of the change. So what does not overlap by the clock never does in time.
CREATE FUNCTION hospital_instant(moment timestamp, zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  instant constant timestamptz := moment AT TIME ZONE zone;
  skipped constant interval := (instant AT TIME ZONE zone) - moment;
BEGIN
  IF skipped = interval '0' THEN
    RETURN instant;
  END IF;
  -- Clocks change on whole minutes; all zones of today on multiples of 15.
  RETURN (
    SELECT min(candidate) FROM generate_series(date_trunc('hour', instant - skipped), instant, interval '5 minutes')
      AS candidate
    WHERE candidate AT TIME ZONE zone >= moment);
END
$$;
REVOKE ALL ON FUNCTION hospital_instant(timestamp, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hospital_instant(timestamp, text) TO hms_app;

-- The slots that begin in [from_time, until_time), of some practitioners: what there is, booked or not.
--
-- A session's ends are the hospital's wall clock; between them slots follow each other in real time. So a
-- session has an hour less on the day on which clocks go forward and one more when they go back, no slot
-- stands on a time that does not exist, and none twice. The walk-in seats of a session are spread evenly over
-- its slots. Exceptions are looked up once, not for each slot. Practitioners and departments that are not active, or are
-- deleted, give no slots: so nothing that asks here (search, booking, waiting list, moves) takes anybody to them.
CREATE OR REPLACE FUNCTION slots_between(
  tenant uuid, practitioners uuid[], from_time timestamptz, until_time timestamptz)
RETURNS TABLE (
  practitioner_id uuid, department_id uuid, location_id uuid, service text, schedule_id uuid, exception_id uuid,
  session_start timestamptz, session_end timestamptz, start_time timestamptz, end_time timestamptz,
  seats integer, walk_in_seats integer
)
LANGUAGE sql STABLE AS $$
  WITH hospital AS MATERIALIZED (
    SELECT t.time_zone AS zone, (from_time AT TIME ZONE t.time_zone)::date AS first_day,
           (until_time AT TIME ZONE t.time_zone)::date AS last_day,
           ARRAY(SELECT (h ->> 'date')::date FROM jsonb_array_elements(t.holidays) AS h) AS holidays
    FROM tenant_setting t WHERE t.tenant_id = tenant
  ), days AS MATERIALIZED (
    SELECT h.first_day + n AS day, extract(isodow FROM h.first_day + n)::smallint AS weekday
    FROM hospital h, generate_series(0, h.last_day - h.first_day) AS n
    WHERE h.first_day + n <> ALL (h.holidays)
  ), away AS MATERIALIZED (
    SELECT e.kind, e.practitioner_id, e.department_id, e.start_time, e.end_time
    FROM schedule_exception e
    WHERE e.tenant_id = tenant AND e.delete_time IS NULL
      -- No slot is longer than 8 hours.
      AND e.end_time > from_time AND e.start_time < until_time + interval '8 hours'
      AND (e.kind = 'CLOSURE' OR (e.kind = 'LEAVE' AND e.practitioner_id = ANY (practitioners)))
  ), sessions AS (
    SELECT s.practitioner_id, s.department_id, s.location_id, s.service, s.id AS schedule_id,
           NULL::uuid AS exception_id, p.slot_minutes, p.capacity, p.walk_in_share,
           hospital_instant(d.day + p.start_time, h.zone) AS session_start,
           hospital_instant(d.day + p.end_time, h.zone) AS session_end,
           CASE WHEN p.break_starts <> '{}' THEN
             ARRAY(SELECT tstzrange(hospital_instant(d.day + b.starts, h.zone), hospital_instant(d.day + b.ends, h.zone))
                   FROM unnest(p.break_starts, p.break_ends) AS b (starts, ends)) END AS breaks
    FROM hospital h
    CROSS JOIN schedule s
    JOIN schedule_session p ON p.tenant_id = tenant AND p.schedule_id = s.id
    JOIN days d ON d.day BETWEEN s.valid_from AND s.valid_until AND d.weekday = p.weekday
    WHERE s.tenant_id = tenant AND s.practitioner_id = ANY (practitioners) AND s.active AND s.delete_time IS NULL
      AND EXISTS (SELECT FROM practitioner o
                  WHERE o.tenant_id = tenant AND o.id = s.practitioner_id AND o.active AND o.delete_time IS NULL)
      AND EXISTS (SELECT FROM department o
                  WHERE o.tenant_id = tenant AND o.id = s.department_id AND o.active AND o.delete_time IS NULL)
    UNION ALL
    SELECT e.practitioner_id, e.department_id, e.location_id, e.service, NULL, e.id, e.slot_minutes, e.capacity,
           e.walk_in_share, e.start_time, e.end_time, NULL
    FROM schedule_exception e
    WHERE e.tenant_id = tenant AND e.practitioner_id = ANY (practitioners) AND e.kind = 'EXTRA'
      AND e.delete_time IS NULL AND e.end_time > from_time AND e.start_time < until_time
      AND EXISTS (SELECT FROM practitioner o
                  WHERE o.tenant_id = tenant AND o.id = e.practitioner_id AND o.active AND o.delete_time IS NULL)
      AND EXISTS (SELECT FROM department o
                  WHERE o.tenant_id = tenant AND o.id = e.department_id AND o.active AND o.delete_time IS NULL)
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
    AND (s.breaks IS NULL OR NOT EXISTS (
      SELECT FROM unnest(s.breaks) AS pause
      WHERE pause && tstzrange(slot.start_time, slot.start_time + s.slot_minutes * interval '1 minute')))
    AND NOT EXISTS (
      SELECT FROM away a
      WHERE a.start_time < slot.start_time + s.slot_minutes * interval '1 minute' AND a.end_time > slot.start_time
        AND (a.department_id IS NULL OR a.department_id = s.department_id)
        AND CASE a.kind WHEN 'LEAVE' THEN a.practitioner_id = s.practitioner_id ELSE s.exception_id IS NULL END)
$$;

-- The hours, counted from 1970, that a stretch of time touches.
CREATE FUNCTION hours_touched(starts timestamptz, ends timestamptz) RETURNS SETOF bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT generate_series(floor(extract(epoch FROM starts) / 3600)::bigint,
                         ceil(extract(epoch FROM ends) / 3600)::bigint - 1)
$$;
REVOKE ALL ON FUNCTION hours_touched(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hours_touched(timestamptz, timestamptz) TO hms_app;

-- A page of slots with their free seats, in order of time, practitioner and what they come of, from a key on, either
-- way. It goes through the days in steps and stops when the page is full: what a page costs does not depend on how far
-- ahead is looked. Without a first day it begins today, without a last one it ends after 31 days; 62 at most. Null
-- departments and weekdays are all.
--
-- A seat is taken where somebody sits in it, in any state but those that left it; an expired hold does not count. Seats
-- of walk-ins are the last ones of a slot, and seats of those who were overbooked lie above.
CREATE FUNCTION search_slots(
  tenant uuid, practitioners uuid[], departments uuid[], wanted_service text, wanted_weekdays smallint[],
  from_clock time, until_clock time, from_day date, until_day date, least_free integer,
  key_time timestamptz, key_practitioner uuid, key_source uuid, backward boolean, most integer)
RETURNS TABLE (
  practitioner_id uuid, department_id uuid, location_id uuid, service text, schedule_id uuid, exception_id uuid,
  start_time timestamptz, end_time timestamptz, seats integer, walk_in_seats integer, free_seats integer
)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  zone text;
  range_from timestamptz;
  range_until timestamptz;
  step_from timestamptz;
  step_until timestamptz;
  step interval := interval '1 day' / (1 + cardinality(practitioners) / 50);
  missing integer := most;
  slot record;
BEGIN
  SELECT t.time_zone INTO zone FROM tenant_setting t WHERE t.tenant_id = tenant;
  IF zone IS NULL OR practitioners = '{}' THEN
    RETURN;
  END IF;
  from_day := coalesce(from_day, (now() AT TIME ZONE zone)::date);
  until_day := least(coalesce(until_day, from_day + 30), from_day + 61);
  range_from := greatest(hospital_instant(from_day, zone), now());
  range_until := hospital_instant(until_day + 1, zone);
  IF key_time IS NOT NULL AND backward THEN
    range_until := least(range_until, key_time + interval '1 microsecond');
  ELSIF key_time IS NOT NULL THEN
    range_from := greatest(range_from, key_time);
  END IF;
  WHILE missing > 0 AND range_from < range_until LOOP
    IF backward THEN
      step_from := greatest(range_from, range_until - step);
      step_until := range_until;
      range_until := step_from;
    ELSE
      step_from := range_from;
      step_until := least(range_until, range_from + step);
      range_from := step_until;
    END IF;
    FOR slot IN
      WITH slots AS MATERIALIZED (
        SELECT s.*, row_number() OVER () AS number
        FROM slots_between(tenant, practitioners, step_from, step_until) s
        WHERE (departments IS NULL OR s.department_id = ANY (departments))
          AND (wanted_service = '' OR s.service = wanted_service)
          AND (wanted_weekdays IS NULL OR extract(isodow FROM s.start_time AT TIME ZONE zone) = ANY (wanted_weekdays))
          AND (s.start_time AT TIME ZONE zone)::time >= from_clock
          AND (s.start_time AT TIME ZONE zone)::time < until_clock
          AND (key_time IS NULL
               OR CASE WHEN backward
                    THEN (s.start_time, s.practitioner_id, coalesce(s.schedule_id, s.exception_id))
                         < (key_time, key_practitioner, key_source)
                    ELSE (s.start_time, s.practitioner_id, coalesce(s.schedule_id, s.exception_id))
                         > (key_time, key_practitioner, key_source) END)
      ), busy AS MATERIALIZED (
        -- One range of the index for each practitioner and step: what is booked is as long as a slot, 8 hours at most.
        SELECT a.practitioner_id, a.start_time, a.end_time, a.seat
        FROM unnest(practitioners) AS whose (id)
        CROSS JOIN LATERAL (
          SELECT b.practitioner_id, b.start_time, b.end_time, b.seat
          FROM appointment b
          WHERE b.tenant_id = tenant AND b.practitioner_id = whose.id
            AND b.start_time > step_from - interval '8 hours' AND b.start_time < step_until + interval '8 hours'
            AND b.state IN ('HELD', 'BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
            AND (b.state <> 'HELD' OR b.hold_expire_time > now())
          OFFSET 0
        ) a
      ), taken AS (
        -- They meet by the hours that they touch: a join of equals, whatever their lengths.
        SELECT s.number, count(DISTINCT b.seat) AS seats
        FROM (SELECT s.*, hour FROM slots s, hours_touched(s.start_time, s.end_time) AS hour) s
        JOIN (SELECT b.*, hour FROM busy b, hours_touched(b.start_time, b.end_time) AS hour) b
          ON b.practitioner_id = s.practitioner_id AND b.hour = s.hour
        WHERE b.start_time < s.end_time AND b.end_time > s.start_time AND b.seat <= s.seats - s.walk_in_seats
        GROUP BY s.number
      )
      SELECT s.*, s.seats - s.walk_in_seats - coalesce(t.seats, 0) AS free
      FROM slots s LEFT JOIN taken t ON t.number = s.number
      WHERE s.seats - s.walk_in_seats - coalesce(t.seats, 0) >= least_free
      ORDER BY CASE WHEN backward THEN s.start_time END DESC, CASE WHEN backward THEN s.practitioner_id END DESC,
               CASE WHEN backward THEN coalesce(s.schedule_id, s.exception_id) END DESC,
               s.start_time, s.practitioner_id, coalesce(s.schedule_id, s.exception_id)
      LIMIT missing
    LOOP
      free_seats := slot.free;
      practitioner_id := slot.practitioner_id;
      department_id := slot.department_id;
      location_id := slot.location_id;
      service := slot.service;
      schedule_id := slot.schedule_id;
      exception_id := slot.exception_id;
      start_time := slot.start_time;
      end_time := slot.end_time;
      seats := slot.seats;
      walk_in_seats := slot.walk_in_seats;
      RETURN NEXT;
      missing := missing - 1;
    END LOOP;
    -- Days on which little is free are gone through faster.
    step := least(step * 2, interval '4 days');
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION search_slots(uuid, uuid[], uuid[], text, smallint[], time, time, date, date, integer,
  timestamptz, uuid, uuid, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_slots(uuid, uuid[], uuid[], text, smallint[], time, time, date, date, integer,
  timestamptz, uuid, uuid, boolean, integer) TO hms_app;

-- Leave and closures of whole days are days of the hospital's calendar: with another time zone they are others.
CREATE FUNCTION move_whole_days() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE schedule_exception e SET
    start_time = hospital_instant((e.document ->> 'start_date')::date, NEW.time_zone),
    end_time = hospital_instant((e.document ->> 'end_date')::date + 1, NEW.time_zone)
  WHERE e.tenant_id = NEW.tenant_id AND e.document ? 'start_date';
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION move_whole_days() FROM PUBLIC;
CREATE TRIGGER move_whole_days AFTER UPDATE OF time_zone ON tenant_setting
  FOR EACH ROW WHEN (NEW.time_zone <> OLD.time_zone) EXECUTE FUNCTION move_whole_days();
