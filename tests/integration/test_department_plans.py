"""What limited callers read begins at their department: at its few patients, not at those of the hospital."""

from __future__ import annotations

import json

import psycopg
import pytest

from hms_server import ids
from hms_server.database.queries import load_queries
from hms_server.patient import keys, store

STATEMENTS = {
    **store._OF_DEPARTMENTS,
    **load_queries("hms_server.patient", "department_search.sql"),
}
PATIENTS, OURS = 6000, 20


@pytest.fixture(scope="module")
def filled(make_tenant, owner):
    """A hospital of some thousand patients, of whom a department has few."""
    tenant = make_tenant()
    departments = [ids.uuid7() for _ in range(2)]
    for department_id in departments:
        owner.execute(
            "INSERT INTO department (tenant_id, id, document, name_key, active, actor_id)"
            " VALUES (%s, %s, '{}', 'd', true, %s)",
            [tenant.id, department_id, tenant.user_id],
        )
    with owner.transaction(), owner.cursor() as cursor:
        for i in range(PATIENTS):
            patient_id = ids.uuid7()
            name = {"names": [{"given_names": [f"A{i % 7}"], "family_name": f"B{i}"}]}
            derived = keys.derive(name, f"H{i}")
            cursor.execute(
                "INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)"
                " VALUES (%s, %s, %s, '{}', %s, %s, %s)",
                [tenant.id, patient_id, f"H{i}", derived.name_key, derived.search_text, tenant.user_id],
            )
            cursor.execute(
                "INSERT INTO encounter (tenant_id, id, patient_id, department_id, state, encounter_class,"
                " clinical_time, document, actor_id)"
                " VALUES (%s, %s, %s, %s, 'COMPLETED', 'AMB', now(), '{}', %s)",
                [
                    tenant.id,
                    ids.uuid7(),
                    patient_id,
                    departments[i % (PATIENTS // OURS) != 0],
                    tenant.user_id,
                ],
            )
    owner.execute("ANALYZE patient, encounter, break_glass")
    return tenant, departments[0]


def rows_read(plan):
    """The most rows that a step of a plan went through."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max([own, *(rows_read(each) for each in plan.get("Plans", ()))])


def show(plan, depth=0):
    """A plan in short."""
    keys = (
        "Node Type",
        "Index Name",
        "Relation Name",
        "Actual Rows",
        "Rows Removed by Filter",
        "Actual Loops",
    )
    own = " ".join(str(plan[key]) for key in keys if key in plan)
    return "\n".join([" " * depth + own, *(show(each, depth + 1) for each in plan.get("Plans", ()))])


def explained(database, filled, sql, values, limited=True):
    tenant, department = filled
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{tenant.id}'")
        connection.execute(f"SET LOCAL app.user_id = '{tenant.user_id}'")
        if limited:
            connection.execute(f"SET LOCAL app.departments = '{{{department}}}'")
        # As the server has its statements: prepared, with a plan for every caller.
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute(b"PREPARE explained AS " + sql)
        given = ", ".join(psycopg.sql.Literal(value).as_string(connection) for value in values)
        (found,) = connection.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained ({given})"
        ).fetchone()
        connection.execute("DEALLOCATE explained")
    return found[0]["Plan"] if not isinstance(found, str) else json.loads(found)[0]["Plan"]


def values_of(query, filled):
    tenant, _ = filled
    name = query.name
    values = {
        "tenant_id": tenant.id, "limit": 51,
        "show_deleted": False, "audit_event_id": ids.uuid7(), "audit_record": "{}", "audit_must_find": False,
        "audit_entity_id": "", "words": ["a3"], "whole": "a3", "patterns": ["% a3%"], "parts": ["% a3%"],
        "size": 20, "identifier_from": "", "identifier_before": "", "birth_from": "", "birth_before": "",
        "id": ids.NIL if "ascending" in name else "ffffffff-ffff-ffff-ffff-ffffffffffff",
    }  # fmt: skip
    upward = "ascending" in name
    values["key"] = ("-infinity" if upward else "infinity") if "create_time" in name else "{" * (not upward)
    return [values[parameter] for parameter in query.parameters]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_of_limited_callers_reads_the_department_and_no_more(name, filled, database):
    query = STATEMENTS[name]
    plan = explained(database, filled, query.sql, values_of(query, filled))
    assert rows_read(plan) <= 4 * OURS, show(plan)


def test_the_patients_of_a_department_are_found_along_its_index(filled, owner):
    """As the function asks for one department; the function itself shows no plan."""
    tenant, department = filled
    with owner.transaction():
        owner.execute("SET LOCAL enable_seqscan = off")
        owner.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        owner.execute(
            "PREPARE of_departments (uuid, uuid[]) AS SELECT of_one.patient_id FROM unnest($2) AS d (id)"
            " CROSS JOIN LATERAL (SELECT e.patient_id FROM encounter e WHERE e.tenant_id = $1"
            " AND e.department_id = d.id AND e.state <> 'ENTERED_IN_ERROR' OFFSET 0) of_one"
        )
        (plan,) = owner.execute(
            f"EXPLAIN (FORMAT JSON) EXECUTE of_departments ('{tenant.id}', '{{{department}}}')"
        ).fetchone()
        owner.execute("DEALLOCATE of_departments")
    assert "encounter_by_department" in json.dumps(plan)


def test_who_is_not_limited_and_asks_for_the_departments_patients_gets_nobody(filled, database):
    tenant, _ = filled
    with psycopg.connect(database.app) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{tenant.id}'")
        assert connection.execute("SELECT * FROM patients_of_departments()").fetchall() == []
