-- What fills a hospital with clinical records (charts.py). An id is a UUIDv7 of the row's time that a name decides
-- about; the documents are what the server makes of such records.

-- name: id_function
CREATE FUNCTION pg_temp.id_of(moment timestamptz, name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
          || '7' || substr(md5(name), 1, 3) || '8' || substr(md5(name), 4, 15))::uuid
$$

-- name: concept_function
CREATE FUNCTION pg_temp.concept(system text, code text, display text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('codings', jsonb_build_array(
    jsonb_build_object('system', system, 'code', code, 'display', display)), 'text', display)
$$

-- name: quantity_function
CREATE FUNCTION pg_temp.quantity(value bigint, unit text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('value', value, 'unit', unit, 'system', 'http://unitsofmeasure.org', 'code', unit)
$$

-- Who comes when: a row for each encounter, in the order of time. `k` counts those of one patient.
-- name: visits
CREATE UNLOGGED TABLE bench_visit AS
SELECT row_number() OVER (ORDER BY at, patient_id) AS n, v.*,
       to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS said
FROM (
  SELECT p.id AS patient_id, p.heavy, k, p.visits,
         date_trunc('second', timestamptz '2019-01-01 00:00Z' + interval '2000 days'
           * ((k - 1 + mod(p.place * 7919 + k * 104729, 1000) / 1000.0) / p.visits)) AS at,
         (:practitioners::uuid[])[1 + mod(p.place + k / 5, {practitioner})] AS practitioner_id,
         (:departments::uuid[])[1 + mod(p.place, {department})] AS department_id,
         (:organizations::uuid[])[1 + mod(p.place, {organization})] AS organization_id,
         (:locations::uuid[])[1 + mod(p.place, {location})] AS location_id
  FROM (
    SELECT *, least(wanted, :encounters::integer - before)::integer AS visits
    FROM (
      SELECT *, sum(wanted) OVER (ORDER BY place) - wanted AS before
      FROM (
        SELECT id, place, place <= :heavies::integer AS heavy,
               CASE WHEN place <= :heavies::integer THEN :heavy_visits::integer ELSE 20 + mod(place * 37, 81) END AS wanted
        FROM (SELECT id, row_number() OVER (ORDER BY id)::integer AS place FROM patient
              WHERE tenant_id = :tenant::uuid) numbered
      ) wishes
    ) sums
    WHERE before < :encounters::integer
  ) p
  CROSS JOIN LATERAL generate_series(1, p.visits) k
) v

-- name: encounters
INSERT INTO encounter (tenant_id, id, patient_id, practitioner_id, department_id, organization_id, location_id,
  state, encounter_class, clinical_time, document, actor_id, create_time, update_time)
SELECT :tenant::uuid, pg_temp.id_of(at, 'encounter ' || n), patient_id, practitioner_id, department_id, organization_id,
  location_id, 'COMPLETED', CASE WHEN mod(n, 20) = 0 THEN 'IMP' ELSE 'AMB' END, at,
  jsonb_build_object(
    'state', 'COMPLETED', 'encounter_class', CASE WHEN mod(n, 20) = 0 THEN 'IMP' ELSE 'AMB' END,
    'start_time', said, 'end_time', said,
    'types', jsonb_build_array(jsonb_build_object('codings', jsonb_build_array(jsonb_build_object(
      'system', 'http://snomed.info/sct', 'code', '162673000', 'display', 'General examination of patient')))),
    'participants', jsonb_build_array(jsonb_build_object('practitioner_id', practitioner_id, 'type', 'PPRF'))),
  :actor::uuid, at, at
FROM bench_visit WHERE n > :after::bigint AND n <= :upto::bigint ORDER BY n

-- Heavy patients have five vital signs and five results each time, the others one of each.
-- name: records
INSERT INTO clinical_record (tenant_id, id, type, patient_id, encounter_id, practitioner_id, state, code, category,
  clinical_time, document, actor_id, create_time, update_time)
SELECT :tenant::uuid, pg_temp.id_of(at, r.type || ' ' || n || ' ' || r.i || r.category), r.type, patient_id,
  pg_temp.id_of(at, 'encounter ' || n), practitioner_id, r.state, r.code, r.category, at, r.document, :actor::uuid,
  at, at
FROM (SELECT *, CASE WHEN heavy THEN 5 ELSE 1 END AS each FROM bench_visit WHERE n > :after::bigint AND n <= :upto::bigint) visit
CROSS JOIN LATERAL (
  SELECT 'OBSERVATION' AS type, i, 'FINAL' AS state, code, 'vital-signs' AS category,
    jsonb_build_object('state', 'FINAL', 'categories', jsonb_build_array('vital-signs'), 'effective_time', said,
                       'code', pg_temp.concept('http://loinc.org', code, display))
    || CASE WHEN unit <> '' THEN jsonb_build_object('quantity', pg_temp.quantity(30 + mod(n, 90), unit))
            ELSE jsonb_build_object('components', jsonb_build_array(
              jsonb_build_object('code', pg_temp.concept('http://loinc.org', '8480-6', 'Systolic blood pressure'),
                                 'quantity', pg_temp.quantity(100 + mod(n, 60), 'mm[Hg]')),
              jsonb_build_object('code', pg_temp.concept('http://loinc.org', '8462-4', 'Diastolic blood pressure'),
                                 'quantity', pg_temp.quantity(60 + mod(n, 40), 'mm[Hg]')))) END AS document
  FROM generate_series(1, each) i
  JOIN (VALUES
    (0, '85354-9', 'Blood pressure panel', ''), (1, '8867-4', 'Heart rate', '/min'),
    (2, '29463-7', 'Body weight', 'kg'), (3, '8302-2', 'Body height', 'cm'),
    (4, '8310-5', 'Body temperature', 'Cel'), (5, '9279-1', 'Respiratory rate', '/min'),
    (6, '59408-5', 'Oxygen saturation', '%'), (7, '39156-5', 'Body mass index', 'kg/m2')
  ) AS signs (sign, code, display, unit) ON sign = mod(k * each + i, 8)
  UNION ALL
  SELECT 'OBSERVATION', i, 'FINAL', test.code, 'laboratory',
    jsonb_build_object('state', 'FINAL', 'categories', jsonb_build_array('laboratory'), 'effective_time', said,
      'code', pg_temp.concept('http://loinc.org', test.code, 'Substance ' || test.code || ' [Mass/volume] in Blood'),
      'quantity', pg_temp.quantity(5 + mod(n, 200), 'mg/dL'), 'interpretations', jsonb_build_array('N'),
      'reference_ranges', jsonb_build_array(jsonb_build_object(
        'low', pg_temp.quantity(4, 'mg/dL'), 'high', pg_temp.quantity(210, 'mg/dL'), 'type', 'normal')))
  FROM generate_series(1, each) i
  CROSS JOIN LATERAL (SELECT (2000 + 37 * mod(k * each + i, 30)) || '-1' AS code) test
  UNION ALL
  SELECT 'CONDITION', 1, state, code, '',
    jsonb_build_object('clinical_state', state, 'verification_state', 'CONFIRMED', 'onset_time', said,
      'categories', jsonb_build_array('encounter-diagnosis'),
      'code', pg_temp.concept('http://hl7.org/fhir/sid/icd-10', code, 'Diagnosis ' || code))
    || CASE WHEN state = 'RESOLVED' THEN jsonb_build_object('abatement_time', said) ELSE '{}' END
  FROM (SELECT CASE WHEN mod(k, 12) = 0 THEN 'ACTIVE' ELSE 'RESOLVED' END AS state,
               'J' || lpad(mod(n, 99)::text, 2, '0') AS code) of_condition
  WHERE mod(k, 2) = 0
  UNION ALL
  SELECT 'PRESCRIPTION', 1, state, '308192', '',
    jsonb_build_object('state', state, 'intent', 'order', 'authored_time', said, 'items', jsonb_build_array(
      jsonb_build_object(
        'medication', pg_temp.concept('http://www.nlm.nih.gov/research/umls/rxnorm', '308192', 'Amoxicillin 500 MG'),
        'dose', pg_temp.quantity(1, '{tbl}'), 'frequency', 3, 'period', 1, 'period_unit', 'd',
        'duration', pg_temp.quantity(5, 'd'), 'instructions', jsonb_build_array('after food')),
      jsonb_build_object(
        'medication', pg_temp.concept('http://www.nlm.nih.gov/research/umls/rxnorm', '313782', 'Acetaminophen 325 MG'),
        'dose', pg_temp.quantity(2, '{tbl}'), 'as_needed', true)))
  FROM (SELECT CASE WHEN k > visits - 6 THEN 'ACTIVE' ELSE 'COMPLETED' END AS state) of_prescription
  WHERE mod(k, 2) = 1
) r
ORDER BY n
