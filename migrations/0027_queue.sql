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
