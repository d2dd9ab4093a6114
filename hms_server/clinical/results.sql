-- An order with all that its results hang on, locked in this order: patient, order, report, observations. Each is a
-- statement of its own, so that it sees what the lock before it waited for.

-- name: lock_patient_of_order
SELECT p.id, p.delete_time IS NOT NULL AS deleted, p.merged_into,
       p.document ->> 'gender' AS gender, p.document ->> 'birth_date' AS birth_date
FROM patient p
WHERE p.tenant_id = :tenant_id
  AND p.id = (SELECT o.patient_id FROM clinical_record o
              WHERE o.tenant_id = :tenant_id AND o.id = :id::uuid AND o.type = 'ORDER')
FOR KEY SHARE

-- name: lock_report_of_order
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros
FROM clinical_record r
WHERE r.tenant_id = :tenant_id AND r.type = 'DIAGNOSTIC_REPORT' AND r.state <> 'ENTERED_IN_ERROR'
  AND r.id = (SELECT nullif(o.document ->> 'report_id', '')::uuid FROM clinical_record o
              WHERE o.tenant_id = :tenant_id AND o.id = :id::uuid AND o.type = 'ORDER')
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = r.patient_id)
FOR UPDATE

-- name: lock_results_of_order
SELECT r.id, r.type, r.version, r.patient_id, r.encounter_id, r.practitioner_id, r.organization_id, r.document,
       (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_micros,
       (extract(epoch FROM r.update_time) * 1000000)::bigint AS update_micros
FROM clinical_record r
WHERE r.tenant_id = :tenant_id AND r.type = 'OBSERVATION' AND r.state <> 'ENTERED_IN_ERROR'
  AND r.id = ANY (ARRAY(
    SELECT jsonb_array_elements_text(coalesce(report.document -> 'result_ids', '[]'))::uuid
    FROM clinical_record report
    WHERE report.tenant_id = :tenant_id AND report.type = 'DIAGNOSTIC_REPORT'
      AND report.id = (SELECT nullif(o.document ->> 'report_id', '')::uuid FROM clinical_record o
                       WHERE o.tenant_id = :tenant_id AND o.id = :id::uuid AND o.type = 'ORDER')))
  AND (SELECT true FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = r.patient_id)
ORDER BY r.id
FOR UPDATE

-- name: department_of_order
SELECT e.department_id
FROM clinical_record o
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = o.patient_id
JOIN encounter e ON e.tenant_id = :tenant_id AND e.id = o.encounter_id
WHERE o.tenant_id = :tenant_id AND o.id = :id::uuid AND o.type = 'ORDER'
