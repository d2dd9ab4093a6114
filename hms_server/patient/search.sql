-- SQL of searches. The functions of migrations/0004_patient_search.sql find; here it is ranked.

-- Whoever has the query as one word (a UHID typed with blanks) comes first, then whoever has most
-- words whole, then whoever has least beside them. Only who is shown is audited.
-- name: search
-- audited: id
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time,
       p.merged_into, p.merged_uhids, p.restricted, count(*) OVER () AS matches
FROM search_patient_ids(
  :words::text[], :phone::text, :identifier_from::text, :identifier_before::text,
  :birth_from::text, :birth_before::text, :size::integer) AS found (id)
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = found.id
WHERE p.delete_time IS NULL
ORDER BY p.search_text LIKE '% ' || :whole::text || ' %' DESC,
         (SELECT count(*) FROM unnest(:words::text[]) AS asked (word)
          WHERE p.search_text LIKE '% ' || asked.word || ' %') DESC,
         length(p.name_key), p.name_key, p.id
LIMIT :size::integer

-- The UHID of a record that was merged leads to the one that stands. By CASE, since coalesce() keeps a
-- condition from the index under row-level security.
-- name: search_by_uhid
-- audited: id
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time,
       p.merged_into, p.merged_uhids, p.restricted, 1 AS matches
FROM patient known
JOIN patient p ON p.tenant_id = :tenant_id
  AND p.id = CASE WHEN known.merged_into IS NULL THEN known.id ELSE known.merged_into END
WHERE known.tenant_id = :tenant_id AND known.uhid = :uhid AND p.delete_time IS NULL
  AND p.search_text LIKE ALL (:patterns::text[])
  AND (:birth_from::text = '' OR (p.birth_date >= :birth_from::text AND p.birth_date < :birth_before::text))
  AND (:identifier_from::text = '' OR EXISTS (
    SELECT FROM patient_key k
    WHERE k.tenant_id = :tenant_id AND k.patient_id = p.id AND k.kind = 'IDENTIFIER'
      AND k.value >= :identifier_from::text AND k.value < :identifier_before::text))
