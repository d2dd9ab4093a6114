CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

COMMENT ON EXTENSION btree_gin IS 'support for indexing common datatypes in GIN';

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE FUNCTION public.audit_months() RETURNS TABLE(month date)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
  SELECT DISTINCT to_date(substring(c.relname FROM '\d{6}$'), 'YYYYMM')
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent IN ('public.audit_event'::regclass, 'public.audit_event_patient'::regclass)
  ORDER BY 1
$_$;

ALTER FUNCTION public.audit_months() OWNER TO hms_owner;

CREATE FUNCTION public.audit_retention() RETURNS TABLE(tenant_id uuid, code text, keep_from timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.audit_retention() OWNER TO hms_owner;

CREATE FUNCTION public.audit_tenants() RETURNS TABLE(id uuid, code text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT tenant.id, tenant.code FROM tenant
$$;

ALTER FUNCTION public.audit_tenants() OWNER TO hms_owner;

CREATE FUNCTION public.count_patient_rows(tenant uuid, patient uuid) RETURNS TABLE(entity_type text, row_count bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  reference record;
BEGIN
  FOR reference IN SELECT * FROM patient_references() LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %3$s, count(*) FROM %1$I t WHERE tenant_id = $1 AND %2$I = $2 GROUP BY 1',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, patient;
  END LOOP;
END
$_$;

ALTER FUNCTION public.count_patient_rows(tenant uuid, patient uuid) OWNER TO hms_owner;

CREATE FUNCTION public.drop_audit_month(month date, keep_from jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET lock_timeout TO '500ms'
    AS $$
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

ALTER FUNCTION public.drop_audit_month(month date, keep_from jsonb) OWNER TO hms_owner;

CREATE FUNCTION public.encounter_in_departments(encounter uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  departments constant uuid[] := nullif(current_setting('app.departments', true), '')::uuid[];
  place uuid;
  patient uuid;
BEGIN
  SELECT e.department_id, e.patient_id INTO place, patient FROM encounter e
  WHERE e.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND e.id = encounter;
  RETURN coalesce(place = ANY (departments), false) OR coalesce(patient_under_grant(patient), false);
END
$$;

ALTER FUNCTION public.encounter_in_departments(encounter uuid) OWNER TO hms_search;

CREATE FUNCTION public.encounter_treats(state text, began timestamp with time zone, document jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  SELECT state IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD')
    OR (state = 'COMPLETED'
        AND CASE WHEN document ->> 'end_time' <> ''
            THEN left(document ->> 'end_time', 10) COLLATE "C"
                 >= to_char(now() - interval '30 days', 'YYYY-MM-DD') COLLATE "C"
            ELSE began >= now() - interval '30 days' END)
$$;

ALTER FUNCTION public.encounter_treats(state text, began timestamp with time zone, document jsonb) OWNER TO hms_owner;

CREATE FUNCTION public.end_due_holds(practitioner uuid, offer_seconds integer, least_seconds integer) RETURNS TABLE(id uuid, patient_id uuid, old_version bigint, new_version bigint, ended boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.end_due_holds(practitioner uuid, offer_seconds integer, least_seconds integer) OWNER TO hms_owner;

CREATE FUNCTION public.expire_holds(tenant uuid, holds uuid[]) RETURNS TABLE(id uuid, patient_id uuid, old_version bigint, new_version bigint, practitioner_id uuid, start_time timestamp with time zone, end_time timestamp with time zone)
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  WITH due AS (
    SELECT a.tenant_id, a.id, a.version, a.practitioner_id, a.start_time, a.end_time, a.actor_id,
           a.update_time, to_jsonb(a) - 'patient_id' - 'tenant_id' AS row_data,
           a.waitlist_time IS NOT NULL AS waits,
           CASE WHEN a.waitlist_time IS NOT NULL THEN (
             SELECT v.row_data FROM appointment_version v
             WHERE v.tenant_id = tenant AND v.id = a.id AND v.row_data ->> 'state' = 'WAITLISTED'
             ORDER BY v.version DESC LIMIT 1) END AS wanted
    FROM appointment a
    WHERE a.tenant_id = tenant AND a.id = ANY (holds) AND a.state = 'HELD' AND a.hold_expire_time <= now()
    FOR UPDATE OF a
  ), kept AS (
    INSERT INTO appointment_version (tenant_id, id, version, row_data, actor_id, update_time)
    SELECT d.tenant_id, d.id, d.version, d.row_data, d.actor_id, d.update_time FROM due d
  )
  UPDATE appointment a SET
    version = a.version + 1,
    state = CASE WHEN d.waits THEN 'WAITLISTED' ELSE 'EXPIRED' END,
    practitioner_id = CASE WHEN d.waits THEN (d.wanted ->> 'practitioner_id')::uuid ELSE a.practitioner_id END,
    department_id = CASE WHEN d.wanted IS NULL THEN a.department_id ELSE (d.wanted ->> 'department_id')::uuid END,
    service = CASE WHEN d.wanted IS NULL THEN a.service ELSE d.wanted ->> 'service' END,
    location_id = CASE WHEN d.waits THEN (d.wanted ->> 'location_id')::uuid ELSE a.location_id END,
    schedule_id = CASE WHEN d.waits THEN NULL ELSE a.schedule_id END,
    exception_id = CASE WHEN d.waits THEN NULL ELSE a.exception_id END,
    start_time = CASE WHEN d.waits THEN NULL ELSE a.start_time END,
    end_time = CASE WHEN d.waits THEN NULL ELSE a.end_time END,
    seat = CASE WHEN d.waits THEN NULL ELSE a.seat END,
    capacity = CASE WHEN d.waits THEN NULL ELSE a.capacity END,
    overbooked = a.overbooked AND NOT d.waits,
    hold_expire_time = CASE WHEN d.waits THEN NULL ELSE a.hold_expire_time END,
    actor_id = '00000000-0000-0000-0000-000000000000',
    update_time = clock_timestamp()
  FROM due d
  WHERE a.tenant_id = tenant AND a.id = d.id
  RETURNING d.id, a.patient_id, d.version, a.version, d.practitioner_id, d.start_time, d.end_time
$$;

ALTER FUNCTION public.expire_holds(tenant uuid, holds uuid[]) OWNER TO hms_owner;

CREATE FUNCTION public.hand_over_reminders(max_rows integer) RETURNS TABLE(tenant_id uuid, state text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.hand_over_reminders(max_rows integer) OWNER TO hms_owner;

CREATE FUNCTION public.hospital_instant(moment timestamp without time zone, zone text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
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

ALTER FUNCTION public.hospital_instant(moment timestamp without time zone, zone text) OWNER TO hms_owner;

CREATE FUNCTION public.hours_touched(starts timestamp with time zone, ends timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE sql IMMUTABLE
    AS $$
  SELECT generate_series(floor(extract(epoch FROM starts) / 3600)::bigint,
                         ceil(extract(epoch FROM ends) / 3600)::bigint - 1)
$$;

ALTER FUNCTION public.hours_touched(starts timestamp with time zone, ends timestamp with time zone) OWNER TO hms_owner;

CREATE FUNCTION public.keep_practitioner_links() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  roles constant jsonb := coalesce(jsonb_path_query_array(
    NEW.document, '$.roles[*] ? (!exists (@.active) || @.active != false)'), '[]');
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM practitioner_speciality s WHERE s.tenant_id = NEW.tenant_id AND s.practitioner_id = NEW.id;
    DELETE FROM practitioner_department d
    WHERE d.tenant_id = NEW.tenant_id AND d.practitioner_id = NEW.id
      AND d.department_id IS DISTINCT FROM NEW.parent_id
      AND d.department_id::text NOT IN (SELECT role ->> 'department_id' FROM jsonb_array_elements(roles) role
                                        WHERE role ->> 'department_id' <> '');
  END IF;
  INSERT INTO practitioner_speciality (tenant_id, practitioner_id, system, code)
  SELECT DISTINCT NEW.tenant_id, NEW.id, coalesce(coding ->> 'system', ''), coding ->> 'code'
  FROM (
    SELECT jsonb_path_query(NEW.document, '$.specialities[*].codings[*]') AS coding
    UNION ALL SELECT jsonb_path_query(roles, '$[*].specialities[*].codings[*]')
  ) worked_in
  WHERE coding ->> 'code' <> '';
  INSERT INTO practitioner_department (tenant_id, practitioner_id, department_id)
  SELECT NEW.tenant_id, NEW.id, NEW.parent_id WHERE NEW.parent_id IS NOT NULL
  UNION
  SELECT NEW.tenant_id, NEW.id, (role ->> 'department_id')::uuid FROM jsonb_array_elements(roles) role
  WHERE role ->> 'department_id' <> ''
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$_$;

ALTER FUNCTION public.keep_practitioner_links() OWNER TO hms_owner;

CREATE FUNCTION public.lay_on_desk() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  NEW.desk_department_id := NULL;
  NEW.desk_practitioner_id := NULL;
  CASE NEW.type
    WHEN 'ORDER' THEN
      NEW.waiting := NEW.state IN ('ACTIVE', 'IN_PROGRESS');
      NEW.desk_department_id := nullif(NEW.document ->> 'performing_department_id', '')::uuid;
    WHEN 'REFERRAL' THEN
      NEW.waiting := NEW.state IN ('ACTIVE', 'ACCEPTED');
      NEW.desk_department_id := nullif(NEW.document ->> 'to_department_id', '')::uuid;
      NEW.desk_practitioner_id := nullif(NEW.document ->> 'to_practitioner_id', '')::uuid;
    ELSE
      NEW.waiting := coalesce((NEW.document ->> 'critical')::boolean, false)
        AND coalesce(NEW.document ->> 'acknowledge_time', '') = ''
        AND NEW.state NOT IN ('CANCELLED', 'ENTERED_IN_ERROR');
      NEW.desk_department_id := nullif(NEW.document ->> 'requester_department_id', '')::uuid;
      NEW.desk_practitioner_id := nullif(NEW.document ->> 'requester_id', '')::uuid;
  END CASE;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.lay_on_desk() OWNER TO hms_owner;

CREATE FUNCTION public.lock_audit_retention() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET lock_timeout TO '2s'
    AS $$
BEGIN
  LOCK TABLE public.legal_hold, public.tenant_setting IN SHARE MODE;
END
$$;

ALTER FUNCTION public.lock_audit_retention() OWNER TO hms_owner;

CREATE FUNCTION public.make_audit_partition(moment timestamp with time zone) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET lock_timeout TO '5s'
    AS $$
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

ALTER FUNCTION public.make_audit_partition(moment timestamp with time zone) OWNER TO hms_owner;

CREATE FUNCTION public.make_audit_partitions(months_ahead integer) RETURNS SETOF text
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT made.name
  FROM generate_series(0, months_ahead) AS ahead,
       make_audit_partition(
         (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC'
       ) AS made (name)
$$;

ALTER FUNCTION public.make_audit_partitions(months_ahead integer) OWNER TO hms_owner;

CREATE FUNCTION public.mark_break_glass() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  marks text;
BEGIN
  SELECT string_agg('BREAK_GLASS:' || opened.id, ' ' ORDER BY opened.id) INTO marks
  FROM (
    SELECT DISTINCT ON (g.patient_id) g.id
    FROM patient p
    JOIN break_glass g ON g.tenant_id = NEW.tenant_id
      AND g.patient_id = CASE WHEN p.merged_into IS NULL THEN p.id ELSE p.merged_into END
    WHERE p.tenant_id = NEW.tenant_id AND p.id = ANY (NEW.patient_ids)
      AND g.user_id = nullif(current_setting('app.user_id', true), '')::uuid
      AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED'
    ORDER BY g.patient_id, g.create_time DESC
  ) opened;
  IF marks IS NOT NULL THEN
    NEW.record := NEW.record || jsonb_build_object(
      'reason', concat_ws(' ', marks, nullif(NEW.record ->> 'reason', '')));
  END IF;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.mark_break_glass() OWNER TO hms_owner;

CREATE FUNCTION public.may_see_restricted(patient uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.may_see_restricted(patient uuid) OWNER TO hms_search;

CREATE FUNCTION public.move_patient_rows(tenant uuid, merge uuid, merged uuid, survivor uuid) RETURNS TABLE(entity_type text, ids uuid[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  reference record;
  merged_at timestamptz;
BEGIN
  SELECT m.merge_time INTO STRICT merged_at FROM patient_merge m WHERE m.tenant_id = tenant AND m.id = merge;
  FOR reference IN SELECT * FROM patient_references() LOOP
    -- A transaction that began before the merge and wrote to the survivor after it has an earlier create_time.
    -- None takes an hour: what is that new now and is not noted here was written afterwards.
    EXECUTE format(
      'INSERT INTO patient_merge_item'
      ' (tenant_id, merge_id, table_name, column_name, row_id, entity_type, row_version, stayed)'
      ' SELECT $1, $2, %1$L, %2$L, t.id, %3$s, t.version, true FROM %1$I t'
      ' WHERE t.tenant_id = $1 AND t.%2$I = $3 AND t.create_time > $4 - interval ''1 hour''',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, merge, survivor, merged_at;
    EXECUTE format(
      'WITH moved AS ('
      ' UPDATE %1$I t SET %2$I = $4 WHERE t.tenant_id = $1 AND t.%2$I = $3'
      ' RETURNING t.id, t.version, %3$s AS entity_type)'
      ' INSERT INTO patient_merge_item'
      ' (tenant_id, merge_id, table_name, column_name, row_id, entity_type, row_version, stayed)'
      ' SELECT $1, $2, %1$L, %2$L, id, entity_type, version, false FROM moved',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, merge, merged, survivor;
  END LOOP;
  -- Records that went into the one that now goes itself.
  WITH followed AS (
    UPDATE patient p SET merged_into = survivor
    WHERE p.tenant_id = tenant AND p.merged_into = merged RETURNING p.id, p.version
  )
  INSERT INTO patient_merge_item
    (tenant_id, merge_id, table_name, column_name, row_id, entity_type, row_version, stayed)
  SELECT tenant, merge, 'patient', 'merged_into', f.id, 'patient', f.version, false FROM followed f;
  RETURN QUERY
    SELECT i.entity_type, array_agg(DISTINCT i.row_id) FROM patient_merge_item i
    WHERE i.tenant_id = tenant AND i.merge_id = merge AND NOT i.stayed AND i.table_name <> 'patient'
    GROUP BY i.entity_type ORDER BY i.entity_type;
END
$_$;

ALTER FUNCTION public.move_patient_rows(tenant uuid, merge uuid, merged uuid, survivor uuid) OWNER TO hms_owner;

CREATE FUNCTION public.move_whole_days() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  UPDATE schedule_exception e SET
    start_time = hospital_instant((e.document ->> 'start_date')::date, NEW.time_zone),
    end_time = hospital_instant((e.document ->> 'end_date')::date + 1, NEW.time_zone)
  WHERE e.tenant_id = NEW.tenant_id AND e.document ? 'start_date';
  RETURN NULL;
END
$$;

ALTER FUNCTION public.move_whole_days() OWNER TO hms_owner;

CREATE FUNCTION public.note_row_under_glass() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION public.note_row_under_glass() OWNER TO hms_owner;

CREATE FUNCTION public.note_under_glass() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.department_id IS NOT DISTINCT FROM OLD.department_id
       AND encounter_treats(OLD.state, OLD.clinical_time, OLD.document) THEN
      RETURN NULL;
    END IF;
  END IF;
  INSERT INTO encounter_under_glass (tenant_id, encounter_id, grant_id)
  SELECT NEW.tenant_id, NEW.id, g.id
  FROM break_glass g
  WHERE g.tenant_id = NEW.tenant_id AND g.patient_id = NEW.patient_id
    AND g.user_id = nullif(current_setting('app.user_id', true), '')::uuid
    AND g.expire_time > now() AND g.outcome <> 'NOT_JUSTIFIED'
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.note_under_glass() OWNER TO hms_owner;

CREATE FUNCTION public.note_waiting_list_pass() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  INSERT INTO waiting_list_pass (tenant_id, appointment_id, practitioner_id, start_time)
  VALUES (OLD.tenant_id, OLD.id, OLD.practitioner_id, OLD.start_time)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;

ALTER FUNCTION public.note_waiting_list_pass() OWNER TO hms_owner;

CREATE FUNCTION public.offer_seats(practitioners uuid[], starts timestamp with time zone[], ends timestamp with time zone[], offer_seconds integer, least_seconds integer, chosen uuid) RETURNS TABLE(id uuid, patient_id uuid, old_version bigint, new_version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.offer_seats(practitioners uuid[], starts timestamp with time zone[], ends timestamp with time zone[], offer_seconds integer, least_seconds integer, chosen uuid) OWNER TO hms_owner;

CREATE FUNCTION public.patient_behind_glass(patient uuid, number text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT CASE WHEN p.merged_into IS NULL THEN p.id ELSE p.merged_into END
  FROM patient p
  WHERE p.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    AND (p.id = patient OR (patient IS NULL AND p.uhid = number))
$$;

ALTER FUNCTION public.patient_behind_glass(patient uuid, number text) OWNER TO hms_search;

CREATE FUNCTION public.patient_ids_on_both(list text, other text, max_rows integer) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET max_parallel_workers_per_gather TO '0'
    AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT patient_id FROM (%s) a JOIN (%s) b USING (patient_id) LIMIT %s',
    list, other, coalesce(max_rows::text, 'ALL'));
END
$$;

ALTER FUNCTION public.patient_ids_on_both(list text, other text, max_rows integer) OWNER TO hms_search;

CREATE FUNCTION public.patient_ids_on_list(list text, depth integer, patterns text[], birth_from text, birth_before text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $_$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT p.id FROM (SELECT DISTINCT patient_id FROM (%s LIMIT %s) entries) list,'
    ' LATERAL (SELECT id, search_text, birth_date, delete_time FROM patient'
    ' WHERE tenant_id = %L AND id = list.patient_id OFFSET 0) p'
    ' WHERE p.delete_time IS NULL AND p.search_text LIKE ALL ($1)'
    ' AND ($2 = '''' OR (p.birth_date >= $2 AND p.birth_date < $3))',
    list, depth, current_setting('app.tenant_id'))
  USING patterns, birth_from, birth_before;
END
$_$;

ALTER FUNCTION public.patient_ids_on_list(list text, depth integer, patterns text[], birth_from text, birth_before text) OWNER TO hms_search;

CREATE FUNCTION public.patient_ids_with_parts(words text[], birth_from text, birth_before text, max_rows integer) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_indexscan TO 'off'
    SET max_parallel_workers_per_gather TO '0'
    AS $_$
DECLARE
  statement text := 'SELECT id FROM patient WHERE tenant_id = $1 AND delete_time IS NULL';
BEGIN
  FOR i IN 1 .. cardinality(words) LOOP
    statement := statement || format(' AND search_text LIKE %L',
      CASE WHEN length(words[i]) < 3 THEN '% ' ELSE '%' END || words[i] || '%');
  END LOOP;
  IF birth_from <> '' THEN
    statement := statement || format(
      ' AND birth_date >= %L AND birth_date < %L', birth_from, birth_before);
  END IF;
  RETURN QUERY EXECUTE statement || ' LIMIT $2'
    USING current_setting('app.tenant_id')::uuid, max_rows;
END
$_$;

ALTER FUNCTION public.patient_ids_with_parts(words text[], birth_from text, birth_before text, max_rows integer) OWNER TO hms_search;

CREATE FUNCTION public.patient_in_departments(patient uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.patient_in_departments(patient uuid) OWNER TO hms_search;

CREATE FUNCTION public.patient_list(kind text, low text, high text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT CASE WHEN kind = '' THEN
    format('SELECT id AS patient_id FROM patient WHERE tenant_id = %L AND delete_time IS NULL'
           ' AND birth_date >= %L AND birth_date < %L', current_setting('app.tenant_id'), low, high)
  ELSE
    format('SELECT patient_id FROM patient_key WHERE tenant_id = %L AND kind = %L'
           ' AND value >= %L AND value < %L', current_setting('app.tenant_id'), kind, low, high)
  END
$$;

ALTER FUNCTION public.patient_list(kind text, low text, high text) OWNER TO hms_search;

CREATE FUNCTION public.patient_list_length(list text, exact integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  length bigint;
  plan json;
BEGIN
  EXECUTE format('SELECT count(*) FROM (%s LIMIT %s) entries', list, exact) INTO length;
  IF length >= exact THEN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || list INTO plan;
    length := greatest(length, (plan -> 0 -> 'Plan' ->> 'Plan Rows')::bigint);
  END IF;
  RETURN length;
END
$$;

ALTER FUNCTION public.patient_list_length(list text, exact integer) OWNER TO hms_search;

CREATE FUNCTION public.patient_references() RETURNS TABLE(table_name text, column_name text, type_expression text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
  SELECT t.relname::text, a.attname::text,
         CASE WHEN EXISTS (SELECT FROM pg_attribute y WHERE y.attrelid = t.oid AND y.attname = 'type'
                             AND y.attnum > 0 AND NOT y.attisdropped)
              THEN 'lower(t.type)' ELSE quote_literal(t.relname) END
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair (attnum, target)
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = pair.attnum
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = pair.target AND b.attname = 'id'
  WHERE c.contype = 'f' AND c.confrelid = 'public.patient'::regclass AND c.conparentid = 0
    AND t.relname !~ '^patient(_|$)'
  ORDER BY t.relname, a.attname
$_$;

ALTER FUNCTION public.patient_references() OWNER TO hms_owner;

CREATE FUNCTION public.patient_under_grant(patient uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.patient_under_grant(patient uuid) OWNER TO hms_search;

CREATE FUNCTION public.patients_of_departments() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION public.patients_of_departments() OWNER TO hms_search;

CREATE FUNCTION public.places_in_queue(practitioner uuid, session timestamp with time zone) RETURNS TABLE(id uuid, number integer, token text, state text, urgency smallint, order_time timestamp with time zone, start_time timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
  RETURN QUERY
    SELECT q.id, q.number, q.token, q.state, q.urgency, q.order_time, q.start_time
    FROM queue_token q
    WHERE q.tenant_id = tenant AND q.practitioner_id = practitioner AND q.session_start = session
      AND q.state IN ('WAITING', 'CALLED', 'IN_CONSULTATION', 'ON_HOLD', 'SKIPPED');
END
$$;

ALTER FUNCTION public.places_in_queue(practitioner uuid, session timestamp with time zone) OWNER TO hms_search;

CREATE FUNCTION public.plan_reminders() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.plan_reminders() OWNER TO hms_owner;

CREATE FUNCTION public.practitioners_with_due_holds(max_rows integer) RETURNS TABLE(tenant_id uuid, practitioner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  SELECT DISTINCT a.tenant_id, a.practitioner_id FROM (
    SELECT tenant_id, practitioner_id FROM appointment
    WHERE state = 'HELD' AND hold_expire_time <= now() LIMIT max_rows
  ) a
$$;

ALTER FUNCTION public.practitioners_with_due_holds(max_rows integer) OWNER TO hms_owner;

CREATE FUNCTION public.protect_tenant_table(target regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format(
    'CREATE POLICY tenant_isolation ON %s TO hms_app '
    'USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid) '
    'WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', target);
  EXECUTE format('CREATE POLICY owner_all ON %s TO hms_owner USING (true) WITH CHECK (true)', target);
END
$$;

ALTER FUNCTION public.protect_tenant_table(target regclass) OWNER TO hms_owner;

CREATE FUNCTION public.purge_mails(age interval, max_rows integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  WITH old AS (
    SELECT ctid FROM mail WHERE end_time < now() - age LIMIT max_rows
  ), gone AS (
    DELETE FROM mail m USING old WHERE m.ctid = old.ctid RETURNING 1
  )
  SELECT count(*) FROM gone
$$;

ALTER FUNCTION public.purge_mails(age interval, max_rows integer) OWNER TO hms_owner;

CREATE FUNCTION public.purge_request_records(age interval, max_rows integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  WITH old AS (
    SELECT ctid FROM request_record WHERE create_time < now() - age LIMIT max_rows
  ), gone AS (
    DELETE FROM request_record r USING old WHERE r.ctid = old.ctid RETURNING 1
  )
  SELECT count(*) FROM gone
$$;

ALTER FUNCTION public.purge_request_records(age interval, max_rows integer) OWNER TO hms_owner;

CREATE FUNCTION public.purge_sessions(age interval, max_rows integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  WITH old AS (
    SELECT ctid FROM session WHERE expire_time < now() - age LIMIT max_rows
  ), gone AS (
    DELETE FROM session s USING old WHERE s.ctid = old.ctid RETURNING 1
  )
  SELECT count(*) FROM gone
$$;

ALTER FUNCTION public.purge_sessions(age interval, max_rows integer) OWNER TO hms_owner;

CREATE FUNCTION public.record_in_departments(record uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  visit uuid;
  patient uuid;
BEGIN
  SELECT r.encounter_id, r.patient_id INTO visit, patient FROM clinical_record r
  WHERE r.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND r.id = record;
  RETURN encounter_in_departments(visit) OR patient_under_grant(patient);
END
$$;

ALTER FUNCTION public.record_in_departments(record uuid) OWNER TO hms_search;

CREATE FUNCTION public.refuse_deleted_department() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM department x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.department_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'department_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_department() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_department_id_of_location() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM department x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.department_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'department_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_department_id_of_location() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_location() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM location x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.location_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'location_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_location() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_organization() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM organization x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.organization_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'organization_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_organization() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_parent_id_of_department() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM department x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.parent_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'department_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_parent_id_of_department() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_parent_id_of_location() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM organization x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.parent_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'organization_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_parent_id_of_location() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_parent_id_of_organization() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM organization x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.parent_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'organization_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_parent_id_of_organization() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_parent_id_of_practitioner() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM department x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.parent_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'department_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_parent_id_of_practitioner() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_part_of_id_of_location() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM location x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.part_of_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'location_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_part_of_id_of_location() OWNER TO hms_owner;

CREATE FUNCTION public.refuse_deleted_practitioner() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ BEGIN PERFORM FROM practitioner x WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.practitioner_id AND x.delete_time IS NULL FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'what is pointed to is deleted' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'practitioner_deleted'; END IF; RETURN NULL; END $$;

ALTER FUNCTION public.refuse_deleted_practitioner() OWNER TO hms_owner;

CREATE FUNCTION public.require_location_tree(tenant uuid, members uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(format('location of %s', tenant), 0));
  IF EXISTS (
    WITH RECURSIVE above (member, id) AS (
      SELECT l.id, l.part_of_id FROM location l
      WHERE l.tenant_id = tenant AND l.id = ANY (members) AND l.part_of_id IS NOT NULL
      UNION SELECT a.member, l.part_of_id FROM above a JOIN location l ON l.tenant_id = tenant AND l.id = a.id
      WHERE l.part_of_id IS NOT NULL)
    SELECT FROM above WHERE id = member
  ) THEN
    RAISE EXCEPTION 'a place is inside of itself'
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'location_tree';
  END IF;
END
$$;

ALTER FUNCTION public.require_location_tree(tenant uuid, members uuid[]) OWNER TO hms_owner;

CREATE FUNCTION public.require_tree(tree regclass, tenant uuid, members uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  circular boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(format('%s of %s', tree, tenant), 0));
  -- UNION drops what was seen: the climb ends in a circle, too.
  EXECUTE format(
    'WITH RECURSIVE above (member, id) AS ('
    'SELECT t.id, t.parent_id FROM %1$s t '
    'WHERE t.tenant_id = $1 AND t.id = ANY ($2) AND t.parent_id IS NOT NULL '
    'UNION SELECT a.member, t.parent_id FROM above a JOIN %1$s t ON t.tenant_id = $1 AND t.id = a.id '
    'WHERE t.parent_id IS NOT NULL) '
    'SELECT EXISTS (SELECT FROM above WHERE id = member)', tree)
  INTO circular USING tenant, members;
  IF circular THEN
    RAISE EXCEPTION 'a record is above itself'
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = format('%s_tree', tree);
  END IF;
END
$_$;

ALTER FUNCTION public.require_tree(tree regclass, tenant uuid, members uuid[]) OWNER TO hms_owner;

CREATE FUNCTION public.restrict_patient(patient uuid, wanted boolean, actor uuid) RETURNS TABLE(patient_id uuid, new_version bigint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  WITH changing AS (
    SELECT p.* FROM patient p
    WHERE p.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
      AND (p.id = patient OR p.merged_into = patient) AND p.restricted <> wanted
      AND (NOT p.restricted OR may_see_restricted(p.id))
  ), kept AS (
    INSERT INTO patient_version
      (tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
       merged_uhids, restricted)
    SELECT tenant_id, id, version, uhid, document, actor_id, create_time, update_time, delete_time, merged_into,
           merged_uhids, restricted
    FROM changing
  )
  UPDATE patient p SET restricted = wanted, version = p.version + 1, actor_id = actor,
    update_time = clock_timestamp()
  FROM changing c WHERE p.tenant_id = c.tenant_id AND p.id = c.id
  RETURNING p.id, p.version
$$;

ALTER FUNCTION public.restrict_patient(patient uuid, wanted boolean, actor uuid) OWNER TO hms_owner;

CREATE FUNCTION public.return_patient_rows(tenant uuid, merge uuid) RETURNS TABLE(outcome text, entity_type text, ids uuid[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $_$
DECLARE
  done patient_merge;
  reference record;
  link record;
  in_force uuid[];
  step record;
  types bigint;
  again boolean;
BEGIN
  SELECT * INTO STRICT done FROM patient_merge m WHERE m.tenant_id = tenant AND m.id = merge;
  in_force := ARRAY(
    SELECT m.id FROM patient_merge m
    WHERE m.tenant_id = tenant AND m.survivor_id = done.survivor_id AND m.unmerge_time IS NULL);
  FOR reference IN SELECT * FROM patient_references() LOOP
    RETURN QUERY EXECUTE format(
      'WITH returned AS ('
      ' UPDATE %1$I t SET %2$I = $3 FROM patient_merge_item i'
      ' WHERE i.tenant_id = $1 AND i.merge_id = $2 AND i.table_name = %1$L AND i.column_name = %2$L'
      '   AND NOT i.stayed AND t.tenant_id = $1 AND t.id = i.row_id AND t.%2$I = $4'
      ' RETURNING t.id, t.version > i.row_version AS amended, i.entity_type)'
      ' SELECT ''RETURNED'', r.entity_type, array_agg(r.id ORDER BY r.id) FROM returned r GROUP BY r.entity_type'
      ' UNION ALL'
      ' SELECT ''AMENDED'', r.entity_type, array_agg(r.id ORDER BY r.id) FROM returned r WHERE r.amended'
      ' GROUP BY r.entity_type',
      reference.table_name, reference.column_name)
    USING tenant, merge, done.merged_id, done.survivor_id;
  END LOOP;
  FOR step IN
    SELECT 'KEPT' AS outcome, done.merged_id AS from_id, done.survivor_id AS to_id
    UNION ALL SELECT 'FOLLOWED', done.survivor_id, done.merged_id
  LOOP
    LOOP
      again := false;
      FOR link IN
        SELECT child.table_name, child.column_name, child.type_expression, parent.table_name AS parent_name,
               a.attname AS parent_column
        FROM patient_references() child
        JOIN pg_constraint c ON c.conrelid = to_regclass(format('public.%I', child.table_name))
          AND c.contype = 'f' AND c.conparentid = 0
        JOIN patient_references() parent
          ON c.confrelid = to_regclass(format('public.%I', parent.table_name))
          AND parent.column_name = child.column_name
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair (attnum, target)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = pair.attnum
        JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = pair.target AND b.attname = 'id'
      LOOP
        RETURN QUERY EXECUTE format(
          'WITH went AS ('
          ' UPDATE %1$I t SET %2$I = $3 FROM %4$I parent'
          ' WHERE t.tenant_id = $1 AND t.%2$I = $2'
          '   AND parent.tenant_id = $1 AND parent.id = t.%5$I AND parent.%2$I = $3'
          ' RETURNING t.id, %3$s AS entity_type)'
          ' SELECT $4, w.entity_type, array_agg(w.id ORDER BY w.id) FROM went w GROUP BY w.entity_type',
          link.table_name, link.column_name, link.type_expression, link.parent_name, link.parent_column)
        USING tenant, step.from_id, step.to_id, step.outcome;
        GET DIAGNOSTICS types = ROW_COUNT;
        again := again OR types > 0;
      END LOOP;
      EXIT WHEN NOT again;
    END LOOP;
  END LOOP;
  -- New rows of the survivor that were neither noted nor brought by another merge.
  FOR reference IN SELECT * FROM patient_references() LOOP
    RETURN QUERY EXECUTE format(
      'SELECT ''KEPT'', %3$s, array_agg(t.id ORDER BY t.id) FROM %1$I t'
      ' WHERE t.tenant_id = $1 AND t.%2$I = $3 AND t.create_time > $4 - interval ''1 hour'''
      '   AND NOT EXISTS ('
      '     SELECT FROM patient_merge_item i WHERE i.tenant_id = $1 AND i.merge_id = ANY ($5)'
      '       AND i.table_name = %1$L AND i.column_name = %2$L AND i.row_id = t.id'
      '       AND (i.merge_id = $2 OR NOT i.stayed))'
      ' GROUP BY 2',
      reference.table_name, reference.column_name, reference.type_expression)
    USING tenant, merge, done.survivor_id, done.merge_time, in_force;
  END LOOP;
  UPDATE patient p SET merged_into = done.merged_id FROM patient_merge_item i
  WHERE i.tenant_id = tenant AND i.merge_id = merge AND i.table_name = 'patient'
    AND p.tenant_id = tenant AND p.id = i.row_id AND p.merged_into = done.survivor_id;
END
$_$;

ALTER FUNCTION public.return_patient_rows(tenant uuid, merge uuid) OWNER TO hms_owner;

CREATE FUNCTION public.search_patient_ids(words text[], phone text, identifier_from text, identifier_before text, birth_from text, birth_before text, wanted integer) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER ROWS 50
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  short constant integer := 400;    -- a list of fewer entries is read whole
  many constant integer := 1500;    -- look-ups that are always worth a try
  lists text[] := '{}';
  patterns text[] := '{}';
  lengths bigint[] := '{}';
  shortest integer := 1;
  other integer;                    -- the shortest but one
  all_patients bigint;
  hoped double precision;           -- matches among `short` entries, were the lists independent
  depth integer;
  next_depth double precision;
  entries bigint;
  shared text;
  ids uuid[];
BEGIN
  IF nullif(current_setting('app.tenant_id', true), '') IS NULL THEN
    RETURN;
  END IF;
  IF phone <> '' THEN
    lists := lists || patient_list('PHONE', phone, phone || ' ');
    patterns := patterns || ('% ' || phone || ' %');
  END IF;
  FOR i IN 1 .. cardinality(words) LOOP
    lists := lists || patient_list('WORD', words[i], words[i] || '{');  -- '{' follows 'z'
    patterns := patterns || ('% ' || words[i] || '%');
  END LOOP;
  IF birth_from <> '' THEN
    lists := lists || patient_list('', birth_from, birth_before);
  END IF;

  IF identifier_from <> '' THEN
    -- An identifier stands in no pattern: its list is read, the others check.
    RETURN QUERY SELECT patient_ids_on_list(
      patient_list('IDENTIFIER', identifier_from, identifier_before), 2 * many, patterns,
      birth_from, birth_before);
    RETURN;
  END IF;

  IF cardinality(lists) = 1 THEN
    depth := 2 * wanted;
    LOOP
      EXECUTE format(
        'SELECT count(*), array_agg(DISTINCT patient_id) FROM (%s LIMIT %s) entries', lists[1], depth)
        INTO entries, ids;
      EXIT WHEN cardinality(ids) > wanted OR entries < depth;
      depth := 8 * depth;  -- several words of one patient begin alike
    END LOOP;
  ELSE
    FOR i IN 1 .. cardinality(lists) LOOP
      lengths := lengths || patient_list_length(lists[i], short);
      IF lengths[i] < lengths[shortest] THEN
        shortest := i;
      END IF;
      EXIT WHEN lengths[i] < short;
    END LOOP;
    IF lengths[shortest] < short THEN
      ids := ARRAY(
        SELECT patient_ids_on_list(lists[shortest], short, patterns, birth_from, birth_before));
    ELSE
      all_patients := patient_list_length(patient_list('', '', '~'), 1);
      hoped := short;
      FOR i IN 1 .. cardinality(lists) LOOP
        IF i <> shortest THEN
          hoped := hoped * least(1, lengths[i] / all_patients::double precision);
          IF other IS NULL OR lengths[i] < lengths[other] THEN
            other := i;
          END IF;
        END IF;
      END LOOP;
      depth := 0;
      LOOP
        next_depth := greatest(short, depth * 2, 3 * short * wanted / (2 * greatest(hoped, 0.1)));
        -- One look-up costs what some forty entries cost that are read in order.
        EXIT WHEN next_depth > greatest(many, (lengths[shortest] + lengths[other]) / 40);
        depth := next_depth;
        ids := ARRAY(
          SELECT patient_ids_on_list(lists[shortest], depth, patterns, birth_from, birth_before));
        EXIT WHEN cardinality(ids) > wanted;
        hoped := short * cardinality(ids) / depth::double precision;
      END LOOP;
      IF coalesce(cardinality(ids), 0) <= wanted THEN
        depth := CASE WHEN cardinality(lists) = 2 THEN 8 * wanted END;
        LOOP
          SELECT array_agg(DISTINCT id), count(*) INTO ids, entries
          FROM patient_ids_on_both(lists[shortest], lists[other], depth) AS both_lists (id);
          EXIT WHEN depth IS NULL OR entries < depth OR cardinality(ids) > wanted;
          depth := NULL;
        END LOOP;
        IF cardinality(lists) > 2 THEN
          shared := format('SELECT patient_id FROM unnest(%L::uuid[]) shared (patient_id)', ids);
          entries := coalesce(cardinality(ids), 0);
          depth := short;
          LOOP
            ids := ARRAY(
              SELECT patient_ids_on_list(shared, depth, patterns, birth_from, birth_before));
            EXIT WHEN cardinality(ids) > wanted OR depth >= entries;
            depth := 8 * depth;
          END LOOP;
        END IF;
      END IF;
    END IF;
  END IF;

  IF coalesce(cardinality(ids), 0) = 0 AND cardinality(words) > 0 AND phone = '' THEN
    RETURN QUERY SELECT patient_ids_with_parts(words, birth_from, birth_before, wanted + 1);
  ELSE
    RETURN QUERY SELECT unnest(ids) LIMIT short;
  END IF;
END
$$;

ALTER FUNCTION public.search_patient_ids(words text[], phone text, identifier_from text, identifier_before text, birth_from text, birth_before text, wanted integer) OWNER TO hms_search;

CREATE FUNCTION public.search_slots(tenant uuid, practitioners uuid[], departments uuid[], wanted_service text, wanted_weekdays smallint[], from_clock time without time zone, until_clock time without time zone, from_day date, until_day date, least_free integer, key_time timestamp with time zone, key_practitioner uuid, key_source uuid, backward boolean, most integer) RETURNS TABLE(practitioner_id uuid, department_id uuid, location_id uuid, service text, schedule_id uuid, exception_id uuid, start_time timestamp with time zone, end_time timestamp with time zone, seats integer, walk_in_seats integer, free_seats integer)
    LANGUAGE plpgsql STABLE
    AS $$
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

ALTER FUNCTION public.search_slots(tenant uuid, practitioners uuid[], departments uuid[], wanted_service text, wanted_weekdays smallint[], from_clock time without time zone, until_clock time without time zone, from_day date, until_day date, least_free integer, key_time timestamp with time zone, key_practitioner uuid, key_source uuid, backward boolean, most integer) OWNER TO hms_owner;

CREATE FUNCTION public.slots_between(tenant uuid, practitioners uuid[], from_time timestamp with time zone, until_time timestamp with time zone) RETURNS TABLE(practitioner_id uuid, department_id uuid, location_id uuid, service text, schedule_id uuid, exception_id uuid, session_start timestamp with time zone, session_end timestamp with time zone, start_time timestamp with time zone, end_time timestamp with time zone, seats integer, walk_in_seats integer)
    LANGUAGE sql STABLE
    AS $$
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

ALTER FUNCTION public.slots_between(tenant uuid, practitioners uuid[], from_time timestamp with time zone, until_time timestamp with time zone) OWNER TO hms_owner;

CREATE FUNCTION public.take_location_columns() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  NEW.part_of_id := (NEW.document ->> 'part_of_id')::uuid;
  NEW.department_id := (NEW.document ->> 'department_id')::uuid;
  RETURN NEW;
END
$$;

ALTER FUNCTION public.take_location_columns() OWNER TO hms_owner;

CREATE TABLE public.address_rule (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    action text NOT NULL,
    network text NOT NULL COLLATE pg_catalog."C",
    note text NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone,
    CONSTRAINT address_rule_action_check CHECK ((action = ANY (ARRAY['DENY'::text, 'ALLOW'::text])))
);

ALTER TABLE ONLY public.address_rule FORCE ROW LEVEL SECURITY;

ALTER TABLE public.address_rule OWNER TO hms_owner;

CREATE TABLE public.appointment (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    patient_id uuid NOT NULL,
    practitioner_id uuid,
    department_id uuid NOT NULL,
    location_id uuid,
    schedule_id uuid,
    exception_id uuid,
    service text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    start_time timestamp with time zone,
    end_time timestamp with time zone,
    seat smallint,
    capacity smallint,
    overbooked boolean DEFAULT false NOT NULL,
    hold_expire_time timestamp with time zone,
    wanted_from timestamp with time zone,
    wanted_until timestamp with time zone,
    waitlist_time timestamp with time zone,
    series_id uuid,
    previous_appointment_id uuid,
    document jsonb DEFAULT '{}'::jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    waitlist_rank smallint DEFAULT 2 NOT NULL,
    CONSTRAINT appointment_check CHECK ((((start_time IS NULL) = (end_time IS NULL)) AND ((start_time IS NULL) = (seat IS NULL)))),
    CONSTRAINT appointment_check1 CHECK (((start_time < end_time) AND ((end_time - start_time) <= '1 day'::interval))),
    CONSTRAINT appointment_check2 CHECK (((state = 'WAITLISTED'::text) OR (state = 'CANCELLED'::text) OR ((start_time IS NOT NULL) AND (practitioner_id IS NOT NULL)))),
    CONSTRAINT appointment_check3 CHECK (((state <> 'WAITLISTED'::text) OR (start_time IS NULL))),
    CONSTRAINT appointment_check4 CHECK (((seat >= 1) AND (overbooked OR (seat <= capacity)))),
    CONSTRAINT appointment_check5 CHECK (((state <> 'HELD'::text) OR (hold_expire_time IS NOT NULL))),
    CONSTRAINT appointment_state_check CHECK ((state = ANY (ARRAY['WAITLISTED'::text, 'HELD'::text, 'BOOKED'::text, 'CONFIRMED'::text, 'ARRIVED'::text, 'CHECKED_IN'::text, 'FULFILLED'::text, 'CANCELLED'::text, 'NO_SHOW'::text, 'EXPIRED'::text]))),
    CONSTRAINT appointment_waitlist_rank_check CHECK ((waitlist_rank = ANY (ARRAY[1, 2])))
);

ALTER TABLE ONLY public.appointment FORCE ROW LEVEL SECURITY;

ALTER TABLE public.appointment OWNER TO hms_owner;

CREATE TABLE public.appointment_reminder (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    appointment_id uuid NOT NULL,
    due_time timestamp with time zone NOT NULL,
    channel text DEFAULT 'EMAIL'::text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'SCHEDULED'::text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT appointment_reminder_channel_check CHECK ((channel = 'EMAIL'::text)),
    CONSTRAINT appointment_reminder_reason_check CHECK ((reason = ANY (ARRAY[''::text, 'NO_ADDRESS'::text, 'PATIENT_DELETED'::text, 'PATIENT_DECEASED'::text, 'TOO_LATE'::text, 'SUPERSEDED'::text]))),
    CONSTRAINT appointment_reminder_state_check CHECK ((state = ANY (ARRAY['SCHEDULED'::text, 'SENT'::text, 'CANCELLED'::text, 'SKIPPED'::text])))
);

ALTER TABLE ONLY public.appointment_reminder FORCE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_reminder OWNER TO hms_owner;

CREATE TABLE public.appointment_under_glass (
    tenant_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    grant_id uuid NOT NULL
);

ALTER TABLE ONLY public.appointment_under_glass FORCE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_under_glass OWNER TO hms_owner;

CREATE TABLE public.appointment_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.appointment_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_version OWNER TO hms_owner;

CREATE TABLE public.audit_anchor (
    tenant_id uuid NOT NULL,
    anchor_date date NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL
);

ALTER TABLE ONLY public.audit_anchor FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_anchor OWNER TO hms_owner;

CREATE TABLE public.audit_chain (
    tenant_id uuid NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT '\x'::bytea NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    elsewhere boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.audit_chain FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_chain OWNER TO hms_owner;

CREATE TABLE public.audit_checkpoint (
    tenant_id uuid NOT NULL,
    month date NOT NULL,
    first_sequence bigint NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    standing jsonb DEFAULT '[]'::jsonb NOT NULL,
    event_id uuid NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    drop_time timestamp with time zone,
    audited boolean DEFAULT false NOT NULL
);

ALTER TABLE ONLY public.audit_checkpoint FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_checkpoint OWNER TO hms_owner;

CREATE TABLE public.audit_event (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL,
    id uuid NOT NULL,
    record_time timestamp with time zone NOT NULL,
    action text NOT NULL,
    method text NOT NULL,
    actor_id uuid,
    actor_name text DEFAULT ''::text NOT NULL,
    session_id uuid,
    entity_type text DEFAULT ''::text NOT NULL,
    entity_id text DEFAULT ''::text NOT NULL,
    patient_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    outcome text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    request_id text DEFAULT ''::text NOT NULL,
    trace_id text DEFAULT ''::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    old_version bigint DEFAULT 0 NOT NULL,
    new_version bigint DEFAULT 0 NOT NULL,
    key_id text NOT NULL,
    hash bytea NOT NULL,
    entities jsonb,
    entity_ids uuid[]
)
PARTITION BY RANGE (record_time);

ALTER TABLE ONLY public.audit_event FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_event OWNER TO hms_owner;

CREATE TABLE public.audit_event_patient (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    record_time timestamp with time zone NOT NULL,
    sequence bigint NOT NULL
)
PARTITION BY RANGE (record_time);

ALTER TABLE ONLY public.audit_event_patient FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_event_patient OWNER TO hms_owner;

CREATE TABLE public.audit_outbox (
    tenant_id uuid NOT NULL,
    "position" bigint NOT NULL,
    event_id uuid NOT NULL,
    record_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    record jsonb NOT NULL,
    patient_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    outcome text NOT NULL
)
WITH (autovacuum_vacuum_threshold='5000', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_insert_threshold='-1', autovacuum_analyze_threshold='50000', autovacuum_analyze_scale_factor='0', autovacuum_vacuum_cost_delay='0');

ALTER TABLE ONLY public.audit_outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_outbox OWNER TO hms_owner;

ALTER TABLE public.audit_outbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_outbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.break_glass (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    patient_id uuid NOT NULL,
    user_id uuid NOT NULL,
    reason text NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    expire_time timestamp with time zone NOT NULL,
    outcome text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    note text DEFAULT ''::text NOT NULL,
    reviewer_id uuid,
    review_time timestamp with time zone,
    CONSTRAINT break_glass_check CHECK ((((outcome = ''::text) = (reviewer_id IS NULL)) AND ((outcome = ''::text) = (review_time IS NULL)))),
    CONSTRAINT break_glass_check1 CHECK ((reviewer_id <> user_id)),
    CONSTRAINT break_glass_outcome_check CHECK ((outcome = ANY (ARRAY[''::text, 'JUSTIFIED'::text, 'NOT_JUSTIFIED'::text])))
);

ALTER TABLE ONLY public.break_glass FORCE ROW LEVEL SECURITY;

ALTER TABLE public.break_glass OWNER TO hms_owner;

CREATE TABLE public.clinical_record (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    patient_id uuid NOT NULL,
    encounter_id uuid,
    practitioner_id uuid,
    organization_id uuid,
    state text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    category text NOT NULL COLLATE pg_catalog."C",
    clinical_time timestamp with time zone NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    waiting boolean,
    desk_department_id uuid,
    desk_practitioner_id uuid
);

ALTER TABLE ONLY public.clinical_record FORCE ROW LEVEL SECURITY;

ALTER TABLE public.clinical_record OWNER TO hms_owner;

CREATE TABLE public.clinical_record_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    encounter_id uuid,
    practitioner_id uuid,
    organization_id uuid,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.clinical_record_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.clinical_record_version OWNER TO hms_owner;

CREATE TABLE public.code_entry (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    system text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    words_key text NOT NULL COLLATE pg_catalog."C",
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT code_entry_code_check CHECK ((code <> ''::text)),
    CONSTRAINT code_entry_system_check CHECK ((system <> ''::text))
);

ALTER TABLE ONLY public.code_entry FORCE ROW LEVEL SECURITY;

ALTER TABLE public.code_entry OWNER TO hms_owner;

CREATE TABLE public.code_entry_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.code_entry_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.code_entry_version OWNER TO hms_owner;

CREATE TABLE public.department (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name_key text NOT NULL COLLATE pg_catalog."C",
    parent_id uuid,
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone
);

ALTER TABLE ONLY public.department FORCE ROW LEVEL SECURITY;

ALTER TABLE public.department OWNER TO hms_owner;

CREATE TABLE public.department_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.department_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.department_version OWNER TO hms_owner;

CREATE TABLE public.encounter (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    patient_id uuid NOT NULL,
    practitioner_id uuid,
    department_id uuid,
    organization_id uuid,
    location_id uuid,
    state text NOT NULL COLLATE pg_catalog."C",
    encounter_class text NOT NULL COLLATE pg_catalog."C",
    clinical_time timestamp with time zone NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    appointment_id uuid,
    queue_token_id uuid,
    CONSTRAINT encounter_state_check CHECK ((state = ANY (ARRAY['PLANNED'::text, 'IN_PROGRESS'::text, 'ON_HOLD'::text, 'COMPLETED'::text, 'CANCELLED'::text, 'ENTERED_IN_ERROR'::text])))
);

ALTER TABLE ONLY public.encounter FORCE ROW LEVEL SECURITY;

ALTER TABLE public.encounter OWNER TO hms_owner;

CREATE TABLE public.encounter_under_glass (
    tenant_id uuid NOT NULL,
    encounter_id uuid NOT NULL,
    grant_id uuid NOT NULL
);

ALTER TABLE ONLY public.encounter_under_glass FORCE ROW LEVEL SECURITY;

ALTER TABLE public.encounter_under_glass OWNER TO hms_owner;

CREATE TABLE public.encounter_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    practitioner_id uuid,
    department_id uuid,
    organization_id uuid,
    location_id uuid,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.encounter_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.encounter_version OWNER TO hms_owner;

CREATE TABLE public.interaction_rule (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    builtin_key text NOT NULL COLLATE pg_catalog."C",
    pair_key text NOT NULL COLLATE pg_catalog."C",
    first_term text NOT NULL COLLATE pg_catalog."C",
    second_term text NOT NULL COLLATE pg_catalog."C",
    severity text NOT NULL COLLATE pg_catalog."C",
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT interaction_rule_check CHECK (((severity = ANY (ARRAY['CONTRAINDICATED'::text, 'SEVERE'::text, 'MODERATE'::text, 'MINOR'::text])) OR ((severity = 'NONE'::text) AND (builtin_key <> ''::text))))
);

ALTER TABLE ONLY public.interaction_rule FORCE ROW LEVEL SECURITY;

ALTER TABLE public.interaction_rule OWNER TO hms_owner;

CREATE TABLE public.interaction_rule_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    severity text NOT NULL COLLATE pg_catalog."C",
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.interaction_rule_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.interaction_rule_version OWNER TO hms_owner;

CREATE TABLE public.legal_hold (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    reason text NOT NULL,
    of_platform boolean NOT NULL,
    user_id uuid NOT NULL,
    username text NOT NULL,
    create_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    release_time timestamp with time zone,
    release_user_id uuid,
    release_username text DEFAULT ''::text NOT NULL,
    release_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT legal_hold_check CHECK (((release_time IS NULL) = (release_user_id IS NULL)))
);

ALTER TABLE ONLY public.legal_hold FORCE ROW LEVEL SECURITY;

ALTER TABLE public.legal_hold OWNER TO hms_owner;

CREATE TABLE public.limited_role (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    department_id uuid NOT NULL
);

ALTER TABLE ONLY public.limited_role FORCE ROW LEVEL SECURITY;

ALTER TABLE public.limited_role OWNER TO hms_owner;

CREATE TABLE public.location (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name_key text NOT NULL COLLATE pg_catalog."C",
    parent_id uuid,
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone,
    part_of_id uuid,
    department_id uuid
);

ALTER TABLE ONLY public.location FORCE ROW LEVEL SECURITY;

ALTER TABLE public.location OWNER TO hms_owner;

CREATE TABLE public.location_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.location_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.location_version OWNER TO hms_owner;

CREATE TABLE public.mail (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    recipient smallint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    entity_id uuid NOT NULL,
    address text NOT NULL,
    detail jsonb NOT NULL,
    state text DEFAULT 'WAITING'::text NOT NULL COLLATE pg_catalog."C",
    tries integer DEFAULT 0 NOT NULL,
    reply text DEFAULT ''::text NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    due_time timestamp with time zone DEFAULT now() NOT NULL,
    end_time timestamp with time zone,
    CONSTRAINT mail_check CHECK (((state = 'WAITING'::text) = (end_time IS NULL))),
    CONSTRAINT mail_state_check CHECK ((state = ANY (ARRAY['WAITING'::text, 'SENT'::text, 'FAILED'::text, 'NOBODY'::text])))
);

ALTER TABLE ONLY public.mail FORCE ROW LEVEL SECURITY;

ALTER TABLE public.mail OWNER TO hms_owner;

CREATE TABLE public.organization (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name_key text NOT NULL COLLATE pg_catalog."C",
    parent_id uuid,
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone
);

ALTER TABLE ONLY public.organization FORCE ROW LEVEL SECURITY;

ALTER TABLE public.organization OWNER TO hms_owner;

CREATE TABLE public.organization_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.organization_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.organization_version OWNER TO hms_owner;

CREATE TABLE public.password_history (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    replace_time timestamp with time zone DEFAULT now() NOT NULL,
    password_hash text NOT NULL
);

ALTER TABLE ONLY public.password_history FORCE ROW LEVEL SECURITY;

ALTER TABLE public.password_history OWNER TO hms_owner;

CREATE TABLE public.password_reset (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    expire_time timestamp with time zone NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.password_reset FORCE ROW LEVEL SECURITY;

ALTER TABLE public.password_reset OWNER TO hms_owner;

CREATE TABLE public.patient (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    uhid text NOT NULL COLLATE pg_catalog."C",
    document jsonb NOT NULL,
    name_key text NOT NULL COLLATE pg_catalog."C",
    birth_date text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    search_text text NOT NULL COLLATE pg_catalog."C",
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone,
    merged_into uuid,
    merged_uhids text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    restricted boolean DEFAULT false NOT NULL,
    CONSTRAINT patient_merged_is_deleted CHECK (((merged_into IS NULL) OR (delete_time IS NOT NULL)))
);

ALTER TABLE ONLY public.patient FORCE ROW LEVEL SECURITY;

ALTER TABLE public.patient OWNER TO hms_owner;

CREATE TABLE public.patient_key (
    tenant_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    patient_id uuid NOT NULL,
    CONSTRAINT patient_key_kind_check CHECK ((kind = ANY (ARRAY['WORD'::text, 'PHONE'::text, 'IDENTIFIER'::text, 'NAME_BIRTH'::text])))
);

ALTER TABLE ONLY public.patient_key FORCE ROW LEVEL SECURITY;

ALTER TABLE public.patient_key OWNER TO hms_owner;

CREATE TABLE public.patient_merge (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    survivor_id uuid NOT NULL,
    merged_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    reason text NOT NULL,
    decisions jsonb NOT NULL,
    survivor_version bigint NOT NULL,
    merged_version bigint NOT NULL,
    moved jsonb DEFAULT '{}'::jsonb NOT NULL,
    merge_time timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    unmerge_time timestamp with time zone,
    unmerge_actor_id uuid,
    unmerge_reason text DEFAULT ''::text NOT NULL,
    unmerge_result jsonb
);

ALTER TABLE ONLY public.patient_merge FORCE ROW LEVEL SECURITY;

ALTER TABLE public.patient_merge OWNER TO hms_owner;

CREATE TABLE public.patient_merge_item (
    tenant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    table_name text NOT NULL COLLATE pg_catalog."C",
    column_name text NOT NULL COLLATE pg_catalog."C",
    row_id uuid NOT NULL,
    entity_type text NOT NULL,
    row_version bigint NOT NULL,
    stayed boolean NOT NULL
);

ALTER TABLE ONLY public.patient_merge_item FORCE ROW LEVEL SECURITY;

ALTER TABLE public.patient_merge_item OWNER TO hms_owner;

CREATE TABLE public.patient_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    uhid text NOT NULL COLLATE pg_catalog."C",
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    delete_time timestamp with time zone,
    merged_into uuid,
    merged_uhids text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    restricted boolean DEFAULT false NOT NULL
);

ALTER TABLE ONLY public.patient_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.patient_version OWNER TO hms_owner;

CREATE TABLE public.practitioner (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    code text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name_key text NOT NULL COLLATE pg_catalog."C",
    parent_id uuid,
    active boolean NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone,
    user_id uuid
);

ALTER TABLE ONLY public.practitioner FORCE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner OWNER TO hms_owner;

CREATE TABLE public.practitioner_department (
    tenant_id uuid NOT NULL,
    practitioner_id uuid NOT NULL,
    department_id uuid NOT NULL
);

ALTER TABLE ONLY public.practitioner_department FORCE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner_department OWNER TO hms_owner;

CREATE TABLE public.practitioner_speciality (
    tenant_id uuid NOT NULL,
    practitioner_id uuid NOT NULL,
    system text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.practitioner_speciality FORCE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner_speciality OWNER TO hms_owner;

CREATE TABLE public.practitioner_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    document jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.practitioner_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner_version OWNER TO hms_owner;

CREATE TABLE public.queue_counter (
    tenant_id uuid NOT NULL,
    practitioner_id uuid NOT NULL,
    session_start timestamp with time zone NOT NULL,
    last_number integer NOT NULL,
    CONSTRAINT queue_counter_last_number_check CHECK ((last_number >= 1))
);

ALTER TABLE ONLY public.queue_counter FORCE ROW LEVEL SECURITY;

ALTER TABLE public.queue_counter OWNER TO hms_owner;

CREATE TABLE public.queue_token (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    patient_id uuid NOT NULL,
    practitioner_id uuid NOT NULL,
    department_id uuid NOT NULL,
    session_start timestamp with time zone NOT NULL,
    number integer NOT NULL,
    token text NOT NULL,
    appointment_id uuid,
    transferred_from uuid,
    state text NOT NULL COLLATE pg_catalog."C",
    priority text DEFAULT 'NORMAL'::text NOT NULL COLLATE pg_catalog."C",
    urgency smallint NOT NULL,
    order_time timestamp with time zone NOT NULL,
    issue_time timestamp with time zone DEFAULT now() NOT NULL,
    call_time timestamp with time zone,
    start_time timestamp with time zone,
    end_time timestamp with time zone,
    document jsonb DEFAULT '{}'::jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT queue_token_number_check CHECK ((number >= 1)),
    CONSTRAINT queue_token_priority_check CHECK ((priority = ANY (ARRAY['EMERGENCY'::text, 'PREGNANT'::text, 'ELDERLY'::text, 'NORMAL'::text]))),
    CONSTRAINT queue_token_state_check CHECK ((state = ANY (ARRAY['WAITING'::text, 'CALLED'::text, 'IN_CONSULTATION'::text, 'ON_HOLD'::text, 'SKIPPED'::text, 'COMPLETED'::text, 'TRANSFERRED'::text, 'CANCELLED'::text])))
);

ALTER TABLE ONLY public.queue_token FORCE ROW LEVEL SECURITY;

ALTER TABLE public.queue_token OWNER TO hms_owner;

CREATE TABLE public.queue_token_under_glass (
    tenant_id uuid NOT NULL,
    queue_token_id uuid NOT NULL,
    grant_id uuid NOT NULL
);

ALTER TABLE ONLY public.queue_token_under_glass FORCE ROW LEVEL SECURITY;

ALTER TABLE public.queue_token_under_glass OWNER TO hms_owner;

CREATE TABLE public.queue_token_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.queue_token_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.queue_token_version OWNER TO hms_owner;

CREATE TABLE public.request_record (
    tenant_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    method text NOT NULL,
    request_id uuid NOT NULL,
    request_hash bytea NOT NULL,
    entity_id uuid NOT NULL,
    entity_version bigint NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.request_record FORCE ROW LEVEL SECURITY;

ALTER TABLE public.request_record OWNER TO hms_owner;

CREATE TABLE public.role (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    display_name text DEFAULT ''::text NOT NULL,
    permissions text[] DEFAULT '{}'::text[] NOT NULL,
    all_permissions boolean DEFAULT false NOT NULL,
    system boolean DEFAULT false NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.role FORCE ROW LEVEL SECURITY;

ALTER TABLE public.role OWNER TO hms_owner;

CREATE TABLE public.role_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    replace_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.role_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.role_version OWNER TO hms_owner;

CREATE TABLE public.schedule (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    practitioner_id uuid NOT NULL,
    department_id uuid NOT NULL,
    location_id uuid,
    service text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    valid_from date NOT NULL,
    valid_until date DEFAULT 'infinity'::date NOT NULL,
    active boolean DEFAULT true NOT NULL,
    document jsonb DEFAULT '{}'::jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone,
    CONSTRAINT schedule_check CHECK ((valid_from <= valid_until))
);

ALTER TABLE ONLY public.schedule FORCE ROW LEVEL SECURITY;

ALTER TABLE public.schedule OWNER TO hms_owner;

CREATE TABLE public.schedule_exception (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    practitioner_id uuid,
    department_id uuid,
    location_id uuid,
    service text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone NOT NULL,
    slot_minutes smallint,
    capacity smallint,
    walk_in_share smallint,
    document jsonb DEFAULT '{}'::jsonb NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    delete_time timestamp with time zone,
    CONSTRAINT schedule_exception_capacity_check CHECK (((capacity >= 1) AND (capacity <= 100))),
    CONSTRAINT schedule_exception_check CHECK ((start_time < end_time)),
    CONSTRAINT schedule_exception_check1 CHECK (((kind = 'CLOSURE'::text) = (practitioner_id IS NULL))),
    CONSTRAINT schedule_exception_check2 CHECK (((kind <> 'EXTRA'::text) OR ((department_id IS NOT NULL) AND (slot_minutes IS NOT NULL) AND (capacity IS NOT NULL) AND (walk_in_share IS NOT NULL) AND ((end_time - start_time) <= '1 day'::interval)))),
    CONSTRAINT schedule_exception_kind_check CHECK ((kind = ANY (ARRAY['CLOSURE'::text, 'LEAVE'::text, 'EXTRA'::text]))),
    CONSTRAINT schedule_exception_slot_minutes_check CHECK (((slot_minutes >= 1) AND (slot_minutes <= 480))),
    CONSTRAINT schedule_exception_walk_in_share_check CHECK (((walk_in_share >= 0) AND (walk_in_share <= 100)))
);

ALTER TABLE ONLY public.schedule_exception FORCE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_exception OWNER TO hms_owner;

CREATE TABLE public.schedule_exception_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.schedule_exception_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_exception_version OWNER TO hms_owner;

CREATE TABLE public.schedule_session (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    weekday smallint NOT NULL,
    start_time time without time zone NOT NULL,
    end_time time without time zone NOT NULL,
    slot_minutes smallint NOT NULL,
    capacity smallint NOT NULL,
    walk_in_share smallint DEFAULT 0 NOT NULL,
    break_starts time without time zone[] DEFAULT '{}'::time without time zone[] NOT NULL,
    break_ends time without time zone[] DEFAULT '{}'::time without time zone[] NOT NULL,
    CONSTRAINT schedule_session_capacity_check CHECK (((capacity >= 1) AND (capacity <= 100))),
    CONSTRAINT schedule_session_check CHECK ((start_time < end_time)),
    CONSTRAINT schedule_session_check1 CHECK ((cardinality(break_starts) = cardinality(break_ends))),
    CONSTRAINT schedule_session_slot_minutes_check CHECK (((slot_minutes >= 1) AND (slot_minutes <= 480))),
    CONSTRAINT schedule_session_walk_in_share_check CHECK (((walk_in_share >= 0) AND (walk_in_share <= 100))),
    CONSTRAINT schedule_session_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7)))
);

ALTER TABLE ONLY public.schedule_session FORCE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_session OWNER TO hms_owner;

CREATE TABLE public.schedule_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.schedule_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_version OWNER TO hms_owner;

CREATE TABLE public.schema_migration (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    apply_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.schema_migration OWNER TO hms_owner;

CREATE TABLE public.service_account (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    permissions text[] DEFAULT '{}'::text[] NOT NULL,
    secret_hash bytea,
    secret_time timestamp with time zone DEFAULT now(),
    previous_secret_hash bytea,
    previous_secret_end timestamp with time zone
);

ALTER TABLE ONLY public.service_account FORCE ROW LEVEL SECURITY;

ALTER TABLE public.service_account OWNER TO hms_owner;

CREATE TABLE public.service_account_key (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    kid text NOT NULL COLLATE pg_catalog."C",
    algorithm text NOT NULL,
    public_key text NOT NULL,
    expire_time timestamp with time zone,
    actor_id uuid NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT service_account_key_algorithm_check CHECK ((algorithm = ANY (ARRAY['EdDSA'::text, 'ES256'::text, 'RS256'::text])))
);

ALTER TABLE ONLY public.service_account_key FORCE ROW LEVEL SECURITY;

ALTER TABLE public.service_account_key OWNER TO hms_owner;

CREATE TABLE public.service_assertion (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    jti_hash bytea NOT NULL,
    expire_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.service_assertion FORCE ROW LEVEL SECURITY;

ALTER TABLE public.service_assertion OWNER TO hms_owner;

CREATE TABLE public.session (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    refresh_hash bytea NOT NULL,
    previous_refresh_hash bytea,
    rotate_time timestamp with time zone DEFAULT now() NOT NULL,
    expire_time timestamp with time zone NOT NULL,
    revoke_time timestamp with time zone,
    revoke_reason text,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    wrong_passwords integer DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.session FORCE ROW LEVEL SECURITY;

ALTER TABLE public.session OWNER TO hms_owner;

CREATE TABLE public.source_record (
    tenant_id uuid NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    source_id text NOT NULL COLLATE pg_catalog."C",
    entity_id uuid NOT NULL,
    content_hash bytea NOT NULL
);

ALTER TABLE ONLY public.source_record FORCE ROW LEVEL SECURITY;

ALTER TABLE public.source_record OWNER TO hms_owner;

CREATE TABLE public.tenant (
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    display_name text NOT NULL,
    state text DEFAULT 'ACTIVE'::text NOT NULL,
    rate_limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    permission_version bigint DEFAULT 1 NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    call_limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT tenant_state_check CHECK ((state = ANY (ARRAY['ACTIVE'::text, 'SUSPENDED'::text, 'ERASING'::text, 'ERASED'::text])))
);

ALTER TABLE ONLY public.tenant FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant OWNER TO hms_owner;

CREATE TABLE public.tenant_erasure (
    tenant_id uuid NOT NULL,
    operator text NOT NULL,
    export_sha256 text,
    removed jsonb DEFAULT '{}'::jsonb NOT NULL,
    begin_time timestamp with time zone DEFAULT now() NOT NULL,
    end_time timestamp with time zone,
    certificate text,
    audit_retention_years integer
);

ALTER TABLE ONLY public.tenant_erasure FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_erasure OWNER TO hms_owner;

CREATE TABLE public.tenant_setting (
    tenant_id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    uhid_prefix text DEFAULT 'H'::text NOT NULL,
    uhid_digits integer DEFAULT 8 NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    session_seconds integer,
    session_idle_seconds integer,
    password_min_length integer,
    password_history integer,
    audit_retention_years integer,
    privacy_officer_emails text[] DEFAULT '{}'::text[] NOT NULL,
    working_hours jsonb DEFAULT '[]'::jsonb NOT NULL,
    holidays jsonb DEFAULT '[]'::jsonb NOT NULL,
    languages text[] DEFAULT '{}'::text[] NOT NULL,
    token_prefix text DEFAULT 'T'::text NOT NULL,
    token_digits integer DEFAULT 3 NOT NULL,
    reminder_minutes integer[] DEFAULT '{1440,120}'::integer[] NOT NULL,
    CONSTRAINT tenant_setting_audit_retention_years_check CHECK (((audit_retention_years >= 6) AND (audit_retention_years <= 50))),
    CONSTRAINT tenant_setting_password_history_check CHECK (((password_history >= 1) AND (password_history <= 24))),
    CONSTRAINT tenant_setting_password_min_length_check CHECK (((password_min_length >= 12) AND (password_min_length <= 128))),
    CONSTRAINT tenant_setting_session_idle_seconds_check CHECK (((session_idle_seconds >= 300) AND (session_idle_seconds <= 2592000))),
    CONSTRAINT tenant_setting_session_seconds_check CHECK (((session_seconds >= 300) AND (session_seconds <= 2592000))),
    CONSTRAINT tenant_setting_token_digits_check CHECK (((token_digits >= 1) AND (token_digits <= 6))),
    CONSTRAINT tenant_setting_uhid_digits_check CHECK (((uhid_digits >= 6) AND (uhid_digits <= 12)))
);

ALTER TABLE ONLY public.tenant_setting FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_setting OWNER TO hms_owner;

CREATE TABLE public.tenant_setting_version (
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    replace_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.tenant_setting_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_setting_version OWNER TO hms_owner;

CREATE TABLE public.tenant_version (
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    replace_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.tenant_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_version OWNER TO hms_owner;

CREATE TABLE public.uhid_counter (
    tenant_id uuid NOT NULL,
    next_number bigint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.uhid_counter FORCE ROW LEVEL SECURITY;

ALTER TABLE public.uhid_counter OWNER TO hms_owner;

CREATE TABLE public.user_account (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    username text NOT NULL,
    username_key text NOT NULL COLLATE pg_catalog."C",
    display_name text DEFAULT ''::text NOT NULL,
    email text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'ACTIVE'::text NOT NULL,
    password_hash text NOT NULL,
    password_time timestamp with time zone DEFAULT now() NOT NULL,
    permission_version bigint DEFAULT 1 NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL,
    update_time timestamp with time zone DEFAULT now() NOT NULL,
    must_change_password boolean DEFAULT false NOT NULL,
    kind text DEFAULT 'PERSON'::text NOT NULL,
    CONSTRAINT user_account_kind_check CHECK ((kind = ANY (ARRAY['PERSON'::text, 'SERVICE'::text]))),
    CONSTRAINT user_account_state_check CHECK ((state = ANY (ARRAY['ACTIVE'::text, 'DISABLED'::text])))
);

ALTER TABLE ONLY public.user_account FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_account OWNER TO hms_owner;

CREATE TABLE public.user_account_version (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    row_data jsonb NOT NULL,
    actor_id uuid NOT NULL,
    replace_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.user_account_version FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_account_version OWNER TO hms_owner;

CREATE TABLE public.user_department (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    department_id uuid NOT NULL
);

ALTER TABLE ONLY public.user_department FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_department OWNER TO hms_owner;

CREATE TABLE public.user_role (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL
);

ALTER TABLE ONLY public.user_role FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_role OWNER TO hms_owner;

CREATE TABLE public.waiting_list_pass (
    tenant_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    practitioner_id uuid NOT NULL,
    start_time timestamp with time zone NOT NULL,
    create_time timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.waiting_list_pass FORCE ROW LEVEL SECURITY;

ALTER TABLE public.waiting_list_pass OWNER TO hms_owner;

ALTER TABLE ONLY public.address_rule
    ADD CONSTRAINT address_rule_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.appointment_reminder
    ADD CONSTRAINT appointment_reminder_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_seat EXCLUDE USING gist (tenant_id WITH =, practitioner_id WITH =, seat WITH =, tstzrange(start_time, end_time) WITH &&) WHERE ((state = ANY (ARRAY['HELD'::text, 'BOOKED'::text, 'CONFIRMED'::text, 'ARRIVED'::text, 'CHECKED_IN'::text, 'FULFILLED'::text])));

ALTER TABLE ONLY public.appointment_under_glass
    ADD CONSTRAINT appointment_under_glass_pkey PRIMARY KEY (tenant_id, appointment_id, grant_id);

ALTER TABLE ONLY public.appointment_version
    ADD CONSTRAINT appointment_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.audit_anchor
    ADD CONSTRAINT audit_anchor_pkey PRIMARY KEY (tenant_id, anchor_date);

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.audit_checkpoint
    ADD CONSTRAINT audit_checkpoint_pkey PRIMARY KEY (tenant_id, month);

ALTER TABLE ONLY public.audit_event_patient
    ADD CONSTRAINT audit_event_patient_pkey PRIMARY KEY (tenant_id, patient_id, record_time, sequence);

ALTER TABLE ONLY public.audit_event
    ADD CONSTRAINT audit_event_pkey PRIMARY KEY (tenant_id, sequence, record_time);

ALTER TABLE ONLY public.audit_outbox
    ADD CONSTRAINT audit_outbox_pkey PRIMARY KEY (tenant_id, "position");

ALTER TABLE ONLY public.break_glass
    ADD CONSTRAINT break_glass_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE public.clinical_record
    ADD CONSTRAINT clinical_record_type_check CHECK ((type = ANY (ARRAY['OBSERVATION'::text, 'CONDITION'::text, 'ALLERGY'::text, 'PRESCRIPTION'::text, 'PROCEDURE'::text, 'IMMUNIZATION'::text, 'DIAGNOSTIC_REPORT'::text, 'DOCUMENT'::text, 'NOTE'::text, 'ORDER'::text, 'REFERRAL'::text]))) NOT VALID;

ALTER TABLE ONLY public.clinical_record_version
    ADD CONSTRAINT clinical_record_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.code_entry
    ADD CONSTRAINT code_entry_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.code_entry_version
    ADD CONSTRAINT code_entry_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.department
    ADD CONSTRAINT department_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.department_version
    ADD CONSTRAINT department_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.encounter_under_glass
    ADD CONSTRAINT encounter_under_glass_pkey PRIMARY KEY (tenant_id, encounter_id, grant_id);

ALTER TABLE ONLY public.encounter_version
    ADD CONSTRAINT encounter_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.interaction_rule
    ADD CONSTRAINT interaction_rule_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.interaction_rule_version
    ADD CONSTRAINT interaction_rule_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.legal_hold
    ADD CONSTRAINT legal_hold_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.limited_role
    ADD CONSTRAINT limited_role_pkey PRIMARY KEY (tenant_id, user_id, role_id, department_id);

ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.location_version
    ADD CONSTRAINT location_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_pkey PRIMARY KEY (tenant_id, id, recipient);

ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.organization_version
    ADD CONSTRAINT organization_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.password_history
    ADD CONSTRAINT password_history_pkey PRIMARY KEY (tenant_id, user_id, replace_time);

ALTER TABLE ONLY public.password_reset
    ADD CONSTRAINT password_reset_pkey PRIMARY KEY (tenant_id, user_id);

ALTER TABLE ONLY public.patient_key
    ADD CONSTRAINT patient_key_pkey PRIMARY KEY (tenant_id, kind, value, patient_id);

ALTER TABLE ONLY public.patient_merge_item
    ADD CONSTRAINT patient_merge_item_pkey PRIMARY KEY (tenant_id, merge_id, table_name, column_name, row_id);

ALTER TABLE ONLY public.patient_merge
    ADD CONSTRAINT patient_merge_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_tenant_id_uhid_key UNIQUE (tenant_id, uhid);

ALTER TABLE ONLY public.patient_version
    ADD CONSTRAINT patient_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.practitioner_department
    ADD CONSTRAINT practitioner_department_pkey PRIMARY KEY (tenant_id, practitioner_id, department_id);

ALTER TABLE ONLY public.practitioner
    ADD CONSTRAINT practitioner_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.practitioner_speciality
    ADD CONSTRAINT practitioner_speciality_pkey PRIMARY KEY (tenant_id, practitioner_id, system, code);

ALTER TABLE ONLY public.practitioner_version
    ADD CONSTRAINT practitioner_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.queue_counter
    ADD CONSTRAINT queue_counter_pkey PRIMARY KEY (tenant_id, practitioner_id, session_start);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_practitioner_id_session_start_number_key UNIQUE (tenant_id, practitioner_id, session_start, number);

ALTER TABLE ONLY public.queue_token_under_glass
    ADD CONSTRAINT queue_token_under_glass_pkey PRIMARY KEY (tenant_id, queue_token_id, grant_id);

ALTER TABLE ONLY public.queue_token_version
    ADD CONSTRAINT queue_token_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.request_record
    ADD CONSTRAINT request_record_pkey PRIMARY KEY (tenant_id, principal_id, method, request_id);

ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_tenant_id_code_key UNIQUE (tenant_id, code);

ALTER TABLE ONLY public.role_version
    ADD CONSTRAINT role_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.schedule_exception
    ADD CONSTRAINT schedule_exception_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.schedule_exception_version
    ADD CONSTRAINT schedule_exception_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.schedule_session
    ADD CONSTRAINT schedule_session_pkey PRIMARY KEY (tenant_id, schedule_id, weekday, start_time);

ALTER TABLE ONLY public.schedule_version
    ADD CONSTRAINT schedule_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.service_account_key
    ADD CONSTRAINT service_account_key_pkey PRIMARY KEY (tenant_id, account_id, kid);

ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.service_assertion
    ADD CONSTRAINT service_assertion_pkey PRIMARY KEY (tenant_id, account_id, jti_hash);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.source_record
    ADD CONSTRAINT source_record_pkey PRIMARY KEY (tenant_id, source, type, source_id);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_code_key UNIQUE (code);

ALTER TABLE ONLY public.tenant_erasure
    ADD CONSTRAINT tenant_erasure_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant_setting
    ADD CONSTRAINT tenant_setting_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.tenant_setting_version
    ADD CONSTRAINT tenant_setting_version_pkey PRIMARY KEY (tenant_id, version);

ALTER TABLE ONLY public.tenant_version
    ADD CONSTRAINT tenant_version_pkey PRIMARY KEY (tenant_id, version);

ALTER TABLE ONLY public.uhid_counter
    ADD CONSTRAINT uhid_counter_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_tenant_id_username_key_key UNIQUE (tenant_id, username_key);

ALTER TABLE ONLY public.user_account_version
    ADD CONSTRAINT user_account_version_pkey PRIMARY KEY (tenant_id, id, version);

ALTER TABLE ONLY public.user_department
    ADD CONSTRAINT user_department_pkey PRIMARY KEY (tenant_id, user_id, department_id);

ALTER TABLE ONLY public.user_role
    ADD CONSTRAINT user_role_pkey PRIMARY KEY (tenant_id, user_id, role_id);

ALTER TABLE ONLY public.waiting_list_pass
    ADD CONSTRAINT waiting_list_pass_pkey PRIMARY KEY (tenant_id, appointment_id, practitioner_id, start_time);

CREATE UNIQUE INDEX address_rule_in_force ON public.address_rule USING btree (tenant_id, network, action) WHERE (delete_time IS NULL);

CREATE INDEX appointment_by_department ON public.appointment USING btree (tenant_id, department_id, start_time, id);

CREATE INDEX appointment_by_hold ON public.appointment USING btree (tenant_id, hold_expire_time, id) WHERE (state = 'HELD'::text);

CREATE INDEX appointment_by_patient ON public.appointment USING btree (tenant_id, patient_id, start_time, id);

CREATE INDEX appointment_by_practitioner ON public.appointment USING btree (tenant_id, practitioner_id, start_time, id);

CREATE INDEX appointment_by_previous ON public.appointment USING btree (tenant_id, previous_appointment_id) WHERE (previous_appointment_id IS NOT NULL);

CREATE INDEX appointment_by_schedule ON public.appointment USING btree (tenant_id, schedule_id, start_time) WHERE (schedule_id IS NOT NULL);

CREATE INDEX appointment_by_series ON public.appointment USING btree (tenant_id, series_id, start_time) WHERE (series_id IS NOT NULL);

CREATE INDEX appointment_reminder_by_appointment ON public.appointment_reminder USING btree (tenant_id, appointment_id, due_time, id);

CREATE INDEX appointment_reminder_due ON public.appointment_reminder USING btree (due_time) WHERE (state = 'SCHEDULED'::text);

CREATE INDEX appointment_waiting ON public.appointment USING btree (tenant_id, department_id, waitlist_rank, waitlist_time, id) WHERE (state = 'WAITLISTED'::text);

CREATE INDEX appointment_waiting_for ON public.appointment USING btree (tenant_id, practitioner_id, waitlist_rank, waitlist_time, id) WHERE (state = 'WAITLISTED'::text);

CREATE INDEX audit_checkpoint_untold ON public.audit_checkpoint USING btree (tenant_id, month) WHERE (NOT audited);

CREATE INDEX audit_event_by_actor ON ONLY public.audit_event USING btree (tenant_id, actor_id, record_time, sequence);

CREATE INDEX audit_event_by_entity ON ONLY public.audit_event USING btree (tenant_id, entity_id, record_time, sequence) WHERE (entity_id <> ''::text);

CREATE UNIQUE INDEX audit_event_by_id ON ONLY public.audit_event USING btree (tenant_id, id, record_time);

CREATE INDEX audit_event_by_time ON ONLY public.audit_event USING btree (tenant_id, record_time, sequence);

CREATE INDEX break_glass_by_patient ON public.break_glass USING btree (tenant_id, patient_id, create_time, id);

CREATE INDEX break_glass_by_time ON public.break_glass USING btree (tenant_id, create_time, id);

CREATE INDEX clinical_record_by_code ON public.clinical_record USING btree (tenant_id, patient_id, category, code, clinical_time, id) WHERE (type = 'OBSERVATION'::text);

CREATE INDEX clinical_record_by_encounter ON public.clinical_record USING btree (tenant_id, encounter_id, type, clinical_time, id) WHERE (encounter_id IS NOT NULL);

CREATE INDEX clinical_record_by_type ON public.clinical_record USING btree (tenant_id, patient_id, type, clinical_time, id);

CREATE INDEX clinical_record_current ON public.clinical_record USING btree (tenant_id, patient_id, type, clinical_time, id) WHERE (state = ANY (ARRAY['ACTIVE'::text, 'RECURRENCE'::text, 'RELAPSE'::text, 'ON_HOLD'::text]));

CREATE INDEX clinical_record_waiting ON public.clinical_record USING btree (tenant_id, type, category, clinical_time, id) WHERE waiting;

CREATE INDEX clinical_record_waiting_for_practitioner ON public.clinical_record USING btree (tenant_id, desk_practitioner_id, type, category, clinical_time, id) WHERE waiting;

CREATE INDEX clinical_record_waiting_in_department ON public.clinical_record USING btree (tenant_id, desk_department_id, type, category, clinical_time, id) WHERE waiting;

CREATE UNIQUE INDEX code_entry_by_code ON public.code_entry USING btree (tenant_id, system, code);

CREATE UNIQUE INDEX department_by_code ON public.department USING btree (tenant_id, code) WHERE (code <> ''::text);

CREATE INDEX department_by_name ON public.department USING btree (tenant_id, name_key, id);

CREATE INDEX department_by_parent ON public.department USING btree (tenant_id, parent_id, name_key, id);

CREATE INDEX encounter_by_department ON public.encounter USING btree (tenant_id, department_id, patient_id) WHERE (department_id IS NOT NULL);

CREATE INDEX encounter_by_patient ON public.encounter USING btree (tenant_id, patient_id, clinical_time, id);

CREATE UNIQUE INDEX encounter_of_appointment ON public.encounter USING btree (tenant_id, appointment_id) WHERE ((appointment_id IS NOT NULL) AND (queue_token_id IS NULL) AND (state <> ALL (ARRAY['ENTERED_IN_ERROR'::text, 'CANCELLED'::text])));

CREATE INDEX encounter_of_department_by_time ON public.encounter USING btree (tenant_id, department_id, clinical_time, id) WHERE (department_id IS NOT NULL);

CREATE INDEX encounter_of_practitioner_by_time ON public.encounter USING btree (tenant_id, practitioner_id, clinical_time, id) WHERE (practitioner_id IS NOT NULL);

CREATE UNIQUE INDEX encounter_of_queue_token ON public.encounter USING btree (tenant_id, queue_token_id) WHERE ((queue_token_id IS NOT NULL) AND (state <> ALL (ARRAY['ENTERED_IN_ERROR'::text, 'CANCELLED'::text])));

CREATE INDEX encounter_open_by_department ON public.encounter USING btree (tenant_id, department_id) WHERE ((department_id IS NOT NULL) AND (state = ANY (ARRAY['PLANNED'::text, 'IN_PROGRESS'::text, 'ON_HOLD'::text])));

CREATE INDEX encounter_open_by_location ON public.encounter USING btree (tenant_id, location_id) WHERE ((location_id IS NOT NULL) AND (state = ANY (ARRAY['PLANNED'::text, 'IN_PROGRESS'::text, 'ON_HOLD'::text])));

CREATE INDEX encounter_open_by_practitioner ON public.encounter USING btree (tenant_id, practitioner_id) WHERE ((practitioner_id IS NOT NULL) AND (state = ANY (ARRAY['PLANNED'::text, 'IN_PROGRESS'::text, 'ON_HOLD'::text])));

CREATE UNIQUE INDEX interaction_rule_in_force ON public.interaction_rule USING btree (tenant_id, pair_key) WHERE active;

CREATE INDEX legal_hold_by_time ON public.legal_hold USING btree (tenant_id, create_time, id);

CREATE INDEX limited_role_by_department ON public.limited_role USING btree (tenant_id, department_id);

CREATE INDEX limited_role_by_role ON public.limited_role USING btree (tenant_id, role_id);

CREATE UNIQUE INDEX location_by_code ON public.location USING btree (tenant_id, code) WHERE (code <> ''::text);

CREATE INDEX location_by_department ON public.location USING btree (tenant_id, department_id, name_key, id) WHERE (department_id IS NOT NULL);

CREATE INDEX location_by_name ON public.location USING btree (tenant_id, name_key, id);

CREATE INDEX location_by_parent ON public.location USING btree (tenant_id, parent_id, name_key, id);

CREATE INDEX location_by_part_of ON public.location USING btree (tenant_id, part_of_id, name_key, id) WHERE (part_of_id IS NOT NULL);

CREATE INDEX mail_by_end_time ON public.mail USING btree (end_time);

CREATE INDEX mail_by_entity ON public.mail USING btree (tenant_id, entity_id);

CREATE INDEX mail_unsent ON public.mail USING btree (tenant_id, state, due_time) WHERE (state = ANY (ARRAY['WAITING'::text, 'FAILED'::text]));

CREATE UNIQUE INDEX organization_by_code ON public.organization USING btree (tenant_id, code) WHERE (code <> ''::text);

CREATE INDEX organization_by_name ON public.organization USING btree (tenant_id, name_key, id);

CREATE INDEX organization_by_parent ON public.organization USING btree (tenant_id, parent_id, name_key, id);

CREATE INDEX patient_by_birth_date ON public.patient USING btree (tenant_id, birth_date, id) WHERE (delete_time IS NULL);

CREATE INDEX patient_by_create_time ON public.patient USING btree (tenant_id, create_time, id);

CREATE INDEX patient_by_merged_into ON public.patient USING btree (tenant_id, merged_into) WHERE (merged_into IS NOT NULL);

CREATE INDEX patient_by_name ON public.patient USING btree (tenant_id, name_key, id);

CREATE INDEX patient_by_search_text ON public.patient USING gin (tenant_id, search_text public.gin_trgm_ops) WITH (fastupdate=off) WHERE (delete_time IS NULL);

CREATE INDEX patient_key_by_patient ON public.patient_key USING btree (tenant_id, patient_id);

CREATE INDEX patient_merge_by_merged ON public.patient_merge USING btree (tenant_id, merged_id, merge_time, id);

CREATE INDEX patient_merge_by_survivor ON public.patient_merge USING btree (tenant_id, survivor_id, merge_time, id);

CREATE UNIQUE INDEX patient_merge_in_force ON public.patient_merge USING btree (tenant_id, merged_id) WHERE (unmerge_time IS NULL);

CREATE UNIQUE INDEX practitioner_by_code ON public.practitioner USING btree (tenant_id, code) WHERE (code <> ''::text);

CREATE INDEX practitioner_by_create_time ON public.practitioner USING btree (tenant_id, create_time, id);

CREATE INDEX practitioner_by_name ON public.practitioner USING btree (tenant_id, name_key, id);

CREATE INDEX practitioner_by_parent ON public.practitioner USING btree (tenant_id, parent_id, name_key, id);

CREATE UNIQUE INDEX practitioner_by_user ON public.practitioner USING btree (tenant_id, user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX practitioner_department_by_department ON public.practitioner_department USING btree (tenant_id, department_id, practitioner_id);

CREATE INDEX practitioner_speciality_by_code ON public.practitioner_speciality USING btree (tenant_id, code, practitioner_id);

CREATE INDEX queue_token_by_department ON public.queue_token USING btree (tenant_id, department_id, patient_id);

CREATE INDEX queue_token_by_patient ON public.queue_token USING btree (tenant_id, patient_id, issue_time, id);

CREATE UNIQUE INDEX queue_token_called ON public.queue_token USING btree (tenant_id, practitioner_id, session_start) WHERE (state = 'CALLED'::text);

CREATE INDEX queue_token_completed ON public.queue_token USING btree (tenant_id, practitioner_id, end_time) WHERE ((state = 'COMPLETED'::text) AND (start_time IS NOT NULL));

CREATE UNIQUE INDEX queue_token_of_appointment ON public.queue_token USING btree (tenant_id, appointment_id) WHERE ((appointment_id IS NOT NULL) AND (state <> ALL (ARRAY['TRANSFERRED'::text, 'CANCELLED'::text])));

CREATE INDEX queue_token_of_department ON public.queue_token USING btree (tenant_id, department_id, issue_time, id);

CREATE UNIQUE INDEX queue_token_of_patient ON public.queue_token USING btree (tenant_id, practitioner_id, session_start, patient_id) WHERE (state = ANY (ARRAY['WAITING'::text, 'CALLED'::text, 'IN_CONSULTATION'::text, 'ON_HOLD'::text, 'SKIPPED'::text]));

CREATE INDEX queue_token_waiting ON public.queue_token USING btree (tenant_id, practitioner_id, session_start, urgency, order_time, id) WHERE (state = 'WAITING'::text);

CREATE INDEX request_record_by_time ON public.request_record USING btree (create_time);

CREATE INDEX schedule_by_day ON public.schedule USING btree (tenant_id, valid_from, id);

CREATE INDEX schedule_by_department ON public.schedule USING btree (tenant_id, department_id, valid_from, id);

CREATE INDEX schedule_by_practitioner ON public.schedule USING btree (tenant_id, practitioner_id, valid_from, id);

CREATE INDEX schedule_exception_by_department ON public.schedule_exception USING btree (tenant_id, department_id, end_time, id) WHERE (delete_time IS NULL);

CREATE INDEX schedule_exception_by_end ON public.schedule_exception USING btree (tenant_id, end_time, id) WHERE (delete_time IS NULL);

CREATE INDEX schedule_exception_by_practitioner ON public.schedule_exception USING btree (tenant_id, practitioner_id, end_time, id) WHERE (delete_time IS NULL);

CREATE INDEX session_by_expire_time ON public.session USING btree (expire_time);

CREATE INDEX session_by_user ON public.session USING btree (tenant_id, user_id);

CREATE INDEX user_department_by_department ON public.user_department USING btree (tenant_id, department_id);

CREATE INDEX user_role_by_role ON public.user_role USING btree (tenant_id, role_id);

CREATE TRIGGER keep_links AFTER INSERT OR UPDATE OF document, parent_id ON public.practitioner FOR EACH ROW EXECUTE FUNCTION public.keep_practitioner_links();

CREATE TRIGGER lay_on_desk BEFORE INSERT OR UPDATE OF document, state ON public.clinical_record FOR EACH ROW WHEN ((new.type = ANY (ARRAY['ORDER'::text, 'REFERRAL'::text, 'DIAGNOSTIC_REPORT'::text]))) EXECUTE FUNCTION public.lay_on_desk();

CREATE TRIGGER mark_break_glass BEFORE INSERT ON public.audit_outbox FOR EACH ROW WHEN ((current_setting('app.break_glass'::text, true) = 'on'::text)) EXECUTE FUNCTION public.mark_break_glass();

CREATE TRIGGER move_whole_days AFTER UPDATE OF time_zone ON public.tenant_setting FOR EACH ROW WHEN ((new.time_zone <> old.time_zone)) EXECUTE FUNCTION public.move_whole_days();

CREATE TRIGGER note_pass AFTER UPDATE OF state ON public.appointment FOR EACH ROW WHEN (((old.state = 'HELD'::text) AND (new.state = 'WAITLISTED'::text))) EXECUTE FUNCTION public.note_waiting_list_pass();

CREATE TRIGGER note_under_glass AFTER INSERT OR UPDATE OF department_id ON public.appointment FOR EACH ROW WHEN ((current_setting('app.break_glass'::text, true) = 'on'::text)) EXECUTE FUNCTION public.note_row_under_glass();

CREATE TRIGGER note_under_glass AFTER INSERT OR UPDATE OF department_id, state, clinical_time, document ON public.encounter FOR EACH ROW WHEN ((current_setting('app.break_glass'::text, true) = 'on'::text)) EXECUTE FUNCTION public.note_under_glass();

CREATE TRIGGER note_under_glass AFTER INSERT OR UPDATE OF department_id ON public.queue_token FOR EACH ROW WHEN ((current_setting('app.break_glass'::text, true) = 'on'::text)) EXECUTE FUNCTION public.note_row_under_glass();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.appointment FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.encounter FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.limited_role FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.practitioner_department FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.queue_token FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.schedule FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.schedule_exception FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department AFTER INSERT ON public.user_department FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_deleted_department_id AFTER INSERT ON public.location FOR EACH ROW WHEN ((new.department_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_department_id_of_location();

CREATE TRIGGER refuse_deleted_location AFTER INSERT ON public.appointment FOR EACH ROW WHEN ((new.location_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_deleted_location AFTER INSERT ON public.encounter FOR EACH ROW WHEN ((new.location_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_deleted_location AFTER INSERT ON public.schedule FOR EACH ROW WHEN ((new.location_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_deleted_location AFTER INSERT ON public.schedule_exception FOR EACH ROW WHEN ((new.location_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_deleted_organization AFTER INSERT ON public.clinical_record FOR EACH ROW WHEN ((new.organization_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_organization();

CREATE TRIGGER refuse_deleted_organization AFTER INSERT ON public.encounter FOR EACH ROW WHEN ((new.organization_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_organization();

CREATE TRIGGER refuse_deleted_parent_id AFTER INSERT ON public.department FOR EACH ROW WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_department();

CREATE TRIGGER refuse_deleted_parent_id AFTER INSERT ON public.location FOR EACH ROW WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_location();

CREATE TRIGGER refuse_deleted_parent_id AFTER INSERT ON public.organization FOR EACH ROW WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_organization();

CREATE TRIGGER refuse_deleted_parent_id AFTER INSERT ON public.practitioner FOR EACH ROW WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_practitioner();

CREATE TRIGGER refuse_deleted_part_of_id AFTER INSERT ON public.location FOR EACH ROW WHEN ((new.part_of_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_part_of_id_of_location();

CREATE TRIGGER refuse_deleted_practitioner AFTER INSERT ON public.appointment FOR EACH ROW WHEN ((new.practitioner_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_deleted_practitioner AFTER INSERT ON public.clinical_record FOR EACH ROW WHEN ((new.practitioner_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_deleted_practitioner AFTER INSERT ON public.encounter FOR EACH ROW WHEN ((new.practitioner_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_deleted_practitioner AFTER INSERT ON public.queue_token FOR EACH ROW WHEN ((new.practitioner_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_deleted_practitioner AFTER INSERT ON public.schedule FOR EACH ROW WHEN ((new.practitioner_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_deleted_practitioner AFTER INSERT ON public.schedule_exception FOR EACH ROW WHEN ((new.practitioner_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.appointment FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.encounter FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.limited_role FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.practitioner_department FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.queue_token FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.schedule FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.schedule_exception FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department AFTER UPDATE OF department_id ON public.user_department FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.department_id IS DISTINCT FROM old.department_id))) EXECUTE FUNCTION public.refuse_deleted_department();

CREATE TRIGGER refuse_other_deleted_department_id AFTER UPDATE ON public.location FOR EACH ROW WHEN (((new.department_id IS NOT NULL) AND (new.delete_time IS NULL) AND ((new.department_id IS DISTINCT FROM old.department_id) OR (new.active > old.active) OR (old.delete_time IS NOT NULL)))) EXECUTE FUNCTION public.refuse_deleted_department_id_of_location();

CREATE TRIGGER refuse_other_deleted_location AFTER UPDATE OF location_id ON public.appointment FOR EACH ROW WHEN (((new.location_id IS NOT NULL) AND (new.location_id IS DISTINCT FROM old.location_id))) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_other_deleted_location AFTER UPDATE OF location_id ON public.encounter FOR EACH ROW WHEN (((new.location_id IS NOT NULL) AND (new.location_id IS DISTINCT FROM old.location_id))) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_other_deleted_location AFTER UPDATE OF location_id ON public.schedule FOR EACH ROW WHEN (((new.location_id IS NOT NULL) AND (new.location_id IS DISTINCT FROM old.location_id))) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_other_deleted_location AFTER UPDATE OF location_id ON public.schedule_exception FOR EACH ROW WHEN (((new.location_id IS NOT NULL) AND (new.location_id IS DISTINCT FROM old.location_id))) EXECUTE FUNCTION public.refuse_deleted_location();

CREATE TRIGGER refuse_other_deleted_organization AFTER UPDATE OF organization_id ON public.clinical_record FOR EACH ROW WHEN (((new.organization_id IS NOT NULL) AND (new.organization_id IS DISTINCT FROM old.organization_id))) EXECUTE FUNCTION public.refuse_deleted_organization();

CREATE TRIGGER refuse_other_deleted_organization AFTER UPDATE OF organization_id ON public.encounter FOR EACH ROW WHEN (((new.organization_id IS NOT NULL) AND (new.organization_id IS DISTINCT FROM old.organization_id))) EXECUTE FUNCTION public.refuse_deleted_organization();

CREATE TRIGGER refuse_other_deleted_parent_id AFTER UPDATE ON public.department FOR EACH ROW WHEN (((new.parent_id IS NOT NULL) AND (new.delete_time IS NULL) AND ((new.parent_id IS DISTINCT FROM old.parent_id) OR (new.active > old.active) OR (old.delete_time IS NOT NULL)))) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_department();

CREATE TRIGGER refuse_other_deleted_parent_id AFTER UPDATE ON public.location FOR EACH ROW WHEN (((new.parent_id IS NOT NULL) AND (new.delete_time IS NULL) AND ((new.parent_id IS DISTINCT FROM old.parent_id) OR (new.active > old.active) OR (old.delete_time IS NOT NULL)))) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_location();

CREATE TRIGGER refuse_other_deleted_parent_id AFTER UPDATE ON public.organization FOR EACH ROW WHEN (((new.parent_id IS NOT NULL) AND (new.delete_time IS NULL) AND ((new.parent_id IS DISTINCT FROM old.parent_id) OR (new.active > old.active) OR (old.delete_time IS NOT NULL)))) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_organization();

CREATE TRIGGER refuse_other_deleted_parent_id AFTER UPDATE ON public.practitioner FOR EACH ROW WHEN (((new.parent_id IS NOT NULL) AND (new.delete_time IS NULL) AND ((new.parent_id IS DISTINCT FROM old.parent_id) OR (new.active > old.active) OR (old.delete_time IS NOT NULL)))) EXECUTE FUNCTION public.refuse_deleted_parent_id_of_practitioner();

CREATE TRIGGER refuse_other_deleted_part_of_id AFTER UPDATE ON public.location FOR EACH ROW WHEN (((new.part_of_id IS NOT NULL) AND (new.delete_time IS NULL) AND ((new.part_of_id IS DISTINCT FROM old.part_of_id) OR (new.active > old.active) OR (old.delete_time IS NOT NULL)))) EXECUTE FUNCTION public.refuse_deleted_part_of_id_of_location();

CREATE TRIGGER refuse_other_deleted_practitioner AFTER UPDATE OF practitioner_id ON public.appointment FOR EACH ROW WHEN (((new.practitioner_id IS NOT NULL) AND (new.practitioner_id IS DISTINCT FROM old.practitioner_id))) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_other_deleted_practitioner AFTER UPDATE OF practitioner_id ON public.clinical_record FOR EACH ROW WHEN (((new.practitioner_id IS NOT NULL) AND (new.practitioner_id IS DISTINCT FROM old.practitioner_id))) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_other_deleted_practitioner AFTER UPDATE OF practitioner_id ON public.encounter FOR EACH ROW WHEN (((new.practitioner_id IS NOT NULL) AND (new.practitioner_id IS DISTINCT FROM old.practitioner_id))) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_other_deleted_practitioner AFTER UPDATE OF practitioner_id ON public.queue_token FOR EACH ROW WHEN (((new.practitioner_id IS NOT NULL) AND (new.practitioner_id IS DISTINCT FROM old.practitioner_id))) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_other_deleted_practitioner AFTER UPDATE OF practitioner_id ON public.schedule FOR EACH ROW WHEN (((new.practitioner_id IS NOT NULL) AND (new.practitioner_id IS DISTINCT FROM old.practitioner_id))) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER refuse_other_deleted_practitioner AFTER UPDATE OF practitioner_id ON public.schedule_exception FOR EACH ROW WHEN (((new.practitioner_id IS NOT NULL) AND (new.practitioner_id IS DISTINCT FROM old.practitioner_id))) EXECUTE FUNCTION public.refuse_deleted_practitioner();

CREATE TRIGGER remind_changed AFTER UPDATE OF state, start_time ON public.appointment FOR EACH ROW WHEN (((old.state <> new.state) OR (old.start_time IS DISTINCT FROM new.start_time))) EXECUTE FUNCTION public.plan_reminders();

CREATE TRIGGER remind_new AFTER INSERT ON public.appointment FOR EACH ROW WHEN ((new.state = ANY (ARRAY['BOOKED'::text, 'CONFIRMED'::text]))) EXECUTE FUNCTION public.plan_reminders();

CREATE TRIGGER take_columns BEFORE INSERT OR UPDATE OF document ON public.location FOR EACH ROW EXECUTE FUNCTION public.take_location_columns();

ALTER TABLE ONLY public.address_rule
    ADD CONSTRAINT address_rule_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.appointment_reminder
    ADD CONSTRAINT appointment_reminder_tenant_id_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id) REFERENCES public.appointment(tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_exception_id_fkey FOREIGN KEY (tenant_id, exception_id) REFERENCES public.schedule_exception(tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_location_id_fkey FOREIGN KEY (tenant_id, location_id) REFERENCES public.location(tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_patient_id_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedule(tenant_id, id);

ALTER TABLE ONLY public.appointment_under_glass
    ADD CONSTRAINT appointment_under_glass_tenant_id_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id) REFERENCES public.appointment(tenant_id, id);

ALTER TABLE ONLY public.appointment_under_glass
    ADD CONSTRAINT appointment_under_glass_tenant_id_grant_id_fkey FOREIGN KEY (tenant_id, grant_id) REFERENCES public.break_glass(tenant_id, id);

ALTER TABLE ONLY public.appointment_version
    ADD CONSTRAINT appointment_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.appointment(tenant_id, id);

ALTER TABLE ONLY public.break_glass
    ADD CONSTRAINT break_glass_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.break_glass
    ADD CONSTRAINT break_glass_tenant_id_patient_id_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.break_glass
    ADD CONSTRAINT break_glass_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_desk_department_fkey FOREIGN KEY (tenant_id, desk_department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_desk_practitioner_fkey FOREIGN KEY (tenant_id, desk_practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_tenant_id_encounter_id_fkey FOREIGN KEY (tenant_id, encounter_id) REFERENCES public.encounter(tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_tenant_id_organization_id_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES public.organization(tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_tenant_id_patient_id_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.clinical_record
    ADD CONSTRAINT clinical_record_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.clinical_record_version
    ADD CONSTRAINT clinical_record_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.clinical_record(tenant_id, id);

ALTER TABLE ONLY public.code_entry
    ADD CONSTRAINT code_entry_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.code_entry_version
    ADD CONSTRAINT code_entry_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.code_entry(tenant_id, id);

ALTER TABLE ONLY public.department
    ADD CONSTRAINT department_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.department
    ADD CONSTRAINT department_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.department_version
    ADD CONSTRAINT department_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id) REFERENCES public.appointment(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_location_id_fkey FOREIGN KEY (tenant_id, location_id) REFERENCES public.location(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_organization_id_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES public.organization(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_patient_id_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.encounter
    ADD CONSTRAINT encounter_tenant_id_queue_token_id_fkey FOREIGN KEY (tenant_id, queue_token_id) REFERENCES public.queue_token(tenant_id, id);

ALTER TABLE ONLY public.encounter_under_glass
    ADD CONSTRAINT encounter_under_glass_tenant_id_encounter_id_fkey FOREIGN KEY (tenant_id, encounter_id) REFERENCES public.encounter(tenant_id, id);

ALTER TABLE ONLY public.encounter_under_glass
    ADD CONSTRAINT encounter_under_glass_tenant_id_grant_id_fkey FOREIGN KEY (tenant_id, grant_id) REFERENCES public.break_glass(tenant_id, id);

ALTER TABLE ONLY public.encounter_version
    ADD CONSTRAINT encounter_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.encounter(tenant_id, id);

ALTER TABLE ONLY public.interaction_rule
    ADD CONSTRAINT interaction_rule_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.interaction_rule_version
    ADD CONSTRAINT interaction_rule_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.interaction_rule(tenant_id, id);

ALTER TABLE ONLY public.legal_hold
    ADD CONSTRAINT legal_hold_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.limited_role
    ADD CONSTRAINT limited_role_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.limited_role
    ADD CONSTRAINT limited_role_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES public.role(tenant_id, id);

ALTER TABLE ONLY public.limited_role
    ADD CONSTRAINT limited_role_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.organization(tenant_id, id);

ALTER TABLE ONLY public.location
    ADD CONSTRAINT location_tenant_id_part_of_id_fkey FOREIGN KEY (tenant_id, part_of_id) REFERENCES public.location(tenant_id, id);

ALTER TABLE ONLY public.location_version
    ADD CONSTRAINT location_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.location(tenant_id, id);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.organization(tenant_id, id);

ALTER TABLE ONLY public.organization_version
    ADD CONSTRAINT organization_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.organization(tenant_id, id);

ALTER TABLE ONLY public.password_history
    ADD CONSTRAINT password_history_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.password_history
    ADD CONSTRAINT password_history_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.password_reset
    ADD CONSTRAINT password_reset_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.password_reset
    ADD CONSTRAINT password_reset_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.patient_key
    ADD CONSTRAINT patient_key_tenant_id_patient_id_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.patient_merge_item
    ADD CONSTRAINT patient_merge_item_tenant_id_merge_id_fkey FOREIGN KEY (tenant_id, merge_id) REFERENCES public.patient_merge(tenant_id, id);

ALTER TABLE ONLY public.patient_merge
    ADD CONSTRAINT patient_merge_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.patient_merge
    ADD CONSTRAINT patient_merge_tenant_id_merged_id_fkey FOREIGN KEY (tenant_id, merged_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.patient_merge
    ADD CONSTRAINT patient_merge_tenant_id_survivor_id_fkey FOREIGN KEY (tenant_id, survivor_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_merged_into_fkey FOREIGN KEY (tenant_id, merged_into) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.patient
    ADD CONSTRAINT patient_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.patient_version
    ADD CONSTRAINT patient_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.practitioner_department
    ADD CONSTRAINT practitioner_department_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.practitioner_department
    ADD CONSTRAINT practitioner_department_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.practitioner_speciality
    ADD CONSTRAINT practitioner_speciality_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.practitioner
    ADD CONSTRAINT practitioner_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.practitioner
    ADD CONSTRAINT practitioner_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.practitioner
    ADD CONSTRAINT practitioner_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.practitioner_version
    ADD CONSTRAINT practitioner_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.queue_counter
    ADD CONSTRAINT queue_counter_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id) REFERENCES public.appointment(tenant_id, id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_patient_id_fkey FOREIGN KEY (tenant_id, patient_id) REFERENCES public.patient(tenant_id, id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.queue_token
    ADD CONSTRAINT queue_token_tenant_id_transferred_from_fkey FOREIGN KEY (tenant_id, transferred_from) REFERENCES public.queue_token(tenant_id, id);

ALTER TABLE ONLY public.queue_token_under_glass
    ADD CONSTRAINT queue_token_under_glass_tenant_id_grant_id_fkey FOREIGN KEY (tenant_id, grant_id) REFERENCES public.break_glass(tenant_id, id);

ALTER TABLE ONLY public.queue_token_under_glass
    ADD CONSTRAINT queue_token_under_glass_tenant_id_queue_token_id_fkey FOREIGN KEY (tenant_id, queue_token_id) REFERENCES public.queue_token(tenant_id, id);

ALTER TABLE ONLY public.queue_token_version
    ADD CONSTRAINT queue_token_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.queue_token(tenant_id, id);

ALTER TABLE ONLY public.request_record
    ADD CONSTRAINT request_record_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.role_version
    ADD CONSTRAINT role_version_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.schedule_exception
    ADD CONSTRAINT schedule_exception_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.schedule_exception
    ADD CONSTRAINT schedule_exception_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.schedule_exception
    ADD CONSTRAINT schedule_exception_tenant_id_location_id_fkey FOREIGN KEY (tenant_id, location_id) REFERENCES public.location(tenant_id, id);

ALTER TABLE ONLY public.schedule_exception
    ADD CONSTRAINT schedule_exception_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.schedule_exception_version
    ADD CONSTRAINT schedule_exception_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.schedule_exception(tenant_id, id);

ALTER TABLE ONLY public.schedule_session
    ADD CONSTRAINT schedule_session_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedule(tenant_id, id);

ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_tenant_id_location_id_fkey FOREIGN KEY (tenant_id, location_id) REFERENCES public.location(tenant_id, id);

ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE ONLY public.schedule_version
    ADD CONSTRAINT schedule_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.schedule(tenant_id, id);

ALTER TABLE ONLY public.service_account_key
    ADD CONSTRAINT service_account_key_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.service_account(tenant_id, id);

ALTER TABLE ONLY public.service_account_key
    ADD CONSTRAINT service_account_key_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.service_assertion
    ADD CONSTRAINT service_assertion_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.service_account(tenant_id, id);

ALTER TABLE ONLY public.service_assertion
    ADD CONSTRAINT service_assertion_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.source_record
    ADD CONSTRAINT source_record_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.tenant_erasure
    ADD CONSTRAINT tenant_erasure_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.tenant_setting
    ADD CONSTRAINT tenant_setting_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.tenant_setting_version
    ADD CONSTRAINT tenant_setting_version_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.tenant_version
    ADD CONSTRAINT tenant_version_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.uhid_counter
    ADD CONSTRAINT uhid_counter_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.user_account_version
    ADD CONSTRAINT user_account_version_tenant_id_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.user_department
    ADD CONSTRAINT user_department_tenant_id_department_id_fkey FOREIGN KEY (tenant_id, department_id) REFERENCES public.department(tenant_id, id);

ALTER TABLE ONLY public.user_department
    ADD CONSTRAINT user_department_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.user_role
    ADD CONSTRAINT user_role_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES public.role(tenant_id, id);

ALTER TABLE ONLY public.user_role
    ADD CONSTRAINT user_role_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.user_account(tenant_id, id);

ALTER TABLE ONLY public.waiting_list_pass
    ADD CONSTRAINT waiting_list_pass_tenant_id_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id) REFERENCES public.appointment(tenant_id, id);

ALTER TABLE ONLY public.waiting_list_pass
    ADD CONSTRAINT waiting_list_pass_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES public.practitioner(tenant_id, id);

ALTER TABLE public.address_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.appointment ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_reminder ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_under_glass ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_anchor ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_chain ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_checkpoint ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_event_patient ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.break_glass ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.clinical_record ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.clinical_record_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.code_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.code_entry_version ENABLE ROW LEVEL SECURITY;

CREATE POLICY delivery ON public.mail TO hms_worker USING (true) WITH CHECK (true);

ALTER TABLE public.department ENABLE ROW LEVEL SECURITY;

CREATE POLICY department_limits ON public.appointment AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR (department_id = ANY ((NULLIF(current_setting('app.departments'::text, true), ''::text))::uuid[])) OR public.patient_under_grant(patient_id)));

CREATE POLICY department_limits ON public.clinical_record AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR public.encounter_in_departments(encounter_id) OR ((encounter_id IS NULL) AND public.patient_under_grant(patient_id))));

CREATE POLICY department_limits ON public.clinical_record_version AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR public.record_in_departments(id)));

CREATE POLICY department_limits ON public.encounter AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR (department_id = ANY ((NULLIF(current_setting('app.departments'::text, true), ''::text))::uuid[])) OR public.patient_under_grant(patient_id)));

CREATE POLICY department_limits ON public.encounter_version AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR public.encounter_in_departments(id)));

CREATE POLICY department_limits ON public.patient AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR public.patient_in_departments(id)));

CREATE POLICY department_limits ON public.patient_version AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR public.patient_in_departments(id)));

CREATE POLICY department_limits ON public.queue_token AS RESTRICTIVE TO hms_app USING ((((current_setting('app.departments'::text, true) > ''::text) IS NOT TRUE) OR (department_id = ANY ((NULLIF(current_setting('app.departments'::text, true), ''::text))::uuid[])) OR public.patient_under_grant(patient_id)));

ALTER TABLE public.department_version ENABLE ROW LEVEL SECURITY;

CREATE POLICY drain ON public.audit_anchor TO hms_worker USING (true) WITH CHECK (true);

CREATE POLICY drain ON public.audit_chain TO hms_worker USING (true) WITH CHECK (true);

CREATE POLICY drain ON public.audit_checkpoint TO hms_worker USING (true) WITH CHECK (true);

CREATE POLICY drain ON public.audit_event TO hms_worker USING (true) WITH CHECK (true);

CREATE POLICY drain ON public.audit_event_patient TO hms_worker USING (true) WITH CHECK (true);

CREATE POLICY drain ON public.audit_outbox TO hms_worker USING (true) WITH CHECK (true);

ALTER TABLE public.encounter ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.encounter_under_glass ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.encounter_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.interaction_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.interaction_rule_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.legal_hold ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.limited_role ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.location ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.location_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.mail ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organization_version ENABLE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON public.address_rule TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.appointment TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.appointment_reminder TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.appointment_under_glass TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.appointment_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.audit_anchor TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.audit_chain TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.audit_checkpoint TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.audit_event TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.audit_event_patient TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.audit_outbox TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.break_glass TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.clinical_record TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.clinical_record_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.code_entry TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.code_entry_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.department TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.department_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.encounter TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.encounter_under_glass TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.encounter_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.interaction_rule TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.interaction_rule_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.legal_hold TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.limited_role TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.location TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.location_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.mail TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.organization TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.organization_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.password_history TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.password_reset TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.patient TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.patient_key TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.patient_merge TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.patient_merge_item TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.patient_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.practitioner TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.practitioner_department TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.practitioner_speciality TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.practitioner_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.queue_counter TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.queue_token TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.queue_token_under_glass TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.queue_token_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.request_record TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.role TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.role_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.schedule TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.schedule_exception TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.schedule_exception_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.schedule_session TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.schedule_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.service_account TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.service_account_key TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.service_assertion TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.session TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.source_record TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.tenant TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.tenant_erasure TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.tenant_setting TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.tenant_setting_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.tenant_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.uhid_counter TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.user_account TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.user_account_version TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.user_department TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.user_role TO hms_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_all ON public.waiting_list_pass TO hms_owner USING (true) WITH CHECK (true);

ALTER TABLE public.password_history ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.password_reset ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_merge ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_merge_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner_department ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner_speciality ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.practitioner_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.queue_counter ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.queue_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.queue_token_under_glass ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.queue_token_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.request_record ENABLE ROW LEVEL SECURITY;

CREATE POLICY restricted_patients ON public.patient AS RESTRICTIVE TO hms_app USING (((NOT restricted) OR public.may_see_restricted(id)));

CREATE POLICY restriction ON public.appointment FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.appointment_under_glass FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.break_glass FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.clinical_record FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.encounter FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.encounter_under_glass FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.queue_token FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.queue_token_under_glass FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY restriction ON public.user_department FOR SELECT TO hms_search USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

ALTER TABLE public.role ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.role_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_exception ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_exception_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_session ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_version ENABLE ROW LEVEL SECURITY;

CREATE POLICY search_ids ON public.patient FOR SELECT TO hms_search USING (true);

CREATE POLICY search_ids ON public.patient_key FOR SELECT TO hms_search USING (true);

ALTER TABLE public.service_account ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.service_account_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.service_assertion ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.session ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.source_record ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_erasure ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.address_rule TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.appointment TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.appointment_reminder TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.appointment_under_glass TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.appointment_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.audit_anchor TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.audit_chain TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.audit_checkpoint TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.audit_event TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.audit_event_patient TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.audit_outbox TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.break_glass TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.clinical_record TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.clinical_record_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.code_entry TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.code_entry_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.department TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.department_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.encounter TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.encounter_under_glass TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.encounter_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.interaction_rule TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.interaction_rule_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.legal_hold TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.limited_role TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.location TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.location_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.mail TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.organization TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.organization_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.password_history TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.password_reset TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.patient TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.patient_key TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.patient_merge TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.patient_merge_item TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.patient_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.practitioner TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.practitioner_department TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.practitioner_speciality TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.practitioner_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.queue_counter TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.queue_token TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.queue_token_under_glass TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.queue_token_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.request_record TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.role TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.role_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.schedule TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.schedule_exception TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.schedule_exception_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.schedule_session TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.schedule_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.service_account TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.service_account_key TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.service_assertion TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.session TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.source_record TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.tenant TO hms_app USING (((id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) OR (current_setting('app.platform'::text, true) = 'on'::text))) WITH CHECK (((id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) OR (current_setting('app.platform'::text, true) = 'on'::text)));

CREATE POLICY tenant_isolation ON public.tenant_erasure TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.tenant_setting TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.tenant_setting_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.tenant_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.uhid_counter TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.user_account TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.user_account_version TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.user_department TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.user_role TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

CREATE POLICY tenant_isolation ON public.waiting_list_pass TO hms_app USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

ALTER TABLE public.tenant_setting ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_setting_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.uhid_counter ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_account ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_account_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_department ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_role ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.waiting_list_pass ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON FUNCTION public.audit_months() FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_months() TO hms_worker;

REVOKE ALL ON FUNCTION public.audit_retention() FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_retention() TO hms_worker;

REVOKE ALL ON FUNCTION public.audit_tenants() FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_tenants() TO hms_worker;

REVOKE ALL ON FUNCTION public.count_patient_rows(tenant uuid, patient uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_patient_rows(tenant uuid, patient uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.drop_audit_month(month date, keep_from jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_audit_month(month date, keep_from jsonb) TO hms_worker;

REVOKE ALL ON FUNCTION public.encounter_in_departments(encounter uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.encounter_in_departments(encounter uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.encounter_treats(state text, began timestamp with time zone, document jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.encounter_treats(state text, began timestamp with time zone, document jsonb) TO hms_app;
GRANT ALL ON FUNCTION public.encounter_treats(state text, began timestamp with time zone, document jsonb) TO hms_search;

REVOKE ALL ON FUNCTION public.end_due_holds(practitioner uuid, offer_seconds integer, least_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.end_due_holds(practitioner uuid, offer_seconds integer, least_seconds integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.expire_holds(tenant uuid, holds uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.expire_holds(tenant uuid, holds uuid[]) TO hms_app;

REVOKE ALL ON FUNCTION public.hand_over_reminders(max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hand_over_reminders(max_rows integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.hospital_instant(moment timestamp without time zone, zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hospital_instant(moment timestamp without time zone, zone text) TO hms_app;

REVOKE ALL ON FUNCTION public.hours_touched(starts timestamp with time zone, ends timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hours_touched(starts timestamp with time zone, ends timestamp with time zone) TO hms_app;

REVOKE ALL ON FUNCTION public.keep_practitioner_links() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.lay_on_desk() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.lock_audit_retention() FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_audit_retention() TO hms_worker;

REVOKE ALL ON FUNCTION public.make_audit_partition(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_audit_partition(moment timestamp with time zone) TO hms_worker;

REVOKE ALL ON FUNCTION public.make_audit_partitions(months_ahead integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_audit_partitions(months_ahead integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.mark_break_glass() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.may_see_restricted(patient uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.may_see_restricted(patient uuid) TO hms_app;
GRANT ALL ON FUNCTION public.may_see_restricted(patient uuid) TO hms_owner;

REVOKE ALL ON FUNCTION public.move_patient_rows(tenant uuid, merge uuid, merged uuid, survivor uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.move_patient_rows(tenant uuid, merge uuid, merged uuid, survivor uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.move_whole_days() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.note_row_under_glass() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.note_under_glass() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.note_waiting_list_pass() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.offer_seats(practitioners uuid[], starts timestamp with time zone[], ends timestamp with time zone[], offer_seconds integer, least_seconds integer, chosen uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.offer_seats(practitioners uuid[], starts timestamp with time zone[], ends timestamp with time zone[], offer_seconds integer, least_seconds integer, chosen uuid) TO hms_app;
GRANT ALL ON FUNCTION public.offer_seats(practitioners uuid[], starts timestamp with time zone[], ends timestamp with time zone[], offer_seconds integer, least_seconds integer, chosen uuid) TO hms_worker;

REVOKE ALL ON FUNCTION public.patient_behind_glass(patient uuid, number text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.patient_behind_glass(patient uuid, number text) TO hms_app;

REVOKE ALL ON FUNCTION public.patient_ids_on_both(list text, other text, max_rows integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.patient_ids_on_list(list text, depth integer, patterns text[], birth_from text, birth_before text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.patient_ids_with_parts(words text[], birth_from text, birth_before text, max_rows integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.patient_in_departments(patient uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.patient_in_departments(patient uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.patient_list(kind text, low text, high text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.patient_list_length(list text, exact integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.patient_references() FROM PUBLIC;
GRANT ALL ON FUNCTION public.patient_references() TO hms_app;

REVOKE ALL ON FUNCTION public.patient_under_grant(patient uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.patient_under_grant(patient uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.patients_of_departments() FROM PUBLIC;
GRANT ALL ON FUNCTION public.patients_of_departments() TO hms_app;

REVOKE ALL ON FUNCTION public.places_in_queue(practitioner uuid, session timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.places_in_queue(practitioner uuid, session timestamp with time zone) TO hms_app;

REVOKE ALL ON FUNCTION public.plan_reminders() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.practitioners_with_due_holds(max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.practitioners_with_due_holds(max_rows integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.protect_tenant_table(target regclass) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.purge_mails(age interval, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_mails(age interval, max_rows integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.purge_request_records(age interval, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_request_records(age interval, max_rows integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.purge_sessions(age interval, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.purge_sessions(age interval, max_rows integer) TO hms_worker;

REVOKE ALL ON FUNCTION public.record_in_departments(record uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_in_departments(record uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.refuse_deleted_department() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_department_id_of_location() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_location() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_organization() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_parent_id_of_department() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_parent_id_of_location() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_parent_id_of_organization() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_parent_id_of_practitioner() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_part_of_id_of_location() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_deleted_practitioner() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.require_location_tree(tenant uuid, members uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.require_location_tree(tenant uuid, members uuid[]) TO hms_app;

REVOKE ALL ON FUNCTION public.require_tree(tree regclass, tenant uuid, members uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.require_tree(tree regclass, tenant uuid, members uuid[]) TO hms_app;

REVOKE ALL ON FUNCTION public.restrict_patient(patient uuid, wanted boolean, actor uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.restrict_patient(patient uuid, wanted boolean, actor uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.return_patient_rows(tenant uuid, merge uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.return_patient_rows(tenant uuid, merge uuid) TO hms_app;

REVOKE ALL ON FUNCTION public.search_patient_ids(words text[], phone text, identifier_from text, identifier_before text, birth_from text, birth_before text, wanted integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_patient_ids(words text[], phone text, identifier_from text, identifier_before text, birth_from text, birth_before text, wanted integer) TO hms_app;

REVOKE ALL ON FUNCTION public.search_slots(tenant uuid, practitioners uuid[], departments uuid[], wanted_service text, wanted_weekdays smallint[], from_clock time without time zone, until_clock time without time zone, from_day date, until_day date, least_free integer, key_time timestamp with time zone, key_practitioner uuid, key_source uuid, backward boolean, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_slots(tenant uuid, practitioners uuid[], departments uuid[], wanted_service text, wanted_weekdays smallint[], from_clock time without time zone, until_clock time without time zone, from_day date, until_day date, least_free integer, key_time timestamp with time zone, key_practitioner uuid, key_source uuid, backward boolean, most integer) TO hms_app;

REVOKE ALL ON FUNCTION public.slots_between(tenant uuid, practitioners uuid[], from_time timestamp with time zone, until_time timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.slots_between(tenant uuid, practitioners uuid[], from_time timestamp with time zone, until_time timestamp with time zone) TO hms_app;

REVOKE ALL ON FUNCTION public.take_location_columns() FROM PUBLIC;

GRANT SELECT,INSERT,UPDATE ON TABLE public.address_rule TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.appointment TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.appointment TO hms_search;

GRANT SELECT(id) ON TABLE public.appointment TO hms_search;

GRANT SELECT(patient_id) ON TABLE public.appointment TO hms_search;

GRANT SELECT(department_id) ON TABLE public.appointment TO hms_search;

GRANT SELECT(state) ON TABLE public.appointment TO hms_search;

GRANT SELECT,INSERT,UPDATE ON TABLE public.appointment_reminder TO hms_app;

GRANT INSERT ON TABLE public.appointment_under_glass TO hms_app;
GRANT SELECT ON TABLE public.appointment_under_glass TO hms_search;

GRANT SELECT,INSERT ON TABLE public.appointment_version TO hms_app;

GRANT SELECT,INSERT ON TABLE public.audit_anchor TO hms_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_chain TO hms_worker;

GRANT SELECT(tenant_id) ON TABLE public.audit_chain TO hms_app;

GRANT SELECT(sequence) ON TABLE public.audit_chain TO hms_app;

GRANT SELECT(elsewhere) ON TABLE public.audit_chain TO hms_app;

GRANT SELECT ON TABLE public.audit_checkpoint TO hms_app;
GRANT SELECT,INSERT ON TABLE public.audit_checkpoint TO hms_worker;

GRANT UPDATE(audited) ON TABLE public.audit_checkpoint TO hms_worker;

GRANT SELECT ON TABLE public.audit_event TO hms_app;
GRANT SELECT,INSERT ON TABLE public.audit_event TO hms_worker;

GRANT SELECT ON TABLE public.audit_event_patient TO hms_app;
GRANT SELECT,INSERT ON TABLE public.audit_event_patient TO hms_worker;

GRANT INSERT ON TABLE public.audit_outbox TO hms_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.audit_outbox TO hms_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.break_glass TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.break_glass TO hms_search;

GRANT SELECT(id) ON TABLE public.break_glass TO hms_search;

GRANT SELECT(patient_id) ON TABLE public.break_glass TO hms_search;

GRANT SELECT(user_id) ON TABLE public.break_glass TO hms_search;

GRANT SELECT(create_time) ON TABLE public.break_glass TO hms_search;

GRANT SELECT(expire_time) ON TABLE public.break_glass TO hms_search;

GRANT SELECT(outcome) ON TABLE public.break_glass TO hms_search;

GRANT SELECT,INSERT,UPDATE ON TABLE public.clinical_record TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.clinical_record TO hms_search;

GRANT SELECT(id) ON TABLE public.clinical_record TO hms_search;

GRANT SELECT(patient_id) ON TABLE public.clinical_record TO hms_search;

GRANT SELECT(encounter_id) ON TABLE public.clinical_record TO hms_search;

GRANT SELECT,INSERT ON TABLE public.clinical_record_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.code_entry TO hms_app;

GRANT SELECT,INSERT ON TABLE public.code_entry_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.department TO hms_app;

GRANT SELECT,INSERT ON TABLE public.department_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.encounter TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.encounter TO hms_search;

GRANT SELECT(id) ON TABLE public.encounter TO hms_search;

GRANT SELECT(patient_id) ON TABLE public.encounter TO hms_search;

GRANT SELECT(department_id) ON TABLE public.encounter TO hms_search;

GRANT SELECT(state) ON TABLE public.encounter TO hms_search;

GRANT SELECT(clinical_time) ON TABLE public.encounter TO hms_search;

GRANT SELECT(document) ON TABLE public.encounter TO hms_search;

GRANT INSERT ON TABLE public.encounter_under_glass TO hms_app;
GRANT SELECT ON TABLE public.encounter_under_glass TO hms_search;

GRANT SELECT,INSERT ON TABLE public.encounter_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.interaction_rule TO hms_app;

GRANT SELECT,INSERT ON TABLE public.interaction_rule_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.legal_hold TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.limited_role TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.location TO hms_app;

GRANT SELECT,INSERT ON TABLE public.location_version TO hms_app;

GRANT INSERT ON TABLE public.mail TO hms_app;
GRANT SELECT ON TABLE public.mail TO hms_worker;

GRANT SELECT(tenant_id) ON TABLE public.mail TO hms_app;

GRANT SELECT(id) ON TABLE public.mail TO hms_app;

GRANT SELECT(recipient) ON TABLE public.mail TO hms_app;

GRANT SELECT(kind) ON TABLE public.mail TO hms_app;

GRANT SELECT(entity_id) ON TABLE public.mail TO hms_app;

GRANT SELECT(state) ON TABLE public.mail TO hms_app;
GRANT UPDATE(state) ON TABLE public.mail TO hms_worker;

GRANT UPDATE(tries) ON TABLE public.mail TO hms_worker;

GRANT UPDATE(reply) ON TABLE public.mail TO hms_worker;

GRANT SELECT(create_time) ON TABLE public.mail TO hms_app;

GRANT UPDATE(due_time) ON TABLE public.mail TO hms_worker;

GRANT SELECT(end_time) ON TABLE public.mail TO hms_app;
GRANT UPDATE(end_time) ON TABLE public.mail TO hms_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.organization TO hms_app;

GRANT SELECT,INSERT ON TABLE public.organization_version TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.password_history TO hms_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.password_reset TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.patient TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.patient TO hms_search;

GRANT SELECT(id) ON TABLE public.patient TO hms_search;

GRANT SELECT(uhid) ON TABLE public.patient TO hms_search;

GRANT SELECT(birth_date) ON TABLE public.patient TO hms_search;

GRANT SELECT(search_text) ON TABLE public.patient TO hms_search;

GRANT SELECT(delete_time) ON TABLE public.patient TO hms_search;

GRANT SELECT(merged_into) ON TABLE public.patient TO hms_search;

GRANT SELECT,INSERT,DELETE ON TABLE public.patient_key TO hms_app;
GRANT SELECT ON TABLE public.patient_key TO hms_search;

GRANT SELECT,INSERT,UPDATE ON TABLE public.patient_merge TO hms_app;

GRANT SELECT,INSERT ON TABLE public.patient_merge_item TO hms_app;

GRANT SELECT,INSERT ON TABLE public.patient_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.practitioner TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.practitioner_department TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.practitioner_speciality TO hms_app;

GRANT SELECT,INSERT ON TABLE public.practitioner_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.queue_counter TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.queue_token TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(id) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(patient_id) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(practitioner_id) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(department_id) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(session_start) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(number) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(token) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(appointment_id) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(state) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(urgency) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(order_time) ON TABLE public.queue_token TO hms_search;

GRANT SELECT(start_time) ON TABLE public.queue_token TO hms_search;

GRANT INSERT ON TABLE public.queue_token_under_glass TO hms_app;
GRANT SELECT ON TABLE public.queue_token_under_glass TO hms_search;

GRANT SELECT,INSERT ON TABLE public.queue_token_version TO hms_app;

GRANT SELECT,INSERT ON TABLE public.request_record TO hms_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.role TO hms_app;

GRANT SELECT,INSERT ON TABLE public.role_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.schedule TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.schedule_exception TO hms_app;

GRANT SELECT,INSERT ON TABLE public.schedule_exception_version TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.schedule_session TO hms_app;

GRANT SELECT,INSERT ON TABLE public.schedule_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.service_account TO hms_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.service_account_key TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.service_assertion TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.session TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.source_record TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tenant TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tenant_setting TO hms_app;

GRANT SELECT,INSERT ON TABLE public.tenant_setting_version TO hms_app;

GRANT SELECT,INSERT ON TABLE public.tenant_version TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.uhid_counter TO hms_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.user_account TO hms_app;

GRANT SELECT,INSERT ON TABLE public.user_account_version TO hms_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.user_department TO hms_app;

GRANT SELECT(tenant_id) ON TABLE public.user_department TO hms_search;

GRANT SELECT(user_id) ON TABLE public.user_department TO hms_search;

GRANT SELECT(department_id) ON TABLE public.user_department TO hms_search;

GRANT SELECT,INSERT,DELETE ON TABLE public.user_role TO hms_app;

GRANT SELECT,INSERT ON TABLE public.waiting_list_pass TO hms_app;
