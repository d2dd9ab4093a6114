"""Steps of the guided tour: a patient's record by REST, from registration to its history."""

import http.client
from typing import Any
from urllib.parse import urlencode

from hms_server import ids
from hms_server.devstack.tour_visit import Visit, expect

IDENTIFIER_SYSTEM = "https://hospital.example/old-numbers"
GIVEN, FAMILY, BIRTH_DATE = "Asha", "Raghunathan", "1985-03-14"


def create(visit: Visit) -> str:
    """Register a patient."""
    body = {
        "names": [{"use": "official", "family_name": FAMILY, "given_names": [GIVEN, "Devi"]}],
        "gender": "female",
        "birth_date": BIRTH_DATE,
        "telecoms": [
            {"system": "phone", "value": f"+91 {visit.phone[:5]} {visit.phone[5:]}", "use": "mobile"}
        ],
        "identifiers": [{"type": "MR", "system": IDENTIFIER_SYSTEM, "value": f"OLD-{visit.mark}"}],
        "addresses": [
            {"lines": ["12 Temple Road"], "city": "Mysuru", "postal_code": "570001", "country": "IN"}
        ],
    }
    patient = _create(visit, body, ids.uuid7())
    expect(ids.is_uuid(patient["id"]) and patient["uhid"] and patient["etag"], f"incomplete: {patient}")
    expect((patient["given_name"], patient["family_name"]) == (f"{GIVEN} Devi", FAMILY), "another name")
    expect(patient["active"] is True, "the patient is not active")
    visit.keep("patient", patient)
    return f"UHID {patient['uhid']}"


def create_similar(visit: Visit) -> str:
    """A second, similar patient is registered, and the first one is shown as a likely duplicate."""
    first = visit.made("patient")
    body = {
        "given_name": GIVEN,
        "family_name": FAMILY,
        "birth_date": BIRTH_DATE,
        "telecoms": [{"system": "phone", "value": visit.phone}],
    }
    second = visit.keep("similar patient", _create(visit, body, ids.uuid7()))
    expect(second["uhid"] != first["uhid"], "both have one UHID")
    shown = {c["patient_id"]: c for c in second["duplicate_candidates"]}
    expect(first["id"] in shown, f"shown are {list(shown)}")
    candidate = shown[first["id"]]
    expect(
        {"PHONE", "NAME_AND_BIRTH_DATE"} <= set(candidate["reasons"]), f"because of {candidate['reasons']}"
    )
    return f"{', '.join(candidate['reasons'])}, score {candidate['score']:.2f}"


def create_twice(visit: Visit) -> str:
    """The same request_id sent twice makes one patient; with another body it is refused."""
    body = {"given_name": "Vijay", "family_name": f"Twice{visit.mark}"}
    request_id = ids.uuid7()
    first, second = (_create(visit, body, request_id) for _ in range(2))
    expect(first["id"] == second["id"] and first["uhid"] == second["uhid"], "two patients were made")
    found = visit.me.call("POST", "/v1/patients:search", {"query": body["family_name"]}).ok()
    expect(len(found["patients"]) == 1, f"{len(found['patients'])} are found")
    other = visit.me.call("POST", f"/v1/patients?request_id={request_id}", {**body, "gender": "male"})
    other.refused(http.client.BAD_REQUEST, "REQUEST_ID_REUSED")
    return f"UHID {first['uhid']}"


def create_in_devanagari(visit: Visit) -> str:
    """Register a patient whose name is written in Devanagari."""
    patient = _create(
        visit, {"given_name": "सुनीता", "family_name": "शर्मा", "birth_date": "1990"}, ids.uuid7()
    )
    expect((patient["given_name"], patient["birth_date"]) == ("सुनीता", "1990"), f"stored is {patient}")
    visit.keep("patient in Devanagari", patient)
    return f"UHID {patient['uhid']}"


def get(visit: Visit) -> str:
    """Read the record."""
    made = visit.made("patient")
    patient = visit.me.call("GET", _path(made)).ok()
    for name in ("uhid", "names", "telecoms", "identifiers", "addresses", "birth_date", "gender", "etag"):
        expect(patient[name] == made[name], f"{name} is {patient[name]}, not {made[name]}")
    return ""


