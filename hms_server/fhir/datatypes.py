"""FHIR's data types as the API has them: names, identifiers, telecoms, addresses, periods."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message
from protovalidate import Validator

from hms.patient.v1 import patient_pb2 as pb
from hms_server.fhir.element import Element

GENDERS = ("male", "female", "other", "unknown")
_NAME_USES = ("usual", "official", "temp", "nickname", "anonymous", "old", "maiden")
_IDENTIFIER_USES = ("usual", "official", "temp", "secondary", "old")
_TELECOM_SYSTEMS = ("phone", "fax", "pager", "email", "url", "sms", "other")
_TELECOM_USES = ("home", "work", "temp", "old", "mobile")
_ADDRESS_USES = ("home", "work", "temp", "old", "billing")
_ADDRESS_TYPES = ("postal", "physical", "both")

# What the API calls differently from FHIR. The API's fields are named in the server's answers.
_FHIR_NAMES = {
    "names": "name",
    "family_name": "family",
    "given_names": "given",
    "prefixes": "prefix",
    "suffixes": "suffix",
    "identifiers": "identifier",
    "telecoms": "telecom",
    "addresses": "address",
    "lines": "line",
    "postal_code": "postalCode",
    "birth_date": "birthDate",
    "deceased": "deceasedBoolean",
    "deceased_time": "deceasedDateTime",
    "contacts": "contact",
    "relationships": "relationship",
    "communications": "communication",
    "marital_status": "maritalStatus",
}

_M = TypeVar("_M", bound=Message)


def fhir_path(path: str) -> str:
    """The FHIR path of a field of the API: "patient.names[0].family_name" is name[0].family."""
    return re.sub(r"\w+", lambda word: _FHIR_NAMES.get(word[0], word[0]), path.removeprefix("patient."))


@functools.cache
def _validator() -> Validator:
    return Validator()


def checked(element: Element, message: _M) -> _M:
    """`message`, whose own fields are held against the proto's rules; `element` is what made it."""
    for violation in _validator().collect_violations(message):
        field = violation.proto.field
        # What is deeper inside was told where it was made.
        if field is not None and len(field.elements) == 1:
            name = fhir_path(field.elements[0].field_name)
            element.fault(name, violation.proto.message)
    return message


def several(parent: Element, name: str, make: Callable[[Element], _M | None]) -> list[_M]:
    """A list of elements, without those that say nothing."""
    return [made for element in parent.children(name) if (made := make(element)) is not None]


def period(parent: Element) -> pb.Period | None:
    """The element `period` of another."""
    element = parent.child("period")
    if element is None:
        return None
    made = pb.Period(start=element.date_time("start"), end=element.date_time("end"))
    return checked(element, made) if made.ByteSize() else None


def human_name(element: Element) -> pb.HumanName | None:
    """A name; None where neither a part nor the whole is known."""
    made = pb.HumanName(
        use=element.code("use", _NAME_USES),
        text=element.text("text"),
        family_name=element.text("family"),
        given_names=element.texts("given"),
        prefixes=element.texts("prefix"),
        suffixes=element.texts("suffix"),
        period=period(element),
    )
    if not (made.text or made.family_name or made.given_names):
        element.leave_out()
        return None
    return checked(element, made)


def identifier(element: Element) -> pb.Identifier | None:
    """An identifier; None where it has no value."""
    made = pb.Identifier(
        use=element.code("use", _IDENTIFIER_USES),
        type=element.concept("type"),
        system=element.text("system"),
        value=element.text("value"),
        period=period(element),
    )
    if not made.value:
        element.leave_out()
        return None
    return checked(element, made)


def telecom(element: Element) -> pb.Telecom | None:
    """A way to reach somebody; None where it has no value."""
    made = pb.Telecom(
        system=element.code("system", _TELECOM_SYSTEMS),
        value=element.text("value"),
        use=element.code("use", _TELECOM_USES),
        rank=element.positive("rank"),
        period=period(element),
    )
    if not made.value:
        element.leave_out()
        return None
    return checked(element, made)


def address(element: Element) -> pb.Address | None:
    """An address; None where it says nothing."""
    made = pb.Address(
        use=element.code("use", _ADDRESS_USES),
        type=element.code("type", _ADDRESS_TYPES),
        text=element.text("text"),
        lines=element.texts("line"),
        city=element.text("city"),
        district=element.text("district"),
        state=element.text("state"),
        postal_code=element.text("postalCode"),
        country=element.text("country"),
        period=period(element),
    )
    return checked(element, made) if made.ByteSize() else None
