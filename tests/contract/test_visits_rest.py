"""A visit through the gateway: from the token to the end, with vital signs and a signed note."""

from __future__ import annotations

import psycopg
import pytest

from hms_server import ids
from hms_server.devstack.postgres import DATABASE
from tests.fix_visits import FrontDesk


@pytest.fixture
def desk(stack, ours):
    """The front desk of our hospital, straight in the database."""
    url = stack.postgres.url("hms_owner", stack.environment.passwords.owner, DATABASE)
    with psycopg.connect(url, autocommit=True) as owner:
        yield FrontDesk(owner, ours.tenant_id, ids.uuid7())


def reasons(answer):
    return [d.get("reason") for d in answer.json["details"] if d["@type"].endswith("ErrorInfo")]


def test_a_visit_goes_from_the_token_to_its_end(ours, desk):
    patient = ours.create_patient(birth_date="1980-05-01")
    appointment_id = desk.appointment(patient.id)
    token_id = desk.token(patient.id, appointment_id)
    started = ours.rest("POST", "/v1/encounters:start", {"queue_token_id": token_id})
    assert (started.status, started.json["state"]) == (200, "IN_PROGRESS"), started.json
    visit = f"/v1/encounters/{started.json['id']}"
    again = ours.rest("POST", "/v1/encounters:start", {"appointment_id": appointment_id})
    assert (again.status, reasons(again)) == (409, ["ENCOUNTER_STARTED"])
    day = ours.rest("GET", f"/v1/encounters?department_id={desk.department_id}&states=IN_PROGRESS")
    assert [e["patient"]["id"] for e in day.json["encounters"]] == [patient.id]

    vital_signs = {
        "temperature": {"value": 101.3, "unit": "[degF]"},
        "pulse": {"value": 115},
        "respiratory_rate": {"value": 22},
        "oxygen_saturation": {"value": 93},
        "supplemental_oxygen": False,
        "systolic": {"value": 105},
        "diastolic": {"value": 70},
        "consciousness": "A",
    }
    recorded = ours.rest("POST", f"{visit}/vitalSigns", vital_signs)
    assert recorded.status == 200, recorded.json
    assert recorded.json["early_warning_score"]["quantity"]["value"] == 8
    listed = ours.rest("GET", f"{visit}/vitalSigns").json["vital_signs"]
    assert len(listed) == len(recorded.json["vital_signs"]) + 1
    wrong = ours.rest("POST", f"{visit}/vitalSigns", {"temperature": {"value": 101.3}})
    assert (wrong.status, reasons(wrong)) == (400, ["INVALID_ARGUMENT"])

    note = ours.rest("POST", f"{visit}/notes", {"subjective": "Cough", "plan": "Rest"}).json
    early = ours.rest("POST", f"{visit}:complete", {})
    assert (early.status, reasons(early)) == (400, ["UNSIGNED_NOTES"])
    path = f"/v1/notes/{note['id']}"
    changed = ours.rest("PATCH", path, {"plan": "Rest, fluids"}).json
    signed = ours.rest("POST", f"{path}:sign", {"etag": changed["etag"]})
    assert (signed.status, signed.json["state"]) == (200, "SIGNED")
    own = ours.rest("POST", f"{path}:coSign", {"etag": signed.json["etag"]})
    assert (own.status, reasons(own)) == (400, ["SAME_SIGNER"])
    assert [n["state"] for n in ours.rest("GET", f"{visit}/notes?states=SIGNED").json["notes"]] == ["SIGNED"]

    done = ours.rest("POST", f"{visit}:complete", {"etag": started.json["etag"]})
    assert (done.status, done.json["state"]) == (200, "COMPLETED"), done.json
    assert desk.state("queue_token", token_id) == "COMPLETED"
    assert desk.state("appointment", appointment_id) == "FULFILLED"
    whole = ours.rest("GET", visit).json
    assert [n["id"] for n in whole["notes"]] == [note["id"]]
    assert whole["queue_token_id"] == token_id
