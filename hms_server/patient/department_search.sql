-- The search of callers who are limited to departments: why it has a statement of its own is said in
-- department_lists.sql.

-- As the search of the whole hospital: words that begin a word of the patient's and, where nobody has them, words
-- that are part of one; in the same order.
-- name: search_of_departments
-- audited: id
WITH known AS (
  SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, p.merged_into,
         p.merged_uhids, p.restricted, p.search_text, p.name_key
  FROM patients_of_departments() AS those (id)
  JOIN patient p ON p.tenant_id = :tenant_id AND p.id = those.id
  WHERE p.delete_time IS NULL AND p.search_text LIKE ALL (:parts::text[])
    AND (:birth_from::text = '' OR (p.birth_date >= :birth_from::text AND p.birth_date < :birth_before::text))
    AND (:identifier_from::text = '' OR EXISTS (
      SELECT FROM patient_key k
      WHERE k.tenant_id = :tenant_id AND k.patient_id = p.id AND k.kind = 'IDENTIFIER'
        AND k.value >= :identifier_from::text AND k.value < :identifier_before::text))
)
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, p.merged_into,
       p.merged_uhids, p.restricted, count(*) OVER () AS matches
FROM known p
WHERE p.search_text LIKE ALL (:patterns::text[])
   OR NOT EXISTS (SELECT FROM known q WHERE q.search_text LIKE ALL (:patterns::text[]))
ORDER BY p.search_text LIKE '% ' || :whole::text || ' %' DESC,
         (SELECT count(*) FROM unnest(:words::text[]) AS asked (word)
          WHERE p.search_text LIKE '% ' || asked.word || ' %') DESC,
         length(p.name_key), p.name_key, p.id
LIMIT :size::integer
