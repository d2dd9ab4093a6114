"""FHIR R4 resources as fields of the API. Pure: the same resource gives the same draft.

What is wrong with the FHIR shape is told here, every fault at once; lengths, patterns and HMS's own rules
are the rooms' to check. What HMS has no place for is named in `left_out`, never lost without a word.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from hms_server.fhir import paths
from hms_server.fhir.element import Fault, Findings, MappingError, Slot
from hms_server.fhir.patient import PATIENT
from hms_server.fhir.resources.directory import LOCATION, ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE
from hms_server.fhir.resources.encounter import ENCOUNTER
from hms_server.fhir.resources.events import IMMUNIZATION, PROCEDURE
from hms_server.fhir.resources.mapper import Mapper
from hms_server.fhir.resources.observation import OBSERVATION
from hms_server.fhir.resources.prescription import PRESCRIPTION
from hms_server.fhir.resources.problems import ALLERGY, CONDITION
from hms_server.fhir.resources.reports import DIAGNOSTIC_REPORT, DOCUMENT

__all__ = ["MAPPING_VERSION", "TYPES", "Draft", "Fault", "MappingError", "Slot", "fhir_path", "translate"]

# Part of a record's content hash: a release that takes over more raises it, and the same resource is
# then brought in anew.
MAPPING_VERSION = 1

_MAPPERS = {
    "Patient": PATIENT,
    "Encounter": ENCOUNTER,
    "Observation": OBSERVATION,
    "Condition": CONDITION,
    "AllergyIntolerance": ALLERGY,
    "MedicationRequest": PRESCRIPTION,
    "Procedure": PROCEDURE,
    "Immunization": IMMUNIZATION,
    "DiagnosticReport": DIAGNOSTIC_REPORT,
    "DocumentReference": DOCUMENT,
    "Practitioner": PRACTITIONER,
    "PractitionerRole": PRACTITIONER_ROLE,
    "Organization": ORGANIZATION,
    "Location": LOCATION,
}
_BY_KIND = {mapper.kind: mapper for mapper in _MAPPERS.values()}


class Draft(NamedTuple):
    """A record as it will be, but for its references."""

    kind: str
    # Of the API's message, by the proto's names. Lists that slots point into hold "" in their places.
    fields: dict[str, Any]
    slots: list[Slot]
    # Paths, without indexes and without the type, of what HMS has no place for
    left_out: list[str]
    # For fhir_path
    kept: Mapping[str, tuple[int, ...]] = MappingProxyType({})


def _draft(mapper: Mapper, resource: dict[str, Any]) -> Draft:
    findings = Findings()
    fields = mapper.fields_of(resource, findings)
    if findings.faults:
        raise MappingError(findings.faults)
    return Draft(mapper.kind, fields, findings.slots, findings.left_out, findings.kept)


TYPES: Mapping[str, Callable[[dict[str, Any]], Draft]] = {
    fhir_type: functools.partial(_draft, mapper) for fhir_type, mapper in _MAPPERS.items()
}


def translate(resource: dict[str, Any]) -> Draft:
    """The draft of a resource; raises MappingError with every fault, and for a type not in TYPES."""
    given = resource.get("resourceType")
    make = TYPES.get(given) if isinstance(given, str) else None
    if make is None:
        raise MappingError([Fault("resourceType", "is no type that HMS keeps")])
    return make(resource)


def fhir_path(kind: str, path: str, kept: Mapping[str, tuple[int, ...]] | None = None) -> str:
    """The FHIR path of an API path: ("OBSERVATION", "observation.effective_time") is "effectiveDateTime".

    Of a choice of types, the usual form is named. With a draft's `kept`, indexes are right also where
    elements of a list were left out.
    """
    mapper = _BY_KIND.get(kind)
    return paths.fhir_path(mapper.names if mapper else {}, path, kept)
