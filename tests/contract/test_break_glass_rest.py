"""Restricted patients over REST: a doctor of another department breaks the glass, and it is reviewed."""

from __future__ import annotations

import pytest

from tests.fix_client import colleague, eventually, hospital


@pytest.fixture(scope="module")
def doctor(ours):
    made = colleague(ours, "DOCTOR")
    yield made
    made.close()


def test_a_restricted_patient_is_reached_by_breaking_the_glass_and_everything_is_marked(ours, doctor):
    patient = ours.create_patient()
    path = f"/v1/patients/{patient.id}"
    body = {"restricted": True, "reason": "a member of staff", "etag": patient.etag}
    assert doctor.rest("POST", f"{path}:setRestriction", body).status == 403
    done = ours.rest("POST", f"{path}:setRestriction", body)
    assert (done.status, done.json["restricted"], done.json["etag"]) == (200, True, "2")
    assert doctor.rest("GET", path).status == 404

    short = doctor.rest("POST", "/v1/patients:breakGlass", {"uhid": patient.uhid, "reason": "urgent"})
    assert short.status == 400
    reason = {"reason": "unconscious, no relative here"}
    too_long = doctor.rest("POST", f"{path}:breakGlass", {**reason, "duration_seconds": 14_401})
    assert too_long.status == 400
    grant = doctor.rest(
        "POST", "/v1/patients:breakGlass", {**reason, "uhid": patient.uhid, "duration_seconds": 600}
    ).json
    assert grant["patient_id"] == patient.id
    shown = doctor.rest("GET", path)
    assert (shown.status, shown.json["restricted"]) == (200, True)
    assert doctor.rest("GET", f"{path}/summary").status == 200

    events = eventually(
        lambda: [e for e in ours.events(actor_id=doctor.user_id) if e.method.endswith("Summary")]
    )
    assert events[0].reason == f"BREAK_GLASS:{grant['id']}"

    assert doctor.rest("GET", "/v1/breakGlass").status == 403
    waiting = ours.rest("GET", "/v1/breakGlass?unreviewed=true").json["grants"]
    assert [(g["id"], g["username"]) for g in waiting] == [(grant["id"], doctor.username)]
    reviewed = ours.rest(
        "POST",
        f"/v1/breakGlass/{grant['id']}:review",
        {"outcome": "BREAK_GLASS_OUTCOME_NOT_JUSTIFIED", "note": "nobody was in danger"},
    )
    assert reviewed.status == 200
    assert ours.rest("GET", "/v1/breakGlass?unreviewed=true").json.get("grants", []) == []
    assert doctor.rest("GET", path).status == 404


def test_a_doctor_of_the_treating_department_needs_no_break_glass(ours, doctor):
    patient = ours.create_patient()
    department = ours.rest("POST", "/v1/departments", {"display_name": "Cardiology"}).json
    visit = {
        "patient_id": patient.id,
        "department_id": department["id"],
        "start_time": "2026-01-01T09:00:00Z",
    }
    assert ours.rest("POST", "/v1/encounters", visit).status == 200
    body = {"restricted": True, "reason": "a member of staff"}
    assert ours.rest("POST", f"/v1/patients/{patient.id}:setRestriction", body).status == 200
    assert doctor.rest("GET", f"/v1/patients/{patient.id}").status == 404
    body = {"department_ids": [department["id"]]}
    assert ours.rest("POST", f"/v1/users/{doctor.user_id}:setDepartments", body).status == 200
    assert ours.rest("GET", f"/v1/users/{doctor.user_id}/departments").json["department_ids"] == [
        department["id"]
    ]
    assert doctor.rest("GET", f"/v1/patients/{patient.id}").status == 200


def mails_about(stack, grant):
    """What the privacy officers got about a grant."""
    texts = [path.read_text() for path in stack.layout.mail.glob("*.txt")]
    return [text for text in texts if grant["id"] in text]


def test_the_privacy_officers_get_a_mail_and_review_by_its_link(stack, ours, doctor):
    officers = ["officer@hospital.example", "second@hospital.example"]
    changed = ours.rest("PATCH", "/v1/settings", {"privacy_officer_emails": officers})
    assert (changed.status, changed.json["privacy_officer_emails"]) == (200, officers)
    patient = ours.create_patient()
    body = {"reason": "unconscious, no relative here", "duration_seconds": 600}
    grant = doctor.rest("POST", f"/v1/patients/{patient.id}:breakGlass", body).json
    assert grant["notice"] == "BREAK_GLASS_NOTICE_WAITING"
    mails = eventually(lambda: found if len(found := mails_about(stack, grant)) == 2 else None, 40)
    assert sorted(line for mail in mails for line in mail.splitlines() if line.startswith("To: ")) == [
        f"To: {officer}" for officer in officers
    ]
    (link,) = {line for mail in mails for line in mail.splitlines() if line.startswith("http")}
    path = link.removeprefix(ours.rest_url)
    assert path == f"/v1/breakGlass/{grant['id']}"
    assert doctor.rest("GET", path).status == 403
    shown = ours.rest("GET", path)
    assert (shown.status, shown.json["username"]) == (200, doctor.username)
    eventually(lambda: ours.rest("GET", path).json["notice"] == "BREAK_GLASS_NOTICE_SENT")
    reviewed = ours.rest("POST", f"{path}:review", {"outcome": "BREAK_GLASS_OUTCOME_JUSTIFIED"})
    assert (reviewed.status, reviewed.json["notice"]) == (200, "BREAK_GLASS_NOTICE_SENT")
    stranger = hospital(stack)
    assert stranger.rest("GET", path).status == 404
    stranger.close()


@pytest.mark.parametrize("address", ["nobody", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example"])
def test_what_is_no_address_is_not_taken_as_the_privacy_officers(ours, address):
    assert ours.rest("PATCH", "/v1/settings", {"privacy_officer_emails": [address]}).status == 400


def test_a_hospital_with_nobody_to_tell_sees_that_in_its_list(stack, ours, doctor):
    cleared = ours.rest("PATCH", "/v1/settings?update_mask=privacy_officer_emails", {})
    assert cleared.json.get("privacy_officer_emails", []) == []
    patient = ours.create_patient()
    body = {"reason": "unconscious, no relative here", "duration_seconds": 600}
    grant = doctor.rest("POST", f"/v1/patients/{patient.id}:breakGlass", body).json
    assert grant["notice"] == "BREAK_GLASS_NOTICE_NOBODY"
    waiting = ours.rest("GET", "/v1/breakGlass?unreviewed=true").json["grants"]
    assert [g["notice"] for g in waiting if g["id"] == grant["id"]] == ["BREAK_GLASS_NOTICE_NOBODY"]
    assert mails_about(stack, grant) == []
