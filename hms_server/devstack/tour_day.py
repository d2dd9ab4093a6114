"""Steps of the guided tour: a patient's day, from setting up the department to the visit summary."""

import datetime
import http.client
import time
from typing import Any
from urllib.parse import urlencode

from hms_server import ids
from hms_server.devstack.tour_access import PASSWORD
from hms_server.devstack.tour_visit import Session, Visit, eventually, expect

_LOINC, _SNOMED = "http://loinc.org", "http://snomed.info/sct"
_CARDIOLOGY = "394579002"


def set_up(visit: Visit) -> str:
    """An administrator sets up a department, a doctor and the staff of the day."""
    rooms = [{"display_name": f"Room {visit.mark}", "code": f"R{visit.mark}"}]
    made = visit.me.call(
        "POST", "/v1/locations:batchCreate", {"locations": rooms, "request_id": ids.uuid7()}
    ).ok()
    room = made["locations"][0]
    department = visit.me.call(
        "POST",
        "/v1/departments",
        {"display_name": f"Cardiology {visit.mark}", "code": f"C{visit.mark}", "location_ids": [room["id"]]},
    ).ok()
    practitioner = visit.me.call(
        "POST",
        "/v1/practitioners",
        {
            "names": [{"given_names": ["Leela"], "family_name": f"Rao{visit.mark}"}],
            "registration_number": f"KMC-{visit.mark}",
            "department_id": department["id"],
            "consultation_minutes": 15,
            "specialities": [
                {"codings": [{"system": _SNOMED, "code": _CARDIOLOGY, "display": "Cardiology"}]}
            ],
        },
    ).ok()
    for role in ("RECEPTIONIST", "NURSE", "DOCTOR", "LAB"):
        username = f"day-{role.lower()}-{visit.mark}"
        user = {"username": username, "password": PASSWORD, "role_codes": [role]}
        user_id = visit.me.call("POST", "/v1/users", user).ok()["id"]
        if role == "DOCTOR":
            visit.me.call(
                "POST", f"/v1/practitioners/{practitioner['id']}:linkUser", {"user_id": user_id}
            ).ok()
        visit.keep(f"day {role}", visit.sign_in(visit.env["HMS_TENANT"], username, PASSWORD))
    own = _as(visit, "DOCTOR").call("GET", "/v1/practitioners:mine").ok()
    expect(own["id"] == practitioner["id"], "the doctor's account is somebody else's")
    visit.me.call("DELETE", f"/v1/departments/{department['id']}").refused(
        http.client.BAD_REQUEST, "DIRECTORY_ENTRY_IN_USE"
    )
    visit.keep("day department", department)
    visit.keep("day practitioner", practitioner)
    return f"{department['code']} with {practitioner['registration_number']}; not deleted while in use"


def open_the_week(visit: Visit) -> str:
    """A weekly schedule gives slots, and a search finds the free ones of a speciality."""
    schedule = (
        _as(visit, "RECEPTIONIST")
        .call(
            "POST",
            f"/v1/schedules?request_id={ids.uuid7()}",
            {
                "practitioner_id": _practitioner(visit),
                "department_id": visit.made("day department")["id"],
                "valid_from": "2026-01-01",
                "sessions": [
                    {
                        "weekdays": [1, 2, 3, 4, 5, 6, 7],
                        "start_time": "00:00",
                        "end_time": "24:00",
                        "capacity": 1,
                    }
                ],
            },
        )
        .ok()
    )
    visit.keep("day schedule", schedule)
    slots = _free(visit)
    expect(len(slots) >= 5, f"{len(slots)} slots are free")
    visit.keep("day slots", slots)
    return f"first at {slots[0]['start_time']}"


