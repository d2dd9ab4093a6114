-- SQL of duplicate candidates and pairs. Only keys are compared; WORD, the last of the kinds, tells nothing.

-- The record itself, then those that share a key with it. At most 20 of each key, as at registration.
-- name: list_candidates
SELECT p.id, p.uhid, p.document, 0 AS place
FROM patient p WHERE p.tenant_id = :tenant_id AND p.id = :id::uuid
UNION ALL
SELECT p.id, p.uhid, p.document, 1 AS place
FROM (
  SELECT DISTINCT near.patient_id
  FROM patient_key own
  CROSS JOIN LATERAL (
    SELECT k.patient_id FROM patient_key k
    WHERE k.tenant_id = :tenant_id AND k.kind = own.kind AND k.value = own.value AND k.patient_id <> own.patient_id
    LIMIT 20
  ) near
  WHERE own.tenant_id = :tenant_id AND own.patient_id = :id::uuid AND own.kind <> 'WORD'
) other
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = other.patient_id AND p.delete_time IS NULL
ORDER BY place

-- Pairs after (:kind, :value, :first, :second) in the order of the keys, each at the first key that it shares.
-- One row for each side; one row without a patient where there is no pair. Looks at :scan keys: `whole` tells
-- whether the registry ended there; if it did not, the key at the border may go on beyond it and is left to
-- the next call. A key that more than :most records share points to nobody. Of :looks pairs it is asked whether
-- they were shown at an earlier key; the last of them is told where there were so many.
-- name: list_pairs
-- audited: id
WITH scanned AS MATERIALIZED (
  SELECT kind, value, patient_id FROM patient_key
  WHERE tenant_id = :tenant_id AND (kind, value) >= (:kind, :value) AND kind < 'WORD'
  ORDER BY kind, value, patient_id LIMIT :scan::integer
), scan AS MATERIALIZED (
  SELECT (SELECT count(*) FROM scanned) < :scan::integer AS whole, last.kind AS border_kind,
         last.value AS border_value
  FROM (SELECT 1) one
  LEFT JOIN (SELECT kind, value FROM scanned ORDER BY kind DESC, value DESC LIMIT 1) last ON true
), shared AS MATERIALIZED (
  SELECT s.kind, s.value, array_agg(s.patient_id) AS ids
  FROM scanned s, scan
  WHERE scan.whole OR (s.kind, s.value) < (scan.border_kind, scan.border_value)
  GROUP BY s.kind, s.value HAVING count(*) BETWEEN 2 AND :most::integer
), looked AS MATERIALIZED (
  SELECT s.kind, s.value, a.id AS first_id, b.id AS second_id,
         row_number() OVER (ORDER BY s.kind, s.value, a.id, b.id) AS place
  FROM shared s, unnest(s.ids) AS a (id), unnest(s.ids) AS b (id)
  WHERE a.id < b.id AND (s.kind, s.value, a.id, b.id) > (:kind, :value, :first::uuid, :second::uuid)
  ORDER BY 1, 2, 3, 4 LIMIT :looks::integer
), pairs AS MATERIALIZED (
  SELECT l.kind, l.value, l.first_id, l.second_id
  FROM looked l
  WHERE NOT EXISTS (
    SELECT FROM patient_key x
    JOIN patient_key y ON y.tenant_id = :tenant_id AND y.kind = x.kind AND y.value = x.value
      AND y.patient_id = l.second_id
    WHERE x.tenant_id = :tenant_id AND x.patient_id = l.first_id AND (x.kind, x.value) < (l.kind, l.value)
      AND (SELECT count(*) FROM (
             SELECT FROM patient_key z WHERE z.tenant_id = :tenant_id AND z.kind = x.kind AND z.value = x.value
             LIMIT :most::integer + 1) counted) <= :most::integer)
    -- Restricted patients make pairs for those alone who see both sides.
    AND (SELECT count(*) FROM patient v WHERE v.tenant_id = :tenant_id AND v.id IN (l.first_id, l.second_id)) = 2
  ORDER BY 1, 2, 3, 4 LIMIT :limit::integer
)
SELECT scan.whole, scan.border_kind, scan.border_value, last.kind AS last_kind, last.value AS last_value,
       last.first_id AS last_first, last.second_id AS last_second, pairs.kind, pairs.value, pairs.first_id,
       pairs.second_id, p.id, p.uhid, p.document
FROM scan
LEFT JOIN looked last ON last.place = :looks::integer
LEFT JOIN (pairs JOIN patient p ON p.tenant_id = :tenant_id AND p.id IN (pairs.first_id, pairs.second_id)) ON true
ORDER BY pairs.kind, pairs.value, pairs.first_id, pairs.second_id, p.id
