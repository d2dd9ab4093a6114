"""FHIR Observation."""

from __future__ import annotations

from collections.abc import Callable

from hms_server.fhir import references
from hms_server.fhir.datatypes import (
    Fields,
    code,
    code_of,
    codes,
    concept,
    note,
    period,
    quantity,
    range_in_words,
    ratio_in_words,
)
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources import times
from hms_server.fhir.resources.mapper import Mapper, elements

_STATES = {
    "registered": "REGISTERED",
    "preliminary": "PRELIMINARY",
    "final": "FINAL",
    "amended": "AMENDED",
    "corrected": "CORRECTED",
    "cancelled": "CANCELLED",
    "entered-in-error": "ENTERED_IN_ERROR",
    "unknown": "UNKNOWN",
}
_EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")


def _whole(parent: Element, name: str) -> int | None:
    return parent.integer(name, -(2**31))


def _period_in_words(parent: Element, name: str) -> str:
    made = period(parent, name)
    return f"{made.get('start', '..')}/{made.get('end', '..')}" if made else ""  # ISO 8601-2


def _left_out(parent: Element, name: str) -> None:
    parent.leave_out(name)


# By the form of value[x]: the field, and what gives its value. HMS has words for what it has no form for.
_VALUES: dict[str, tuple[str, Callable[[Element, str], object]]] = {
    "valueQuantity": ("quantity", quantity),
    "valueCodeableConcept": ("concept", concept),
    "valueString": ("text", Element.text),
    "valueBoolean": ("boolean", Element.boolean),
    "valueInteger": ("integer", _whole),
    "valueRange": ("text", range_in_words),
    "valueRatio": ("text", ratio_in_words),
    "valueTime": ("text", times.time_of_day),
    "valueDateTime": ("text", Element.date_time),
    "valuePeriod": ("text", _period_in_words),
    "valueSampledData": ("", _left_out),
}
_VALUE_NAMES = frozenset(_VALUES)
_OF_BOTH = ("code", "dataAbsentReason", "interpretation", "referenceRange", *_VALUES)
_KNOWN_COMPONENT = known(*_OF_BOTH)
_KNOWN_RANGE = known("low", "high", "type", "text")


def _fields(root: Element) -> Fields:
    content = root.content
    fields: Fields = {"state": root.state("status", _STATES)}
    references.subject_and_encounter(root)
    _common(root, fields)
    if "category" in content and (found := codes(root, "category")):
        fields["categories"] = found
    times.span(root, fields, "effective", _EFFECTIVE)
    if "effective_time" not in fields and (issued := root.date_time("issued")):
        fields["effective_time"] = issued  # the nearest there is
    elif "issued" in content:
        root.leave_out("issued")
    if "component" in content and (components := root.several("component", _component)):
        fields["components"] = components
    if "performer" in content:
        references.performers(root.children("performer"))
    for name, field in (("bodySite", "body_site"), ("method", "method")):
        if name in content and (made := concept(root, name)):
            fields[field] = made
    if "note" in content and (text := note(root)):
        fields["note"] = text
    return fields


def _component(element: Element) -> Fields:
    fields: Fields = {}
    _common(element, fields)
    element.only(_KNOWN_COMPONENT)
    return fields


def _common(element: Element, fields: Fields) -> None:
    """What an observation and each of its components have."""
    content = element.content
    made = concept(element, "code")
    if made:
        fields["code"] = made
    else:
        element.required("code", made)
    if not _VALUE_NAMES.isdisjoint(content) and (name := element.one_of(_VALUES)):
        field, value_of = _VALUES[name]
        value = value_of(element, name)
        if value is not None and value != "":
            fields[field] = value
    if "dataAbsentReason" in content:
        _data_absent_reason(element, fields)
    if "interpretation" in content and (found := codes(element, "interpretation")):
        fields["interpretations"] = found
    if "referenceRange" in content and (ranges := element.several("referenceRange", _reference_range)):
        fields["reference_ranges"] = ranges


def _data_absent_reason(element: Element, fields: Fields) -> None:
    reason = element.child("dataAbsentReason")
    if reason is None:
        return
    fields["data_absent_reason"] = code_of(reason) or "unknown"
    if not code_of(reason):
        reason.leave_out("text")


def _reference_range(element: Element) -> Fields | None:
    fields: Fields = {}
    for name in ("low", "high"):
        if made := quantity(element, name):
            fields[name] = made
    if found := code(element, "type"):
        fields["type"] = found
    if text := element.text("text"):
        fields["text"] = text
    element.only(_KNOWN_RANGE)
    return fields or None


_NAMES = {
    "practitioner_id": "performer",
    "organization_id": "performer",
    "effective_time": "effectiveDateTime",
    "effective_end_time": "/effectivePeriod.end",
    "data_absent_reason": "dataAbsentReason",
    "interpretations": "interpretation",
    "reference_ranges": "referenceRange",
    "components": "component",
    "body_site": "bodySite",
} | {
    f"{prefix}{ours}": theirs
    for prefix in ("", "components.")
    for ours, theirs in {
        "quantity": "valueQuantity",
        "concept": "valueCodeableConcept",
        "text": "valueString",
        "boolean": "valueBoolean",
        "integer": "valueInteger",
        "data_absent_reason": "dataAbsentReason",
        "interpretations": "interpretation",
        "reference_ranges": "referenceRange",
    }.items()
}

OBSERVATION = Mapper(
    "OBSERVATION",
    _fields,
    elements(
        *("status", "subject", "encounter", "category", "component", "performer", "bodySite", "method"),
        *("note", "issued", *_EFFECTIVE, *_OF_BOTH),
    ),
    _NAMES,
)
