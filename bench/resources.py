"""The resources that come with an encounter of a generated FHIR bundle, each as large as in Synthea's."""

from __future__ import annotations

import base64
import dataclasses
import random
from collections.abc import Callable
from typing import Any

from bench import concepts
from bench.concepts import concept

Resource = dict[str, Any]

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
# Two results for each vital sign
_CATEGORIES = ("laboratory", "laboratory", "vital-signs")
_PROFILES = {
    "laboratory": f"{US_CORE}observation-lab",
    "vital-signs": "http://hl7.org/fhir/StructureDefinition/vitalsigns",
}
_PRESSURE = "85354-9"


@dataclasses.dataclass
class Life:
    """Whose bundle it is, and what stands in it so far."""

    chance: random.Random
    patient: Resource
    # Organizations
    sites: list[Resource]
    practitioners: list[Resource]
    coverage_id: str
    by_type: dict[str, list[Resource]]


def to(resource: Resource) -> Resource:
    """A reference to it."""
    return {"reference": f"urn:uuid:{resource['id']}"}


def start_of(encounter: Resource) -> str:
    """When it began."""
    return str(encounter["period"]["start"])


def _of(life: Life, encounter: Resource, who: str = "subject") -> Resource:
    """Whose it is, and of which encounter."""
    return {who: to(life.patient), "encounter": to(encounter)}


def _observation(life: Life, encounter: Resource) -> Resource:
    category = life.chance.choice(_CATEGORIES)
    code, display, unit = life.chance.choice(concepts.OBSERVATIONS[category])
    fields = {
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", category)],
        "code": concept("http://loinc.org", code, display),
        "effectiveDateTime": start_of(encounter),
        **_of(life, encounter),
        "meta": {"profile": [_PROFILES[category]]},
    }
    if code == _PRESSURE:
        parts = (("8480-6", "Systolic blood pressure"), ("8462-4", "Diastolic blood pressure"))
        fields["component"] = [
            {"code": concept("http://loinc.org", *part), "valueQuantity": _quantity(life, unit)}
            for part in parts
        ]
    elif unit:
        fields["valueQuantity"] = _quantity(life, unit)
    else:
        fields["valueCodeableConcept"] = concept(
            "http://snomed.info/sct", "167336003", "Urine microscopy: no casts (finding)"
        )
    return fields


def _quantity(life: Life, unit: str) -> Resource:
    value = round(life.chance.random() * 150, 1)
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def _condition(life: Life, encounter: Resource) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/condition"
    start = start_of(encounter)
    is_over = life.chance.random() < 0.8
    return {
        "clinicalStatus": concept(f"{system}-clinical", "resolved" if is_over else "active"),
        "verificationStatus": concept(f"{system}-ver-status", "confirmed"),
        "category": [concept(f"{system}-category", "encounter-diagnosis")],
        "code": concept("http://snomed.info/sct", *life.chance.choice(concepts.CONDITIONS)),
        "onsetDateTime": start,
        **({"abatementDateTime": start} if is_over else {}),
        **_of(life, encounter),
    }


def _procedure(life: Life, encounter: Resource) -> Resource:
    code = life.chance.choice(concepts.PROCEDURES)
    return {
        "status": "completed",
        "code": concept("http://snomed.info/sct", *code),
        "performedDateTime": start_of(encounter),
        **_of(life, encounter),
    }


def _medication_request(life: Life, encounter: Resource) -> Resource:
    fields = {
        "status": "stopped",
        "intent": "order",
        "medicationCodeableConcept": _medication(life),
        "authoredOn": start_of(encounter),
        **_of(life, encounter),
    }
    if reasons := life.by_type.get("Condition"):
        fields["reasonReference"] = [to(life.chance.choice(reasons))]
    return fields


def _medication(life: Life) -> Resource:
    return concept("http://www.nlm.nih.gov/research/umls/rxnorm", *life.chance.choice(concepts.MEDICATIONS))


def _immunization(life: Life, encounter: Resource) -> Resource:
    return {
        "status": "completed",
        "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", "08", "Hep B, adolescent or pediatric"),
        "occurrenceDateTime": start_of(encounter),
        "primarySource": True,
        **_of(life, encounter, "patient"),
    }


def _allergy(life: Life, encounter: Resource) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance"
    return {
        "clinicalStatus": concept(f"{system}-clinical", "active"),
        "verificationStatus": concept(f"{system}-verification", "confirmed"),
        "type": "allergy",
        "category": ["medication"],
        "code": _medication(life),
        "patient": to(life.patient),
        "recordedDate": start_of(encounter),
    }


