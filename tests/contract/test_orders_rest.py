"""An order through the gateway: collected, resulted, acknowledged, and in the summary of the visit."""

from __future__ import annotations

import pytest

from hms_server import ids
from tests.fix_client import colleague

LOINC = "http://loinc.org"


@pytest.fixture(scope="module")
def staff(ours):
    made = {role: colleague(ours, role) for role in ("DOCTOR", "LAB", "RECEPTIONIST")}
    yield made
    for each in made.values():
        each.close()


def item(code, text):
    return {"code": {"codings": [{"system": LOINC, "code": code}], "text": text}}


def value(item, number, unit):
    return {"item": item, "quantity": {"value": number, "unit": unit, "code": unit}}


def reasons(answer):
    return [d.get("reason") for d in answer.json["details"] if d["@type"].endswith("ErrorInfo")]


def test_an_order_goes_from_the_doctor_to_the_laboratory_and_back(ours, staff, theirs):
    doctor, lab, desk = staff["DOCTOR"], staff["LAB"], staff["RECEPTIONIST"]
    patient = ours.create_patient()
    department = ours.rest("POST", "/v1/departments", {"display_name": "Medicine"}).json
    visit = doctor.rest(
        "POST",
        f"/v1/patients/{patient.id}/encounters",
        {"department_id": department["id"], "state": "IN_PROGRESS"},
    ).json
    body = {
        "category": "laboratory",
        "priority": "urgent",
        "items": [item("2823-3", "Potassium"), item("2951-2", "Sodium")],
    }
    path = f"/v1/encounters/{visit['id']}/orders"
    for refused in (lab, desk):
        assert refused.rest("POST", path, body).status == 403
    order = doctor.rest("POST", path, body).json
    assert (order["state"], order["patient_id"]) == ("ACTIVE", patient.id)
    one = f"/v1/orders/{order['id']}"
    assert theirs.rest("GET", one).status == 404
    assert doctor.rest("GET", f"/v1/patients/{patient.id}/orders").json["orders"] == [order]
    assert desk.rest("GET", "/v1/orders:worklist?category=laboratory").status == 403
    waiting = lab.rest("GET", "/v1/orders:worklist?category=laboratory&priorities=urgent").json["orders"]
    assert [(each["order"]["id"], each["patient"]["uhid"]) for each in waiting] == [
        (order["id"], patient.uhid)
    ]
    assert theirs.rest("GET", "/v1/orders:worklist?category=laboratory").json["orders"] == []

    collected = lab.rest("POST", f"{one}:collect", {"etag": order["etag"], "specimen_note": "left arm"}).json
    assert (collected["state"], collected["collect_user_id"]) == ("IN_PROGRESS", lab.user_id)

    results = {
        "etag": collected["etag"],
        "request_id": ids.uuid7(),
        "results": [value(0, 6.9, "mmol/L"), value(1, 150, "mmol/L")],
        "conclusion": "Repeat at once.",
    }
    assert theirs.rest("POST", f"{one}:recordResults", results).status == 404
    assert desk.rest("POST", f"{one}:recordResults", results).status == 403
    recorded = lab.rest("POST", f"{one}:recordResults", results)
    assert recorded.status == 200
    assert recorded.json["order"]["state"] == "COMPLETED"
    assert [each["interpretations"] for each in recorded.json["observations"]] == [["HH"], ["H"]]
    assert recorded.json["critical_observation_ids"] == [recorded.json["observations"][0]["id"]]
    again = lab.rest("POST", f"{one}:recordResults", results)
    assert again.json["report"] == recorded.json["report"]
    late = lab.rest("POST", f"{one}:recordResults", {**results, "request_id": ids.uuid7()})
    assert (late.status, reasons(late)) == (409, ["ETAG_MISMATCH"])

    report = recorded.json["report"]
    path = f"/v1/diagnosticReports:unacknowledged?department_id={department['id']}"
    assert [each["report"]["id"] for each in doctor.rest("GET", path).json["results"]] == [report["id"]]
    acknowledge = f"/v1/diagnosticReports/{report['id']}:acknowledge"
    assert lab.rest("POST", acknowledge, {}).status == 403
    assert theirs.rest("POST", acknowledge, {}).status == 404
    seen = doctor.rest("POST", acknowledge, {"etag": report["etag"], "note": "Calcium given."}).json
    assert seen["acknowledge_user_id"] == doctor.user_id
    assert doctor.rest("GET", path).json["results"] == []

    assert theirs.rest("GET", f"/v1/encounters/{visit['id']}/summary").status == 404
    summary = doctor.rest("GET", f"/v1/encounters/{visit['id']}/summary").json
    assert "Potassium: 6.9 mmol/L (CRITICALLY HIGH)" in summary["text"]
    assert "Sodium: 150 mmol/L (high)" in summary["text"]
    assert "Potassium, Sodium (laboratory, urgent): completed" in summary["text"]


def test_a_referral_is_accepted_by_whom_it_is_to(ours, staff, theirs):
    doctor = staff["DOCTOR"]
    patient = ours.create_patient()
    department = ours.rest("POST", "/v1/departments", {"display_name": "Neurology"}).json
    body = {"to_department_id": department["id"], "reasons": [{"text": "Headache"}]}
    made = doctor.rest("POST", f"/v1/patients/{patient.id}/referrals", body).json
    inbox = f"/v1/referrals:inbox?department_id={department['id']}"
    assert [each["referral"]["id"] for each in doctor.rest("GET", inbox).json["referrals"]] == [made["id"]]
    assert theirs.rest("GET", inbox).json["referrals"] == []
    one = f"/v1/referrals/{made['id']}"
    assert theirs.rest("POST", f"{one}:accept", {}).status == 404
    assert staff["LAB"].rest("POST", f"{one}:accept", {}).status == 403
    assert doctor.rest("POST", f"{one}:accept", {"etag": "1"}).json["state"] == "ACCEPTED"
    refused = doctor.rest("POST", f"{one}:decline", {"reason": "too late"})
    assert (refused.status, reasons(refused)) == (400, ["WRONG_STATE"])
    assert doctor.rest("POST", f"{one}:complete", {"note": "seen"}).json["answer"] == "seen"
    assert doctor.rest("GET", inbox).json["referrals"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/orders", {"category": "laboratory"}),
        ("POST", "/v1/orders", {"category": "cooking", "items": [item("1-1", "x")]}),
        ("GET", "/v1/orders:worklist", None),
        ("GET", "/v1/orders:worklist?category=laboratory&states=COMPLETED", None),
        ("GET", "/v1/orders:worklist?category=laboratory&page_token=x", None),
        ("GET", "/v1/referrals:inbox", None),
        ("POST", f"/v1/orders/{ids.PLATFORM_TENANT}:recordResults", {"results": []}),
        ("POST", f"/v1/orders/{ids.PLATFORM_TENANT}:recordResults", {"results": [{"item": 0}]}),
        ("POST", f"/v1/orders/{ids.PLATFORM_TENANT}:revoke", {}),
    ],
)
def test_bad_input_is_told(ours, method, path, body):
    answer = ours.rest(method, path, body)
    assert (answer.status, reasons(answer)) in (
        (400, ["INVALID_ARGUMENT"]),
        (400, ["INVALID_PAGE_TOKEN"]),
    )
