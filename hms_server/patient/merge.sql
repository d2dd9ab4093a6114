-- SQL of merges. The functions of migrations/0008_patient_merge.sql move the rows.

-- name: preview_patients
-- audited: id
-- Both or none.
SELECT p.id, p.version, p.document, p.delete_time, p.merged_into, p.restricted
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id = ANY (:ids::uuid[])
  AND (SELECT count(*) FROM patient q WHERE q.tenant_id = :tenant_id AND q.id = ANY (:ids::uuid[])) = 2

-- name: count_rows
SELECT entity_type, sum(row_count)::bigint AS row_count
FROM count_patient_rows(:tenant_id::uuid, :id::uuid) GROUP BY entity_type ORDER BY entity_type

-- The two and those that were merged into them, in the order of their ids as everybody locks them.
-- name: lock_patients
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, p.merged_into,
       p.merged_uhids, p.restricted
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id IN (
  SELECT asked.id FROM unnest(:ids::uuid[]) AS asked (id)
  UNION
  SELECT m.id FROM patient m WHERE m.tenant_id = :tenant_id AND m.merged_into = ANY (:ids::uuid[]))
ORDER BY p.id FOR UPDATE

-- name: lock_patients_of_merge
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, p.merged_into,
       p.merged_uhids, p.restricted
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.id IN (
  SELECT pair.id FROM patient_merge d, unnest(ARRAY[d.survivor_id, d.merged_id]) AS pair (id)
  WHERE d.tenant_id = :tenant_id AND d.id = :id::uuid
  UNION
  SELECT m.id FROM patient_merge d
  JOIN patient m ON m.tenant_id = :tenant_id AND m.merged_into = d.survivor_id
  WHERE d.tenant_id = :tenant_id AND d.id = :id::uuid)
ORDER BY p.id FOR UPDATE

-- Read after the patients are locked: nobody else changes it then. Whoever does not see both of them does not
-- see their merge.
-- name: read_merge
SELECT m.id, m.survivor_id, m.merged_id, m.actor_id, m.reason, m.decisions, m.survivor_version,
       m.merged_version, m.moved, m.merge_time, m.unmerge_time, m.unmerge_actor_id, m.unmerge_reason,
       m.unmerge_result,
       (SELECT later.id FROM patient_merge later WHERE later.tenant_id = :tenant_id
          AND later.merged_id = m.survivor_id AND later.unmerge_time IS NULL) AS later_id
FROM patient_merge m
JOIN patient s ON s.tenant_id = :tenant_id AND s.id = m.survivor_id
JOIN patient g ON g.tenant_id = :tenant_id AND g.id = m.merged_id
WHERE m.tenant_id = :tenant_id AND m.id = :id::uuid

-- What the survivor was before the merge and after it.
-- name: merge_documents
SELECT either.version, either.document
FROM patient_merge m
CROSS JOIN LATERAL (
  SELECT p.version, p.document FROM patient p
  WHERE p.tenant_id = :tenant_id AND p.id = m.survivor_id
    AND p.version IN (m.survivor_version, m.survivor_version + 1)
  UNION ALL
  SELECT v.version, v.document FROM patient p
  JOIN patient_version v ON v.tenant_id = :tenant_id AND v.id = p.id
  WHERE p.tenant_id = :tenant_id AND p.id = m.survivor_id AND v.tenant_id = :tenant_id AND v.id = m.survivor_id
    AND v.version IN (m.survivor_version, m.survivor_version + 1)
) either
WHERE m.tenant_id = :tenant_id AND m.id = :id::uuid
ORDER BY either.version

-- name: insert_merge
INSERT INTO patient_merge (tenant_id, id, survivor_id, merged_id, actor_id, reason, decisions, survivor_version,
                           merged_version)
VALUES (:tenant_id, :id::uuid, :survivor_id::uuid, :merged_id::uuid, :actor_id::uuid, :reason, :decisions::jsonb,
        :survivor_version::bigint, :merged_version::bigint)

-- name: move_rows
SELECT entity_type, ids
FROM move_patient_rows(:tenant_id::uuid, :id::uuid, :merged_id::uuid, :survivor_id::uuid)

-- name: note_moved
UPDATE patient_merge SET moved = :moved::jsonb WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, survivor_id, merged_id, actor_id, reason, decisions, moved, merge_time, unmerge_time,
          unmerge_actor_id, unmerge_reason

-- name: return_rows
SELECT outcome, entity_type, ids FROM return_patient_rows(:tenant_id::uuid, :id::uuid)

