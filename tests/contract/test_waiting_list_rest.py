"""The waiting list as front ends see it: from a full slot to an offer that is taken, or left to the next."""

from __future__ import annotations

from tests.fix_booking import tomorrow

START = "%Y-%m-%dT%H:%M:%SZ"


def reasons(answer):
    return [d.get("reason") for d in answer.json["details"] if d["@type"].endswith("ErrorInfo")]


def test_a_seat_that_is_cancelled_is_offered_declined_offered_again_and_booked(ours):
    department = ours.rest("POST", "/v1/departments", {"display_name": "Heart"}).json["id"]
    doctor = ours.rest("POST", "/v1/practitioners", {"names": [{"text": "Rao"}]}).json["id"]
    session = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": "09:00", "end_time": "10:00"}
    schedule = {
        "practitioner_id": doctor,
        "department_id": department,
        "valid_from": "2026-01-01",
        "sessions": [{**session, "capacity": 1}],
    }
    assert ours.rest("POST", "/v1/schedules", schedule).status == 200
    patients = [ours.create_patient().id for _ in range(3)]
    start = tomorrow(9, days=3).strftime(START)
    booked, *others = (
        {"patient_id": patient, "practitioner_id": doctor, "start_time": start} for patient in patients
    )
    first = ours.rest("POST", "/v1/appointments", booked)
    assert (first.status, first.json["state"]) == (200, "BOOKED"), first.json
    assert reasons(ours.rest("POST", "/v1/appointments", others[0])) == ["SLOT_TAKEN"]

    entries = [
        ours.rest(
            "POST",
            "/v1/appointments:waitlist",
            {"appointment": {"patient_id": patient, "department_id": department}},
        )
        for patient in patients[1:]
    ]
    assert [(each.status, each.json["state"]) for each in entries] == [(200, "WAITLISTED")] * 2
    paths = [f"/v1/appointments/{each.json['id']}" for each in entries]
    listed = ours.rest("GET", f"/v1/waitingList?department_id={department}")
    assert [each["patient"]["id"] for each in listed.json["appointments"]] == patients[1:]
    assert reasons(ours.rest("POST", f"{paths[0]}:book", {})) == ["WRONG_STATE"]

    gone = ours.rest("POST", f"/v1/appointments/{first.json['id']}:cancel", {"reason": "travels"})
    assert (gone.status, gone.json["state"]) == (200, "CANCELLED")
    held = ours.rest("GET", paths[0]).json
    assert (held["state"], held["start_time"], held["practitioner_id"]) == ("HELD", start, doctor)
    assert reasons(ours.rest("POST", "/v1/appointments", booked)) == ["SLOT_TAKEN"]

    declined = ours.rest("POST", f"{paths[0]}:decline", {"etag": held["etag"]})
    assert (declined.status, declined.json["state"]) == (200, "WAITLISTED")
    assert reasons(ours.rest("POST", f"{paths[0]}:decline", {})) == ["NOT_AN_OFFER"]
    assert ours.rest("GET", paths[1]).json["state"] == "HELD"
    taken = ours.rest("POST", f"{paths[1]}:book", {})
    assert (taken.status, taken.json["state"], taken.json["start_time"]) == (200, "BOOKED", start)
    left = ours.rest("GET", f"/v1/waitingList?department_id={department}")
    assert [each["id"] for each in left.json["appointments"]] == [entries[0].json["id"]]

    reminders = ours.rest("GET", f"{paths[1]}/reminders").json["reminders"]
    assert [(each["channel"], each["state"]) for each in reminders] == [("EMAIL", "SCHEDULED")] * 2
    assert ours.rest("GET", f"{paths[0]}/reminders").json["reminders"] == []
    later = {
        "patient_id": patients[2],
        "practitioner_id": doctor,
        "start_time": tomorrow(9, 15, days=3).strftime(START),
        "previous_appointment_id": entries[1].json["id"],
    }
    following = ours.rest("POST", "/v1/appointments", later)
    assert following.status == 200, following.json
    found = ours.rest("GET", f"{paths[1]}/followUps")
    assert [each["id"] for each in found.json["appointments"]] == [following.json["id"]]
