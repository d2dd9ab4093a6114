-- Statements on the rules of addresses.

-- name: insert
INSERT INTO address_rule (tenant_id, id, action, network, note, actor_id)
VALUES (:tenant_id, :id::uuid, :action, :network, :note, :actor_id::uuid)

-- name: get
-- A deleted one, too: the same request may come again.
SELECT id, version, action, network, note, create_time
FROM address_rule
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: in_force
SELECT id, version, action, network
FROM address_rule
WHERE tenant_id = :tenant_id AND delete_time IS NULL

-- name: list
SELECT id, version, action, network, note, create_time
FROM address_rule
WHERE tenant_id = :tenant_id AND delete_time IS NULL AND id > :after::uuid
ORDER BY id
LIMIT :limit

-- name: list_backward
SELECT id, version, action, network, note, create_time
FROM address_rule
WHERE tenant_id = :tenant_id AND delete_time IS NULL AND id < :before::uuid
ORDER BY id DESC
LIMIT :limit

-- name: delete
UPDATE address_rule
SET version = version + 1, delete_time = now()
WHERE tenant_id = :tenant_id AND id = :id::uuid AND delete_time IS NULL
RETURNING id

-- name: delete_all
UPDATE address_rule
SET version = version + 1, delete_time = now()
WHERE tenant_id = :tenant_id AND delete_time IS NULL
RETURNING id
