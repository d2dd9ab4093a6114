"""The directory through the gateway, and who is let in."""

from __future__ import annotations

import pytest

from hms.identity.v1 import identity_pb2
from hms_server import ids
from hms_server.admin.kinds import KINDS
from tests.fix_client import colleague, platform

NAMES = [pytest.param(kind, id=kind.table) for kind in KINDS.values()]


def named(kind, name):
    return {"names": [{"text": name}]} if "names" in kind.fields else {"display_name": name}


def reasons(answer):
    return [d.get("reason") for d in answer.json["details"] if d["@type"].endswith("ErrorInfo")]


@pytest.mark.parametrize("kind", NAMES)
def test_an_entry_is_made_read_listed_and_changed(ours, kind):
    path = f"/v1/{kind.plural}"
    code = ids.uuid7()[-12:]
    made = ours.rest("POST", path, {**named(kind, "Ward"), kind.code: code})
    assert (made.status, made.json[kind.code], made.json["active"]) == (200, code, True)
    one = f"{path}/{made.json['id']}"
    assert ours.rest("GET", one).json == made.json
    assert ours.rest("GET", f"{path}?{kind.code}={code}").json[kind.plural] == [made.json]
    changed = ours.rest("PATCH", f"{one}?update_mask=active", {"active": False, "etag": "1"})
    assert (changed.status, changed.json["active"], changed.json["etag"]) == (200, False, "2")
    assert ours.rest("GET", f"{path}?{kind.code}={code}").json[kind.plural] == []
    taken = ours.rest("POST", path, {**named(kind, "Hall"), kind.code: code})
    assert (taken.status, reasons(taken)) == (409, ["ALREADY_EXISTS"])
    (bad,) = [d for d in taken.json["details"] if d["@type"].endswith("BadRequest")]
    assert [v["field"] for v in bad["field_violations"]] == [f"{kind.table}.{kind.code}"]


@pytest.mark.parametrize("kind", NAMES)
def test_bad_input_is_told(ours, kind):
    path = f"/v1/{kind.plural}"
    for body in (
        {},
        {**named(kind, "W"), "nose": 1},
        {**named(kind, "W"), kind.code: "x" * 65},
        {**named(kind, "W"), kind.parent: "no-uuid"},
        {**named(kind, "W"), kind.parent: ids.uuid7()},
        {**named(kind, "W\x00")},
    ):
        answer = ours.rest("POST", path, body)
        assert (answer.status, reasons(answer)) == (400, ["INVALID_ARGUMENT"]), body
    for query in ("page_token=x", "query=%25", f"{kind.parent}=x"):
        assert ours.rest("GET", f"{path}?{query}").status == 400, query


@pytest.mark.parametrize("kind", NAMES)
def test_who_may_not_is_refused(ours, stack, kind):
    role = f"R{ids.uuid7()[-12:].upper()}"
    ours.identity.CreateRole(
        identity_pb2.CreateRoleRequest(role=identity_pb2.Role(code=role, permissions=["directory.read"])),
        metadata=ours.metadata,
    )
    reader, operator = colleague(ours, role), platform(stack)
    path = f"/v1/{kind.plural}"
    assert reader.rest("GET", path).status == 200
    for caller, method, body in (
        (reader, "POST", named(kind, "W")),
        (operator, "GET", None),
        (operator, "POST", named(kind, "W")),
    ):
        answer = caller.rest(method, path, body)
        assert (answer.status, reasons(answer)) == (403, ["PERMISSION_DENIED"])
    reader.close()
    operator.close()


@pytest.fixture
def clinic(theirs):
    """A hospital of its own: its caller, and what makes an entry and gives the JSON of it."""

    def make(plural, **fields):
        made = theirs.rest("POST", f"/v1/{plural}", fields)
        assert made.status == 200, made.json
        return made.json

    return theirs, make


def test_departments_come_as_a_tree(clinic):
    caller, make = clinic
    top = make("departments", display_name="Top")
    below = make("departments", display_name="Below", parent_id=top["id"])
    whole = caller.rest("GET", "/v1/departments:tree").json
    shown = [(node["department"]["id"], node["depth"]) for node in whole["nodes"]]
    place = shown.index((top["id"], 0))
    assert (shown[place + 1], whole["truncated"]) == ((below["id"], 1), False)
    part = caller.rest("GET", f"/v1/departments:tree?root_id={below['id']}").json
    assert [node["department"]["id"] for node in part["nodes"]] == [below["id"]]
    assert caller.rest("GET", f"/v1/departments:tree?root_id={ids.uuid7()}").status == 404


@pytest.mark.parametrize("plural", ["departments", "practitioners", "locations"])
def test_a_batch_is_made_whole_or_not_at_all(clinic, plural):
    caller, _ = clinic
    kind = next(kind for kind in KINDS.values() if kind.plural == plural)
    codes = [f"{ids.uuid7()[-8:]}{i}" for i in range(3)]
    good = [{**named(kind, f"Entry {i}"), kind.code: code} for i, code in enumerate(codes)]
    bad = caller.rest("POST", f"/v1/{plural}:batchCreate", {plural: [*good, {kind.code: "x"}]})
    assert (bad.status, reasons(bad)) == (400, ["INVALID_ARGUMENT"])
    (told,) = [d for d in bad.json["details"] if d["@type"].endswith("BadRequest")]
    assert {v["field"].partition(".")[0] for v in told["field_violations"]} == {f"{plural}[3]"}
    made = caller.rest("POST", f"/v1/{plural}:batchCreate", {plural: good, "request_id": ids.uuid7()})
    assert made.status == 200, made.json
    assert [entry[kind.code] for entry in made.json[plural]] == codes
    taken = caller.rest("POST", f"/v1/{plural}:batchCreate", {plural: good[:1]})
    assert (taken.status, reasons(taken)) == (409, ["ALREADY_EXISTS"])