def _diagnostic_report(life: Life, encounter: Resource) -> Resource:
    start = start_of(encounter)
    results = life.by_type["Observation"]
    count = min(len(results), life.chance.choice((2, 8, 12)))
    return {
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
        "code": concept("http://loinc.org", "58410-2", "CBC panel - Blood by Automated count"),
        "effectiveDateTime": start,
        "issued": start,
        "result": [to(result) for result in life.chance.sample(results, count)],
        "performer": [to(life.sites[0])],
        **_of(life, encounter),
    }


def _document(life: Life, encounter: Resource) -> Resource:
    start = start_of(encounter)
    note = concepts.NOTE.format(day=start[:10]) + "- glucose: 95.2 mg/dL\n" * life.chance.randint(10, 140)
    return {
        "status": "current",
        "docStatus": "final",
        "type": concept("http://loinc.org", "34117-2", "History and physical note"),
        "category": [concept(f"{US_CORE}documentreference-category", "clinical-note", "Clinical Note")],
        "subject": to(life.patient),
        "date": start,
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": base64.b64encode(note.encode()).decode(),
                },
                "format": {
                    "system": "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem",
                    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
                    "display": "mimeType Sufficient",
                },
            }
        ],
        "context": {"encounter": [to(encounter)], "period": {"start": start, "end": start}},
        "author": [encounter["participant"][0]["individual"]],
        "custodian": encounter["serviceProvider"],
    }


# What HMS does not model


def _unmodelled(life: Life, encounter: Resource, who: str = "subject", length: int = 0) -> Resource:
    return {
        "status": "completed",
        **_of(life, encounter, who),
        "period": dict(encounter["period"]),
        "category": [concept("http://snomed.info/sct", "385691007", "Fracture care (regime/therapy)")],
        "activity": [
            {
                "detail": {
                    "status": "completed",
                    "code": concept("http://snomed.info/sct", f"{n}", "Recommendation"),
                }
            }
            for n in range(length)
        ],
    }


def _care_team(life: Life, encounter: Resource) -> Resource:
    return _unmodelled(life, encounter, length=3)


def _care_plan(life: Life, encounter: Resource) -> Resource:
    return _unmodelled(life, encounter, length=5)


def _imaging_study(life: Life, encounter: Resource) -> Resource:
    return _unmodelled(life, encounter, length=5)


def _of_patient(life: Life, encounter: Resource) -> Resource:
    return _unmodelled(life, encounter, "patient")


def _goal(life: Life, _encounter: Resource) -> Resource:
    text = "Maintain blood pressure below 140/90 mm[Hg]"
    return {"lifecycleStatus": "active", "description": {"text": text}, "subject": to(life.patient)}


def _coverage(life: Life, _encounter: Resource) -> Resource:
    fields: Resource = {"status": "active", "beneficiary": to(life.patient)}
    if "Coverage" not in life.by_type:
        fields["id"] = life.coverage_id
    return fields


def _claim(life: Life, encounter: Resource) -> Resource:
    return {
        "status": "active",
        "type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "institutional"),
        "use": "claim",
        "patient": to(life.patient),
        "created": start_of(encounter),
        "provider": encounter["serviceProvider"],
        "priority": concept("http://terminology.hl7.org/CodeSystem/processpriority", "normal"),
        "insurance": [
            {"sequence": 1, "focal": True, "coverage": {"reference": f"urn:uuid:{life.coverage_id}"}}
        ],
        "item": [
            {
                "sequence": 1,
                "productOrService": encounter["type"][0],
                "encounter": [to(encounter)],
                "net": {"value": 125.0, "currency": "USD"},
            }
        ],
        "total": {"value": 125.0, "currency": "USD"},
    }


def _explanation_of_benefit(life: Life, encounter: Resource) -> Resource:
    adjudication = [
        {
            "category": concept("http://terminology.hl7.org/CodeSystem/adjudication", code),
            "amount": {"value": 125.0, "currency": "USD"},
        }
        for code in ("submitted", "benefit", "copay", "deductible")
    ]
    return {**_claim(life, encounter), "outcome": "complete", "adjudication": adjudication}


MAKERS: dict[str, Callable[[Life, Resource], Resource]] = {
    "Condition": _condition,
    "MedicationRequest": _medication_request,
    "Procedure": _procedure,
    "Observation": _observation,
    "Immunization": _immunization,
    "ImagingStudy": _imaging_study,
    "CareTeam": _care_team,
    "CarePlan": _care_plan,
    "DiagnosticReport": _diagnostic_report,
    "Device": _of_patient,
    "SupplyDelivery": _of_patient,
    "MedicationAdministration": _of_patient,
    "Claim": _claim,
    "ExplanationOfBenefit": _explanation_of_benefit,
    "DocumentReference": _document,
    "AllergyIntolerance": _allergy,
    "Goal": _goal,
    "Coverage": _coverage,
}
