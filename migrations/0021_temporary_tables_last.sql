-- Functions look for tables in pg_temp last. Where a search path does not name pg_temp PostgreSQL looks there
-- first: a temporary table of the caller's, called `patient`, would stand in for ours inside a function that
-- runs as another role, and its triggers would run as that role.
--
-- Whoever alters a function must own it, and what hms_search owns hms_owner alters in its name.
DO $$
DECLARE
  each record;
BEGIN
  FOR each IN
    SELECT p.oid::regprocedure AS function, p.proowner::regrole AS keeper
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND 'search_path=pg_catalog, public' = ANY (p.proconfig)
  LOOP
    EXECUTE format('SET LOCAL ROLE %s', each.keeper);
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', each.function);
    RESET ROLE;
  END LOOP;
END
$$;
