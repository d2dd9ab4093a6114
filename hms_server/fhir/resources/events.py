"""FHIR Procedure and Immunization: what was done to a patient."""

from __future__ import annotations

from hms_server.fhir import references
from hms_server.fhir.datatypes import Fields, code_of, concept, concepts, note, quantity
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources import times
from hms_server.fhir.resources.mapper import Mapper, elements

_PROCEDURE_STATES = {
    "preparation": "PREPARATION",
    "in-progress": "IN_PROGRESS",
    "not-done": "NOT_DONE",
    "on-hold": "ON_HOLD",
    "stopped": "STOPPED",
    "completed": "COMPLETED",
    "entered-in-error": "ENTERED_IN_ERROR",
    "unknown": "UNKNOWN",
}
_IMMUNIZATION_STATES = {
    "completed": "COMPLETED",
    "entered-in-error": "ENTERED_IN_ERROR",
    "not-done": "NOT_DONE",
}
_PERFORMED = ("performedDateTime", "performedPeriod", "performedString", "performedAge", "performedRange")
_OCCURRENCE = ("occurrenceDateTime", "occurrenceString")
_DOSE_NUMBER = ("doseNumberPositiveInt", "doseNumberString")
_KNOWN_PERFORMER = known("actor")
_KNOWN_MANUFACTURER = known("display", "reference", "type", "identifier")
_KNOWN_PROTOCOL = known(*_DOSE_NUMBER)
# Code of HL7 v2 table 0443: who gave the vaccine, not who ordered it.
_ADMINISTERING = "AP"


def _procedure(root: Element) -> Fields:
    content = root.content
    fields: Fields = {"state": root.state("status", _PROCEDURE_STATES)}
    references.subject_and_encounter(root)
    made = concept(root, "code")
    root.required("code", made)
    if made:
        fields["code"] = made
    for name in ("category", "outcome"):
        if made := concept(root, name):
            fields[name] = made
    times.span(root, fields, "performed", _PERFORMED)
    for name, field in (("reasonCode", "reasons"), ("bodySite", "body_sites")):
        if name in content and (found := concepts(root, name)):
            fields[field] = found
    if ids := references.several(root, "reasonReference", "reason_condition_ids", ("CONDITION",)):
        fields["reason_condition_ids"] = ids
    if "performer" in content:
        references.performers(_actors(root.children("performer")))
    if text := note(root):
        fields["note"] = text
    return fields


def _immunization(root: Element) -> Fields:
    fields: Fields = {"state": root.state("status", _IMMUNIZATION_STATES)}
    references.subject_and_encounter(root, "patient")
    made = concept(root, "vaccineCode")
    root.required("vaccineCode", made)
    if made:
        fields["code"] = made
    _set_occurrence(root, fields)
    if (primary := root.boolean("primarySource")) is not None:
        fields["primary_source"] = primary
    if root.boolean("isSubpotent"):
        # FHIR marks it as an element that nobody may pass over: such a dose does not protect.
        root.fault("isSubpotent", "HMS has no place for doses that are subpotent")
    if text := root.text("lotNumber"):
        fields["lot_number"] = text
    if date := root.date("expirationDate"):
        fields["expiration_date"] = date
    for name, field in (("site", "site"), ("route", "route"), ("statusReason", "state_reason")):
        if made := concept(root, name):
            fields[field] = made
    if dose := quantity(root, "doseQuantity"):
        fields["dose"] = dose
    if manufacturer := root.child("manufacturer"):
        _set_manufacturer(manufacturer, fields)
    _set_dose_number(root, fields)
    performers = root.children("performer")
    # Who gave it stands first; the sort is stable.
    performers.sort(key=lambda performer: _function(performer) != _ADMINISTERING)
    if performers:
        references.performers(_actors(performers))
    if text := note(root):
        fields["note"] = text
    return fields


def _function(performer: Element) -> str:
    function = performer.child("function")
    return code_of(function) if function else ""


def _actors(performers: list[Element]) -> list[Element]:
    for performer in performers:
        performer.only(_KNOWN_PERFORMER)
    return [actor for performer in performers if (actor := performer.child("actor"))]


def _set_occurrence(root: Element, fields: Fields) -> None:
    name = root.one_of(_OCCURRENCE)
    root.required("occurrenceDateTime", name)
    if name == "occurrenceDateTime":
        if time := root.date_time(name):
            fields["occurrence_time"] = time
        if "recorded" in root.content:
            root.leave_out("recorded")
    elif name:
        root.leave_out(name)
        if time := root.date_time("recorded"):
            fields["occurrence_time"] = time  # the nearest there is


def _set_manufacturer(element: Element, fields: Fields) -> None:
    element.only(_KNOWN_MANUFACTURER)
    if text := element.text("display"):
        fields["manufacturer"] = text
    else:
        element.leave_out()


def _set_dose_number(root: Element, fields: Fields) -> None:
    for i, protocol in enumerate(root.children("protocolApplied")):
        if i:
            protocol.leave_out()
            continue
        name = protocol.one_of(_DOSE_NUMBER)
        if name == "doseNumberPositiveInt":
            if number := protocol.integer(name):
                fields["dose_number"] = number
        elif name:
            text = protocol.text(name)
            if text.isascii() and text.isdigit() and len(text) < 4 and int(text):
                fields["dose_number"] = int(text)
            else:
                protocol.leave_out(name)
        protocol.only(_KNOWN_PROTOCOL)


PROCEDURE = Mapper(
    "PROCEDURE",
    _procedure,
    elements(
        *("status", "subject", "encounter", "code", "category", "outcome", "reasonCode", "bodySite"),
        *("reasonReference", "performer", "note", *_PERFORMED),
    ),
    {
        "practitioner_id": "performer",
        "organization_id": "performer",
        "performed_time": "performedDateTime",
        "performed_end_time": "/performedPeriod.end",
        "reasons": "reasonCode",
        "reason_condition_ids": "reasonReference",
        "body_sites": "bodySite",
    },
)
IMMUNIZATION = Mapper(
    "IMMUNIZATION",
    _immunization,
    elements(
        *("status", "patient", "encounter", "vaccineCode", "primarySource", "isSubpotent", "lotNumber"),
        *("expirationDate", "site", "route", "statusReason", "doseQuantity", "manufacturer", "recorded"),
        *("protocolApplied", "performer", "note", *_OCCURRENCE),
    ),
    {
        "patient_id": "patient",
        "practitioner_id": "performer",
        "organization_id": "performer",
        "code": "vaccineCode",
        "occurrence_time": "occurrenceDateTime",
        "primary_source": "primarySource",
        "lot_number": "lotNumber",
        "expiration_date": "expirationDate",
        "manufacturer": "/manufacturer.display",
        "dose": "doseQuantity",
        "dose_number": "/protocolApplied[0].doseNumberPositiveInt",
        "state_reason": "statusReason",
    },
)
