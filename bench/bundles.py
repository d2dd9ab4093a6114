"""Makes FHIR R4 transaction bundles that look like Synthea's: a patient's whole life in one bundle.

The mix of types, the size of each resource, the references (urn:uuid, shared practitioners, organizations and
locations that come again with each bundle) and the types that HMS does not model are those of a sample of 60
bundles with 137,394 resources. Deterministic: a bundle is made from the seed and its number alone.
"""

from __future__ import annotations

import datetime
import functools
import random
import uuid

from bench import names
from bench.concepts import concept
from bench.resources import MAKERS, US_CORE, Life, Resource, to

# Sizes as shares of the largest, spread as the sample's are.
_MEDIAN_SHARE, _SPREAD, _SMALLEST_SHARE, _SECOND_SHARE = 0.2, 0.85, 0.012, 0.6
# How many resources of each type come with an encounter.
_PER_ENCOUNTER = {
    "Condition": 1.036,
    "MedicationRequest": 0.286,
    "Procedure": 2.17,
    "Observation": 10.08,
    "Immunization": 0.548,
    "ImagingStudy": 0.05,
    "CareTeam": 0.081,
    "CarePlan": 0.081,
    "DiagnosticReport": 0.907,
    "Device": 0.056,
    "SupplyDelivery": 0.206,
    "MedicationAdministration": 0.132,
    "Claim": 1.0,
    "ExplanationOfBenefit": 1.0,
    "DocumentReference": 1.0,
}
# And with a patient, whatever the number of encounters.
_PER_PATIENT = {"AllergyIntolerance": 1, "Goal": 2, "Coverage": 3}
_SITES, _PRACTITIONERS = 12, 60
_SITES_OF_ONE, _PRACTITIONERS_OF_ONE = 6, 10
_SINGLE = 2  # the patient and the provenance
_LAST_DAY = datetime.datetime(2026, 1, 1, 11, 25, 17, 873752, datetime.UTC)
_FEWEST_ENTRIES = 70


def sizes(count: int, largest: int, seed: int) -> list[int]:
    """Entries of each of `count` bundles, the largest first."""
    chance = random.Random(f"bundles/{seed}")
    others = [chance.lognormvariate(0, _SPREAD) * _MEDIAN_SHARE for _ in range(count - 1)]
    return [
        largest,
        *(
            max(_FEWEST_ENTRIES, round(largest * min(max(share, _SMALLEST_SHARE), _SECOND_SHARE)))
            for share in others
        ),
    ]


def bundle(seed: int, number: int, entries: int) -> Resource:
    """Bundle `number`, of `entries` entries (or a few more, where that is too few for one encounter)."""
    return _Bundle(seed, number).make(entries)


