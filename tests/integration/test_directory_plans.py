"""The statements of the directory reach their indexes under row-level security, as hms_app."""

from __future__ import annotations

import psycopg
import pytest

from hms_server import ids
from hms_server.admin import directory_store
from hms_server.admin.kinds import KINDS


@pytest.fixture(scope="module")
def filled(owner):
    """The id of a hospital of some thousand entries of each kind, with statistics."""
    tenant = ids.uuid7()
    owner.execute("INSERT INTO tenant (id, code, display_name) VALUES (%s, 'filled', 'H')", [tenant])
    for kind in KINDS.values():
        table = kind.table
        owner.execute(
            f"INSERT INTO {table} (tenant_id, id, code, name_key, active, document, actor_id)"
            " SELECT %s, gen_random_uuid(), CASE WHEN i %% 2 = 0 THEN 'C' || i ELSE '' END, 'ward ' || i,"
            " true, '{}', %s FROM generate_series(1, 3000) i",
            [tenant, tenant],
        )
        owner.execute(
            f"UPDATE {table} SET parent_id = (SELECT id FROM {KINDS[kind.above].table}"
            " WHERE tenant_id = %s AND name_key = 'ward ' || (1 + length(name_key) %% 7) LIMIT 1)"
            " WHERE tenant_id = %s AND name_key LIKE '%%7'",
            [tenant, tenant],
        )
        owner.execute(f"ANALYZE {table}")
    return tenant


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.table) for kind in KINDS.values()])
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("get", "pkey"),
        ("lock", "pkey"),
        ("existing", "pkey"),
        ("list_ascending", "by_name"),
        ("list_descending", "by_name"),
        ("list_parts_ascending", "by_parent"),
        ("list_parts_descending", "by_parent"),
        ("list_by_code", "by_code"),
    ],
)
def test_a_statement_reads_its_index(kind, name, index, filled, database):
    query = directory_store.queries(kind)[name]
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{filled}'")
        explained = connection.execute(b"EXPLAIN (GENERIC_PLAN, COSTS OFF) " + query.sql).fetchall()
    plan = "\n".join(row[0] for row in explained)
    assert f"{kind.table}_{index}" in plan, plan
    assert "Sort" not in plan, plan
