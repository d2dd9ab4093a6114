"""FHIR resources that hold what FHIR requires and nothing else, and what becomes of them."""

import copy
import uuid

import pytest

from hms.admin.v1 import directory_pb2
from hms.clinical.v1 import (
    allergy_pb2,
    condition_pb2,
    diagnostic_report_pb2,
    document_pb2,
    encounter_pb2,
    immunization_pb2,
    observation_pb2,
    prescription_pb2,
    procedure_pb2,
)
from hms.patient.v1 import patient_pb2
from hms_server.fhir import bundle
from hms_server.fhir.translate import TYPES, MappingError, translate
from tests.fix_fhir import SAMPLES, read_sample

PATHS = sorted(SAMPLES.glob("*.json*"))

MESSAGES = {
    "PATIENT": patient_pb2.Patient,
    "ENCOUNTER": encounter_pb2.Encounter,
    "OBSERVATION": observation_pb2.Observation,
    "CONDITION": condition_pb2.Condition,
    "ALLERGY": allergy_pb2.Allergy,
    "PRESCRIPTION": prescription_pb2.Prescription,
    "PROCEDURE": procedure_pb2.Procedure,
    "IMMUNIZATION": immunization_pb2.Immunization,
    "DIAGNOSTIC_REPORT": diagnostic_report_pb2.DiagnosticReport,
    "DOCUMENT": document_pb2.Document,
    "ORGANIZATION": directory_pb2.Organization,
    "LOCATION": directory_pb2.Location,
    "PRACTITIONER": directory_pb2.Practitioner,
}
CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}
SUBJECT = {"reference": "Patient/p"}
LEAST = {
    "Patient": {"name": [{"family": "Rao"}]},
    "Encounter": {"status": "finished", "class": {"code": "AMB"}, "subject": SUBJECT},
    "Observation": {"status": "final", "code": CODE, "subject": SUBJECT},
    "Condition": {"code": CODE, "subject": SUBJECT},
    "AllergyIntolerance": {"code": CODE, "patient": SUBJECT},
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": CODE,
        "subject": SUBJECT,
    },
    "Procedure": {"status": "completed", "code": CODE, "subject": SUBJECT},
    "Immunization": {
        "status": "completed",
        "vaccineCode": CODE,
        "patient": SUBJECT,
        "occurrenceDateTime": "2020",
    },
    "DiagnosticReport": {"status": "final", "code": CODE, "subject": SUBJECT},
    "DocumentReference": {
        "status": "current",
        "type": CODE,
        "subject": SUBJECT,
        "content": [{"attachment": {"title": "Letter"}}],
    },
    "Practitioner": {"name": [{"family": "Rao"}]},
    "PractitionerRole": {"id": "r-1", "practitioner": {"reference": "Practitioner/d"}},
    "Organization": {"name": "City Lab"},
    "Location": {"name": "Ward 3"},
}


def modelled(path):
    """The resources of a sample file that HMS keeps."""
    return [entry.resource for entry in bundle.parse(read_sample(path), TYPES) if entry.type in TYPES]


def resource(fhir_type, **elements):
    """The least resource of a type with other elements; None takes one away."""
    made = {"resourceType": fhir_type, **copy.deepcopy(LEAST[fhir_type]), **elements}
    return {name: value for name, value in made.items() if value is not None}


def draft(fhir_type, **elements):
    """What translate() makes of it."""
    return translate(resource(fhir_type, **elements))


def fields(fhir_type, **elements):
    """Its fields."""
    return draft(fhir_type, **elements).fields


def faults(fhir_type, **elements):
    """Its faults, by path."""
    with pytest.raises(MappingError) as caught:
        draft(fhir_type, **elements)
    return {fault.path: fault.text for fault in caught.value.faults}


def slots(made):
    """What references go where: {path: (reference, kinds, required)}."""
    return {slot.path: (slot.reference, slot.kinds, slot.required) for slot in made.slots}


def message(made):
    """The API's message of a draft whose references are all resolved."""
    content = copy.deepcopy(made.fields)
    for slot in made.slots:
        place = content
        for step in slot.path[:-1]:
            place = place[step]
        place[slot.path[-1]] = str(uuid.uuid4())
    if made.kind == "PRACTITIONER_ROLE":
        return directory_pb2.PractitionerRole(**content["role"])
    return MESSAGES[made.kind](**content)
