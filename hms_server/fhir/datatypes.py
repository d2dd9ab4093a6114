"""FHIR's data types as the API's fields have them: concepts, quantities, names, addresses, periods.

Each gives a dict of the fields that are there, or None where the element says nothing.
"""

from __future__ import annotations

from typing import Any

from hms_server.fhir.element import Element, known

Fields = dict[str, Any]

GENDERS = ("male", "female", "other", "unknown")
_NAME_USES = ("usual", "official", "temp", "nickname", "anonymous", "old", "maiden")
_IDENTIFIER_USES = ("usual", "official", "temp", "secondary", "old")
_TELECOM_SYSTEMS = ("phone", "fax", "pager", "email", "url", "sms", "other")
_TELECOM_USES = ("home", "work", "temp", "old", "mobile")
_ADDRESS_USES = ("home", "work", "temp", "old", "billing")
_ADDRESS_TYPES = ("postal", "physical", "both")
_COMPARATORS = ("<", "<=", ">=", ">")
# The API's lists of codes hold no longer text.
_LONGEST_CODE = 64

# The elements of each type and the fields of the API that strings are copied to.
_CODING = {"system": "system", "code": "code", "display": "display"}
_UNIT = {"unit": "unit", "system": "system", "code": "code"}
_NAME = {"text": "text", "family": "family_name"}
_ADDRESS = {
    "text": "text",
    "city": "city",
    "district": "district",
    "state": "state",
    "postalCode": "postal_code",
    "country": "country",
}
_KNOWN_CODING = known(*_CODING)
_KNOWN_CONCEPT = known("coding", "text")
_KNOWN_QUANTITY = known("value", "comparator", *_UNIT)
_KNOWN_RANGE = known("low", "high")
_KNOWN_RATIO = known("numerator", "denominator")
_KNOWN_PERIOD = known("start", "end")
_KNOWN_NAME = known("use", "given", "prefix", "suffix", "period", *_NAME)
_KNOWN_IDENTIFIER = known("use", "type", "system", "value", "period")
_KNOWN_TELECOM = known("use", "system", "value", "rank", "period")
_KNOWN_ADDRESS = known("use", "type", "line", "period", *_ADDRESS)
_KNOWN_NOTE = known("text")


def concept(parent: Element, name: str) -> Fields | None:
    """The CodeableConcept `name` of an element."""
    element = parent.child(name) if name in parent.content else None
    return concept_of(element) if element else None


def concept_of(element: Element) -> Fields | None:
    """A CodeableConcept."""
    fields: Fields = {}
    codings = element.several("coding", _coding)
    if codings:
        fields["codings"] = codings
    if text := element.text("text"):
        fields["text"] = text
    elif not codings and (display := _first_text(element, "display")):
        fields["text"] = display
    element.only(_KNOWN_CONCEPT)
    return fields or None


def _coding(element: Element) -> Fields | None:
    fields: Fields = {}
    element.copy_texts(fields, _CODING)
    element.only(_KNOWN_CODING)
    if "code" in fields:
        return fields
    if fields:
        element.leave_out()  # a coding without a code names a code system at most
    return None


def code_of(element: Element) -> str:
    """The first code of a CodeableConcept; "" where it has none."""
    return _first_text(element, "code")


def code_or_text(element: Element) -> str:
    """The same; the text where there is no code."""
    return code_of(element) or element.text("text")


def code(parent: Element, name: str) -> str:
    """The first code of the CodeableConcept `name` of an element, or its text."""
    element = parent.child(name)
    return code_or_text(element) if element else ""


def codes(parent: Element, name: str) -> list[str]:
    """The codes of a list of CodeableConcepts, each once; short texts where there is no code."""
    found: list[str] = []
    for element in parent.children(name):
        value = code_or_text(element)
        if len(value) > _LONGEST_CODE:
            element.leave_out()
        elif value and value not in found:
            found.append(value)
    return found


def concepts(parent: Element, name: str) -> list[Fields]:
    """A list of CodeableConcepts."""
    return parent.several(name, concept_of)


def in_words(made: Fields | None) -> str:
    """A concept that a person can read."""
    if not made:
        return ""
    first = made["codings"][0] if "codings" in made else {}
    return str(made.get("text") or first.get("display") or first.get("code") or "")


