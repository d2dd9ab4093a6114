-- Statements of the admin room. Those on `tenant` run in platform transactions; what is the
-- tenant's own (settings, versions) after entering the tenant.

-- name: get_tenant
-- The platform itself is not one of its hospitals.
SELECT id, version, code, display_name, state, rate_limits, call_limits, permission_version, create_time,
       update_time
FROM tenant
WHERE id = :id::uuid AND id <> '00000000-0000-0000-0000-000000000000'

-- name: lock_tenant
SELECT id, version, code, display_name, state, rate_limits, call_limits, permission_version
FROM tenant
WHERE id = :id::uuid AND id <> '00000000-0000-0000-0000-000000000000'
FOR NO KEY UPDATE

-- name: list_tenants
SELECT id, version, code, display_name, state, rate_limits, call_limits, create_time, update_time
FROM tenant
WHERE code > :after AND id <> '00000000-0000-0000-0000-000000000000'
ORDER BY code
LIMIT :limit

-- name: list_tenants_backward
SELECT id, version, code, display_name, state, rate_limits, call_limits, create_time, update_time
FROM tenant
WHERE code < :before AND id <> '00000000-0000-0000-0000-000000000000'
ORDER BY code DESC
LIMIT :limit

-- name: insert_tenant
INSERT INTO tenant (id, code, display_name, state, rate_limits, call_limits)
VALUES (:tenant_id, :code, :display_name, :state, :rate_limits::jsonb, :call_limits::jsonb)

-- name: insert_settings
INSERT INTO tenant_setting (tenant_id) VALUES (:tenant_id)

-- name: insert_uhid_counter
INSERT INTO uhid_counter (tenant_id) VALUES (:tenant_id)

-- name: update_tenant
-- Suspending moves the permission version, so that every token of the tenant is stale.
WITH kept AS (
  INSERT INTO tenant_version (tenant_id, version, row_data, actor_id)
  SELECT id, version,
         jsonb_build_object('code', code, 'display_name', display_name, 'state', state,
                            'rate_limits', rate_limits, 'call_limits', call_limits),
         :actor_id::uuid
  FROM tenant
  WHERE id = :tenant_id
)
UPDATE tenant
SET version = version + 1, update_time = now(), display_name = :display_name, state = :state,
    rate_limits = :rate_limits::jsonb, call_limits = :call_limits::jsonb,
    permission_version = permission_version + :permission_step::bigint
WHERE id = :tenant_id

-- name: get_settings
SELECT version, time_zone, uhid_prefix, uhid_digits, session_seconds, session_idle_seconds,
       password_min_length, password_history, audit_retention_years, privacy_officer_emails, working_hours, holidays,
       languages, token_prefix, token_digits, reminder_minutes, update_time
FROM tenant_setting
WHERE tenant_id = :tenant_id

-- name: lock_settings
-- The zone is looked for in the database's own list: it is the one that computes with it.
SELECT version, time_zone, uhid_prefix, uhid_digits, session_seconds, session_idle_seconds,
       password_min_length, password_history, audit_retention_years, privacy_officer_emails, working_hours, holidays,
       languages, token_prefix, token_digits, reminder_minutes,
       CASE WHEN :new_time_zone::text = '' THEN true
            ELSE EXISTS (SELECT FROM pg_timezone_names WHERE name = :new_time_zone::text)
       END AS zone_is_known
FROM tenant_setting
WHERE tenant_id = :tenant_id
FOR UPDATE

-- name: update_settings
WITH kept AS (
  INSERT INTO tenant_setting_version (tenant_id, version, row_data, actor_id)
  SELECT tenant_id, version,
         jsonb_strip_nulls(jsonb_build_object(
           'time_zone', time_zone, 'uhid_prefix', uhid_prefix, 'uhid_digits', uhid_digits,
           'session_seconds', session_seconds, 'session_idle_seconds', session_idle_seconds,
           'password_min_length', password_min_length, 'password_history', password_history,
           'audit_retention_years', audit_retention_years,
           'privacy_officer_emails', nullif(privacy_officer_emails, '{}'),
           'working_hours', nullif(working_hours, '[]'), 'holidays', nullif(holidays, '[]'),
           'languages', nullif(languages, '{}'), 'token_prefix', token_prefix, 'token_digits', token_digits,
           'reminder_minutes', reminder_minutes)),
         :actor_id::uuid
  FROM tenant_setting
  WHERE tenant_id = :tenant_id
)
UPDATE tenant_setting
SET version = version + 1, update_time = now(), time_zone = :time_zone,
    uhid_prefix = :uhid_prefix, uhid_digits = :uhid_digits,
    session_seconds = :session_seconds::integer,
    session_idle_seconds = :session_idle_seconds::integer,
    password_min_length = :password_min_length::integer,
    password_history = :password_history::integer,
    audit_retention_years = :audit_retention_years::integer,
    privacy_officer_emails = :privacy_officer_emails::text[],
    working_hours = :working_hours::jsonb, holidays = :holidays::jsonb, languages = :languages::text[],
    token_prefix = :token_prefix, token_digits = :token_digits::integer,
    reminder_minutes = :reminder_minutes::integer[]
WHERE tenant_id = :tenant_id
