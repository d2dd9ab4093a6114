"""FHIR bundles in one transaction each: all of it or nothing, known again, never twice."""

from __future__ import annotations

import json

import pytest

from hms.patient.v1 import patient_pb2
from hms_server import ids
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.fhir.references import KINDS
from hms_server.patient.servicer import PatientServicer
from tests.fix_fhir import (
    SAMPLES,
    bundle,
    encounter,
    observation,
    patient,
    practitioner,
    read_sample,
    role,
    types_of,
    urn,
)

FILES = sorted(SAMPLES.glob("*.json*"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_everything_of_a_sample_is_there_and_a_second_run_changes_nothing(imports, file):
    text = read_sample(file)
    held = types_of(text)
    answer = imports.send(text)
    assert {c.type: c.created for c in answer.counts} == {t: n for t, n in held.items() if t in KINDS}
    assert dict(answer.skipped) == {t: n for t, n in held.items() if t not in KINDS}
    before = imports.sizes()
    assert before["patient"] == held["Patient"]
    assert imports.counts(text) == {t: (0, 0, n) for t, n in held.items() if t in KINDS}
    assert imports.sizes() == {**before, "audit_outbox": before["audit_outbox"] + 1}


def test_what_changed_gets_one_new_version_and_nothing_else_does(imports):
    asha = patient(telecom=[{"system": "phone", "value": "98450 11111"}])
    pulse, weight = observation(asha), observation(asha)
    imports.send(bundle(asha, pulse, weight))
    pulse["valueQuantity"]["value"] = 80
    assert imports.counts(bundle(asha, pulse, weight)) == {
        "Patient": (0, 0, 1),
        "Observation": (0, 1, 1),
    }
    versions = imports.rows("SELECT version FROM clinical_record WHERE tenant_id = %s ORDER BY version")
    assert versions == [(1,), (2,)]
    kept = imports.rows("SELECT version, document FROM clinical_record_version WHERE tenant_id = %s")
    assert [(version, document["quantity"]["value"]) for version, document in kept] == [(1, 72)]
    asha["telecom"][0]["value"] = "98450 22222"
    assert imports.counts(bundle(asha, pulse, weight))["Patient"] == (0, 1, 0)
    ((version, document),) = imports.rows("SELECT version, document FROM patient WHERE tenant_id = %s")
    assert (version, document["telecoms"][0]["value"]) == (2, "98450 22222")
    phones = "SELECT value FROM patient_key WHERE tenant_id = %s AND kind = 'PHONE'"
    assert imports.rows(phones) == [("9845022222",)]


def test_identifiers_that_the_hospital_noted_stay(imports, app_database, keys):
    asha = patient(identifier=[{"system": "https://his.example", "value": "1"}])
    imports.send(bundle(asha))
    servicer = PatientServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))
    ((patient_id,),) = imports.rows("SELECT id::text FROM patient WHERE tenant_id = %s")
    noted = [("https://his.example", "1"), ("https://abha.example", "42")]
    servicer.UpdatePatient(
        patient_pb2.UpdatePatientRequest(
            patient=patient_pb2.Patient(
                id=patient_id,
                identifiers=[patient_pb2.Identifier(system=s, value=v) for s, v in noted],
            )
        ),
        imports.tenant.call("PatientService/UpdatePatient"),
    )
    asha["identifier"][0]["value"] = "2"
    asha["gender"] = "female"
    assert imports.counts(bundle(asha)) == {"Patient": (0, 1, 0)}
    (document,) = imports.documents("patient")
    assert [(i["system"], i["value"]) for i in document["identifiers"]] == [
        ("https://his.example", "2"),
        ("https://abha.example", "42"),
    ]


def test_references_by_type_and_id_find_what_earlier_bundles_of_the_source_brought(imports):
    asha = patient(id="p-1")
    imports.send(bundle(asha, kind="collection"), source="his")
    pulse = observation(asha, subject={"reference": "Patient/p-1"})
    assert imports.counts(bundle(pulse, kind="collection"), source="his") == {"Observation": (1, 0, 0)}
    far = observation(asha, subject={"reference": "https://his.example/fhir/Patient/p-1/_history/3"})
    assert imports.counts(bundle(far, kind="collection"), source="his") == {"Observation": (1, 0, 0)}
    ((field, description),) = imports.refused(bundle(observation(asha, subject={"reference": "Patient/p-1"})))
    assert (field, description) == (
        "entry[0].resource.subject",
        "refers to nothing that the bundle or an earlier one holds",
    )


