"""Steps of the guided tour: a patient's clinical record, read whole and written by a doctor."""

import http.client
from urllib.parse import urlencode

from hms_server import ids
from hms_server.devstack.tour_visit import Session, Visit, expect

_LOINC, _SNOMED = "http://loinc.org", "http://snomed.info/sct"


def whole_encounter(visit: Visit) -> str:
    """An encounter is read with patient, practitioner and all that belongs to it."""
    patient = visit.made("imported patient")
    doctor = _doctor(visit)
    listed = doctor.call("GET", f"/v1/patients/{patient['id']}/encounters").ok()["encounters"]
    expect(len(listed) == 1, f"{len(listed)} encounters")
    encounter = visit.keep("encounter", doctor.call("GET", f"/v1/encounters/{listed[0]['id']}").ok())
    expect(encounter["patient"]["uhid"] == patient["uhid"], "another patient")
    expect(encounter["practitioner"]["names"][0]["family_name"] == "Iyer", "another practitioner")
    expect(encounter["organization"]["display_name"] == "District clinic", "another organization")
    values = [part["quantity"]["value"] for part in encounter["observations"][0]["components"]]
    expect(values == [152, 94], f"the blood pressure is {values}")
    sizes = [f"{len(encounter[name])} {name}" for name in ("observations", "conditions")]
    return ", ".join([encounter["state"], *sizes])


def prescribe(visit: Visit) -> str:
    """A doctor records a result and a prescription of an encounter."""
    encounter = visit.made("encounter")
    doctor = _doctor(visit)
    potassium = {
        "code": {"codings": [{"system": _LOINC, "code": "2823-3", "display": "Potassium"}]},
        "categories": ["laboratory"],
        "quantity": {"value": 5.9, "unit": "mmol/L", "code": "mmol/L"},
        "interpretations": ["H"],
        "reference_ranges": [
            {"low": {"value": 3.5, "code": "mmol/L"}, "high": {"value": 5.1, "code": "mmol/L"}}
        ],
    }
    result = doctor.call("POST", f"/v1/encounters/{encounter['id']}/observations", potassium).ok()
    item = {
        "medication": {"codings": [{"system": _SNOMED, "code": "319775004", "display": "Amlodipine 5 mg"}]},
        "dose": {"value": 1, "unit": "tablet"},
        "frequency": 1,
        "period": 1,
        "period_unit": "d",
        "duration": {"value": 30, "code": "d"},
    }
    prescription = doctor.call(
        "POST", f"/v1/encounters/{encounter['id']}/prescriptions?request_id={ids.uuid7()}", {"items": [item]}
    ).ok()
    expect(
        prescription["state"] == "ACTIVE" and prescription["patient_id"] == result["patient_id"], "incomplete"
    )
    visit.keep("result", result)
    return f"{len(prescription['items'])} item, {prescription['state']}"


def amend_result(visit: Visit) -> str:
    """An amended result keeps the version that stood; one entered in error leaves the lists."""
    doctor = _doctor(visit)
    result = visit.made("result")
    path = f"/v1/observations/{result['id']}"
    amended = doctor.call(
        "PATCH", f"{path}?update_mask=note", {"etag": result["etag"], "note": "haemolysed"}
    ).ok()
    expect(amended["state"] == "AMENDED", f"the state is {amended['state']}")
    doctor.call("PATCH", path, {"etag": result["etag"], "note": "x"}).refused(
        http.client.CONFLICT, "ETAG_MISMATCH"
    )
    versions = doctor.call("GET", f"/v1/records/{result['id']}/versions").ok()["versions"]
    states = [version["record"]["observation"]["state"] for version in versions]
    expect(states == ["AMENDED", "FINAL"], f"the versions are {states}")
    wrong = doctor.call("POST", f"{path}:markEnteredInError", {"reason": "wrong tube"}).ok()
    expect(wrong["state"] == "ENTERED_IN_ERROR", f"the state is {wrong['state']}")
    listed = doctor.call("GET", f"/v1/patients/{result['patient_id']}/observations").ok()["observations"]
    expect(result["id"] not in [each["id"] for each in listed], "it is still listed")
    return " → ".join([*reversed(states), wrong["state"]])


def summary(visit: Visit) -> str:
    """The summary shows problems, medication, last vital signs and last encounters."""
    patient = visit.made("imported patient")
    shown = _doctor(visit).call("GET", f"/v1/patients/{patient['id']}/summary").ok()
    sizes = {
        name: len(shown[name])
        for name in ("problems", "prescriptions", "vital_signs", "results", "encounters")
    }
    expect(
        sizes == {"problems": 1, "prescriptions": 1, "vital_signs": 1, "results": 0, "encounters": 1},
        f"shown are {sizes}",
    )
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in sizes.items() if number)


def timeline(visit: Visit) -> str:
    """The timeline shows all types in one order, in pages, both ways."""
    patient = visit.made("imported patient")
    doctor = _doctor(visit)
    path = f"/v1/patients/{patient['id']}/timeline"
    forward: list[str] = []
    token = previous = ""
    while True:
        page = doctor.call("GET", f"{path}?{urlencode({'page_size': 2, 'page_token': token})}").ok()
        forward += [record["type"] for record in page["records"]]
        token, previous = page["next_page_token"], page["previous_page_token"] or previous
        if not token:
            break
    expect(forward == ["PRESCRIPTION", "OBSERVATION", "ENCOUNTER", "CONDITION"], f"the order is {forward}")
    back = doctor.call("GET", f"{path}?{urlencode({'page_size': 2, 'page_token': previous})}").ok()
    expect([record["type"] for record in back["records"]] == forward[:2], "the way back is another")
    return " ← ".join(forward)


def _doctor(visit: Visit) -> Session:
    session: Session = visit.made("doctor")
    return session


STEPS = (whole_encounter, prescribe, amend_result, summary, timeline)