-- name: note_unmerged
UPDATE patient_merge SET
  unmerge_time = clock_timestamp(), unmerge_actor_id = :actor_id::uuid, unmerge_reason = :reason,
  unmerge_result = :result::jsonb
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, survivor_id, merged_id, actor_id, reason, decisions, moved, merge_time, unmerge_time,
          unmerge_actor_id, unmerge_reason, unmerge_result

-- Each merge comes once for each of its two patients, so that both are audited.

-- name: get_merge
-- audited: patient_id
SELECT m.id, m.survivor_id, m.merged_id, m.actor_id, m.reason, m.decisions, m.moved, m.merge_time,
       m.unmerge_time, m.unmerge_actor_id, m.unmerge_reason, shown.patient_id
FROM patient_merge m
JOIN patient s ON s.tenant_id = :tenant_id AND s.id = m.survivor_id
JOIN patient g ON g.tenant_id = :tenant_id AND g.id = m.merged_id
CROSS JOIN LATERAL unnest(ARRAY[m.survivor_id, m.merged_id]) AS shown (patient_id)
WHERE m.tenant_id = :tenant_id AND m.id = :id::uuid

-- One row without a merge where the patient has none.
-- name: list_merges_descending
-- audited: patient_id
SELECT m.id, m.survivor_id, m.merged_id, m.actor_id, m.reason, m.decisions, m.moved, m.merge_time,
       m.unmerge_time, m.unmerge_actor_id, m.unmerge_reason, shown.patient_id
FROM patient p
LEFT JOIN LATERAL (
  (SELECT * FROM patient_merge x WHERE x.tenant_id = :tenant_id AND x.survivor_id = p.id
     AND (x.merge_time, x.id) < (:key::timestamptz, :id::uuid)
     AND EXISTS (SELECT FROM patient o WHERE o.tenant_id = :tenant_id AND o.id = x.merged_id)
   ORDER BY merge_time DESC, id DESC LIMIT :limit::integer)
  UNION ALL
  (SELECT * FROM patient_merge x WHERE x.tenant_id = :tenant_id AND x.merged_id = p.id
     AND (x.merge_time, x.id) < (:key::timestamptz, :id::uuid)
     AND EXISTS (SELECT FROM patient o WHERE o.tenant_id = :tenant_id AND o.id = x.survivor_id)
   ORDER BY merge_time DESC, id DESC LIMIT :limit::integer)
  ORDER BY merge_time DESC, id DESC LIMIT :limit::integer
) m ON true
CROSS JOIN LATERAL unnest(CASE WHEN m.id IS NULL THEN ARRAY[p.id] ELSE ARRAY[m.survivor_id, m.merged_id] END)
  AS shown (patient_id)
WHERE p.tenant_id = :tenant_id AND p.id = :patient_id::uuid
ORDER BY m.merge_time DESC, m.id DESC

-- name: list_merges_ascending
-- audited: patient_id
SELECT m.id, m.survivor_id, m.merged_id, m.actor_id, m.reason, m.decisions, m.moved, m.merge_time,
       m.unmerge_time, m.unmerge_actor_id, m.unmerge_reason, shown.patient_id
FROM patient p
LEFT JOIN LATERAL (
  (SELECT * FROM patient_merge x WHERE x.tenant_id = :tenant_id AND x.survivor_id = p.id
     AND (x.merge_time, x.id) > (:key::timestamptz, :id::uuid)
     AND EXISTS (SELECT FROM patient o WHERE o.tenant_id = :tenant_id AND o.id = x.merged_id)
   ORDER BY merge_time, id LIMIT :limit::integer)
  UNION ALL
  (SELECT * FROM patient_merge x WHERE x.tenant_id = :tenant_id AND x.merged_id = p.id
     AND (x.merge_time, x.id) > (:key::timestamptz, :id::uuid)
     AND EXISTS (SELECT FROM patient o WHERE o.tenant_id = :tenant_id AND o.id = x.survivor_id)
   ORDER BY merge_time, id LIMIT :limit::integer)
  ORDER BY merge_time, id LIMIT :limit::integer
) m ON true
CROSS JOIN LATERAL unnest(CASE WHEN m.id IS NULL THEN ARRAY[p.id] ELSE ARRAY[m.survivor_id, m.merged_id] END)
  AS shown (patient_id)
WHERE p.tenant_id = :tenant_id AND p.id = :patient_id::uuid
ORDER BY m.merge_time, m.id
