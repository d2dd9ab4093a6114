"""A day at the front desk through the gateway: from the schedule to the board in the waiting room."""

from __future__ import annotations

import datetime
import json

from hms_server import ids

WEEK = [1, 2, 3, 4, 5, 6, 7]


def done(answer):
    assert answer.status == 200, answer.body
    return answer.json


def reason(answer):
    assert answer.status == 400, answer.body
    return next(d["reason"] for d in answer.json["details"] if d["@type"].endswith("ErrorInfo"))


def test_a_day_from_the_schedule_to_the_waiting_rooms_screen(ours):
    def post(path, body=None):
        return ours.rest("POST", path, body or {})

    def department(code):
        body = {"display_name": code.title(), "code": code}
        return done(post("/v1/departments", body))["id"]

    def doctor(where):
        """Sits around the clock, so that the test runs at any hour."""
        made = done(post("/v1/practitioners", {"names": [{"text": "Rao"}]}))["id"]
        session = {"weekdays": WEEK, "start_time": "00:00", "end_time": "24:00", "slot_minutes": 10}
        done(
            post(
                "/v1/schedules",
                {
                    "practitioner_id": made,
                    "department_id": where,
                    "valid_from": "2026-01-01",
                    "sessions": [session | {"capacity": 3, "walk_in_share": 34}],
                },
            )
        )
        return made

    def patient(name):
        return done(post("/v1/patients", {"names": [{"text": name}]}))["id"]

    heart, skin = department("CARD"), department("DERM")
    rao, sen, das = doctor(heart), doctor(heart), doctor(skin)
    names = ["Meera Unmistakable", "Ravi Unmistakable", "Asha Unmistakable", "Usha Unmistakable"]
    booked, first, second, third = (patient(name) for name in names)

    # The slot that is under way: booked ahead, then it is its time.
    slots = done(ours.rest("GET", f"/v1/slots:search?practitioner_ids={rao}&page_size=2"))["slots"]
    start = slots[0]["start_time"]
    body = {"patient_id": booked, "practitioner_id": rao, "start_time": start}
    appointment = done(post("/v1/appointments", body))
    now = datetime.datetime.now(datetime.UTC)
    same_day = datetime.datetime.fromisoformat(start).date() == now.date()
    assert same_day or now.hour == 23
    if not same_day:
        # Within the last slot of the day nothing of today is left to book.
        assert reason(post(f"/v1/appointments/{appointment['id']}:checkIn")) == "WRONG_STATE"
        appointment = None

    queue = f"/v1/queues/{rao}"
    walk_in = done(post(f"{queue}/tokens", {"patient_id": first, "request_id": ids.uuid7()}))
    assert (walk_in["token"], walk_in["state"]) == ("CARD-001", "WAITING")
    refused = post(f"{queue}/tokens", {"patient_id": first})
    assert reason(refused) == "ALREADY_IN_QUEUE"
    if appointment is None:
        token = done(post(f"{queue}/tokens", {"patient_id": booked}))
    else:
        checked_in = done(post(f"/v1/appointments/{appointment['id']}:checkIn", {"note": "wheelchair"}))
        assert checked_in["appointment"]["state"] == "CHECKED_IN"
        token = checked_in["queue_token"]
        assert token["appointment_id"] == appointment["id"]
    assert token["token"] == "CARD-002"
    urgent = done(
        post(
            f"{queue}/tokens",
            {"patient_id": second, "priority": "EMERGENCY", "priority_reason": "Unmistakable pain"},
        )
    )
    last = done(post(f"{queue}/tokens", {"patient_id": third}))
    assert [urgent["number"], last["number"]] == [3, 4]

    shown = done(ours.rest("GET", queue))
    assert shown["waiting"][0]["queue_token"]["id"] == urgent["id"]
    assert [entry["position"] for entry in shown["waiting"]] == [1, 2, 3, 4]
    # Ten minutes a slot: nobody was seen yet.
    assert shown["consultation_seconds"] == 600
    assert [entry.get("estimated_wait_seconds", 0) for entry in shown["waiting"]] == [0, 600, 1200, 1800]
    assert {entry["queue_token"]["patient"]["id"] for entry in shown["waiting"]} == {
        booked, first, second, third,
    }  # fmt: skip
    one = done(ours.rest("GET", f"/v1/queueTokens/{last['id']}"))
    assert one["position"] == [e["queue_token"]["id"] for e in shown["waiting"]].index(last["id"]) + 1

    assert done(post(f"{queue}:callNext"))["id"] == urgent["id"]
    assert reason(post(f"{queue}:callNext")) == "ALREADY_CALLED"
    assert done(post(f"{queue}:callNext", {"recall": True}))["id"] == urgent["id"]

    answer = ours.rest("GET", f"{queue}:board")
    board = done(answer)
    assert (board["called"], board["waiting_count"], len(board["next"])) == (["CARD-003"], 3, 3)
    assert set(board) == {
        "practitioner_id", "session_start_time", "called", "in_consultation", "next", "waiting_count",
    }  # fmt: skip
    for private in ("Unmistakable", booked, first, second, third, walk_in["id"], "wheelchair"):
        assert private not in json.dumps(board)

    skipped = done(post(f"/v1/queueTokens/{urgent['id']}:skip", {"reason": "not there"}))
    assert (skipped["state"], skipped["state_reason"]) == ("SKIPPED", "not there")
    back = done(post(f"/v1/queueTokens/{urgent['id']}:return", {"etag": skipped["etag"]}))
    assert back["state"] == "WAITING"
    held = done(post(f"/v1/queueTokens/{last['id']}:hold", {"reason": "blood test"}))
    assert [e["queue_token"]["id"] for e in done(ours.rest("GET", queue))["aside"]] == [held["id"]]
    assert done(post(f"/v1/queueTokens/{last['id']}:return"))["state"] == "WAITING"

    # To a colleague, then to a department: to whoever sits there now.
    moved = done(
        post(f"/v1/queueTokens/{last['id']}:transfer", {"practitioner_id": sen, "reason": "knows her"})
    )
    assert (moved["practitioner_id"], moved["token"]) == (sen, "CARD-001")
    assert moved["transferred_from_id"] == last["id"]
    again = done(post(f"/v1/queueTokens/{moved['id']}:transfer", {"department_id": skin, "reason": "a rash"}))
    assert (again["practitioner_id"], again["token"]) == (das, "DERM-001")
    assert done(ours.rest("GET", f"/v1/queueTokens/{moved['id']}"))["queue_token"]["state"] == "TRANSFERRED"
    listed = done(ours.rest("GET", f"/v1/queueTokens?department_id={skin}"))["queue_tokens"]
    assert [each["id"] for each in listed] == [again["id"]]

    # The visit of who was called begins and ends at the doctor's.
    assert done(post(f"{queue}:callNext"))["id"] == urgent["id"]
    visit = done(post("/v1/encounters:start", {"queue_token_id": urgent["id"]}))
    assert done(ours.rest("GET", f"{queue}:board"))["in_consultation"] == ["CARD-003"]
    done(post(f"/v1/encounters/{visit['id']}:complete"))
    counts = done(ours.rest("GET", queue))["counts"]
    assert counts == {"WAITING": 2, "COMPLETED": 1, "TRANSFERRED": 1}