def test_an_account_is_linked_to_its_practitioner(clinic):
    caller, make = clinic
    one, other = (make("practitioners", names=[{"text": name}]) for name in ("One", "Other"))
    path = f"/v1/practitioners/{one['id']}"
    linked = caller.rest("POST", f"{path}:linkUser", {"user_id": caller.user_id})
    assert (linked.status, linked.json["user_id"]) == (200, caller.user_id), linked.json
    assert caller.rest("GET", "/v1/practitioners:mine").json == linked.json
    second = caller.rest("POST", f"/v1/practitioners/{other['id']}:linkUser", {"user_id": caller.user_id})
    assert (second.status, reasons(second)) == (400, ["PRACTITIONER_LINKED"])
    used = caller.rest("DELETE", path)
    assert (used.status, reasons(used)) == (400, ["DIRECTORY_ENTRY_IN_USE"])
    assert caller.rest("POST", f"{path}:unlinkUser", {}).status == 200
    assert caller.rest("GET", "/v1/practitioners:mine").status == 404


def test_practitioners_are_found_by_department_and_speciality_in_either_order(clinic):
    caller, make = clinic
    ward = make("departments", display_name="Ward")["id"]
    heart = ids.uuid7()[-8:]
    for name in ("Bo", "Al"):
        make(
            "practitioners",
            names=[{"text": name}],
            department_id=ward,
            specialities=[{"codings": [{"system": "http://snomed.info/sct", "code": heart}]}],
        )
    make("practitioners", names=[{"text": "Cy"}], department_id=ward)

    def found(query):
        answer = caller.rest("GET", f"/v1/practitioners?{query}")
        assert answer.status == 200, answer.json
        return [entry["names"][0]["text"] for entry in answer.json["practitioners"]]

    assert found(f"department_id={ward}") == ["Al", "Bo", "Cy"]
    assert found(f"department_id={ward}&order_by=name%20desc") == ["Cy", "Bo", "Al"]
    assert found(f"speciality={heart}&order_by=create_time") == ["Bo", "Al"]
    assert found(f"speciality={heart}&department_id={ward}&order_by=create_time+desc") == ["Al", "Bo"]
    assert found(f"speciality={heart}&speciality_system=other") == []
    for wrong in ("order_by=age", "speciality_system=http://snomed.info/sct"):
        assert caller.rest("GET", f"/v1/practitioners?{wrong}").status == 400, wrong


@pytest.mark.parametrize("kind", NAMES)
def test_an_entry_is_deleted_and_comes_back(clinic, kind):
    caller, make = clinic
    code = ids.uuid7()[-12:]
    made = make(kind.plural, **named(kind, "Ward"), **{kind.code: code})
    path, listed = f"/v1/{kind.plural}/{made['id']}", f"/v1/{kind.plural}?{kind.code}={code}"
    assert caller.rest("DELETE", f"{path}?etag=7").status == 409
    gone = caller.rest("DELETE", f"{path}?etag=1")
    assert gone.status == 200, gone.json
    assert gone.json["delete_time"]
    assert caller.rest("GET", path).json == gone.json
    assert caller.rest("GET", listed).json[kind.plural] == []
    assert caller.rest("GET", f"{listed}&show_deleted=true").json[kind.plural] == [gone.json]
    again = caller.rest("DELETE", path)
    assert (again.status, reasons(again)) == (400, ["DIRECTORY_ENTRY_DELETED"])
    back = caller.rest("POST", f"{path}:undelete", {"etag": gone.json["etag"]})
    assert (back.status, back.json.get("delete_time")) == (200, None)


def test_an_entry_in_use_is_not_deleted_and_says_by_what(clinic):
    caller, make = clinic
    ward = make("departments", display_name="Ward")["id"]
    below = make("departments", display_name="Below", parent_id=ward)["id"]
    doctor = make("practitioners", names=[{"text": "Rao"}], department_id=ward)["id"]
    refused = caller.rest("DELETE", f"/v1/departments/{ward}")
    assert (refused.status, reasons(refused)) == (400, ["DIRECTORY_ENTRY_IN_USE"])
    assert "1 department, 1 practitioner" in refused.json["message"]
    (info,) = [d for d in refused.json["details"] if d["@type"].endswith("ErrorInfo")]
    assert (info["metadata"]["departments"], info["metadata"]["practitioners"]) == ("1", "1")
    assert caller.rest("DELETE", f"/v1/departments/{below}").status == 200
    assert caller.rest("DELETE", f"/v1/practitioners/{doctor}").status == 200
    assert caller.rest("DELETE", f"/v1/departments/{ward}").status == 200
