-- Visits: what was started, what is not signed, and who signs.

-- The encounter that stands of a token, or of an appointment's token that counts, or of an appointment. Asked after
-- those are locked.
-- name: find_started
SELECT e.id FROM encounter e
WHERE e.tenant_id = :tenant_id AND e.state NOT IN ('ENTERED_IN_ERROR', 'CANCELLED')
  AND e.queue_token_id = (
    SELECT t.id FROM queue_token t WHERE t.tenant_id = :tenant_id AND t.id = :queue_token_id::uuid
    UNION ALL
    SELECT t.id FROM queue_token t
    WHERE t.tenant_id = :tenant_id AND t.appointment_id = :appointment_id::uuid
      AND t.state NOT IN ('TRANSFERRED', 'CANCELLED'))
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = e.patient_id)
UNION ALL
SELECT e.id FROM encounter e
WHERE e.tenant_id = :tenant_id AND e.state NOT IN ('ENTERED_IN_ERROR', 'CANCELLED')
  AND e.queue_token_id IS NULL AND e.appointment_id = :appointment_id::uuid
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = e.patient_id)
LIMIT 1

-- The account of a note's practitioner, where there is one. Asked after the note is locked.
-- name: find_signer
SELECT p.user_id FROM clinical_record r
JOIN practitioner p ON p.tenant_id = :tenant_id AND p.id = r.practitioner_id AND p.user_id IS NOT NULL
WHERE r.tenant_id = :tenant_id AND r.id = :id::uuid AND r.type = 'NOTE'
  AND (SELECT true FROM patient s WHERE s.tenant_id = :tenant_id AND s.id = r.patient_id)

-- name: find_unsigned
SELECT r.id FROM clinical_record r
WHERE r.tenant_id = :tenant_id AND r.encounter_id = :encounter_id::uuid AND r.type = 'NOTE'
  AND r.state IN ('DRAFT', 'AMENDED')
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = r.patient_id)
ORDER BY r.clinical_time, r.id LIMIT 1
