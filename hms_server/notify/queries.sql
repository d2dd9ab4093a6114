-- Statements of mail. Those who ask run in the call's own transaction; the rest are the worker's.

-- One row for each address of the hospital's privacy officers; where it names none, for each user who may do
-- what the mail asks for, twenty at most; where there is nobody, one row that says so.
-- name: ask_privacy_officers
WITH hospital AS (
  SELECT t.display_name, coalesce(s.time_zone, 'UTC') AS time_zone,
         coalesce(s.privacy_officer_emails, '{}') AS named
  FROM tenant t LEFT JOIN tenant_setting s ON s.tenant_id = :tenant_id
  WHERE t.id = :tenant_id
), holder AS (
  SELECT DISTINCT ON (lower(u.email)) u.id, u.email
  FROM user_account u
  WHERE u.tenant_id = :tenant_id AND u.state = 'ACTIVE' AND u.email <> '' AND u.id <> :actor_id::uuid
    AND EXISTS (
      SELECT FROM user_role a JOIN role r ON r.tenant_id = :tenant_id AND r.id = a.role_id
      WHERE a.tenant_id = :tenant_id AND a.user_id = u.id
        AND (r.all_permissions OR :permission = ANY (r.permissions)
             OR (r.system AND r.code = ANY (:role_codes::text[])))
    )
    AND EXISTS (SELECT FROM hospital WHERE named = '{}')
  ORDER BY lower(u.email), u.id LIMIT 20
), told AS (
  SELECT n.address, n.place AS recipient FROM hospital, unnest(named) WITH ORDINALITY AS n (address, place)
  UNION ALL
  SELECT email, row_number() OVER (ORDER BY id) FROM holder
)
INSERT INTO mail (tenant_id, id, recipient, kind, entity_id, address, detail, state, end_time)
SELECT :tenant_id, :id::uuid, coalesce(told.recipient, 0), :kind, :entity_id::uuid, coalesce(told.address, ''),
       :detail::jsonb || jsonb_build_object('hospital', h.display_name, 'time_zone', h.time_zone),
       CASE WHEN told.address IS NULL THEN 'NOBODY' ELSE 'WAITING' END,
       CASE WHEN told.address IS NULL THEN now() END
FROM hospital h LEFT JOIN told ON true
RETURNING recipient

-- name: waiting_tenants
SELECT DISTINCT tenant_id FROM mail WHERE state = 'WAITING' AND due_time <= now() LIMIT :limit::integer

-- The mail that waits for longest, and the time in which nobody else takes it: a worker that is killed meanwhile
-- leaves it to the next.
-- name: take
UPDATE mail SET tries = tries + 1, due_time = clock_timestamp() + make_interval(secs => :seconds::double precision)
WHERE tenant_id = :tenant_id AND (id, recipient) = (
  SELECT id, recipient FROM mail
  WHERE tenant_id = :tenant_id AND state = 'WAITING' AND due_time <= clock_timestamp()
  ORDER BY due_time, id, recipient LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING tenant_id, id, recipient, kind, entity_id, address, detail, create_time, tries

-- A mail that failed for good gets its tries again.
-- name: take_failed
UPDATE mail SET tries = 1, state = 'WAITING', end_time = NULL,
  due_time = clock_timestamp() + make_interval(secs => :seconds::double precision)
WHERE tenant_id = :tenant_id AND id = :id::uuid AND recipient = :recipient::smallint AND state = 'FAILED'
RETURNING tenant_id, id, recipient, kind, entity_id, address, detail, create_time, tries

-- name: end
UPDATE mail SET state = :state, reply = :reply, end_time = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id::uuid AND recipient = :recipient::smallint AND state = 'WAITING'

-- name: put_off
UPDATE mail SET reply = :reply, due_time = clock_timestamp() + make_interval(secs => :seconds::double precision)
WHERE tenant_id = :tenant_id AND id = :id::uuid AND recipient = :recipient::smallint AND state = 'WAITING'

-- name: failed
SELECT tenant_id, id, recipient, reply FROM mail
WHERE state = 'FAILED' AND end_time > now() - make_interval(secs => :seconds::double precision)
LIMIT :limit::integer

-- Of all tenants together, for the metrics.
-- name: mail_state
SELECT count(*) FILTER (WHERE state = 'WAITING') AS waiting,
       count(*) FILTER (WHERE state = 'FAILED') AS failed,
       extract(epoch FROM now() - min(create_time) FILTER (WHERE state = 'WAITING'))::double precision AS age_seconds
FROM (SELECT tenant_id, state, create_time FROM mail WHERE state IN ('WAITING', 'FAILED') LIMIT :ceiling::integer) unsent