def test_two_sources_keep_their_ids_apart(imports):
    text = bundle(patient(id="1"))
    assert imports.counts(text, "his")["Patient"] == (1, 0, 0)
    assert imports.counts(text, "lab")["Patient"] == (1, 0, 0)
    assert imports.counts(text, "his")["Patient"] == (0, 0, 1)


def test_a_single_resource_counts_as_a_bundle_of_one(imports):
    text = json.dumps(patient(id="one")).encode()
    assert imports.counts(text) == {"Patient": (1, 0, 0)}
    assert imports.counts(text) == {"Patient": (0, 0, 1)}


def test_a_reference_to_what_hms_does_not_keep_is_left_out(imports):
    asha = patient()
    device = {"resourceType": "Device", "id": ids.uuid7()}
    answer = imports.send(bundle(asha, device, observation(asha, performer=[urn(device)])))
    assert dict(answer.left_out) == {"Observation.performer": 1}
    assert dict(answer.skipped) == {"Device": 1}


def test_roles_go_to_their_practitioner_wherever_they_come_from(imports):
    rao = practitioner()
    first, second = role(rao, "Cardiology"), role(rao, "Surgery", "Cardiology")
    assert imports.counts(bundle(rao, first)) == {"Practitioner": (1, 0, 0), "PractitionerRole": (1, 0, 0)}
    (document,) = imports.documents("practitioner")
    assert [one["text"] for one in document["specialities"]] == ["Cardiology"]
    # The practitioner stands; one more role comes.
    assert imports.counts(bundle(rao, first, second)) == {
        "Practitioner": (0, 0, 1),
        "PractitionerRole": (1, 0, 1),
    }
    (document,) = imports.documents("practitioner")
    assert [one["id"] for one in document["roles"]] == [first["id"], second["id"]]
    assert [one["text"] for one in document["specialities"]] == ["Cardiology", "Surgery"]
    first["specialty"] = [{"text": "Anaesthesia"}]
    rao["gender"] = "female"
    imports.send(bundle(rao, first, second))
    ((version, document),) = imports.rows("SELECT version, document FROM practitioner WHERE tenant_id = %s")
    assert (version, document["gender"]) == (3, "female")
    assert [one["text"] for one in document["specialities"]] == ["Anaesthesia", "Surgery", "Cardiology"]
    # A visit that names the role is the practitioner's.
    asha = patient()
    visit = encounter(asha, participant=[{"individual": urn(second)}])
    imports.send(bundle(rao, first, second, asha, visit))
    assert imports.rows(
        "SELECT e.practitioner_id = p.id FROM encounter e JOIN practitioner p USING (tenant_id)"
        " WHERE tenant_id = %s"
    ) == [(True,)]


def test_another_hospital_has_its_own_records_of_the_same_files(imports, other_imports):
    text = read_sample(FILES[0])
    imports.send(text)
    assert other_imports.counts(text) == {t: (n, 0, 0) for t, n in types_of(text).items() if t in KINDS}
    mine = {row[0] for row in imports.rows("SELECT entity_id FROM source_record WHERE tenant_id = %s")}
    theirs = {
        row[0] for row in other_imports.rows("SELECT entity_id FROM source_record WHERE tenant_id = %s")
    }
    assert mine.isdisjoint(theirs)


