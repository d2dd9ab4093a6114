"""What makes a directory entry valid, and what a change amounts to, without a database."""

from __future__ import annotations

import pytest

from hms.admin.v1 import directory_pb2 as pb
from hms_server import errors, ids
from hms_server.admin import directory_store, entries
from hms_server.admin.kinds import KINDS

DEPARTMENT, PRACTITIONER = KINDS["DEPARTMENT"], KINDS["PRACTITIONER"]
LOCATION = KINDS["LOCATION"]
NAME = {"names": [{"family_name": "Rao", "given_names": ["Asha"]}]}


def violations(kind, **fields):
    with pytest.raises(errors.InvalidArgument) as caught:
        entries.new_document(kind, kind.new(**fields))
    return {violation.field for violation in caught.value.violations}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.table)
def test_a_kind_names_fields_that_its_messages_have(kind):
    assert {kind.code, kind.parent, "active"} <= kind.fields
    for request in (f"Create{kind.name}Request", f"Update{kind.name}Request"):
        assert kind.table in getattr(pb, request).DESCRIPTOR.fields_by_name
    filters = getattr(pb, f"List{kind.name}sRequest").DESCRIPTOR.fields_by_name
    assert {kind.code, kind.parent, "show_inactive", "query"} <= set(filters)
    assert kind.plural in getattr(pb, f"List{kind.name}sResponse").DESCRIPTOR.fields_by_name


def test_what_only_the_server_sets_is_left_out():
    made = pb.Department(display_name="Ward", id="x", etag="9\x00")
    made.create_time.GetCurrentTime()
    assert entries.new_document(DEPARTMENT, made) == {"display_name": "Ward", "active": True}
    assert made.id == "x"


def test_what_is_compared_is_kept_in_one_form():
    above = ids.uuid7()
    made = entries.new_document(
        DEPARTMENT, pb.Department(display_name="W", code=" C1\t", parent_id=above.upper())
    )
    assert (made["code"], made["parent_id"]) == ("C1", above)
    assert "code" not in entries.new_document(DEPARTMENT, pb.Department(display_name="W", code="  "))


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (DEPARTMENT, {"display_name": "  "}, {"department.display_name"}),
        (DEPARTMENT, {"display_name": "a\x00"}, {"department.display_name"}),
        (
            DEPARTMENT,
            {"display_name": "W", "code": "a\x1fb", "specialities": [{"text": "x"}, {}]},
            {"department.code", "department.specialities[1]"},
        ),
        (
            DEPARTMENT,
            {"display_name": "W", "telecoms": [{"system": "phone", "value": "none"}]},
            {"department.telecoms[0].value"},
        ),
        (PRACTITIONER, {}, {"practitioner.names"}),
        (PRACTITIONER, {"names": [{"text": "x"}, {"prefixes": ["Dr"]}]}, {"practitioner.names[1]"}),
        (PRACTITIONER, {**NAME, "roles": [{"id": "a"}, {"id": "a"}]}, {"practitioner.roles[1].id"}),
        (
            PRACTITIONER,
            {**NAME, "roles": [{"codes": [{"text": " "}], "specialities": [{"text": "\x01"}]}]},
            {"practitioner.roles[0].codes[0]", "practitioner.roles[0].specialities[0].text"},
        ),
        (
            PRACTITIONER,
            {**NAME, "identifiers": [{"value": "1", "period": {"start": "2024-13"}}]},
            {"practitioner.identifiers[0].period.start"},
        ),
        (LOCATION, {"display_name": "R", "latitude": 0.0}, {"location.longitude"}),
    ],
)
def test_every_fault_is_named_by_its_path(kind, fields, expected):
    assert violations(kind, **fields) == expected


def test_a_change_touches_what_is_selected_alone():
    before = entries.new_document(
        PRACTITIONER,
        PRACTITIONER.new(**NAME, gender="female", registration_number="1", active=False),
    )
    sent = PRACTITIONER.new(names=[{"text": "X"}], gender="male", registration_number="2", etag="1")
    after = entries.changed_document(PRACTITIONER, before, sent, {"gender", "registration_number"})
    assert after == {**before, "gender": "male", "registration_number": "2"}
    cleared = entries.changed_document(
        PRACTITIONER, before, PRACTITIONER.new(), {"gender", "active", "registration_number"}
    )
    assert cleared == {**NAME, "active": True}
    with pytest.raises(errors.InvalidArgument):
        entries.changed_document(PRACTITIONER, before, PRACTITIONER.new(), {"names"})


def test_lists_are_replaced_not_added_to():
    before = entries.new_document(DEPARTMENT, pb.Department(display_name="W", specialities=[{"text": "a"}]))
    sent = pb.Department(specialities=[{"text": "b"}])
    after = entries.changed_document(DEPARTMENT, before, sent, {"specialities"})
    assert after["specialities"] == [{"text": "b"}]


def test_a_role_gets_an_id_that_stays():
    before = entries.new_document(PRACTITIONER, PRACTITIONER.new(**NAME, roles=[{}, {"id": "r"}]))
    assert ids.is_uuid(before["roles"][0]["id"])
    sent = PRACTITIONER.new(**before)
    assert entries.changed_document(PRACTITIONER, before, sent, {"roles"}) == before


def test_columns_come_from_the_document():
    columns = entries.derive(PRACTITIONER, {**NAME, "registration_number": "7", "active": False})
    assert (columns["code"], columns["name_key"], columns["parent_id"], columns["active"]) == (
        "7",
        "rao asha",
        None,
        False,
    )
    long = entries.derive(LOCATION, {"display_name": "王" * 256, "active": True})
    assert len(long["name_key"]) <= 512


def test_references_are_those_of_the_fields_that_change():
    first, second = ids.uuid7(), ids.uuid7()
    entry = PRACTITIONER.new(
        department_id=first.upper(), roles=[{"organization_id": second}, {"department_id": first}]
    )
    every = entries.references(PRACTITIONER, entry, PRACTITIONER.fields)
    assert every == [
        ("practitioner.department_id", "DEPARTMENT", first),
        ("practitioner.roles[0].organization_id", "ORGANIZATION", second),
        ("practitioner.roles[1].department_id", "DEPARTMENT", first),
    ]
    assert entries.references(PRACTITIONER, entry, {"roles"}) == every[1:]
    assert entries.references(PRACTITIONER, entry, {"gender"}) == []


def test_a_query_is_words():
    assert entries.patterns(" ICU, care icu ") == ["% icu%", "% care%"]
    assert entries.patterns("  ") == []
    with pytest.raises(errors.InvalidArgument):
        entries.patterns("%_")


def test_statements_of_one_file_have_their_tables_name():
    names = set()
    for kind in KINDS.values():
        queries = directory_store._SQL[kind.table]
        names.update(query.name for query in queries.values())
        assert all(b"{table}" not in query.sql for query in queries.values())
        assert f"FROM {kind.table} ".encode() in queries["get"].sql
        assert queries["get"].name == f"admin.directory.{kind.table}.get"
    assert len(names) == 4 * len(queries)
