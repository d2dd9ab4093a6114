"""FHIR R4 Patient as the API's Patient. Pure: the same resource gives the same patient.

Extensions are ignored. A modifier extension changes what its element means, so that FHIR allows
nobody to ignore one: such a record is refused. What HMS has no place for is named in `left_out`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from hms.patient.v1 import patient_pb2 as pb
from hms_server.fhir.datatypes import (
    GENDERS,
    address,
    checked,
    human_name,
    identifier,
    period,
    several,
    telecom,
)
from hms_server.fhir.element import Element, Fault, Findings, quoted

# BCP 47, as HMS checks it
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_NO_PLACE = (
    "contained",
    "generalPractitioner",
    "link",
    "managingOrganization",
    "multipleBirthBoolean",
    "multipleBirthInteger",
    "photo",
)


class MappingError(Exception):
    """A resource that cannot be taken over."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.text}" for fault in faults))
        self.faults = faults


class Mapped(NamedTuple):
    """A patient, and the paths of what HMS has no place for."""

    patient: pb.Patient
    left_out: list[str]


def to_patient(resource: dict[str, Any]) -> Mapped:
    """The patient of a Patient resource; raises MappingError with every fault."""
    findings = Findings()
    root = Element(resource, "", findings)
    patient = pb.Patient(
        names=several(root, "name", human_name),
        identifiers=several(root, "identifier", identifier),
        telecoms=several(root, "telecom", telecom),
        addresses=several(root, "address", address),
        gender=root.code("gender", GENDERS),
        birth_date=root.date("birthDate"),
        contacts=several(root, "contact", _contact),
        communications=several(root, "communication", _communication),
        marital_status=_marital_status(root),
        active=root.boolean("active"),
    )
    _set_deceased(root, patient)
    if not patient.names and not any(fault.path.startswith("name") for fault in findings.faults):
        root.fault("name", "HMS needs a name with a part or a text")
    _refuse_modifiers(root)
    for name in _NO_PLACE:
        if resource.get(name) not in (None, [], ""):
            root.leave_out(name)
    checked(root, patient)
    if findings.faults:
        raise MappingError(findings.faults)
    return Mapped(patient, findings.left_out)


def source_id(resource: dict[str, Any], full_url: str) -> str:
    """What the source knows the record by: its id, else the end of its fullUrl.

    Raises MappingError where there is neither: a second import could not find the record again.
    """
    given = resource.get("id")
    if given is None:
        given = re.split(r"[/:]", full_url)[-1]
        if not given:
            raise MappingError([Fault("id", "neither an id nor a fullUrl: it could not be found again")])
    if not isinstance(given, str) or _ID.fullmatch(given) is None:
        raise MappingError([Fault("id", f"{quoted(given)} is no FHIR id")])
    return given


def _set_deceased(root: Element, patient: pb.Patient) -> None:
    flag, time = root.boolean("deceasedBoolean"), root.date_time("deceasedDateTime")
    if flag is not None and time:
        root.fault("deceasedBoolean", "stands beside deceasedDateTime: FHIR allows one of them")
    patient.deceased = bool(flag or time)
    patient.deceased_time = time


def _marital_status(root: Element) -> str:
    code = root.concept_code("maritalStatus")
    if not code and root.concept("maritalStatus"):
        root.leave_out("maritalStatus.text")  # HMS keeps codes
    return code


def _contact(element: Element) -> pb.Contact | None:
    _refuse_modifiers(element)
    name, home, organization = element.child("name"), element.child("address"), element.child("organization")
    made = pb.Contact(
        relationships=filter(None, (concept.concept() for concept in element.children("relationship"))),
        name=human_name(name) if name else None,
        telecoms=several(element, "telecom", telecom),
        address=address(home) if home else None,
        gender=element.code("gender", GENDERS),
        organization=(organization.text("display") or organization.text("reference")) if organization else "",
        period=period(element),
    )
    return checked(element, made) if made.ByteSize() else None


def _communication(element: Element) -> pb.Communication | None:
    _refuse_modifiers(element)
    made = pb.Communication(
        language=element.concept("language"), preferred=bool(element.boolean("preferred"))
    )
    if not _LANGUAGE.fullmatch(made.language):
        element.leave_out()  # FHIR allows any text; HMS keeps codes
        return None
    return checked(element, made)


def _refuse_modifiers(element: Element) -> None:
    for i, extension in enumerate(element.children("modifierExtension")):
        url = extension.content.get("url")
        element.fault(f"modifierExtension[{i}]", f"HMS does not know {quoted(url)}, which may not be ignored")
    if element.content.get("implicitRules"):
        element.fault("implicitRules", "HMS knows no such rules, which may not be ignored")
