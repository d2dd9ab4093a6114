"""A role of the database must not become another one by temporary tables that are called like ours.

Two locks: servers and workers may make no temporary table, and every function looks for tables in pg_temp
last. Each is tried with the other one open.
"""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

# What each role may call that runs as another, with arguments that make it look at tables.
REACH = {
    "app": (
        "SELECT restrict_patient(gen_random_uuid(), true, gen_random_uuid())",
        "SELECT may_see_restricted(gen_random_uuid())",
        "SELECT patient_behind_glass(gen_random_uuid(), '')",
        "SELECT search_patient_ids(ARRAY['asha'], '', '', '', '', '', 5)",
    ),
    "worker": (
        "SELECT purge_request_records(interval '0', 10)",
        "SELECT purge_sessions(interval '0', 10)",
        "SELECT audit_tenants()",
    ),
}


@pytest.fixture
def temporary_tables_allowed(database):
    """The first lock is open: whoever connects may make temporary tables."""
    change = sql.SQL("{} TEMPORARY ON DATABASE {} {} PUBLIC")
    name = sql.Identifier(database.name)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(change.format(sql.SQL("GRANT"), name, sql.SQL("TO")))
        yield
        connection.execute(change.format(sql.SQL("REVOKE"), name, sql.SQL("FROM")))


@pytest.mark.parametrize("role", sorted(REACH))
def test_no_role_of_the_system_makes_temporary_tables(database, role):
    with (
        psycopg.connect(getattr(database, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TEMPORARY TABLE patient (id uuid)")


def test_every_function_looks_for_temporary_tables_last(owner):
    """PostgreSQL looks there first where the path does not name pg_temp."""
    rows = owner.execute(
        "SELECT p.oid::regprocedure::text, p.proconfig FROM pg_proc p"
        " WHERE p.pronamespace = 'public'::regnamespace"
        " AND (p.prosecdef OR EXISTS (SELECT FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%'))"
    ).fetchall()
    assert rows
    for name, config in rows:
        assert "search_path=pg_catalog, public, pg_temp" in config, name


@pytest.mark.usefixtures("temporary_tables_allowed")
@pytest.mark.parametrize(("role", "statement"), [(role, each) for role in REACH for each in REACH[role]])
def test_a_temporary_table_does_not_stand_in_for_ours_in_a_function_of_another_role(
    database, owner, new_tenant, role, statement
):
    """A view that is called like a table of ours tells who looks at it."""
    tenant = new_tenant()
    tables = owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    ).fetchall()
    with psycopg.connect(getattr(database, role)) as connection:
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", [tenant.id])
        connection.execute("SELECT set_config('app.user_id', %s, true)", [tenant.user_id])
        connection.execute("CREATE TEMPORARY SEQUENCE looked")
        connection.execute("GRANT ALL ON SEQUENCE looked TO PUBLIC")
        for (table,) in tables:
            columns = owner.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                [f"public.{table}"],
            ).fetchall()
            shadow = sql.SQL("CREATE TEMPORARY VIEW {} AS SELECT {} FROM nextval('looked')").format(
                sql.Identifier(table),
                sql.SQL(", ").join(
                    sql.SQL("NULL::{} AS {}").format(sql.SQL(kind), sql.Identifier(name))
                    for name, kind in columns
                ),
            )
            connection.execute(shadow)
            connection.execute(sql.SQL("GRANT ALL ON {} TO PUBLIC").format(sql.Identifier("pg_temp", table)))
        connection.execute(statement)
        row = connection.execute("SELECT is_called FROM looked").fetchone()
        connection.rollback()
    assert row == (False,)
