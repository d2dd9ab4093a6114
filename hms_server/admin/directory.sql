-- Statements of the directory, the same for each of its tables: {table}.
--
-- Lists go along an index of their order; words of a name are looked for in the rows on the way. A
-- hospital has some 10^4 rows in a table at most (about 10 ms to look through all of them).

-- name: get
SELECT id, version, document, create_time, update_time, delete_time{columns}
FROM {table} WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: lock
-- Rows that point to this one may be written meanwhile (FOR UPDATE would hold them up).
SELECT id, version, document, create_time, update_time, delete_time{columns}
FROM {table} WHERE tenant_id = :tenant_id AND id = :id::uuid FOR NO KEY UPDATE

-- name: lock_each
SELECT id, version, document
FROM {table} WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[]) ORDER BY id FOR NO KEY UPDATE

-- name: existing
-- Locked until what points to them stands: deleting one waits for it, and what is deleted is not found.
SELECT id FROM {table} WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[]) AND delete_time IS NULL
FOR KEY SHARE

-- name: lock_to_delete
-- Whoever is about to point to the row waits here, or is waited for: the count that follows sees him.
SELECT id, version, document, create_time, update_time, delete_time{columns}
FROM {table} WHERE tenant_id = :tenant_id AND id = :id::uuid FOR UPDATE

-- name: get_each
SELECT id, version, document, create_time, update_time, delete_time{columns}
FROM {table} WHERE tenant_id = :tenant_id AND id = ANY (:ids::uuid[])

-- name: taken_codes
SELECT code FROM {table} WHERE tenant_id = :tenant_id AND code = ANY (:codes::text[]) AND code <> ''

-- name: list_ascending
SELECT id, version, document, create_time, update_time, delete_time{columns}, name_key
FROM {table}
WHERE tenant_id = :tenant_id AND (name_key, id) > (:key::text, :id::uuid)
  AND (:show_inactive::boolean OR active) AND (:show_deleted::boolean OR delete_time IS NULL){filter}
  AND ' ' || name_key LIKE ALL (:patterns::text[])
ORDER BY name_key, id LIMIT :limit::integer

-- name: list_descending
SELECT id, version, document, create_time, update_time, delete_time{columns}, name_key
FROM {table}
WHERE tenant_id = :tenant_id AND (name_key, id) < (:key::text, :id::uuid)
  AND (:show_inactive::boolean OR active) AND (:show_deleted::boolean OR delete_time IS NULL){filter}
  AND ' ' || name_key LIKE ALL (:patterns::text[])
ORDER BY name_key DESC, id DESC LIMIT :limit::integer

-- name: list_parts_ascending
SELECT id, version, document, create_time, update_time, delete_time{columns}, name_key
FROM {table}
WHERE tenant_id = :tenant_id AND parent_id = :parent_id::uuid AND (name_key, id) > (:key::text, :id::uuid)
  AND (:show_inactive::boolean OR active) AND (:show_deleted::boolean OR delete_time IS NULL){filter}
  AND ' ' || name_key LIKE ALL (:patterns::text[])
ORDER BY name_key, id LIMIT :limit::integer

-- name: list_parts_descending
SELECT id, version, document, create_time, update_time, delete_time{columns}, name_key
FROM {table}
WHERE tenant_id = :tenant_id AND parent_id = :parent_id::uuid AND (name_key, id) < (:key::text, :id::uuid)
  AND (:show_inactive::boolean OR active) AND (:show_deleted::boolean OR delete_time IS NULL){filter}
  AND ' ' || name_key LIKE ALL (:patterns::text[])
ORDER BY name_key DESC, id DESC LIMIT :limit::integer

-- name: list_by_code
-- One row at most.
SELECT id, version, document, create_time, update_time, delete_time{columns}, name_key
FROM {table}
WHERE tenant_id = :tenant_id AND code = :code AND code <> ''
  AND (:parent_id::uuid IS NULL OR parent_id = :parent_id::uuid)
  AND (:show_inactive::boolean OR active) AND (:show_deleted::boolean OR delete_time IS NULL){filter}
  AND ' ' || name_key LIKE ALL (:patterns::text[])

-- name: insert
INSERT INTO {table} (tenant_id, id, code, name_key, parent_id, active, document, actor_id)
VALUES (:tenant_id, :id::uuid, :code, :name_key, :parent_id::uuid, :active::boolean, :document::jsonb,
        :actor_id::uuid)