@functools.cache
def _shared(seed: int) -> tuple[list[Resource], list[Resource]]:
    """Sites (organizations) and practitioners, that many bundles name."""
    chance = random.Random(f"shared/{seed}")
    sites = [
        {
            "resourceType": "Organization",
            "id": _id(chance),
            "active": True,
            "identifier": [
                {"system": "https://github.com/synthetichealth/synthea", "value": f"primary_care-{n}"}
            ],
            "name": f"COMMUNITY INTERNIST ASSOCIATES {n} PC",
            "type": [
                concept(
                    "http://terminology.hl7.org/CodeSystem/organization-type", "prov", "Healthcare Provider"
                )
            ],
            "address": [_address(n)],
            "telecom": [{"system": "phone", "value": f"781279{n:04d}"}],
        }
        for n in range(_SITES)
    ]
    practitioners = [
        {
            "resourceType": "Practitioner",
            "id": _id(chance),
            "active": True,
            "name": [{"use": "official", "family": f"Johnson{n}", "given": ["John"], "prefix": ["Dr."]}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": f"99993{n:05d}"}],
        }
        for n in range(_PRACTITIONERS)
    ]
    return sites, practitioners


class _Bundle:
    """One bundle while it is made."""

    def __init__(self, seed: int, number: int) -> None:
        self._chance = random.Random(f"bundle/{seed}/{number}")
        self._number = number
        self._resources: list[Resource] = []
        sites, practitioners = _shared(seed)
        chosen = sorted(self._chance.sample(range(_SITES), _SITES_OF_ONE))
        # Who works there, so that what is shared says the same in each bundle
        self._sites_of_roles = {each["id"]: sites[n % _SITES] for n, each in enumerate(practitioners)}
        staff = [each for n, each in enumerate(practitioners) if n % _SITES in chosen]
        self._birth = datetime.datetime(
            self._chance.randint(1940, 2010),
            self._chance.randint(1, 12),
            15,
            11,
            25,
            17,
            873752,
            datetime.UTC,
        )
        self._life = Life(
            chance=self._chance,
            patient={"id": _id(self._chance)},
            sites=[sites[n] for n in chosen],
            practitioners=self._chance.sample(staff, _PRACTITIONERS_OF_ONE),
            coverage_id=_id(self._chance),
            by_type={},
        )

    def make(self, entries: int) -> Resource:
        """All of it."""
        fixed = _SINGLE + sum(_PER_PATIENT.values()) + 2 * (_SITES_OF_ONE + _PRACTITIONERS_OF_ONE)
        visits = max(1, int((entries - fixed) / (1 + sum(_PER_ENCOUNTER.values()))))
        self._add("Patient", {**self._life.patient, **self._patient_fields()})
        encounters = [self._add("Encounter", self._encounter(n, visits)) for n in range(visits)]
        for type_, ratio in _PER_ENCOUNTER.items():
            for n, encounter in enumerate(encounters):
                for _ in range(int((n + 1) * ratio) - int(n * ratio)):
                    self._add(type_, MAKERS[type_](self._life, encounter))
        for type_, count in _PER_PATIENT.items():
            for _ in range(count):
                self._add(type_, MAKERS[type_](self._life, encounters[0]))
        self._directory()
        # To the very number: more results of the last encounter
        while len(self._resources) < entries - 1:
            self._add("Observation", MAKERS["Observation"](self._life, encounters[-1]))
        self._add("Provenance", self._provenance())
        return {"resourceType": "Bundle", "type": "transaction", "entry": list(map(_entry, self._resources))}

    def _add(self, type_: str, fields: Resource) -> Resource:
        made = {
            "resourceType": type_,
            "id": fields.get("id") or _id(self._chance),
            "meta": {"profile": [f"{US_CORE}{type_.lower()}"]},
            **fields,
        }
        self._resources.append(made)
        self._life.by_type.setdefault(type_, []).append(made)
        return made

    def _patient_fields(self) -> Resource:
        chance = self._chance.random
        gender = "female" if chance() < 0.5 else "male"
        group = names.community(chance)
        family, given = group.family(chance).latin, group.given(gender, chance).latin
        type_system = "http://terminology.hl7.org/CodeSystem/v2-0203"
        return {
            "identifier": [
                {
                    "type": concept(type_system, "MR", "Medical Record Number"),
                    "system": "http://hospital.smarthealthit.org",
                    "value": str(6_000_000 + self._number),
                },
            ],
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given], "prefix": ["Mr."]}],
            "gender": gender,
            "birthDate": f"{self._birth:%Y-%m-%d}",
            "address": [
                {
                    "use": "home",
                    **_address(self._number),
                    "extension": [
                        {
                            "url": "http://hl7.org/fhir/StructureDefinition/geolocation",
                            "extension": [
                                {"url": "latitude", "valueDecimal": chance()},
                                {"url": "longitude", "valueDecimal": chance()},
                            ],
                        }
                    ],
                }
            ],
            "telecom": [{"system": "phone", "value": f"555-648-{self._number % 10000:04d}", "use": "home"}],
            "communication": [{"language": concept("urn:ietf:bcp:47", "en", "English")}],
            "extension": [
                {
                    "url": f"{US_CORE}race",
                    "extension": [
                        {
                            "url": "ombCategory",
                            "valueCoding": {
                                "system": "urn:oid:2.16.840.1.113883.6.238",
                                "code": "2028-9",
                                "display": "asian",
                            },
                        },
                        {"url": "text", "valueString": "asian"},
                    ],
                },
                {"url": f"{US_CORE}birthsex", "valueCode": gender[0].upper()},
            ],
        }

    def _directory(self) -> None:
        """Comes again with many bundles, so each has the same id in all."""
        for site in self._life.sites:
            self._add("Organization", dict(site))
            location = {
                "id": _beside(site),
                "status": "active",
                "name": site["name"],
                "address": site["address"][0],
                "managingOrganization": to(site),
                "position": {"latitude": 51.06, "longitude": -1.31},
            }
            self._add("Location", location)
        for practitioner in self._life.practitioners:
            self._add("Practitioner", dict(practitioner))
            role = {
                "id": _beside(practitioner),
                "active": True,
                "practitioner": to(practitioner),
                "specialty": [{"text": "Psychiatry"}],
                "organization": to(self._sites_of_roles[practitioner["id"]]),
            }
            self._add("PractitionerRole", role)

    def _encounter(self, number: int, of: int) -> Resource:
        days = datetime.timedelta(days=10)
        said = (self._birth + days + (_LAST_DAY - days - self._birth) * number / of).isoformat()
        site = self._chance.choice(self._life.sites)
        system = "http://terminology.hl7.org/CodeSystem"
        role = concept(f"{system}/v3-ParticipationType", "PPRF", "primary performer")
        practitioner = self._chance.choice(self._life.practitioners)
        return {
            "status": "finished",
            "class": {
                "system": f"{system}/v3-ActCode",
                "code": "AMB",
                "display": "ambulatory",
            },
            "type": [
                concept("http://snomed.info/sct", "162673000", "General examination of patient (procedure)")
            ],
            "subject": {**to(self._life.patient), "display": "A Patient"},
            "period": {"start": said, "end": said},
            "reasonCode": [{"text": "Medication_Review_Due"}],
            "serviceProvider": to(site),
            "location": [{"location": to({"id": _beside(site)})}],
            "participant": [{"type": [role], "individual": to(practitioner)}],
        }

    def _provenance(self) -> Resource:
        return {
            "target": list(map(to, self._resources)),
            "recorded": _LAST_DAY.isoformat(),
            "agent": [{"who": {"display": "Bench"}}],
        }


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _beside(resource: Resource) -> str:
    """The id of what belongs to it alone: a site's location, a practitioner's role."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, resource["id"]))


def _entry(resource: Resource) -> Resource:
    return {
        "fullUrl": to(resource)["reference"],
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


def _address(number: int) -> Resource:
    return {
        "line": [f"{number % 400 + 1} MONTVALE AVENUE"],
        "city": "WINCHESTER",
        "state": "MA",
        "postalCode": "018904303",
        "country": "US",
    }
