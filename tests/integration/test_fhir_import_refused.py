"""What is wrong with a bundle is told with its place, and nothing of it is taken over."""

from __future__ import annotations

import pytest

from hms.patient.v1 import patient_pb2
from hms_server import errors, ids
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.patient.servicer import PatientServicer
from tests.fix_fhir import bundle, encounter, observation, patient, urn


def broken_bundles():
    asha = patient()
    good = observation(asha)
    stranger = patient()
    nobody = {"reference": f"urn:uuid:{ids.uuid7()}"}
    claim = {"resourceType": "Claim", "id": ids.uuid7(), "patient": nobody}
    whole = bundle(asha, good)
    nested = {"url": "x"}
    for _ in range(400):
        nested = {"extension": [nested]}
    return {
        "truncated": (whole[:-40], "bundle", "ends too early or is no JSON"),
        "empty": (b"", "bundle", "is empty"),
        "no FHIR": (b'{"a": 1}', "bundle", "no FHIR"),
        "history": (bundle(asha, kind="history"), "type", "must be one of"),
        "dangling": (
            bundle(asha, observation(asha, encounter=nobody)),
            "entry[1].resource.encounter.reference",
            "the bundle does not hold",
        ),
        "dangling in what is skipped": (
            bundle(asha, good, claim),
            "entry[2].resource.patient.reference",
            "the bundle does not hold",
        ),
        "dangling by id": (
            bundle(asha, observation(asha, encounter={"reference": "Encounter/77"})),
            "entry[1].resource.encounter",
            "refers to nothing",
        ),
        "impossible date": (
            bundle(asha, observation(asha, effectiveDateTime="2024-02-30")),
            "entry[1].resource.effectiveDateTime",
            "is no date or time",
        ),
        "unknown status": (
            bundle(asha, observation(asha, status="done")),
            "entry[1].resource.status",
            "is none of registered, preliminary, final",
        ),
        "the same twice": (bundle(asha, good, good), "entry[2].resource", "same record as entry[1].resource"),
        "deletion": (
            whole.replace(b'"POST"', b'"DELETE"'),
            "entry[0].request.method",
            "must be POST or PUT",
        ),
        "a subject that is no patient": (
            bundle(asha, good, observation(good)),
            "entry[2].resource.subject",
            "refers to a Observation",
        ),
        "nested without end": (
            bundle(patient(extension=[nested])),
            "entry[0].resource",
            "nested too deeply",
        ),
        "another patient's visit": (
            bundle(asha, stranger, visit := encounter(stranger), observation(asha, encounter=urn(visit))),
            "entry[3].resource.encounter",
            "another patient",
        ),
    }


@pytest.mark.parametrize("what", broken_bundles())
def test_a_broken_bundle_is_rejected_with_its_place_and_leaves_nothing(imports, what):
    text, field, reason = broken_bundles()[what]
    before = imports.sizes()
    told = imports.refused(text)
    assert any(place == field and reason in description for place, description in told), told
    assert imports.sizes() == before


def test_every_fault_of_a_bundle_is_told_at_once(imports):
    asha = patient()
    bad = [observation(asha, status="done") for _ in range(150)]
    with pytest.raises(errors.InvalidArgument) as caught:
        imports.send(bundle(asha, *bad))
    assert len(caught.value.violations) == 100
    assert "150 faults" in caught.value.message


def test_records_of_a_deleted_patient_are_refused(imports, app_database, keys):
    asha = patient()
    imports.send(bundle(asha))
    servicer = PatientServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))
    ((patient_id,),) = imports.rows("SELECT id::text FROM patient WHERE tenant_id = %s")
    servicer.DeletePatient(
        patient_pb2.DeletePatientRequest(id=patient_id), imports.tenant.call("PatientService/DeletePatient")
    )
    ((field, description),) = imports.refused(bundle(asha, observation(asha)))
    assert field == "entry[1].resource.subject"
    assert "deleted" in description
    assert imports.counts(bundle(asha)) == {"Patient": (0, 0, 1)}


def test_organizations_that_are_parts_of_each_other_are_refused(imports):
    one, two = ({"resourceType": "Organization", "id": ids.uuid7(), "name": name} for name in "ab")
    one["partOf"], two["partOf"] = urn(two), urn(one)
    before = imports.sizes()
    ((_, description),) = imports.refused(bundle(one, two))
    assert "circle" in description
    assert imports.sizes() == before
