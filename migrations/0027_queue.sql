-- The queue of the day: what two callers at once must not do, and the ways to what is asked of it.

-- One patient has one place in a session at a time. A merge of two who both stand in it is refused: one of the
-- places is given up first.
CREATE UNIQUE INDEX queue_token_of_patient ON queue_token (tenant_id, practitioner_id, session_start, patient_id)
  WHERE state IN ('WAITING', 'CALLED', 'IN_CONSULTATION', 'ON_HOLD', 'SKIPPED');
-- One is called at a time.
CREATE UNIQUE INDEX queue_token_called ON queue_token (tenant_id, practitioner_id, session_start)
  WHERE state = 'CALLED';
-- How long the last consultations took.
CREATE INDEX queue_token_completed ON queue_token (tenant_id, practitioner_id, end_time)
  WHERE state = 'COMPLETED' AND start_time IS NOT NULL;
-- A department's board.
CREATE INDEX queue_token_of_department ON queue_token (tenant_id, department_id, issue_time, id);

-- Who stands in a session's queue: numbers and order, nothing of a patient. The order does not depend on whom the
-- caller may see: who is hidden from him (restricted, of another department) keeps his place before the others.
GRANT SELECT (practitioner_id, session_start, number, token, urgency, order_time, start_time)
  ON queue_token TO hms_search;
GRANT CREATE ON SCHEMA public TO hms_search;
SET LOCAL ROLE hms_search;
CREATE FUNCTION places_in_queue(practitioner uuid, session timestamptz)
RETURNS TABLE (id uuid, number integer, token text, state text, urgency smallint, order_time timestamptz,
               start_time timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public, pg_temp AS $$
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
REVOKE ALL ON FUNCTION places_in_queue(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION places_in_queue(uuid, timestamptz) TO hms_app;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM hms_search;
