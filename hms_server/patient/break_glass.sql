-- SQL of restrictions and break-glass. The functions of migrations/0014_break_glass.sql look where the caller
-- cannot.

-- name: restrict
SELECT patient_id, new_version
FROM restrict_patient(:id::uuid, :restricted::boolean, :actor_id::uuid) WHERE :tenant_id::uuid IS NOT NULL

-- The id of a patient by id or UHID, seen or not; null where there is none.
-- name: find
SELECT patient_behind_glass(:id::uuid, :uhid::text) AS id WHERE :tenant_id::uuid IS NOT NULL

-- name: insert
INSERT INTO break_glass (tenant_id, id, patient_id, user_id, reason, expire_time)
VALUES (:tenant_id, :id::uuid, :patient_id::uuid, :user_id::uuid, :reason,
        now() + make_interval(secs => :seconds::integer))

-- name: lock
SELECT id, version, patient_id, user_id, outcome
FROM break_glass WHERE tenant_id = :tenant_id AND id = :id::uuid FOR NO KEY UPDATE

-- name: review
UPDATE break_glass SET
  version = version + 1, outcome = :outcome, note = :note, reviewer_id = :reviewer_id::uuid,
  review_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid

-- name: read
SELECT g.id, g.patient_id, g.user_id, u.username, g.reason, g.create_time, g.expire_time, g.outcome, g.note,
       g.reviewer_id, g.review_time, coalesce(m.notice, 'UNSPECIFIED') AS notice
FROM break_glass g
JOIN user_account u ON u.tenant_id = :tenant_id AND u.id = g.user_id
LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_or(state = 'SENT') THEN 'SENT' WHEN bool_or(state = 'WAITING') THEN 'WAITING'
              ELSE min(state) END AS notice
  FROM mail WHERE tenant_id = :tenant_id AND entity_id = g.id
) m ON true
WHERE g.tenant_id = :tenant_id AND g.id = :id::uuid

-- name: get
-- audited: patient_id
SELECT g.id, g.patient_id, g.user_id, u.username, g.reason, g.create_time, g.expire_time, g.outcome, g.note,
       g.reviewer_id, g.review_time, coalesce(m.notice, 'UNSPECIFIED') AS notice
FROM break_glass g
JOIN user_account u ON u.tenant_id = :tenant_id AND u.id = g.user_id
LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_or(state = 'SENT') THEN 'SENT' WHEN bool_or(state = 'WAITING') THEN 'WAITING'
              ELSE min(state) END AS notice
  FROM mail WHERE tenant_id = :tenant_id AND entity_id = g.id
) m ON true
WHERE g.tenant_id = :tenant_id AND g.id = :id::uuid

-- `{op}` and `{direction}` are < DESC or > ASC.
-- name: list_{order}
-- audited: patient_id
SELECT g.id, g.patient_id, g.user_id, u.username, g.reason, g.create_time, g.expire_time, g.outcome, g.note,
       g.reviewer_id, g.review_time, coalesce(m.notice, 'UNSPECIFIED') AS notice
FROM break_glass g
JOIN user_account u ON u.tenant_id = :tenant_id AND u.id = g.user_id
LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_or(state = 'SENT') THEN 'SENT' WHEN bool_or(state = 'WAITING') THEN 'WAITING'
              ELSE min(state) END AS notice
  FROM mail WHERE tenant_id = :tenant_id AND entity_id = g.id
) m ON true
WHERE g.tenant_id = :tenant_id AND (g.create_time, g.id) {op} (:key::timestamptz, :id::uuid)
  AND (:patient_id::uuid IS NULL OR g.patient_id = :patient_id::uuid)
  AND (:user_id::uuid IS NULL OR g.user_id = :user_id::uuid)
  AND (NOT :unreviewed::boolean OR g.outcome = '')
ORDER BY g.create_time {direction}, g.id {direction}
LIMIT :limit::integer