def update(visit: Visit) -> str:
    """Change two fields by update_mask and etag; the others stay."""
    before = visit.made("patient")
    query = urlencode({"update_mask": "marital_status,gender", "request_id": ids.uuid7()})
    # `gender` is named and not sent: it is cleared. `birth_date` is sent and not named: it stays.
    body = {"etag": before["etag"], "marital_status": "M", "birth_date": "2001"}
    after = visit.me.call("PATCH", f"{_path(before)}?{query}", body).ok()
    expect((after["marital_status"], after["gender"]) == ("M", ""), "the change was not made")
    expect(after["birth_date"] == BIRTH_DATE, "a field outside of the mask was changed")
    expect(after["names"] == before["names"], "the name was changed")
    expect(after["etag"] != before["etag"], "the etag is the same")
    visit.keep("earlier etag", before["etag"])
    visit.keep("patient", after)
    return f"etag {before['etag']} → {after['etag']}"


def wrong_etag(visit: Visit) -> str:
    """A change on top of an outdated etag is refused."""
    patient = visit.made("patient")
    body = {"etag": visit.made("earlier etag"), "marital_status": "S"}
    answer = visit.me.call("PATCH", _path(patient), body)
    error = answer.refused(http.client.CONFLICT, "ETAG_MISMATCH")
    expect(error["code"] == 10, f"code is {error['code']}, not ABORTED")
    return "409 ETAG_MISMATCH"


def batch_get(visit: Visit) -> str:
    """Read several records at once, in the order asked, all or none."""
    asked = [visit.made("similar patient")["id"], visit.made("patient")["id"]]
    path = "/v1/patients:batchGet"
    got = visit.me.call("GET", f"{path}?{urlencode({'ids': asked}, doseq=True)}").ok()["patients"]
    expect([patient["id"] for patient in got] == asked, "others, or in another order")
    answer = visit.me.call("POST", path, {"ids": [*asked, ids.uuid7()]})
    answer.refused(http.client.NOT_FOUND, "NOT_FOUND")
    return f"{len(got)} records"


def delete(visit: Visit) -> str:
    """Delete a record: it leaves lists and searches, and comes back by undelete."""
    patient = visit.made("similar patient")
    deleted = visit.me.call("DELETE", f"{_path(patient)}?request_id={ids.uuid7()}").ok()
    expect(deleted.get("delete_time"), "delete_time is not set")
    expect(patient["id"] not in _newest(visit), "the deleted patient is listed")
    expect(patient["id"] in _newest(visit, show_deleted="true"), "show_deleted does not show it")
    found = visit.me.call("POST", "/v1/patients:search", {"phone": visit.phone}).ok()["patients"]
    expect(patient["id"] not in [p["id"] for p in found], "the deleted patient is found")
    back = visit.me.call("POST", f"{_path(patient)}:undelete", {"request_id": ids.uuid7()}).ok()
    expect(not back.get("delete_time"), "delete_time is still set")
    expect(patient["id"] in _newest(visit), "the patient is not listed again")
    return f"UHID {patient['uhid']}"


def history(visit: Visit) -> str:
    """The record's history holds every version, newest first."""
    patient = visit.made("patient")
    versions = visit.me.call("GET", f"{_path(patient)}/versions").ok()["versions"]
    etags = [version["patient"]["etag"] for version in versions]
    expect(etags == [patient["etag"], visit.made("earlier etag")], f"the versions are {etags}")
    gender = [version["patient"]["gender"] for version in versions]
    expect(gender == ["", "female"], f"gender was {gender}")
    expect(all(v["actor_id"] == visit.me.user_id for v in versions), "made by somebody else")
    return f"{len(versions)} versions"


def _create(visit: Visit, body: dict[str, Any], request_id: str) -> Any:
    return visit.me.call("POST", f"/v1/patients?request_id={request_id}", body).ok()


def _path(patient: Any) -> str:
    return f"/v1/patients/{patient['id']}"


def _newest(visit: Visit, **parameters: str) -> list[str]:
    """Ids of the records made last."""
    query = urlencode({"order_by": "create_time desc", "page_size": 50, **parameters})
    listed = visit.me.call("GET", f"/v1/patients?{query}").ok()
    return [patient["id"] for patient in listed["patients"]]


STEPS = (
    create,
    create_similar,
    create_twice,
    create_in_devanagari,
    get,
    update,
    wrong_etag,
    batch_get,
    delete,
    history,
)
