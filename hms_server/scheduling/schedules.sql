-- Schedules and exceptions: statements that both tables share. {table} is one of them; {columns} what the API shows.
-- Lists: {op} and {direction} are > ASC or < DESC, {key} is the day or time of the order, {end} what ends a record.

-- name: get_{table}
SELECT {columns} FROM {table} s WHERE s.tenant_id = :tenant_id AND s.id = :id::uuid

-- name: get_{table}s
SELECT {columns} FROM {table} s WHERE s.tenant_id = :tenant_id AND s.id = ANY (:ids::uuid[]) ORDER BY s.id

-- name: lock_{table}
SELECT {columns} FROM {table} s WHERE s.tenant_id = :tenant_id AND s.id = :id::uuid FOR NO KEY UPDATE

-- The version that stood is kept by the same statement that takes the record away. The row is locked.
-- name: delete_{table}
WITH kept AS (
  INSERT INTO {table}_version (tenant_id, id, version, row_data, actor_id, update_time)
  SELECT s.tenant_id, s.id, s.version, to_jsonb(s) - 'tenant_id', s.actor_id, s.update_time
  FROM {table} s WHERE s.tenant_id = :tenant_id AND s.id = :id::uuid
)
UPDATE {table} SET version = version + 1, delete_time = now(), actor_id = :actor_id::uuid,
  update_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: keep_{table}
INSERT INTO {table}_version (tenant_id, id, version, row_data, actor_id, update_time)
SELECT s.tenant_id, s.id, s.version, to_jsonb(s) - 'tenant_id', s.actor_id, s.update_time
FROM {table} s WHERE s.tenant_id = :tenant_id AND s.id = :id::uuid
