"""Directory entries that an import brings, many by one statement."""

from __future__ import annotations

import concurrent.futures

import psycopg
import pytest

from hms_server import errors, ids
from hms_server.admin import bulk
from hms_server.admin.kinds import KINDS
from hms_server.database.faults import ForeignKeyViolation
from tests.fix_client import eventually

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"


@pytest.fixture
def hospital(new_tenant, app_database):
    """Runs a bulk call of a hospital in a transaction of its own: `hospital(bulk.insert, kind, rows)`."""
    tenant = new_tenant()

    def run(call, kind, argument):
        with app_database.tenant_transaction(tenant.id) as transaction:
            if call is bulk.load:
                return call(transaction, kind, argument)
            return call(transaction, kind, argument, tenant.user_id)

    run.tenant = tenant
    return run


def rows_of(owner, hospital, kind, columns="version, code, document"):
    found = owner.execute(
        f"SELECT id::text, {columns} FROM {KINDS[kind].table} WHERE tenant_id = %s", [hospital.tenant.id]
    )
    return {row[0]: row[1:] for row in found}


def doctor(number="", **fields):
    fields = {"names": [{"family_name": "Rao", "given_names": ["Asha"]}], **fields}
    if number:
        fields["registration_number"] = number
    return bulk.prepare("PRACTITIONER", fields, ids.uuid7())


def clinic(record_id="", **fields):
    return bulk.prepare("ORGANIZATION", {"display_name": "Clinic", **fields}, record_id or ids.uuid7())


def test_thousands_of_rows_that_point_to_each_other_come_in_any_order(hospital, owner):
    names = [ids.uuid7() for _ in range(3000)]
    rows = [clinic(name, parent_id=above) for name, above in zip(names, names[1:], strict=False)]
    # A chain is the deepest tree there is: a short one, beside many leaves.
    rows = [*rows[-20:], clinic(names[-1]), *(clinic(name, parent_id=names[-1]) for name in names[:-21])]
    hospital(bulk.insert, "ORGANIZATION", rows)
    found = rows_of(owner, hospital, "ORGANIZATION", "version, parent_id::text, document ->> 'parent_id'")
    assert len(found) == 3000
    assert all(row[1] == row[2] for row in found.values())
    assert {row[0] for row in found.values()} == {1}


def test_a_row_is_what_a_creation_makes(hospital, owner):
    ward = bulk.prepare("DEPARTMENT", {"display_name": "Ward"}, ids.uuid7())
    made = doctor("MH-1", department_id=ward["id"].upper(), roles=[{"id": "r1"}])
    place = bulk.prepare(
        "LOCATION", {"display_name": "Room", "latitude": 1, "longitude": 2.5, "active": False}, ids.uuid7()
    )
    for kind, row in (("DEPARTMENT", ward), ("PRACTITIONER", made), ("LOCATION", place)):
        hospital(bulk.insert, kind, [row])
    columns = "code, name_key, parent_id::text, active, document, actor_id::text"
    assert rows_of(owner, hospital, "PRACTITIONER", columns)[made["id"]] == (
        "MH-1",
        "rao asha",
        ward["id"],
        True,
        {
            "names": [{"family_name": "Rao", "given_names": ["Asha"]}],
            "registration_number": "MH-1",
            "department_id": ward["id"],
            "roles": [{"id": "r1"}],
            "active": True,
        },
        hospital.tenant.user_id,
    )
    assert rows_of(owner, hospital, "LOCATION", "active")[place["id"]] == (False,)


def test_a_number_that_stands_breaks_no_import(hospital, owner):
    first = doctor("N1")
    hospital(bulk.insert, "PRACTITIONER", [first])
    rows = [doctor("N1"), doctor("N2"), doctor("N2"), doctor(), doctor()]
    hospital(bulk.insert, "PRACTITIONER", rows)
    found = rows_of(owner, hospital, "PRACTITIONER")
    assert [found[row["id"]][1] for row in [first, *rows]] == ["N1", "", "N2", "", "", ""]
    assert all(code == document.get("registration_number", "") for _, code, document in found.values())
    changed = [{**doctor("N1"), "id": row["id"]} for row in (first, rows[1])]
    hospital(bulk.update, "PRACTITIONER", changed)
    found = rows_of(owner, hospital, "PRACTITIONER")
    assert [found[row["id"]][:2] for row in changed] == [(2, "N1"), (2, "")]


def test_a_change_keeps_the_version_that_stood(hospital, owner):
    rows = [clinic(), clinic()]
    hospital(bulk.insert, "ORGANIZATION", rows)
    changed = [clinic(row["id"], display_name="Hospital") for row in rows]
    hospital(bulk.update, "ORGANIZATION", [*changed, clinic()])
    found = rows_of(owner, hospital, "ORGANIZATION", "version, name_key, document ->> 'display_name'")
    assert found == {row["id"]: (2, "hospital", "Hospital") for row in rows}
    kept = owner.execute(
        "SELECT id::text, version, document ->> 'display_name' FROM organization_version"
        " WHERE tenant_id = %s",
        [hospital.tenant.id],
    ).fetchall()
    assert sorted(kept) == sorted((row["id"], 1, "Clinic") for row in rows)


