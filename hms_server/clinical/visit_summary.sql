-- name: get_visit_summary
-- audited: patient_id
WITH shown AS (
  SELECT e.* FROM encounter e
  JOIN patient p ON p.tenant_id = :tenant_id AND p.id = e.patient_id
  WHERE e.tenant_id = :tenant_id AND e.id = :id::uuid
)
SELECT section, id, type, version, patient_id, encounter_id, practitioner_id, department_id, organization_id,
       location_id, state, document, extra,
       (extract(epoch FROM create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM update_time) * 1000000)::bigint AS update_micros,
       (extract(epoch FROM clinical_time) * 1000000)::bigint AS clinical_micros
FROM (
  SELECT 'ENCOUNTER', s.id, 'ENCOUNTER', s.version, s.patient_id, NULL::uuid, s.practitioner_id, s.department_id,
         s.organization_id, s.location_id, s.state, s.document,
         (SELECT jsonb_build_object('hospital_name', t.display_name, 'zone', (
            SELECT c.time_zone FROM tenant_setting c WHERE c.tenant_id = :tenant_id))
          FROM tenant t WHERE t.id = :tenant_id),
         s.create_time, s.update_time, s.clinical_time
  FROM shown s
  UNION ALL
  SELECT 'PATIENT', p.id, 'PATIENT', p.version, p.id, NULL, NULL, NULL, NULL, NULL, NULL, p.document,
         jsonb_build_object('uhid', p.uhid, 'merged_into', p.merged_into, 'merged_uhids', p.merged_uhids,
                            'restricted', p.restricted,
                            'delete_micros', (extract(epoch FROM p.delete_time) * 1000000)::bigint),
         p.create_time, p.update_time, NULL
  FROM shown s JOIN patient p ON p.tenant_id = :tenant_id AND p.id = s.patient_id
  UNION ALL
  SELECT 'PRACTITIONER', d.id, 'PRACTITIONER', d.version, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.document, NULL,
         d.create_time, d.update_time, NULL
  FROM shown s JOIN practitioner d ON d.tenant_id = :tenant_id AND d.id = s.practitioner_id
  UNION ALL
  SELECT 'DEPARTMENT', d.id, 'DEPARTMENT', d.version, NULL, NULL, NULL, NULL, NULL, NULL, NULL, d.document, NULL,
         d.create_time, d.update_time, NULL
  FROM shown s JOIN department d ON d.tenant_id = :tenant_id AND d.id = s.department_id
  UNION ALL
  SELECT 'RECORD', found.*
  FROM shown s
  CROSS JOIN unnest(:types::text[]) AS wanted (type)
  CROSS JOIN LATERAL (
    SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid, r.organization_id,
           NULL::uuid, r.state, r.document, NULL::jsonb, r.create_time, r.update_time, r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.encounter_id = s.id AND r.type = wanted.type
      AND r.state <> 'ENTERED_IN_ERROR'
    ORDER BY r.clinical_time, r.id
    LIMIT :limit::integer
  ) found
  UNION ALL (
    SELECT 'ALLERGY', r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, NULL::uuid,
           r.organization_id, NULL::uuid, r.state, r.document, NULL::jsonb, r.create_time, r.update_time,
           r.clinical_time
    FROM clinical_record r
    WHERE r.tenant_id = :tenant_id AND r.patient_id = (SELECT patient_id FROM shown)
      AND r.type = 'ALLERGY' AND r.state = 'ACTIVE'
    ORDER BY r.clinical_time, r.id LIMIT 100
  )
  UNION ALL
  SELECT 'FOLLOW_UP', a.id, 'APPOINTMENT', a.version, a.patient_id, NULL, a.practitioner_id, a.department_id, NULL,
         a.location_id, a.state, NULL,
         to_jsonb(a) || jsonb_build_object('practitioner', (
           SELECT d.document FROM practitioner d WHERE d.tenant_id = :tenant_id AND d.id = a.practitioner_id)),
         a.create_time, a.update_time, a.start_time
  FROM shown s
  CROSS JOIN LATERAL (
    SELECT a.* FROM appointment a
    WHERE a.tenant_id = :tenant_id AND a.previous_appointment_id = s.appointment_id
      AND a.patient_id = s.patient_id AND a.start_time IS NOT NULL
      AND a.state IN ('BOOKED', 'CONFIRMED', 'ARRIVED', 'CHECKED_IN', 'FULFILLED')
    ORDER BY a.start_time, a.id LIMIT 20
  ) a
) AS every (section, id, type, version, patient_id, encounter_id, practitioner_id, department_id,
  organization_id, location_id, state, document, extra, create_time, update_time, clinical_time)