def book(visit: Visit) -> str:
    """A slot is booked once: the second patient is told the next free ones."""
    desk = _as(visit, "RECEPTIONIST")
    people = [
        {
            "names": [{"given_names": [name], "family_name": f"Day{visit.mark}"}],
            "birth_date": "1961-05-17",
            "gender": "female",
            "telecoms": [{"system": "email", "value": f"{name.lower()}@example.org"}],
        }
        for name in ("Asha", "Bina")
    ]
    first, second = (desk.call("POST", "/v1/patients", person).ok() for person in people)
    visit.keep("day patients", (first, second))
    # The slot that is under way: of today, whatever the hour is.
    begun = datetime.datetime.fromtimestamp(time.time() // 900 * 900, datetime.UTC)
    wanted = {"practitioner_id": _practitioner(visit), "start_time": f"{begun:%Y-%m-%dT%H:%M:%SZ}"}
    booked = desk.call(
        "POST", f"/v1/appointments?request_id={ids.uuid7()}", {**wanted, "patient_id": first["id"]}
    ).ok()
    visit.keep("day appointment", booked)
    refused = desk.call("POST", "/v1/appointments", {**wanted, "patient_id": second["id"]}).refused(
        http.client.BAD_REQUEST, "SLOT_TAKEN"
    )
    offered = _detail(refused, "NextFreeSlots")["slots"]
    expect(offered and offered[0]["start_time"] > wanted["start_time"], "no other slot is named")
    held = desk.call(
        "POST",
        "/v1/appointments:hold",
        {"patient_id": second["id"], **wanted, "start_time": offered[0]["start_time"]},
    ).ok()
    taken = desk.call("POST", f"/v1/appointments/{held['id']}:book", {}).ok()
    expect((held["state"], taken["state"]) == ("HELD", "BOOKED"), "the hold was not booked")
    confirmed = desk.call("POST", f"/v1/appointments/{booked['id']}:confirm", {}).ok()
    visit.keep("day second appointment", taken)
    return f"{confirmed['state']}; 400 SLOT_TAKEN, next at {offered[0]['start_time']}, HELD → BOOKED"


def wait_for_a_seat(visit: Visit) -> str:
    """A cancelled seat is offered to who waits first."""
    desk = _as(visit, "RECEPTIONIST")
    slot = visit.made("day slots")[4]["start_time"]
    first, second = visit.made("day patients")
    wanted = {"practitioner_id": _practitioner(visit), "department_id": visit.made("day department")["id"]}
    booked = desk.call(
        "POST", "/v1/appointments", {**wanted, "patient_id": first["id"], "start_time": slot}
    ).ok()
    entry = desk.call(
        "POST", "/v1/appointments:waitlist", {"appointment": {**wanted, "patient_id": second["id"]}}
    ).ok()
    desk.call("POST", f"/v1/appointments/{booked['id']}:cancel", {"reason": "travels"}).ok()
    offered = desk.call("GET", f"/v1/appointments/{entry['id']}").ok()
    expect((offered["state"], offered["start_time"]) == ("HELD", slot), f"the entry is {offered['state']}")
    declined = desk.call("POST", f"/v1/appointments/{entry['id']}:decline", {}).ok()
    expect(declined["state"] == "WAITLISTED", f"after a decline the entry is {declined['state']}")
    desk.call("POST", f"/v1/appointments/{entry['id']}:cancel", {"reason": "found another doctor"}).ok()
    return f"{entry['state']} → {offered['state']} → {declined['state']}"


def follow_up(visit: Visit) -> str:
    """A follow-up two days on has its reminders."""
    desk = _as(visit, "RECEPTIONIST")
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    slot = _free(visit, start_date=ahead.date().isoformat())[-1]
    booked = desk.call(
        "POST",
        "/v1/appointments",
        {
            "practitioner_id": _practitioner(visit),
            "patient_id": visit.made("day patients")[0]["id"],
            "start_time": slot["start_time"],
            "previous_appointment_id": visit.made("day appointment")["id"],
        },
    ).ok()
    reminders = desk.call("GET", f"/v1/appointments/{booked['id']}/reminders").ok()["reminders"]
    expect(reminders, "no reminder is planned")
    expect({each["state"] for each in reminders} == {"SCHEDULED"}, f"they are {reminders}")
    return f"{len(reminders)} reminders, the first at {reminders[0]['due_time']}"


def check_in(visit: Visit) -> str:
    """Who checks in and who walks in get tokens without a gap, and are called in order."""
    desk, nurse = _as(visit, "RECEPTIONIST"), _as(visit, "NURSE")
    first, second = visit.made("day patients")
    appointment = visit.made("day appointment")["id"]
    desk.call("POST", f"/v1/appointments/{appointment}:arrive", {}).ok()
    token = desk.call("POST", f"/v1/appointments/{appointment}:checkIn", {}).ok()["queue_token"]
    queue = f"/v1/queues/{_practitioner(visit)}"
    walk_in = desk.call("POST", f"{queue}/tokens", {"patient_id": second["id"], "beyond_capacity": True}).ok()
    expect([token["number"], walk_in["number"]] == [1, 2], f"{token['number']} and {walk_in['number']}")
    urgent = {"priority": "EMERGENCY", "reason": "chest pain"}
    desk.call("POST", f"/v1/queueTokens/{token['id']}:prioritise", urgent).ok()
    called = nurse.call("POST", f"{queue}:callNext", {}).ok()
    expect(called["id"] == token["id"], f"{called['token']} was called")
    board = nurse.call("GET", f"{queue}:board")
    board.ok()
    expect(first["id"].encode() not in board.body, "the board names a patient")
    shown = nurse.call("GET", queue).ok()
    expect([each["queue_token"]["id"] for each in shown["waiting"]] == [walk_in["id"]], "another queue")
    visit.keep("day token", token)
    wait = shown["waiting"][0].get("estimated_wait_seconds", 0)
    return f"{token['token']} called before {walk_in['token']}, which waits {wait} s"


def vital_signs(visit: Visit) -> str:
    """The visit begins from the token; vital signs are flagged, NEWS2 is computed."""
    encounter = (
        _as(visit, "DOCTOR")
        .call(
            "POST",
            "/v1/encounters:start",
            {"queue_token_id": visit.made("day token")["id"], "request_id": ids.uuid7()},
        )
        .ok()
    )
    visit.keep("day encounter", encounter)
    signs = {
        "temperature": {"value": 101.3, "unit": "[degF]"},
        "pulse": {"value": 115},
        "respiratory_rate": {"value": 22},
        "oxygen_saturation": {"value": 93},
        "supplemental_oxygen": False,
        "systolic": {"value": 105},
        "diastolic": {"value": 70},
        "consciousness": "A",
        "weight": {"value": 61},
        "height": {"value": 158},
    }
    made = _as(visit, "NURSE").call("POST", f"/v1/encounters/{encounter['id']}/vitalSigns", signs).ok()
    flags = sum("H" in each.get("interpretations", ()) for each in made["vital_signs"])
    score = int(made["early_warning_score"]["quantity"]["value"])
    expect(score == 8, f"NEWS2 is {score}")
    return f"{encounter['state']}, {len(made['vital_signs'])} signs, {flags} high, NEWS2 {score}"


def consult(visit: Visit) -> str:
    """A note is signed, a diagnosis has a code that there is."""
    doctor = _as(visit, "DOCTOR")
    path = f"/v1/encounters/{visit.made('day encounter')['id']}"
    note = doctor.call(
        "POST", f"{path}/notes", {"subjective": "Cough, fever", "plan": "Rest and fluids"}
    ).ok()
    signed = doctor.call("POST", f"/v1/notes/{note['id']}:sign", {"etag": note["etag"]}).ok()
    icd = "http://hl7.org/fhir/sid/icd-10"
    wrong = {"code": {"codings": [{"system": icd, "code": "J18.99"}]}}
    doctor.call("POST", f"{path}/conditions", wrong).refused(http.client.BAD_REQUEST, "INVALID_ARGUMENT")
    right = {"code": {"codings": [{"system": icd, "code": "J18.9"}]}}
    condition = doctor.call("POST", f"{path}/conditions", right).ok()
    return f"{signed['state']}; J18.99 refused, {condition['code']['codings'][0]['display']}"


def prescribe(visit: Visit) -> str:
    """A prescription against a known allergy is caught, and passes with a reason."""
    doctor = _as(visit, "DOCTOR")
    path = f"/v1/encounters/{visit.made('day encounter')['id']}"
    penicillin = {"system": _SNOMED, "code": "764146007", "display": "Penicillin"}
    doctor.call("POST", f"{path}/allergies", {"code": {"codings": [penicillin]}, "criticality": "high"}).ok()
    item = {
        "medication": {"text": "Amoxicillin 500 MG Oral Capsule"},
        "dose": {"value": 1, "unit": "capsule"},
        "frequency": 3,
        "period": 1,
        "period_unit": "d",
        "duration": {"value": 5, "unit": "d", "code": "d"},
    }
    refused = doctor.call("POST", f"{path}/prescriptions", {"items": [item]}).refused(
        http.client.BAD_REQUEST, "PRESCRIPTION_WARNINGS"
    )
    warnings = _detail(refused, "PrescriptionWarnings")["warnings"]
    overrides = [{"warning_key": each["key"], "reason": "tolerated twice under watch"} for each in warnings]
    made = doctor.call("POST", f"{path}/prescriptions", {"items": [item], "overrides": overrides}).ok()
    quantity = made["items"][0]["quantity"]["value"]
    return f"400 PRESCRIPTION_WARNINGS ({warnings[0]['type']}), then {quantity:g} capsules"


def order_a_test(visit: Visit) -> str:
    """A laboratory order comes back with a critical result, which is acknowledged."""
    doctor, lab = _as(visit, "DOCTOR"), _as(visit, "LAB")
    path = f"/v1/encounters/{visit.made('day encounter')['id']}/orders"
    potassium = {"code": {"codings": [{"system": _LOINC, "code": "2823-3"}], "text": "Potassium"}}
    order = doctor.call("POST", path, {"category": "laboratory", "items": [potassium]}).ok()
    work = lab.call("GET", "/v1/orders:worklist?category=laboratory&page_size=500").ok()["orders"]
    expect(order["id"] in [each["order"]["id"] for each in work], "the laboratory does not see the order")
    collected = lab.call("POST", f"/v1/orders/{order['id']}:collect", {}).ok()
    result = {"item": 0, "quantity": {"value": 6.9, "unit": "mmol/L", "code": "mmol/L"}}
    done = lab.call(
        "POST", f"/v1/orders/{order['id']}:recordResults", {"etag": collected["etag"], "results": [result]}
    ).ok()
    expect(done["critical_observation_ids"], "the result is not critical")
    doctor.call(
        "POST", f"/v1/diagnosticReports/{done['report']['id']}:acknowledge", {"note": "Calcium given."}
    ).ok()
    return f"{done['order']['state']}, {done['observations'][0]['interpretations'][0]}, acknowledged"


def go_home(visit: Visit) -> str:
    """The visit ends with its token and appointment; the summary says it in plain words."""
    doctor = _as(visit, "DOCTOR")
    encounter = visit.made("day encounter")["id"]
    ended = doctor.call("POST", f"/v1/encounters/{encounter}:complete", {}).ok()
    appointment = doctor.call("GET", f"/v1/appointments/{visit.made('day appointment')['id']}").ok()
    expect(appointment["state"] == "FULFILLED", f"the appointment is {appointment['state']}")
    text = doctor.call("GET", f"/v1/encounters/{encounter}/summary").ok()["text"]
    for word in ("Amoxicillin", "Penicillin", "CRITICALLY HIGH", "Rest and fluids"):
        expect(word in text, f"the summary does not hold {word}")
    whole = doctor.call("GET", f"/v1/encounters/{encounter}").ok()
    expect(whole["queue_token"]["state"] == "COMPLETED", f"the token is {whole['queue_token']['state']}")
    sizes = [f"{len(whole[name])} {name}" for name in ("observations", "notes", "orders", "prescriptions")]
    return f"{ended['state']}; {', '.join(sizes)}; {len(text.splitlines())} lines"


def trail(visit: Visit) -> str:
    """The patient's audit trail names every act of the day."""
    patient_id = visit.made("day patients")[0]["id"]
    wanted = {
        *("CreatePatient", "BookAppointment", "ConfirmAppointment", "CheckInAppointment", "CallNext"),
        *("StartEncounter", "RecordVitalSigns", "CreateNote", "SignNote", "CreateCondition", "CreateAllergy"),
        *("CreatePrescription", "CreateOrder", "RecordResults", "AcknowledgeResult", "CompleteEncounter"),
        *("GetVisitSummary", "GetEncounter"),
    }

    def look() -> Any:
        path = f"/v1/auditEvents?{urlencode({'patient_id': patient_id, 'page_size': 500})}"
        events = visit.me.call("GET", path).ok()["audit_events"]
        names = {event["method"].rpartition("/")[2] for event in events if event["outcome"] == "OK"}
        return (events, names) if wanted <= names else None

    found = eventually(look)
    expect(found, "acts are missing in the trail")
    return f"{len(found[0])} events, {len(found[1])} kinds of act"


def _as(visit: Visit, role: str) -> Session:
    session: Session = visit.made(f"day {role}")
    return session


def _detail(refused: Any, name: str) -> Any:
    return next(detail for detail in refused["details"] if detail["@type"].endswith(f".{name}"))


def _practitioner(visit: Visit) -> str:
    return str(visit.made("day practitioner")["id"])


def _free(visit: Visit, **asked: str) -> list[Any]:
    words = {"practitioner_ids": _practitioner(visit), "speciality_codes": _CARDIOLOGY, "page_size": 20}
    found = _as(visit, "RECEPTIONIST").call("GET", f"/v1/slots:search?{urlencode({**words, **asked})}")
    slots: list[Any] = found.ok()["slots"]
    return slots


STEPS = (
    set_up,
    open_the_week,
    book,
    wait_for_a_seat,
    follow_up,
    check_in,
    vital_signs,
    consult,
    prescribe,
    order_a_test,
    go_home,
    trail,
)