def test_a_change_that_waited_for_another_keeps_what_that_one_wrote(hospital, owner, database):
    row = clinic()
    hospital(bulk.insert, "ORGANIZATION", [row])
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        with psycopg.connect(database.owner) as other:
            other.execute(
                'UPDATE organization SET version = 2, document = document || \'{"code": "theirs"}\''
                " WHERE id = %s",
                [row["id"]],
            )
            change = [clinic(row["id"], display_name="Ours")]
            ours = threads.submit(hospital, bulk.update, "ORGANIZATION", change)
            eventually(lambda: owner.execute(WAITING).fetchone())
        ours.result()
    assert rows_of(owner, hospital, "ORGANIZATION", "version, document ->> 'display_name'") == {
        row["id"]: (3, "Ours")
    }
    kept = owner.execute(
        "SELECT version, document ->> 'code' FROM organization_version WHERE id = %s", [row["id"]]
    )
    assert kept.fetchall() == [(2, "theirs")]


def test_what_stands_is_loaded_for_merging(hospital):
    rows = [doctor("L1"), doctor()]
    hospital(bulk.insert, "PRACTITIONER", rows)
    found = hospital(bulk.load, "PRACTITIONER", [*(row["id"] for row in rows), ids.uuid7()]).rows
    assert [(row.id, row.version, row.document) for row in found] == [
        (row["id"], 1, row["document"]) for row in sorted(rows, key=lambda row: row["id"])
    ]


def test_an_import_makes_no_circle(hospital, owner):
    one, other = ids.uuid7(), ids.uuid7()
    with pytest.raises(ForeignKeyViolation) as caught:
        hospital(bulk.insert, "ORGANIZATION", [clinic(one, parent_id=other), clinic(other, parent_id=one)])
    assert caught.value.constraint == "organization_tree"
    hospital(bulk.insert, "ORGANIZATION", [clinic(one, parent_id=other), clinic(other)])
    with pytest.raises(ForeignKeyViolation):
        hospital(bulk.update, "ORGANIZATION", [clinic(other, parent_id=one)])
    assert {row[0] for row in rows_of(owner, hospital, "ORGANIZATION").values()} == {1}


def test_of_two_moves_at_once_the_second_waits_and_sees_the_first(hospital, owner, app_database):
    one, other = clinic(), clinic()
    hospital(bulk.insert, "ORGANIZATION", [one, other])
    there, back = clinic(one["id"], parent_id=other["id"]), clinic(other["id"], parent_id=one["id"])
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        with app_database.tenant_transaction(hospital.tenant.id) as first:
            bulk.update(first, "ORGANIZATION", [there], hospital.tenant.user_id)
            first.flush()
            second = threads.submit(hospital, bulk.update, "ORGANIZATION", [back])
            eventually(lambda: owner.execute(WAITING).fetchone())
        with pytest.raises(ForeignKeyViolation):
            second.result()


def test_a_row_that_points_to_nothing_is_refused(hospital):
    with pytest.raises(ForeignKeyViolation):
        hospital(bulk.insert, "PRACTITIONER", [doctor(department_id=ids.uuid7())])
    hospital(bulk.insert, "PRACTITIONER", [])


def test_other_hospitals_rows_are_out_of_reach(hospital, new_tenant, app_database, owner):
    row = clinic()
    hospital(bulk.insert, "ORGANIZATION", [row])
    with app_database.tenant_transaction(new_tenant().id) as transaction:
        seen = bulk.load(transaction, "ORGANIZATION", [row["id"]])
        bulk.update(transaction, "ORGANIZATION", [clinic(row["id"], display_name="X")], ids.uuid7())
    assert seen.rows == []
    assert rows_of(owner, hospital, "ORGANIZATION")[row["id"]][0] == 1


def test_every_fault_of_a_row_is_named_by_its_path():
    for kind, fields, expected in (
        ("ORGANIZATION", {"display_name": "a\x00b"}, {"organization.display_name"}),
        (
            "PRACTITIONER",
            {"gender": "f", "registration_number": "a" * 65},
            {"practitioner.gender", "practitioner.registration_number"},
        ),
        ("PRACTITIONER", {"names": [{"use": "mine", "text": "x"}]}, {"practitioner.names[0].use"}),
        ("DEPARTMENT", {}, {"department.display_name"}),
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            bulk.prepare(kind, fields, ids.uuid7())
        assert {violation.field for violation in caught.value.violations} == expected
