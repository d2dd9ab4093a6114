-- Appointments and tokens, as a visit moves them (clinical/desk.py). The patient is locked first, then the
-- appointment, then the token.

-- Of an encounter, its own; of an appointment, its patient's; of a token, its patient's.
-- name: lock_patient_of
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = (
  SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid
  UNION ALL
  SELECT a.patient_id FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :appointment_id::uuid
  UNION ALL
  SELECT t.patient_id FROM queue_token t WHERE t.tenant_id = :tenant_id AND t.id = :queue_token_id::uuid)
FOR KEY SHARE

-- name: lock_appointment_of
SELECT a.id, a.version, a.patient_id, a.practitioner_id, a.department_id, a.location_id, a.schedule_id,
       a.exception_id, a.service, a.state, a.start_time, a.end_time, a.seat, a.capacity, a.overbooked,
       a.hold_expire_time, a.wanted_from, a.wanted_until, a.waitlist_time, a.series_id, a.previous_appointment_id,
       a.document, a.create_time, a.update_time
FROM appointment a
WHERE a.tenant_id = :tenant_id AND a.id = (
  SELECT e.appointment_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid
  UNION ALL
  SELECT :appointment_id::uuid WHERE :appointment_id::uuid IS NOT NULL
  UNION ALL
  SELECT t.appointment_id FROM queue_token t WHERE t.tenant_id = :tenant_id AND t.id = :queue_token_id::uuid)
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = a.patient_id)
FOR UPDATE

-- Of an appointment the token that counts, if it has one.
-- name: lock_token_of
SELECT t.id, t.version, t.patient_id, t.practitioner_id, t.department_id, t.appointment_id, t.state
FROM queue_token t
WHERE t.tenant_id = :tenant_id AND t.id = (
  SELECT e.queue_token_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid
  UNION ALL
  SELECT q.id FROM queue_token q
  WHERE q.tenant_id = :tenant_id AND q.appointment_id = :appointment_id::uuid
    AND q.state NOT IN ('TRANSFERRED', 'CANCELLED')
  UNION ALL
  SELECT :queue_token_id::uuid WHERE :queue_token_id::uuid IS NOT NULL)
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = t.patient_id)
FOR UPDATE

-- The version that stood is kept by the same statement that replaces it, without its patient.
-- name: move_token
WITH kept AS (
  INSERT INTO queue_token_version (tenant_id, id, version, row_data, actor_id, update_time)
  SELECT t.tenant_id, t.id, t.version, to_jsonb(t) - 'patient_id' - 'tenant_id', t.actor_id, t.update_time
  FROM queue_token t WHERE t.tenant_id = :tenant_id AND t.id = :id::uuid
)
UPDATE queue_token SET
  version = version + 1, state = :state,
  start_time = CASE WHEN :state = 'IN_CONSULTATION' AND start_time IS NULL THEN clock_timestamp()
                    ELSE start_time END,
  end_time = CASE WHEN :state = 'COMPLETED' THEN clock_timestamp() ELSE end_time END,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
