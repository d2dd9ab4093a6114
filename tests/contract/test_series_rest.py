"""Series as front ends see them: booked, refused with the dates that cannot be, cancelled."""

import datetime

import psycopg

from hms_server import ids
from tests.fix_booking import add_department, add_practitioner, add_slots, tomorrow


def test_a_series_is_booked_lost_to_another_put_off_and_cancelled(ours, stack):
    with psycopg.connect(stack.env["HMS_DATABASE_URL"], autocommit=True) as owner:
        doctor = add_practitioner(owner, ours.tenant_id)
        add_slots(owner, ours.tenant_id, doctor, add_department(owner, ours.tenant_id))
    start = tomorrow()

    def body(**fields):
        patient = ours.rest("POST", "/v1/patients", {"names": [{"text": "Asha Rao"}]}).json["id"]
        return {
            "appointment": {
                "patient_id": patient,
                "practitioner_id": doctor,
                "start_time": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "recurrence": {"frequency": "WEEKLY", "count": 3},
            "request_id": ids.uuid7(),
            **fields,
        }

    first = body()
    made = ours.rest("POST", "/v1/appointments:bookSeries", first)
    assert (made.status, len(made.json["appointments"])) == (200, 3)
    assert ours.rest("POST", "/v1/appointments:bookSeries", first).json == made.json
    series_id = made.json["series_id"]

    lost = ours.rest("POST", "/v1/appointments:bookSeries", body())
    assert (lost.status, lost.json["details"][0]["reason"]) == (400, "SERIES_CONFLICT")
    (found,) = [d for d in lost.json["details"] if d["@type"].endswith("hms.scheduling.v1.SeriesConflicts")]
    assert [each["reason"] for each in found["conflicts"]] == ["SLOT_TAKEN"] * 3
    assert [each["start_time"] for each in found["conflicts"]] == [
        each["start_time"] for each in made.json["appointments"]
    ]
    later = ours.rest("POST", "/v1/appointments:bookSeries", body(on_conflict="NEXT_FREE"))
    assert (later.status, len(later.json["appointments"])) == (200, 3)

    listed = ours.rest("GET", f"/v1/appointments?series_id={series_id}")
    assert [each["id"] for each in listed.json["appointments"]] == [
        each["id"] for each in made.json["appointments"]
    ]
    gone = ours.rest(
        "POST",
        f"/v1/appointmentSeries/{series_id}:cancel",
        {
            "reason": "well again",
            "from_time": (start + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    )
    assert (gone.status, [each["state"] for each in gone.json["appointments"]]) == (200, ["CANCELLED"] * 2)
