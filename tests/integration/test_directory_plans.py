"""The statements of the directory reach their indexes under row-level security, as hms_app."""

from __future__ import annotations

import psycopg
import pytest

from hms_server import ids
from hms_server.admin import directory_store, practitioners
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


HEART = "394579002"


@pytest.fixture(scope="module")
def specialists(filled, owner):
    """The hospital, with what half of its practitioners work in."""
    owner.execute(
        "UPDATE practitioner SET parent_id = (SELECT id FROM department WHERE tenant_id = %s"
        " AND name_key = 'ward ' || (1 + length(practitioner.name_key || practitioner.id::text) %% 40)),"
        " document = jsonb_build_object('specialities', jsonb_build_array(jsonb_build_object('codings',"
        " jsonb_build_array(jsonb_build_object('system', 'http://snomed.info/sct', 'code',"
        " CASE WHEN name_key LIKE '%%77' THEN %s ELSE 'S' || right(name_key, 2) END)))))"
        " WHERE tenant_id = %s AND code <> ''",
        [filled, HEART, filled],
    )
    for table in ("practitioner", "practitioner_speciality", "practitioner_department"):
        owner.execute(f"ANALYZE {table}")
    return filled


@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("order", ["name", "create_time"])
@pytest.mark.parametrize(
    ("name", "indexes"),
    [
        ("list", ("practitioner_by_{order}",)),
        ("list_of_department", ("practitioner_department_by_department",)),
        ("list_of_speciality", ("practitioner_speciality_by_code",)),
        ("list_by_code", ("practitioner_by_code",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lists_of_practitioners_read_their_indexes(specialists, database, order, is_down, name, indexes):
    query = practitioners._SQL[order, is_down][name]
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{specialists}'")
        explained = connection.execute(b"EXPLAIN (GENERIC_PLAN, COSTS OFF) " + query.sql).fetchall()
    plan = "\n".join(row[0] for row in explained)
    for index in indexes:
        assert index.format(order=order) in plan, plan
    assert "Seq Scan" not in plan, plan
    if name == "list":
        assert "Sort" not in plan, plan
