-- A tree of departments, each directly followed by what is below it. One more level and row than shown are read,
-- to see whether there are any.

-- name: tree
WITH RECURSIVE tree AS (
  SELECT d.id, 0 AS depth, ARRAY[d.name_key, d.id::text] AS place
  FROM department d
  WHERE d.tenant_id = :tenant_id AND d.delete_time IS NULL
    AND (:show_inactive::boolean OR d.active OR d.id = :root_id::uuid)
    AND CASE WHEN :root_id::uuid IS NULL THEN d.parent_id IS NULL ELSE d.id = :root_id::uuid END
  UNION ALL
  SELECT d.id, t.depth + 1, t.place || ARRAY[d.name_key, d.id::text]
  FROM tree t
  JOIN department d ON d.tenant_id = :tenant_id AND d.parent_id = t.id
  WHERE t.depth < :depth::integer AND d.delete_time IS NULL AND (:show_inactive::boolean OR d.active)
)
SELECT d.id, d.version, d.document, d.create_time, d.update_time, d.delete_time, t.depth
FROM tree t JOIN department d ON d.tenant_id = :tenant_id AND d.id = t.id
ORDER BY t.place LIMIT :limit::integer
