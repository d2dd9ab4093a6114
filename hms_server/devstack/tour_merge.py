"""Steps of the guided tour: two records of one person become one, and two again."""

import http.client
from typing import Any
from urllib.parse import urlencode

from hms_server import ids
from hms_server.devstack.tour_visit import Session, Visit, eventually, expect


def merge(visit: Visit) -> str:
    """Two records of one person: the conflict is shown, decided, and everything goes over."""
    survivor, merged = visit.made("patient"), visit.made("similar patient")
    doctor = visit.made("doctor")
    allergy = {"code": {"text": "Penicillin"}, "criticality": "high"}
    kept = doctor.call("POST", f"/v1/patients/{merged['id']}/allergies", allergy).ok()
    seen = visit.me.call(
        "POST", f"/v1/patients/{survivor['id']}:previewMerge", {"merged_id": merged["id"]}
    ).ok()
    fields = [conflict["field"] for conflict in seen["conflicts"]]
    expect(fields == ["name"], f"the conflicts are {fields}")
    body = {
        "merged_id": merged["id"],
        "survivor_etag": seen["survivor_etag"],
        "merged_etag": seen["merged_etag"],
        "reason": "the same person, says the card",
        "request_id": ids.uuid7(),
    }
    path = f"/v1/patients/{survivor['id']}:merge"
    visit.me.call("POST", path, body).refused(http.client.BAD_REQUEST, "MERGE_CONFLICT")
    body["decisions"] = [{"field": "name", "keep": "MERGE_KEEP_SURVIVOR"}]
    done = visit.keep("merge", visit.me.call("POST", path, body).ok())
    found = visit.me.call("POST", "/v1/patients:search", {"uhid": merged["uhid"]}).ok()["patients"]
    expect(
        [each["id"] for each in found] == [survivor["id"]], "the losing UHID does not lead to the survivor"
    )
    shown = doctor.call("GET", f"/v1/patients/{merged['id']}/summary").ok()
    expect(shown["patient"]["id"] == survivor["id"], "the losing id is not resolved")
    expect([each["id"] for each in shown["allergies"]] == [kept["id"]], "the allergy did not go over")
    doctor.call("POST", f"/v1/patients/{merged['id']}/allergies", allergy).refused(
        http.client.BAD_REQUEST, "PATIENT_MERGED"
    )
    later = doctor.call("POST", f"/v1/patients/{survivor['id']}/allergies", {"code": {"text": "Latex"}}).ok()
    visit.keep("later allergy", later)
    return (
        f"{merged['uhid']} → {survivor['uhid']}, {done['moved'][0]['count']} {done['moved'][0]['type']} moved"
    )


def unmerge(visit: Visit) -> str:
    """Taken back, both records are as they were; what was written since stays and is listed."""
    survivor, merged = visit.made("patient"), visit.made("similar patient")
    later = visit.made("later allergy")
    done = visit.me.call(
        "POST", f"/v1/merges/{visit.made('merge')['id']}:unmerge", {"reason": "two sisters"}
    ).ok()
    expect([each["id"] for each in done["kept"]] == [later["id"]], f"listed is {done['kept']}")
    doctor = visit.made("doctor")
    for patient, expected in ((survivor, ["Latex"]), (merged, ["Penicillin"])):
        shown = doctor.call("GET", f"/v1/patients/{patient['id']}/summary").ok()
        names = [each["code"]["text"] for each in shown["allergies"]]
        expect(names == expected, f"the allergies are {names}")
        for name in ("names", "birth_date", "telecoms", "uhid"):
            expect(shown["patient"][name] == patient[name], f"{name} is {shown['patient'][name]}")
    return f"{len(done['kept'])} later record stays"


def trail(visit: Visit) -> str:
    """The audit of both records shows the merge, and of the imported one the bundle with its entities."""
    auditor: Session = visit.made("auditor")
    done = visit.made("merge")

    def events(patient_id: str, method: str) -> list[Any]:
        query = urlencode({"patient_id": patient_id, "page_size": 200})
        listed = auditor.call("GET", f"/v1/auditEvents?{query}").ok()["audit_events"]
        return [
            event for event in listed if event["method"].endswith(f"/{method}") and event["outcome"] == "OK"
        ]

    for name in ("survivor_id", "merged_id"):
        for method in ("MergePatients", "UnmergePatients"):
            found = eventually(lambda i=done[name], m=method: events(i, m))  # type: ignore[misc]
            expect(found, f"{method} is missing")
    (imported, *_) = reversed(events(visit.made("imported patient")["id"], "ImportBundle"))
    event = auditor.call("GET", f"/v1/auditEvents/{imported['id']}").ok()
    types = {entity["type"]: len(entity["ids"]) for entity in event["entities"]}
    expect({"patient", "encounter", "observation", "condition"} <= types.keys(), f"the entities are {types}")
    return f"{sum(types.values())} entities of one bundle"


STEPS = (merge, unmerge, trail)
