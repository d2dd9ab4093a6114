"""FHIR R4 Patient. Pure: the same resource gives the same patient."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from protovalidate import Validator, Violation

from hms.patient.v1 import patient_pb2 as pb
from hms_server.fhir import paths
from hms_server.fhir.datatypes import (
    GENDERS,
    Fields,
    address,
    code,
    code_of,
    code_or_text,
    human_name,
    identifier,
    period,
    telecom,
)
from hms_server.fhir.element import Element, Fault, Findings, MappingError, known
from hms_server.fhir.resources.mapper import Mapper, elements

__all__ = ["PATIENT", "Mapped", "MappingError", "source_id", "to_patient"]

# BCP 47, as HMS checks it
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_LISTS = {
    "name": ("names", human_name),
    "identifier": ("identifiers", identifier),
    "telecom": ("telecoms", telecom),
    "address": ("addresses", address),
}
_DECEASED = ("deceasedDateTime", "deceasedBoolean")
_KNOWN_CONTACT = known("relationship", "name", "telecom", "address", "gender", "organization", "period")
_KNOWN_COMMUNICATION = known("language", "preferred")


class Mapped(NamedTuple):
    """A patient, and the paths of what HMS has no place for."""

    patient: pb.Patient
    left_out: list[str]


def to_patient(resource: dict[str, Any]) -> Mapped:
    """The patient of a Patient resource, held against the proto's rules.

    Raises MappingError with every fault.
    """
    findings = Findings()
    patient = pb.Patient(**PATIENT.fields_of(resource, findings))
    for violation in _validator().collect_violations(patient):
        path = paths.fhir_path(PATIENT.names, _field_path(violation), findings.kept)
        findings.faults.append(Fault(path, violation.proto.message))
    if findings.faults:
        raise MappingError(findings.faults)
    return Mapped(patient, findings.left_out)


@functools.cache
def _validator() -> Validator:
    return Validator()


def _field_path(violation: Violation) -> str:
    """The API path of the field that holds what is wrong: "patient.names[1].given_names"."""
    path, field = "patient", violation.proto.field
    for step in field.elements if field is not None else ():
        path += f".{step.field_name}"
        if step.subscript is not None:
            path += f"[{step.subscript.value}]"
    return re.sub(r"\[\d+\]$", "", path)


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
        raise MappingError([Fault("id", "is no FHIR id")])
    return given


def _fields(root: Element) -> Fields:
    fields: Fields = {}
    for name, (field, make) in _LISTS.items():
        if found := root.several(name, make):
            fields[field] = found
    if "names" not in fields and not root.has_fault("name"):
        root.fault("name", "HMS needs a name with a part or a text")
    if gender := root.code("gender", GENDERS):
        fields["gender"] = gender
    if date := root.date("birthDate"):
        fields["birth_date"] = date
    if contacts := root.several("contact", _contact):
        fields["contacts"] = contacts
    if communications := root.several("communication", _communication):
        fields["communications"] = communications
    _set_marital_status(root, fields)
    if (active := root.boolean("active")) is not None:
        fields["active"] = active
    _set_deceased(root, fields)
    return fields


def _set_deceased(root: Element, fields: Fields) -> None:
    flag, time = root.boolean("deceasedBoolean"), root.date_time("deceasedDateTime")
    root.one_of(_DECEASED)
    if flag or time:
        fields["deceased"] = True
    if time:
        fields["deceased_time"] = time


def _set_marital_status(root: Element, fields: Fields) -> None:
    status = root.child("maritalStatus")
    if status is None:
        return
    if value := code_of(status):
        fields["marital_status"] = value
    elif status.text("text"):
        status.leave_out("text")  # HMS keeps codes


def _contact(element: Element) -> Fields | None:
    fields: Fields = {}
    relationships = [value for kind in element.children("relationship") if (value := code_or_text(kind))]
    if relationships:
        fields["relationships"] = relationships
    if (child := element.child("name")) and (name := human_name(child)):
        fields["name"] = name
    if telecoms := element.several("telecom", telecom):
        fields["telecoms"] = telecoms
    if (child := element.child("address")) and (home := address(child)):
        fields["address"] = home
    if gender := element.code("gender", GENDERS):
        fields["gender"] = gender
    if (child := element.child("organization")) and (
        text := child.text("display") or child.text("reference")
    ):
        fields["organization"] = text
    if span := period(element):
        fields["period"] = span
    element.only(_KNOWN_CONTACT)
    return fields or None


def _communication(element: Element) -> Fields | None:
    language, preferred = code(element, "language"), element.boolean("preferred")
    element.only(_KNOWN_COMMUNICATION)
    if not _LANGUAGE.fullmatch(language):
        element.leave_out()  # FHIR allows any text; HMS keeps codes
        return None
    return {"language": language, "preferred": True} if preferred else {"language": language}


PATIENT = Mapper(
    "PATIENT",
    _fields,
    elements(
        *("name", "identifier", "telecom", "address", "gender", "birthDate", "contact", "communication"),
        *("maritalStatus", "active", *_DECEASED),
    ),
    {},
)
