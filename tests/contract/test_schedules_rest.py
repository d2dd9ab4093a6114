"""Schedules and slots through the gateway."""

from __future__ import annotations


def test_a_template_gives_slots_until_it_is_deleted(ours):
    department = ours.rest("POST", "/v1/departments", {"display_name": "Heart"}).json["id"]
    doctor = ours.rest("POST", "/v1/practitioners", {"names": [{"text": "Rao"}]}).json["id"]
    session = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": "09:00", "end_time": "10:00", "capacity": 2}
    body = {"practitioner_id": doctor, "department_id": department, "valid_from": "2026-01-01"}
    made = ours.rest("POST", "/v1/schedules", {**body, "sessions": [session]})
    assert (made.status, made.json["sessions"][0]["slot_minutes"]) == (200, 15)
    query = f"practitioner_ids={doctor}&page_size=3"
    found = ours.rest("GET", f"/v1/slots:search?{query}")
    assert [slot["free_seats"] for slot in found.json["slots"]] == [2, 2, 2]
    asked = {"practitioner_ids": [doctor], "page_size": 3}
    assert ours.rest("POST", "/v1/slots:search", asked).json["slots"] == found.json["slots"]
    again = ours.rest("POST", "/v1/schedules", {**body, "sessions": [session]})
    reasons = [d.get("reason") for d in again.json["details"] if d["@type"].endswith("ErrorInfo")]
    assert (again.status, reasons) == (400, ["SCHEDULES_OVERLAP"])
    one = f"/v1/schedules/{made.json['id']}"
    tried = ours.rest("DELETE", f"{one}?validate_only=true&stranded=STRANDED_ACTION_KEEP")
    assert tried.status == 200
    assert ours.rest("GET", one).json == made.json
    assert ours.rest("DELETE", one).status == 200
    assert ours.rest("GET", f"/v1/slots:search?{query}").json["slots"] == []
