"""FHIR R4 Patient. Pure: the same resource gives the same patient."""

from __future__ import annotations

import re

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
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources.mapper import Mapper, elements

# BCP 47, as HMS checks it
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_LISTS = {
    "name": ("names", human_name),
    "identifier": ("identifiers", identifier),
    "telecom": ("telecoms", telecom),
    "address": ("addresses", address),
}
_DECEASED = ("deceasedDateTime", "deceasedBoolean")
_KNOWN_CONTACT = known("relationship", "name", "telecom", "address", "gender", "organization", "period")
_KNOWN_COMMUNICATION = known("language", "preferred")


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
