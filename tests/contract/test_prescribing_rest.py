"""Prescribing through the gateway: an allergy caught, overridden with a reason, shown, and audited."""

from __future__ import annotations

import pytest

from hms_server import ids
from tests.fix_client import colleague, eventually

SNOMED = "http://snomed.info/sct"
ICD = "http://hl7.org/fhir/sid/icd-10"


@pytest.fixture
def doctor(ours):
    made = colleague(ours, "DOCTOR")
    yield made
    made.close()


@pytest.fixture
def patient(ours):
    return ours.create_patient()


def detail(answer, name):
    return next(d for d in answer.json["details"] if d["@type"].endswith(name))


def test_a_caught_allergy_is_told_overridden_shown_and_audited(ours, doctor, patient):
    penicillin = {"codings": [{"system": SNOMED, "code": "764146007", "display": "Penicillin"}]}
    allergy = doctor.rest(
        "POST", f"/v1/patients/{patient.id}/allergies", {"code": penicillin, "criticality": "high"}
    )
    assert allergy.status == 200
    path = f"/v1/patients/{patient.id}/prescriptions"
    item = {"medication": {"text": "Amoxicillin 500 MG Oral Capsule"}}

    checked = doctor.rest("POST", "/v1/prescriptions:check", {"patient_id": patient.id, "items": [item]})
    assert checked.status == 200

    refused = doctor.rest("POST", path, {"items": [item]})
    assert refused.status == 400
    assert detail(refused, "ErrorInfo")["reason"] == "PRESCRIPTION_WARNINGS"
    (warning,) = detail(refused, "PrescriptionWarnings")["warnings"]
    assert checked.json["warnings"] == [warning]
    assert checked.json["unresolved_keys"] == [warning["key"]]
    assert warning["severity"] == "CONTRAINDICATED"
    assert warning["conflicting_record_ids"] == [allergy.json["id"]]
    assert "amoxicillin" not in refused.json["message"].lower()

    reason = "tolerated twice under watch"
    overrides = [{"warning_key": warning["key"], "reason": reason}]
    made = doctor.rest("POST", f"{path}?request_id={ids.uuid7()}", {"items": [item], "overrides": overrides})
    assert made.status == 200, made.body
    shown = doctor.rest("GET", f"/v1/prescriptions/{made.json['id']}").json
    (kept,) = shown["overrides"]
    assert (kept["reason"], kept["user_id"]) == (reason, doctor.user_id)
    assert shown["warnings"] == [warning]

    def event():
        found = ours.events(entity_id=made.json["id"])
        return [e for e in found if e.method.endswith("/CreatePrescription") and e.outcome == "OK"]

    (audited,) = eventually(event)
    assert audited.reason == "warnings overridden: ALLERGY CONTRAINDICATED"
    assert list(audited.patient_ids) == [patient.id]


@pytest.mark.parametrize("overrides", [[{"warning_key": "x", "reason": "no"}], [{"reason": "long enough"}]])
def test_an_override_without_key_or_reason_is_refused(doctor, patient, overrides):
    body = {"items": [{"medication": {"text": "Ibuprofen"}}], "overrides": overrides}
    answer = doctor.rest("POST", f"/v1/patients/{patient.id}/prescriptions", body)
    assert answer.status == 400
    assert detail(answer, "ErrorInfo")["reason"] == "INVALID_ARGUMENT"


def test_codes_are_searched_and_a_wrong_one_is_refused_with_the_nearest(doctor, patient):
    found = doctor.rest("GET", f"/v1/codes:search?system={ICD}&query=essential+hyper&page_size=3")
    assert found.status == 200
    assert {"system": ICD, "code": "I10", "display": "Essential (primary) hypertension"} in found.json[
        "codes"
    ]
    answer = doctor.rest(
        "POST",
        f"/v1/patients/{patient.id}/conditions",
        {"code": {"codings": [{"system": ICD, "code": "I10.9"}]}},
    )
    assert answer.status == 400
    (violation,) = detail(answer, "BadRequest")["field_violations"]
    assert violation["field"] == "condition.code.codings[0].code"
    assert "I10 (" in violation["description"]


def test_lists_and_rules_are_kept_by_those_who_may(ours, doctor, stack):
    entry = {"system": "urn:med", "code": ids.uuid7(), "display": "Amoxicillin 500"}
    rule = {"first": f"word{ids.uuid7()[-6:]}", "second": "warfarin", "severity": "SEVERE"}
    assert doctor.rest("POST", "/v1/codeEntries", entry).status == 403
    assert doctor.rest("POST", "/v1/interactionRules", rule).status == 403
    pharmacist = colleague(ours, "PHARMACIST")
    made = pharmacist.rest("POST", "/v1/codeEntries", entry)
    assert made.status == 200
    batch = {"code_entries": [{**entry, "code": ids.uuid7()} for _ in range(3)]}
    many = pharmacist.rest("POST", "/v1/codeEntries:batchCreate", batch)
    assert len(many.json["code_entries"]) == 3
    changed = pharmacist.rest("PATCH", f"/v1/codeEntries/{made.json['id']}", {"display": "Amoxicillin"})
    assert changed.json["etag"] == "2"
    ended = pharmacist.rest("POST", f"/v1/codeEntries/{made.json['id']}:deactivate", {"etag": "2"})
    assert ended.json["active"] is False
    listed = doctor.rest("GET", "/v1/codeEntries?system=urn:med&query=amox")
    assert len(listed.json["code_entries"]) == 3
    kept = pharmacist.rest("POST", "/v1/interactionRules", rule)
    assert kept.status == 200
    one = f"/v1/interactionRules/{kept.json['id']}"
    assert doctor.rest("GET", one).json == kept.json
    assert pharmacist.rest("PATCH", one, {"severity": "MINOR"}).json["severity"] == "MINOR"
    assert pharmacist.rest("POST", f"{one}:deactivate", {}).json["active"] is False
    builtin = doctor.rest("GET", "/v1/interactionRules?show_builtin=true").json["builtin_rules"]
    assert len(builtin) >= 60
    pharmacist.close()
