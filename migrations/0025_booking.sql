-- Holds that ran out give their seats back: in the booking that needs one of them, and by the sweep.

-- Holds among these whose time is over come to their end; what was free again by that is returned. A hold is
-- EXPIRED; an offer from the waiting list, which has a waitlist_time, goes back to the list with what the
-- patient had asked for. Nobody did it: the actor is nil. Whoever calls it leaves the audit records.
CREATE FUNCTION expire_holds(tenant uuid, holds uuid[])
RETURNS TABLE (
  id uuid, patient_id uuid, old_version bigint, new_version bigint, practitioner_id uuid, start_time timestamptz,
  end_time timestamptz
)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
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
REVOKE ALL ON FUNCTION expire_holds(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_holds(uuid, uuid[]) TO hms_app;
