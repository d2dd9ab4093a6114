"""FHIR Organization, Location, Practitioner and PractitionerRole."""

from __future__ import annotations

from hms_server.fhir import references
from hms_server.fhir.datatypes import (
    GENDERS,
    Fields,
    address,
    concept,
    concepts,
    human_name,
    identifier,
    telecom,
)
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources.mapper import Mapper, elements

# A place that is closed for some time is not in use, as one that is closed for good.
_LOCATION_ACTIVE = {"active": "yes", "suspended": "", "inactive": ""}
_KNOWN_POSITION = known("latitude", "longitude")
_KNOWN_QUALIFICATION = known("code")


def _organization(root: Element) -> Fields:
    fields = _common(root)
    _set_name(root, fields)
    if types := concepts(root, "type"):
        fields["types"] = types
    if identifiers := root.several("identifier", identifier):
        fields["identifiers"] = identifiers
    if addresses := root.several("address", address):
        fields["addresses"] = addresses
    references.optional(root, "partOf", ("parent_id",), references.ORGANIZATION)
    return fields


def _location(root: Element) -> Fields:
    fields: Fields = {}
    _set_name(root, fields)
    if status := root.code("status", _LOCATION_ACTIVE):
        fields["active"] = bool(_LOCATION_ACTIVE[status])
    if text := root.text("description"):
        fields["description"] = text
    if telecoms := root.several("telecom", telecom):
        fields["telecoms"] = telecoms
    if (element := root.child("address")) and (place := address(element)):
        fields["address"] = place
    if position := root.child("position"):
        for name in ("latitude", "longitude"):
            if (degrees := position.number(name)) is not None:
                fields[name] = degrees
            position.required(name, degrees is not None)
        position.only(_KNOWN_POSITION)
    references.optional(root, "managingOrganization", ("organization_id",), references.ORGANIZATION)
    return fields


def _practitioner(root: Element) -> Fields:
    fields = _common(root)
    names = root.several("name", human_name)
    if not names and not root.has_fault("name"):
        root.fault("name", "HMS needs a name with a part or a text")
    fields["names"] = names
    # A licence's number is one of them: which one is the hospital's to say.
    if identifiers := root.several("identifier", identifier):
        fields["identifiers"] = identifiers
    if gender := root.code("gender", GENDERS):
        fields["gender"] = gender
    if qualifications := root.several("qualification", _qualification):
        fields["qualifications"] = qualifications
    return fields


def _qualification(element: Element) -> Fields | None:
    made = concept(element, "code")
    element.required("code", made)
    element.only(_KNOWN_QUALIFICATION)
    return made


def _role(root: Element) -> Fields:
    """A role becomes an entry of its practitioner's; resource ids are unique in their source."""
    role: Fields = {}
    if known_as := root.text("id"):
        role["id"] = known_as
    if (active := root.boolean("active")) is not None:
        role["active"] = active
    for name, field in (("code", "codes"), ("specialty", "specialities")):
        if found := concepts(root, name):
            role[field] = found
    references.required(root, "practitioner", "practitioner_id", ("PRACTITIONER",))
    references.optional(root, "organization", ("role", "organization_id"), references.ORGANIZATION)
    return {"role": role}


def _common(root: Element) -> Fields:
    fields: Fields = {}
    if (active := root.boolean("active")) is not None:
        fields["active"] = active
    if telecoms := root.several("telecom", telecom):
        fields["telecoms"] = telecoms
    return fields


def _set_name(root: Element, fields: Fields) -> None:
    name = root.text("name")
    root.required("name", name)
    fields["display_name"] = name


ORGANIZATION = Mapper(
    "ORGANIZATION",
    _organization,
    elements("active", "name", "type", "identifier", "telecom", "address", "partOf"),
    {"display_name": "name", "parent_id": "partOf"},
)
LOCATION = Mapper(
    "LOCATION",
    _location,
    elements("status", "name", "description", "telecom", "address", "position", "managingOrganization"),
    {
        "display_name": "name",
        "active": "status",
        "latitude": "/position.latitude",
        "longitude": "/position.longitude",
        "organization_id": "managingOrganization",
    },
)
PRACTITIONER = Mapper(
    "PRACTITIONER",
    _practitioner,
    elements("active", "name", "identifier", "telecom", "gender", "qualification"),
    {"qualifications": "/qualification*.code"},
)
_ROLE_NAMES = {"codes": "code", "specialities": "specialty", "organization_id": "organization"}
PRACTITIONER_ROLE = Mapper(
    "PRACTITIONER_ROLE",
    _role,
    elements("active", "practitioner", "organization", "code", "specialty"),
    # As a message of its own, and as an entry of a practitioner.
    {"practitioner_id": "practitioner", "roles": "/"}
    | _ROLE_NAMES
    | {f"roles.{ours}": theirs for ours, theirs in _ROLE_NAMES.items()},
)