def test_each_patient_has_an_audit_event_that_lists_what_came(imports):
    asha, ravi, rao = patient("Asha"), patient("Ravi"), practitioner()
    pulse = observation(ravi)
    imports.send(bundle(rao, asha, ravi, pulse))
    one, two = imports.events()
    ids_of = dict(imports.rows("SELECT source_id, entity_id::text FROM source_record WHERE tenant_id = %s"))
    assert one["patient_ids"] == [ids_of[asha["id"]]] == [one["entity_id"]]
    assert two["patient_ids"] == [ids_of[ravi["id"]]]
    assert (one["action"], one["entity_type"], one["outcome"]) == ("CREATE", "patient", "OK")
    assert one["entities"] == [
        {"type": "patient", "action": "CREATE", "ids": [ids_of[asha["id"]]]},
        {"type": "practitioner", "action": "CREATE", "ids": [ids_of[rao["id"]]]},
    ]
    assert two["entities"] == [
        {"type": "patient", "action": "CREATE", "ids": [ids_of[ravi["id"]]]},
        {"type": "observation", "action": "CREATE", "ids": [ids_of[pulse["id"]]]},
    ]
    pulse["status"] = "amended"
    imports.send(bundle(rao, asha, ravi, pulse))
    (event,) = imports.events()[2:]
    assert (event["action"], event["patient_ids"]) == ("UPDATE", [ids_of[ravi["id"]]])
    assert event["entities"] == [{"type": "observation", "action": "UPDATE", "ids": [ids_of[pulse["id"]]]}]
    imports.send(bundle(rao, asha, ravi, pulse))
    (event,) = imports.events()[3:]
    assert (event["action"], "entities" in event) == ("READ", False)
    assert sorted(event["patient_ids"]) == sorted([ids_of[asha["id"]], ids_of[ravi["id"]]])


def test_a_bundle_without_patients_has_an_event_of_its_own(imports):
    imports.send(bundle(practitioner()))
    (event,) = imports.events()
    assert (event["action"], event["entity_type"], event["patient_ids"]) == ("CREATE", "bundle", [])
    assert [(e["type"], e["action"], len(e["ids"])) for e in event["entities"]] == [
        ("practitioner", "CREATE", 1)
    ]


def test_records_of_a_merged_patient_go_to_the_one_that_lives_on(imports, owner):
    asha, twin = patient(), patient()
    imports.send(bundle(asha, twin))
    ids_of = dict(imports.rows("SELECT source_id, entity_id::text FROM source_record WHERE tenant_id = %s"))
    owner.execute(
        "UPDATE patient SET merged_into = %s, delete_time = now() WHERE tenant_id = %s AND id = %s",
        [ids_of[asha["id"]], imports.tenant.id, ids_of[twin["id"]]],
    )
    twin["gender"] = "female"
    assert imports.counts(bundle(asha, twin, observation(twin))) == {
        "Patient": (0, 0, 2),
        "Observation": (1, 0, 0),
    }
    assert imports.rows("SELECT patient_id::text FROM clinical_record WHERE tenant_id = %s") == [
        (ids_of[asha["id"]],)
    ]
    assert imports.events()[-1]["patient_ids"] == [ids_of[asha["id"]]]


def test_a_role_that_moves_to_another_practitioner_leaves_the_first(imports):
    rao, roy = practitioner(), practitioner(name=[{"text": "Dr Roy"}])
    one = role(rao, "Surgery")
    imports.send(bundle(rao, roy, one))
    one["practitioner"] = urn(roy)
    assert imports.counts(bundle(rao, roy, one)) == {
        "Practitioner": (0, 0, 2),
        "PractitionerRole": (0, 1, 0),
    }
    held = {
        d["names"][0]["text"]: [r["id"] for r in d.get("roles", ())]
        for d in imports.documents("practitioner")
    }
    assert held == {"Dr Rao": [], "Dr Roy": [one["id"]]}
    visit = encounter(asha := patient(), participant=[{"individual": urn(one)}])
    imports.send(bundle(rao, roy, one, asha, visit))
    assert imports.rows(
        "SELECT p.document -> 'names' -> 0 ->> 'text' FROM encounter e JOIN practitioner p"
        " ON p.tenant_id = e.tenant_id AND p.id = e.practitioner_id WHERE e.tenant_id = %s"
    ) == [("Dr Roy",)]


def test_a_change_that_hms_has_no_place_for_makes_no_version_of_who_is_shared(imports):
    rao, asha = practitioner(), patient()
    one = role(rao, "Surgery")
    clinic = {"resourceType": "Organization", "id": ids.uuid7(), "name": "Clinic"}
    imports.send(bundle(rao, one, clinic, asha))
    for resource in (rao, one, clinic, asha):
        resource["meta"] = {"versionId": "2"}
    for _ in range(2):
        assert set(imports.counts(bundle(rao, one, clinic, asha)).values()) == {(0, 0, 1)}
    assert [imports.sizes()[f"{t}_version"] for t in ("practitioner", "organization", "patient")] == [0, 0, 0]
