-- Visits: what an encounter was started from, and the encounters of a department's and a practitioner's day.

ALTER TABLE encounter
  ADD COLUMN appointment_id uuid,
  ADD COLUMN queue_token_id uuid,
  ADD FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointment (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, queue_token_id) REFERENCES queue_token (tenant_id, id);
-- Two clicks make one encounter. A token that was handed over to another practitioner has a successor of the same
-- appointment, and each of them its own encounter.
CREATE UNIQUE INDEX encounter_of_appointment ON encounter (tenant_id, appointment_id)
  WHERE appointment_id IS NOT NULL AND queue_token_id IS NULL AND state NOT IN ('ENTERED_IN_ERROR', 'CANCELLED');
CREATE UNIQUE INDEX encounter_of_queue_token ON encounter (tenant_id, queue_token_id)
  WHERE queue_token_id IS NOT NULL AND state NOT IN ('ENTERED_IN_ERROR', 'CANCELLED');
CREATE INDEX encounter_of_department_by_time ON encounter (tenant_id, department_id, clinical_time, id)
  WHERE department_id IS NOT NULL;
CREATE INDEX encounter_of_practitioner_by_time ON encounter (tenant_id, practitioner_id, clinical_time, id)
  WHERE practitioner_id IS NOT NULL;
