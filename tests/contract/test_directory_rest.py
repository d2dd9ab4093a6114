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
