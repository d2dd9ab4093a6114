"""The statements of the patient room reach their indexes under row-level security, as hms_app."""

import psycopg
import pytest

from hms_server.database.queries import load_queries
from hms_server.patient import keys

FILES = ("queries.sql", "search.sql", "merge.sql", "duplicates.sql")
QUERIES = {name: query for file in FILES for name, query in load_queries("hms_server.patient", file).items()}
QUERIES |= load_queries("hms_server.patient", "break_glass.sql", order="descending", op="<", direction="DESC")
ROWS = 4000
INDEXES = {
    "get_patient": "patient_pkey",
    "batch_get_patients": "patient_pkey",
    "lock_patient": "patient_pkey",
    "list_by_create_time_ascending": "patient_by_create_time",
    "list_by_create_time_descending": "patient_by_create_time",
    "list_by_name_ascending": "patient_by_name",
    "list_by_name_descending": "patient_by_name",
    "list_versions_descending": "patient_version_pkey",
    "list_versions_ascending": "patient_version_pkey",
    "duplicate_candidates": "patient_key_pkey",
    "search": "patient_pkey",
    "search_by_uhid": "patient_tenant_id_uhid_key",
    "list_candidates": "patient_key_by_patient",
    "list_pairs": "patient_key_pkey",
    "preview_patients": "patient_pkey",
    "lock_patients": "patient_by_merged_into",
    "lock_patients_of_merge": "patient_by_merged_into",
    "merge_documents": "patient_version_pkey",
    "list_merges_ascending": "patient_merge_by_survivor",
    "list_merges_descending": "patient_merge_by_merged",
    "list_descending": "break_glass_by_time",
}


@pytest.fixture(scope="module")
def filled(owner, database):
    """The id of a hospital of some thousand patients beside a small one, with statistics."""
    tenants = [f"00000000-0000-7000-9000-{i:012d}" for i in (1, 2)]
    with owner.transaction(), owner.cursor() as cursor:
        for tenant in tenants:
            cursor.execute(
                "INSERT INTO tenant (id, code, display_name) VALUES (%s, %s, 'H')",
                [tenant, f"plan{tenant[-1]}"],
            )
        for i in range(ROWS):
            tenant = tenants[i % 40 == 0]
            patient_id = f"00000000-0000-7000-8000-{i:012d}"
            derived = keys.derive(
                {"names": [{"given_names": [f"A{i % 97}"], "family_name": f"B{i}"}]}, f"H{i}"
            )
            cursor.execute(
                "INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)"
                " VALUES (%s, %s, %s, '{}', %s, %s, %s)",
                [tenant, patient_id, f"H{i}", derived.name_key, derived.search_text, tenant],
            )
            cursor.execute(
                "INSERT INTO patient_version (tenant_id, id, version, uhid, document, actor_id, create_time,"
                " update_time) SELECT tenant_id, id, 0, uhid, document, actor_id, create_time, update_time"
                " FROM patient WHERE tenant_id = %s AND id = %s",
                [tenant, patient_id],
            )
            cursor.execute(
                "INSERT INTO patient_key (tenant_id, kind, value, patient_id)"
                " SELECT %s, kind, value, %s FROM unnest(%s::text[], %s::text[]) AS k (kind, value)",
                [tenant, patient_id, derived.kinds, derived.values],
            )
    owner.execute("ANALYZE patient, patient_key, patient_version")
    return tenants[0]


@pytest.mark.parametrize("name", INDEXES)
def test_a_statement_reads_its_index(name, filled, database):
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{filled}'")
        explained = connection.execute(b"EXPLAIN (GENERIC_PLAN, COSTS OFF) " + QUERIES[name].sql).fetchall()
    plan = "\n".join(row[0] for row in explained)
    assert INDEXES[name] in plan, plan
    assert "Seq Scan on patient" not in plan, plan


def test_the_search_functions_are_for_the_server_alone(owner):
    """Their owner passes row-level security by: only the one that takes no tenant may be called."""
    rows = owner.execute(
        "SELECT p.proname, p.prosecdef, has_function_privilege('hms_app', p.oid, 'EXECUTE'),"
        " has_function_privilege('hms_worker', p.oid, 'EXECUTE')"
        " FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE r.rolname = 'hms_search'"
    ).fetchall()
    assert len(rows) == 14
    callable_ones = {
        "search_patient_ids", "may_see_restricted", "patient_behind_glass", "patient_under_grant",
        "patient_in_departments", "encounter_in_departments", "record_in_departments",
        "patients_of_departments", "places_in_queue",
    }  # fmt: skip
    for name, definer, app, worker in rows:
        assert not worker
        assert app == definer == (name in callable_ones)


def test_a_search_without_a_tenant_finds_nobody(filled, database):
    search = "SELECT * FROM search_patient_ids('{b}', '', '', '', '', '', 20)"
    with psycopg.connect(database.app) as connection:
        assert connection.execute(search).fetchall() == []
        connection.execute(f"SET LOCAL app.tenant_id = '{filled}'")
        assert len(connection.execute(search).fetchall()) > 20
