"""Two locks keep hospitals apart: the policy, and the tenant named in every statement.

Each is taken away in turn: the other alone must hold.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

import psycopg
import pytest

import hms_server
from hms_server import ids
from hms_server.database.queries import Query, compile_query

TENANT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


@pytest.fixture
def two_tenants(new_tenant, owner):
    tenants = new_tenant(), new_tenant()
    for tenant in tenants:
        owner.execute(
            "INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)"
            " VALUES (%s, %s, 'H1', '{}', 'rao asha', ' rao asha', %s)",
            [tenant.id, ids.uuid7(), tenant.user_id],
        )
    return tenants


def test_without_the_statements_tenant_the_policy_alone_shows_no_other_tenants_row(
    app_database, owner, two_tenants
):
    ours, _ = two_tenants
    readable = [
        name
        for (name,) in owner.execute(TENANT_TABLES)
        if owner.execute("SELECT has_table_privilege('hms_app', %s, 'SELECT')", [name]).fetchone()[0]
    ]
    assert "patient" in readable
    for table in readable:
        everything = compile_query(f"test.all_{table}", f"SELECT DISTINCT tenant_id FROM {table}")
        with app_database.tenant_transaction(ours.id) as transaction:
            seen = transaction.queue(everything)
        assert {row.tenant_id for row in seen.rows} <= {ours.id}, table


def test_without_any_tenant_the_policy_shows_nothing(database, two_tenants):
    with psycopg.connect(database.app, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM patient").fetchone() == (0,)
        # After a transaction that set a tenant, the setting is empty, not gone.
        with connection.transaction():
            connection.execute(f"SET LOCAL app.tenant_id = '{two_tenants[0].id}'")
            assert connection.execute("SELECT count(*) FROM patient").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM patient").fetchone() == (0,)


def test_the_policy_refuses_rows_written_for_another_tenant(database, two_tenants):
    ours, theirs = two_tenants
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{ours.id}'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO uhid_counter (tenant_id) VALUES (%s)", [ids.uuid7()])
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{ours.id}'")
        changed = connection.execute("UPDATE patient SET name_key = 'x' WHERE tenant_id = %s", [theirs.id])
        assert changed.rowcount == 0


def every_statement():
    """Every named statement of the program, wherever it is kept."""
    found = {}
    for module in pkgutil.walk_packages(hms_server.__path__, "hms_server."):
        if not module.name.endswith("__main__"):
            collect(vars(importlib.import_module(module.name)).values(), found)
    return found


def collect(values, found):
    for value in values:
        if isinstance(value, Query):
            found[value.name] = value.sql.decode()
        elif isinstance(value, dict) and all(isinstance(each, Query | dict) for each in value.values()):
            collect(value.values(), found)


STATEMENTS = [pytest.param(sql, id=name) for name, sql in every_statement().items()]


# Statements about the tenants themselves, of platform transactions.
ABOUT_TENANTS = re.compile(r"\b(FROM|INTO|UPDATE)\s+tenant\b(?!_)", re.IGNORECASE)


@pytest.mark.parametrize("sql", STATEMENTS)
def test_every_statement_names_the_tenant_itself(sql):
    touched = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)\b(?!\s*\()", sql)
    tables = {t for t in touched if t not in ("tenant", "audited_rows", "unnest")}
    if tables and not (ABOUT_TENANTS.search(sql) and tables <= {"tenant"}):
        assert re.search(r"\btenant_id\b", sql), sql


@pytest.mark.parametrize("sql", STATEMENTS)
def test_no_condition_is_kept_from_its_index_by_coalesce(sql):
    """PostgreSQL takes coalesce() for leaky: under a policy the whole table would be read."""
    assert not re.search(r"\b\w+\.\w+\s*=\s*coalesce\(", sql, re.IGNORECASE), sql
