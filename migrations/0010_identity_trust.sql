-- Sessions end as their hospital says, and tell where they were opened.

ALTER TABLE tenant_setting
  -- null: as the platform is set
  ADD COLUMN session_seconds integer CHECK (session_seconds BETWEEN 300 AND 2592000),
  -- null: a session that nobody refreshes stands as long as any
  ADD COLUMN session_idle_seconds integer CHECK (session_idle_seconds BETWEEN 300 AND 2592000);

ALTER TABLE session ADD COLUMN address text NOT NULL DEFAULT '';