def quantity(parent: Element, name: str) -> Fields | None:
    """The Quantity `name` of an element. One without a value is a fault: a unit alone says nothing."""
    element = parent.child(name) if name in parent.content else None
    if element is None:
        return None
    fields: Fields = {}
    value = element.number("value")
    if value is None:
        element.required("value", None)
    else:
        fields["value"] = value
    element.copy_texts(fields, _UNIT)
    if "comparator" in element.content and (comparator := element.code("comparator", _COMPARATORS)):
        fields["comparator"] = comparator
    element.only(_KNOWN_QUANTITY)
    return fields


def _quantity_in_words(made: Fields) -> str:
    number = f"{made.get('value', 0):.15g}"
    return f"{made.get('comparator', '')}{number} {made.get('unit') or made.get('code') or ''}".strip()


def range_in_words(parent: Element, name: str) -> str:
    """A Range: "2 tablet - 3 tablet", ">= 5 mg" where one end is open."""
    element = parent.child(name)
    if element is None:
        return ""
    low, high = quantity(element, "low"), quantity(element, "high")
    element.only(_KNOWN_RANGE)
    if low and high:
        return f"{_quantity_in_words(low)} - {_quantity_in_words(high)}"
    if low:
        return f">= {_quantity_in_words(low)}"
    return f"<= {_quantity_in_words(high)}" if high else ""


def ratio_in_words(parent: Element, name: str) -> str:
    """A Ratio, such as the titre "1 : 128"; both parts are required."""
    element = parent.child(name)
    if element is None:
        return ""
    first, second = quantity(element, "numerator"), quantity(element, "denominator")
    element.required("numerator", first)
    element.required("denominator", second)
    element.only(_KNOWN_RATIO)
    return f"{_quantity_in_words(first)} : {_quantity_in_words(second)}" if first and second else ""


def note(parent: Element) -> str:
    """The texts of a list of Annotations."""
    if "note" not in parent.content:
        return ""
    found = []
    for element in parent.children("note"):
        if text := element.text("text"):
            found.append(text)
        element.only(_KNOWN_NOTE)
    return "\n".join(found)


def period(parent: Element, name: str = "period") -> Fields | None:
    """The Period `name` of an element: `start` and `end`, of which one may be absent."""
    element = parent.child(name) if name in parent.content else None
    if element is None:
        return None
    made = {end: time for end in ("start", "end") if (time := element.date_time(end))}
    element.only(_KNOWN_PERIOD)
    return made or None


def human_name(element: Element) -> Fields | None:
    """A name; None where neither a part nor the whole is known."""
    fields: Fields = {}
    _put(fields, "use", element.code("use", _NAME_USES))
    element.copy_texts(fields, _NAME)
    _put(fields, "given_names", element.texts("given"))
    _put(fields, "prefixes", element.texts("prefix"))
    _put(fields, "suffixes", element.texts("suffix"))
    _put(fields, "period", period(element))
    if not ("text" in fields or "family_name" in fields or "given_names" in fields):
        element.leave_out()
        return None
    element.only(_KNOWN_NAME)
    return fields


def identifier(element: Element) -> Fields | None:
    """An identifier; None where it has no value."""
    fields: Fields = {}
    _put(fields, "use", element.code("use", _IDENTIFIER_USES))
    _put(fields, "type", code(element, "type"))
    _put(fields, "system", element.text("system"))
    _put(fields, "value", element.text("value"))
    _put(fields, "period", period(element))
    if "value" not in fields:
        element.leave_out()
        return None
    element.only(_KNOWN_IDENTIFIER)
    return fields


def telecom(element: Element) -> Fields | None:
    """A way to reach somebody; None where it has no value."""
    fields: Fields = {}
    _put(fields, "system", element.code("system", _TELECOM_SYSTEMS))
    _put(fields, "value", element.text("value"))
    _put(fields, "use", element.code("use", _TELECOM_USES))
    _put(fields, "rank", element.integer("rank"))
    _put(fields, "period", period(element))
    if "value" not in fields:
        element.leave_out()
        return None
    element.only(_KNOWN_TELECOM)
    return fields


def address(element: Element) -> Fields | None:
    """An address; None where it says nothing."""
    fields: Fields = {}
    _put(fields, "use", element.code("use", _ADDRESS_USES))
    _put(fields, "type", element.code("type", _ADDRESS_TYPES))
    element.copy_texts(fields, _ADDRESS)
    _put(fields, "lines", element.texts("line"))
    _put(fields, "period", period(element))
    element.only(_KNOWN_ADDRESS)
    return fields or None


def _put(fields: Fields, name: str, value: object) -> None:
    if value:
        fields[name] = value


def _first_text(element: Element, name: str) -> str:
    return next(filter(None, (coding.text(name) for coding in element.children("coding"))), "")
