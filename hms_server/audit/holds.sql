-- Legal holds, which stand beside the tenants.

-- The tenant's state, locked against an erasure that begins now. The platform itself may be held in its own name.
-- name: hold_tenant
SELECT id, state FROM tenant WHERE id = :id::uuid FOR KEY SHARE

-- name: insert_hold
INSERT INTO legal_hold (tenant_id, id, reason, of_platform, user_id, username)
VALUES (:tenant_id, :id::uuid, :reason, :of_platform::boolean, :user_id::uuid, :username)

-- name: lock_hold
SELECT id, version, of_platform, release_time
FROM legal_hold WHERE tenant_id = :tenant_id AND id = :id::uuid FOR NO KEY UPDATE

-- name: release_hold
UPDATE legal_hold SET
  version = version + 1, release_time = clock_timestamp(), release_user_id = :user_id::uuid,
  release_username = :username, release_reason = :reason
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: read_hold
SELECT h.id, h.reason, h.of_platform, h.user_id, h.username, h.create_time, h.release_time, h.release_user_id,
       h.release_username, h.release_reason
FROM legal_hold h WHERE h.tenant_id = :tenant_id AND h.id = :id::uuid

-- name: list_holds_after
SELECT h.id, h.reason, h.of_platform, h.user_id, h.username, h.create_time, h.release_time, h.release_user_id,
       h.release_username, h.release_reason
FROM legal_hold h
WHERE h.tenant_id = :tenant_id AND (h.create_time, h.id) < (:key::timestamptz, :id::uuid)
  AND (NOT :standing::boolean OR h.release_time IS NULL)
ORDER BY h.create_time DESC, h.id DESC LIMIT :limit

-- name: list_holds_before
SELECT h.id, h.reason, h.of_platform, h.user_id, h.username, h.create_time, h.release_time, h.release_user_id,
       h.release_username, h.release_reason
FROM legal_hold h
WHERE h.tenant_id = :tenant_id AND (h.create_time, h.id) > (:key::timestamptz, :id::uuid)
  AND (NOT :standing::boolean OR h.release_time IS NULL)
ORDER BY h.create_time ASC, h.id ASC LIMIT :limit
