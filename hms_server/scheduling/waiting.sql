-- The waiting list and offers (waiting_store.py).

-- What an entry may point to: nulls for what is not there, or not in use.
-- name: waiting_place
SELECT (SELECT d.id FROM department d WHERE d.tenant_id = :tenant_id AND d.id = :department_id::uuid AND d.active AND d.delete_time IS NULL)
         AS department_id,
       (SELECT d.id FROM practitioner d
        WHERE d.tenant_id = :tenant_id AND d.id = :practitioner_id::uuid AND d.active AND d.delete_time IS NULL) AS practitioner_id,
       (SELECT a.id FROM appointment a
        WHERE a.tenant_id = :tenant_id AND a.id = :previous_appointment_id::uuid AND a.patient_id = :patient_id::uuid)
         AS previous_appointment_id

-- Urgency is a column of the list alone; the rest of a new entry is an appointment as any other.
-- name: rank_entry
UPDATE appointment SET waitlist_rank = :rank::smallint WHERE tenant_id = :tenant_id AND id = :id::uuid

-- Before the appointment itself, as in a booking: who ends holds of this practitioner does it in this order, too.
-- name: lock_practitioner_of
SELECT d.id FROM practitioner d
WHERE d.tenant_id = :tenant_id
  AND d.id = (SELECT a.practitioner_id FROM appointment a WHERE a.tenant_id = :tenant_id AND a.id = :id::uuid)
FOR NO KEY UPDATE

-- What the patient had asked for, before the offer.
-- name: wish
SELECT v.row_data ->> 'practitioner_id' AS practitioner_id, v.row_data ->> 'location_id' AS location_id,
       v.row_data ->> 'service' AS service
FROM appointment_version v
WHERE v.tenant_id = :tenant_id AND v.id = :id::uuid AND v.row_data ->> 'state' = 'WAITLISTED'
ORDER BY v.version DESC LIMIT 1

-- The function acts in the hospital of the setting.
-- name: offer_seats
SELECT o.id, o.patient_id, o.old_version, o.new_version
FROM offer_seats(:practitioners::uuid[], :starts::timestamptz[], :ends::timestamptz[], :offer_seconds::integer,
                 :least_seconds::integer, :chosen::uuid) o
WHERE :tenant_id::uuid IS NOT NULL
