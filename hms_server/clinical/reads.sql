-- Whole records in one statement each. Every part is a row of one shape, and `section` says which part.

-- name: get_encounter
-- audited: patient_id
WITH shown AS (
  SELECT e.* FROM encounter e
  JOIN patient p ON p.tenant_id = :tenant_id AND p.id = e.patient_id
  WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
)
SELECT section, id, type, version, patient_id, encounter_id, practitioner_id, department_id, organization_id,
       location_id, document, extra,
       (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM clinical_time) * 1000000)::bigint AS clinical_micros
FROM (
  SELECT 'ENCOUNTER', s.id, 'ENCOUNTER', s.version, s.patient_id, NULL::uuid, s.practitioner_id, s.department_id,
         s.organization_id, s.location_id, s.document, NULL::jsonb, s.create_time, s.update_time, s.clinical_time
  FROM shown s
  UNION ALL
  SELECT 'PATIENT', p.id, 'PATIENT', p.version, p.id, NULL, NULL, NULL, NULL, NULL, p.document,
         jsonb_build_object('uhid', p.uhid, 'merged_into', p.merged_into, 'merged_uhids', p.merged_uhids,
                            'restricted', p.restricted,
                            'delete_micros', (extract(epoch FROM p.delete_time) * 1000000)::bigint),
         p.create_time, p.update_time, NULL
  FROM shown s JOIN patient p ON p.tenant_id = :tenant_id AND p.id = s.patient_id
  UNION ALL
  SELECT 'PRACTITIONER', d.id, 'PRACTITIONER', d.version, NULL, NULL, NULL, NULL, NULL, NULL, d.document, NULL, d.create_time,
         d.update_time, NULL
  FROM shown s JOIN practitioner d ON d.tenant_id = :tenant_id AND d.id = s.practitioner_id
  UNION ALL
  SELECT 'DEPARTMENT', d.id, 'DEPARTMENT', d.version, NULL, NULL, NULL, NULL, NULL, NULL, d.document, NULL, d.create_time,
         d.update_time, NULL
  FROM shown s JOIN department d ON d.tenant_id = :tenant_id AND d.id = s.department_id
  UNION ALL
  SELECT 'ORGANIZATION', d.id, 'ORGANIZATION', d.version, NULL, NULL, NULL, NULL, NULL, NULL, d.document, NULL, d.create_time,
         d.update_time, NULL
  FROM shown s JOIN organization d ON d.tenant_id = :tenant_id AND d.id = s.organization_id
  UNION ALL
  SELECT 'LOCATION', d.id, 'LOCATION', d.version, NULL, NULL, NULL, NULL, NULL, NULL, d.document, NULL, d.create_time,
         d.update_time, NULL
  FROM shown s JOIN location d ON d.tenant_id = :tenant_id AND d.id = s.location_id
  UNION ALL
  SELECT 'APPOINTMENT', a.id, 'APPOINTMENT', a.version, a.patient_id, NULL, a.practitioner_id, a.department_id, NULL,
         a.location_id, NULL, to_jsonb(a), a.create_time, a.update_time, a.start_time
  FROM shown s JOIN appointment a ON a.tenant_id = :tenant_id AND a.id = s.appointment_id
  UNION ALL
  SELECT 'QUEUE_TOKEN', q.id, 'QUEUE_TOKEN', q.version, q.patient_id, NULL, q.practitioner_id, q.department_id, NULL,
         NULL, NULL, to_jsonb(q), q.create_time, q.update_time, q.issue_time
  FROM shown s JOIN queue_token q ON q.tenant_id = :tenant_id AND q.id = s.queue_token_id
  UNION ALL
  SELECT 'RECORD', found.*
  FROM shown s
  CROSS JOIN unnest(:types::text[]) AS wanted (type)
  CROSS JOIN LATERAL (
    SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid,
           r.organization_id, NULL::uuid, r.document, NULL::jsonb, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.encounter_id = s.id AND r.type = wanted.type
      AND r.state <> 'ENTERED_IN_ERROR'
    ORDER BY r.clinical_time, r.id
    LIMIT :limit::integer
  ) found
) AS every (section, id, type, version, patient_id, encounter_id, practitioner_id, department_id,
  organization_id, location_id, document, extra, create_time, update_time, clinical_time)