RETURNING id, version, document, create_time, update_time, delete_time{columns}

-- name: update
-- The version that stood is kept by the same statement that replaces it. The row is locked.
WITH kept AS (
  INSERT INTO {table}_version (tenant_id, id, version, document, actor_id, update_time)
  SELECT tenant_id, id, version, document, actor_id, update_time
  FROM {table} WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE {table} SET
  version = version + 1, code = :code, name_key = :name_key, parent_id = :parent_id::uuid,
  active = :active::boolean, document = :document::jsonb, actor_id = :actor_id::uuid,
  update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, document, create_time, update_time, delete_time{columns}

-- name: set_deletion
-- As `update`, of the time of deletion alone.
WITH kept AS (
  INSERT INTO {table}_version (tenant_id, id, version, document, actor_id, update_time)
  SELECT tenant_id, id, version, document, actor_id, update_time
  FROM {table} WHERE tenant_id = :tenant_id AND id = :id::uuid
)
UPDATE {table} SET
  version = version + 1, delete_time = CASE WHEN :deleted::boolean THEN clock_timestamp() END,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid
RETURNING id, version, document, create_time, update_time, delete_time{columns}

-- name: insert_batch
INSERT INTO {table} (tenant_id, id, code, name_key, parent_id, active, document, actor_id)
SELECT :tenant_id::uuid, id, code, name_key, parent_id, active, document, :actor_id::uuid
FROM jsonb_to_recordset(:rows::jsonb)
  AS given (id uuid, code text, name_key text, parent_id uuid, active boolean, document jsonb)
RETURNING id, version, document, create_time, update_time, delete_time{columns}

-- name: require_tree
SELECT {require_tree}:tenant_id::uuid, :ids::uuid[])

-- A code that another row has, or that stands twice in what is given, is left out of the later row: its
-- column and its document.
-- name: insert_many
INSERT INTO {table} (tenant_id, id, code, name_key, parent_id, active, document, actor_id)
SELECT :tenant_id::uuid, id, CASE WHEN free THEN code ELSE '' END, name_key, parent_id, active,
       CASE WHEN free THEN document ELSE document - :code_field::text END, :actor_id::uuid
FROM (
  SELECT given.*,
         row_number() OVER (PARTITION BY given.code ORDER BY given.place) = 1
         AND NOT EXISTS (SELECT FROM {table} held WHERE held.tenant_id = :tenant_id
                         AND held.code = given.code AND held.code <> '') AS free
  FROM ROWS FROM (
    jsonb_to_recordset(:rows::jsonb)
      AS (id uuid, code text, name_key text, parent_id uuid, active boolean, document jsonb)
  ) WITH ORDINALITY AS given (id, code, name_key, parent_id, active, document, place)
) marked

-- name: update_many
WITH given AS (
  SELECT given.*,
         row_number() OVER (PARTITION BY given.code ORDER BY given.place) = 1
         AND NOT EXISTS (SELECT FROM {table} held WHERE held.tenant_id = :tenant_id
                         AND held.code = given.code AND held.code <> '' AND held.id <> given.id) AS free
  FROM ROWS FROM (
    jsonb_to_recordset(:rows::jsonb)
      AS (id uuid, code text, name_key text, parent_id uuid, active boolean, document jsonb)
  ) WITH ORDINALITY AS given (id, code, name_key, parent_id, active, document, place)
), present AS MATERIALIZED (
  SELECT p.tenant_id, p.id, p.version, p.document, p.actor_id, p.update_time
  FROM {table} p JOIN given ON given.id = p.id
  WHERE p.tenant_id = :tenant_id ORDER BY p.id FOR NO KEY UPDATE OF p
), kept AS (
  INSERT INTO {table}_version (tenant_id, id, version, document, actor_id, update_time)
  SELECT tenant_id, id, version, document, actor_id, update_time FROM present
)
UPDATE {table} changed SET
  version = changed.version + 1, code = CASE WHEN free THEN given.code ELSE '' END,
  name_key = given.name_key, parent_id = given.parent_id, active = given.active,
  document = CASE WHEN free THEN given.document ELSE given.document - :code_field::text END,
  actor_id = :actor_id::uuid, update_time = clock_timestamp()
FROM given JOIN present ON present.id = given.id
WHERE changed.tenant_id = :tenant_id AND changed.id = given.id
