-- What a prescription is checked against (prescribing_guard.py).

-- The patient's medication is changed by one call at a time: the second waits here, and then sees what the first
-- wrote. Keys that point to the patient are taken meanwhile (FOR UPDATE would hold them up).
-- name: lock_patient_of_record
SELECT p.id
FROM patient p
WHERE p.tenant_id = :tenant_id
  AND p.id = (SELECT r.patient_id FROM clinical_record r WHERE r.tenant_id = :tenant_id AND r.id = :record_id::uuid)
FOR NO KEY UPDATE

-- Active allergies and prescriptions but the record itself, the hospital's rules, and what its lists call the codes
-- that are asked for. A record joins its patient, whose policy decides who sees it.
-- name: medication
-- audited: patient_id
WITH owner AS (
  SELECT p.id AS patient_id FROM patient p
  WHERE p.tenant_id = :tenant_id AND p.id = (SELECT coalesce(
    :patient_id::uuid,
    (SELECT e.patient_id FROM encounter e WHERE e.tenant_id = :tenant_id AND e.id = :encounter_id::uuid),
    (SELECT r.patient_id FROM clinical_record r WHERE r.tenant_id = :tenant_id AND r.id = :record_id::uuid)))
)
SELECT 'PATIENT' AS type, o.patient_id, o.patient_id AS id, '{}'::jsonb AS document
FROM owner o
UNION ALL
SELECT r.type, r.patient_id, r.id, r.document
FROM owner o
JOIN clinical_record r ON r.tenant_id = :tenant_id AND r.patient_id = o.patient_id
WHERE r.tenant_id = :tenant_id AND r.type = ANY (:types::text[]) AND r.state = 'ACTIVE'
  AND (:record_id::uuid IS NULL OR r.id <> :record_id::uuid)
UNION ALL
SELECT 'RULE', NULL, x.id,
       x.document || jsonb_build_object('builtin_key', x.builtin_key, 'first', x.first_term,
                                        'second', x.second_term, 'severity', x.severity)
FROM interaction_rule x
WHERE x.tenant_id = :tenant_id AND x.active AND 'PRESCRIPTION' = ANY (:types::text[])
UNION ALL
SELECT 'CODE', NULL, c.id,
       jsonb_build_object('system', c.system, 'code', c.code, 'display', c.document ->> 'display')
FROM unnest(:systems::text[], :codes::text[]) AS asked (system, code)
JOIN code_entry c ON c.tenant_id = :tenant_id AND c.system = asked.system AND c.code = asked.code
WHERE c.tenant_id = :tenant_id

-- Which of the systems the hospital has lists of, and what stands in those of the codes.
-- name: listed_codes
SELECT asked.system, asked.code, c.active, c.document ->> 'display' AS display,
       EXISTS (SELECT FROM code_entry any_one WHERE any_one.tenant_id = :tenant_id
               AND any_one.system = asked.system) AS is_listed
FROM unnest(:systems::text[], :codes::text[]) AS asked (system, code)
LEFT JOIN code_entry c ON c.tenant_id = :tenant_id AND c.system = asked.system AND c.code = asked.code
WHERE :tenant_id::uuid IS NOT NULL

-- The hospital's own codes by words: about 10 ms to look through a list of 10^4.
-- name: search_codes
SELECT c.code, c.document ->> 'display' AS display
FROM code_entry c
WHERE c.tenant_id = :tenant_id AND c.system = :system AND c.active
  AND (' ' || c.words_key LIKE ALL (:patterns::text[]) OR starts_with(c.code, :prefix))
ORDER BY c.code
LIMIT :limit::integer
