"""Booking as front ends see it: who loses a slot finds the next free ones in the error's JSON."""

import psycopg

from hms.identity.v1 import identity_pb2
from hms_server import ids
from tests.fix_booking import add_department, add_practitioner, add_slots, tomorrow
from tests.fix_client import colleague


def test_a_slot_is_booked_lost_overbooked_cancelled_and_booked_again(ours, stack):
    with psycopg.connect(stack.env["HMS_DATABASE_URL"], autocommit=True) as owner:
        doctor = add_practitioner(owner, ours.tenant_id)
        add_slots(owner, ours.tenant_id, doctor, add_department(owner, ours.tenant_id))
    start = tomorrow().strftime("%Y-%m-%dT%H:%M:%SZ")

    def body():
        patient = ours.rest("POST", "/v1/patients", {"names": [{"text": "Asha Rao"}]}).json["id"]
        return {"patient_id": patient, "practitioner_id": doctor, "start_time": start}

    first = ours.rest("POST", f"/v1/appointments?request_id={ids.uuid7()}", body())
    assert (first.status, first.json["state"]) == (200, "BOOKED")
    lost = ours.rest("POST", "/v1/appointments", body())
    assert (lost.status, lost.json["details"][0]["reason"]) == (400, "SLOT_TAKEN")
    (free,) = [d for d in lost.json["details"] if d["@type"].endswith("hms.scheduling.v1.NextFreeSlots")]
    assert [slot["practitioner_id"] for slot in free["slots"]] == [doctor] * 5
    assert free["slots"][0]["start_time"] > start

    role = f"R{ids.uuid7()[-12:].upper()}"
    ours.identity.CreateRole(
        identity_pb2.CreateRoleRequest(role=identity_pb2.Role(code=role, permissions=["appointment.write"])),
        metadata=ours.metadata,
    )
    clerk = colleague(ours, role)
    over = {"appointment": body(), "reason": "in pain"}
    assert clerk.rest("POST", "/v1/appointments:overbook", over).status == 403
    clerk.close()
    made = ours.rest("POST", "/v1/appointments:overbook", over)
    assert (made.status, made.json["overbooked"], made.json["seat"]) == (200, True, 2)

    gone = ours.rest("POST", f"/v1/appointments/{first.json['id']}:cancel", {"reason": "travels"})
    assert (gone.status, gone.json["state"]) == (200, "CANCELLED")
    assert ours.rest("POST", "/v1/appointments", body()).json["seat"] == 1
    listed = ours.rest("GET", f"/v1/patients/{first.json['patient_id']}/appointments")
    assert [each["id"] for each in listed.json["appointments"]] == [first.json["id"]]
