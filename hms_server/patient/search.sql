-- name: search
-- audited: id
-- The function knows no rank; what is found is few, and is ranked here: whole words first.
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time,
       count(*) OVER () AS matches
FROM (
  SELECT DISTINCT s.id FROM search_patient_ids(
    :words::text[], :phone::text, :identifier_from::text, :identifier_before::text,
    :birth_from::text, :birth_before::text, :wanted::integer) AS s (id)
) found
JOIN patient p ON p.tenant_id = :tenant_id AND p.id = found.id
WHERE p.delete_time IS NULL
ORDER BY (SELECT count(*) FROM unnest(:words::text[]) AS w (word)
          WHERE p.search_text LIKE '% ' || w.word || ' %') DESC, p.name_key, p.id
LIMIT :limit::integer

-- name: search_by_uhid
-- audited: id
SELECT p.id, p.version, p.uhid, p.document, p.create_time, p.update_time, p.delete_time, 1 AS matches
FROM patient p
WHERE p.tenant_id = :tenant_id AND p.uhid = :uhid AND p.delete_time IS NULL
  AND p.search_text LIKE ALL (:patterns::text[])
  AND (:birth_from::text = '' OR (p.birth_date >= :birth_from::text AND p.birth_date < :birth_before::text))
  AND (:identifier_from::text = '' OR EXISTS (
    SELECT 1 FROM patient_key k WHERE k.tenant_id = :tenant_id AND k.kind = 'IDENTIFIER'
      AND k.value >= :identifier_from::text AND k.value < :identifier_before::text AND k.patient_id = p.id))