-- Of problems, allergies and medication those that count now; of vital signs and results the last of each code,
-- found by one index probe a code. (SELECT id FROM shown), not a join with it: only of a single value is it known
-- that the index gives its rows in order, so that LIMIT ends the reading.
-- name: get_summary
-- audited: patient_id
WITH RECURSIVE shown AS (
  SELECT p.* FROM patient p
  WHERE p.tenant_id = :tenant_id AND p.id = (
    SELECT coalesce(q.merged_into, q.id) FROM patient q
    WHERE q.tenant_id = :tenant_id AND q.id = :patient_id::uuid)
), codes (category, code) AS (
  SELECT wanted.category, (
    SELECT r.code FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'OBSERVATION' AND r.category = wanted.category
    ORDER BY r.code LIMIT 1)
  FROM (VALUES ('vital-signs'), ('laboratory')) AS wanted (category)
  UNION ALL
  SELECT c.category, (
    SELECT r.code FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'OBSERVATION' AND r.category = c.category AND r.code > c.code
    ORDER BY r.code LIMIT 1)
  FROM codes c WHERE c.code IS NOT NULL
), last_of_each AS (
  SELECT last.*, c.category
  FROM codes c
  CROSS JOIN LATERAL (
    SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid AS department_id,
           r.organization_id, NULL::uuid AS location_id, r.document, NULL::jsonb AS extra, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'OBSERVATION' AND r.category = c.category AND r.code = c.code
      AND r.state <> 'ENTERED_IN_ERROR' AND r.state <> 'CANCELLED'
    ORDER BY r.clinical_time DESC, r.id DESC LIMIT 1
  ) last
  WHERE c.code IS NOT NULL
)
SELECT section, id, type, version, patient_id, encounter_id, practitioner_id, department_id, organization_id,
       location_id, document, extra,
       (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM clinical_time) * 1000000)::bigint AS clinical_micros
FROM (
  SELECT 'PATIENT', p.id, 'PATIENT', p.version, p.id, NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, p.document,
         jsonb_build_object('uhid', p.uhid, 'merged_into', p.merged_into, 'merged_uhids', p.merged_uhids,
                            'restricted', p.restricted,
                            'delete_micros', (extract(epoch FROM p.delete_time) * 1000000)::bigint),
         p.create_time, p.update_time, NULL::timestamptz
  FROM shown p
  UNION ALL (
    SELECT 'PROBLEM', r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid,
           r.organization_id, NULL::uuid, r.document, NULL::jsonb, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'CONDITION' AND r.state IN ('ACTIVE', 'RECURRENCE', 'RELAPSE')
    ORDER BY r.clinical_time DESC, r.id DESC LIMIT 100
  )
  UNION ALL (
    SELECT 'ALLERGY', r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid,
           r.organization_id, NULL::uuid, r.document, NULL::jsonb, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'ALLERGY' AND r.state = 'ACTIVE'
    ORDER BY r.clinical_time DESC, r.id DESC LIMIT 100
  )
  UNION ALL (
    SELECT 'PRESCRIPTION', r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid,
           r.organization_id, NULL::uuid, r.document, NULL::jsonb, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'PRESCRIPTION' AND r.state IN ('ACTIVE', 'ON_HOLD')
    ORDER BY r.clinical_time DESC, r.id DESC LIMIT 100
  )
  UNION ALL (
    SELECT 'IMMUNIZATION', r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid,
           r.organization_id, NULL::uuid, r.document, NULL::jsonb, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT id FROM shown)
      AND r.type = 'IMMUNIZATION' AND r.state = 'COMPLETED'
    ORDER BY r.clinical_time DESC, r.id DESC LIMIT 20
  )
  UNION ALL (
    SELECT 'VITAL_SIGN', o.id, o.type, o.version, o.patient_id, o.encounter_id, o.practitioner_id, o.department_id,
           o.organization_id, o.location_id, o.document, o.extra, o.create_time, o.update_time, o.clinical_time
    FROM last_of_each o WHERE o.category = 'vital-signs'
    ORDER BY o.clinical_time DESC, o.id DESC LIMIT 50
  )
  UNION ALL (
    SELECT 'RESULT', o.id, o.type, o.version, o.patient_id, o.encounter_id, o.practitioner_id, o.department_id,
           o.organization_id, o.location_id, o.document, o.extra, o.create_time, o.update_time, o.clinical_time
    FROM last_of_each o WHERE o.category = 'laboratory'
    ORDER BY o.clinical_time DESC, o.id DESC LIMIT 50
  )
  UNION ALL (
    SELECT 'ENCOUNTER', e.id, 'ENCOUNTER', e.version, e.patient_id, NULL, e.practitioner_id, e.department_id,
           e.organization_id, e.location_id, e.document, NULL, e.create_time, e.update_time, e.clinical_time
    FROM encounter e
    WHERE e.tenant_id = :tenant_id AND e.patient_id = (SELECT id FROM shown)
      AND e.state <> 'ENTERED_IN_ERROR'
    ORDER BY e.clinical_time DESC, e.id DESC LIMIT 10
  )
  UNION ALL (
    SELECT 'APPOINTMENT', a.id, 'APPOINTMENT', a.version, a.patient_id, NULL, a.practitioner_id, a.department_id, NULL,
           a.location_id, NULL, to_jsonb(a), a.create_time, a.update_time, a.start_time
    FROM appointment a
    WHERE a.tenant_id = :tenant_id AND a.patient_id = (SELECT id FROM shown) AND a.start_time >= now()
      AND a.state IN ('BOOKED', 'CONFIRMED')
    ORDER BY a.start_time, a.id LIMIT 5
  )
) AS every (section, id, type, version, patient_id, encounter_id, practitioner_id, department_id,
  organization_id, location_id, document, extra, create_time, update_time, clinical_time)
