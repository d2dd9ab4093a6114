"""Steps of the guided tour: a FHIR bundle from another hospital's system, whole and broken."""

import http.client
import json
from typing import Any

from hms_server import ids
from hms_server.devstack.tour_visit import Visit, expect

_LOINC, _SNOMED, _UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
_IMPORT = "/v1/fhir/bundles:import"


def bundle(mark: str) -> dict[str, Any]:
    """A small transaction bundle, as another hospital's system would send it."""
    patient, doctor, clinic = (f"urn:uuid:{ids.uuid7()}" for _ in range(3))
    visit, pressure = f"urn:uuid:{ids.uuid7()}", f"urn:uuid:{ids.uuid7()}"

    def entry(full_url: str, resource: dict[str, Any]) -> dict[str, Any]:
        kind = resource["resourceType"]
        return {
            "fullUrl": full_url,
            "resource": {"id": full_url.removeprefix("urn:uuid:"), **resource},
            "request": {"method": "POST", "url": kind},
        }

    def concept(system: str, code: str, display: str) -> dict[str, Any]:
        return {"coding": [{"system": system, "code": code, "display": display}]}

    def millimetres(code: str, value: int) -> dict[str, Any]:
        quantity = {"value": value, "unit": "mm[Hg]", "system": _UCUM, "code": "mm[Hg]"}
        return {"code": concept(_LOINC, code, "Blood pressure"), "valueQuantity": quantity}

    of_patient = {"subject": {"reference": patient}, "encounter": {"reference": visit}}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry(
                patient,
                {
                    "resourceType": "Patient",
                    "name": [{"use": "official", "family": f"Tour{mark}", "given": ["Meera"]}],
                    "gender": "female",
                    "birthDate": "1961-07-05",
                },
            ),
            entry(doctor, {"resourceType": "Practitioner", "name": [{"family": "Iyer", "given": ["Ravi"]}]}),
            entry(clinic, {"resourceType": "Organization", "name": "District clinic"}),
            entry(
                visit,
                {
                    "resourceType": "Encounter",
                    "status": "finished",
                    "class": {"code": "AMB"},
                    "subject": {"reference": patient},
                    "participant": [{"individual": {"reference": doctor}}],
                    "serviceProvider": {"reference": clinic},
                    "period": {"start": "2026-05-04T09:00:00+05:30", "end": "2026-05-04T09:20:00+05:30"},
                },
            ),
            entry(
                pressure,
                {
                    "resourceType": "Observation",
                    "status": "final",
                    "category": [{"coding": [{"code": "vital-signs"}]}],
                    "code": concept(_LOINC, "85354-9", "Blood pressure panel"),
                    "effectiveDateTime": "2026-05-04T09:05:00+05:30",
                    "component": [millimetres("8480-6", 152), millimetres("8462-4", 94)],
                    **of_patient,
                },
            ),
            entry(
                f"urn:uuid:{ids.uuid7()}",
                {
                    "resourceType": "Condition",
                    "clinicalStatus": concept("", "active", ""),
                    "code": concept(_SNOMED, "38341003", "Hypertensive disorder"),
                    "onsetDateTime": "2019-04",
                    **of_patient,
                },
            ),
        ],
    }


def import_bundle(visit: Visit) -> str:
    """A FHIR bundle goes in whole; sent again it changes nothing."""
    sent = visit.keep("bundle", bundle(visit.mark))
    first = _import(visit, sent).ok()
    created = {count["type"]: count["created"] for count in first["counts"]}
    expect(len(created) == 6 and set(created.values()) == {1}, f"created were {created}")
    again = _import(visit, sent).ok()
    unchanged = sum(count["unchanged"] for count in again["counts"])
    expect(unchanged == 6, f"the second time {again['counts']}")
    found = visit.me.call("POST", "/v1/patients:search", {"query": f"Tour{visit.mark}"}).ok()["patients"]
    expect(len(found) == 1, f"{len(found)} patients are found")
    visit.keep("imported patient", found[0])
    return ", ".join(created)


def broken_bundles(visit: Visit) -> str:
    """A truncated bundle, a dangling reference and an impossible date are refused, with place and reason."""
    text = json.dumps(bundle(f"{visit.mark}x"))
    reasons = []
    for name, broken in (
        ("truncated", text[: len(text) // 2]),
        ("dangling", json.dumps(_changed(bundle(f"{visit.mark}x"), "subject", {"reference": "urn:uuid:0"}))),
        ("impossible date", text.replace("1961-07-05", "1961-02-30")),
    ):
        error = visit.me.call("POST", f"{_IMPORT}?source=tour", broken.encode()).refused(
            http.client.BAD_REQUEST, "BUNDLE_REJECTED"
        )
        violations = [v for d in error["details"] for v in d.get("field_violations", ())]
        expect(violations, f"{name}: no place is told: {error}")
        reasons.append(f"{violations[0]['field'] or 'bundle'}")
    found = visit.me.call("POST", "/v1/patients:search", {"query": f"Tour{visit.mark}x"}).ok()["patients"]
    expect(not found, "something of them is there")
    return ", ".join(reasons)


def _changed(sent: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    sent["entry"][-1]["resource"][name] = value
    return sent


def _import(visit: Visit, sent: dict[str, Any]) -> Any:
    return visit.me.call("POST", f"{_IMPORT}?source=tour", json.dumps(sent).encode())


STEPS = (import_bundle, broken_bundles)
