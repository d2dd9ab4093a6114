"""FHIR MedicationRequest: a prescription of one item."""

from __future__ import annotations

from typing import Any

from hms_server.fhir import references
from hms_server.fhir.datatypes import (
    Fields,
    code_of,
    concept,
    concept_of,
    concepts,
    in_words,
    note,
    quantity,
    range_in_words,
)
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources.mapper import Mapper, elements

_STATES = {
    "active": "ACTIVE",
    "on-hold": "ON_HOLD",
    "cancelled": "CANCELLED",
    "completed": "COMPLETED",
    "entered-in-error": "ENTERED_IN_ERROR",
    "stopped": "STOPPED",
    "draft": "DRAFT",
    "unknown": "UNKNOWN",
}
_INTENTS = (
    *("proposal", "plan", "order", "original-order", "reflex-order"),
    *("filler-order", "instance-order", "option"),
)
_PERIOD_UNITS = ("s", "min", "h", "d", "wk", "mo", "a")
_MEDICATION = ("medicationCodeableConcept", "medicationReference")
_AS_NEEDED = ("asNeededBoolean", "asNeededCodeableConcept")
_DOSE = ("doseQuantity", "doseRange")
_IN_WORDS = ("text", "patientInstruction", "additionalInstruction")
_KNOWN_DOSAGE = known("sequence", "timing", "doseAndRate", "route", *_AS_NEEDED, *_IN_WORDS)
_KNOWN_FURTHER_DOSAGE = known("sequence", *_IN_WORDS)
_KNOWN_TIMING = known("repeat", "code")
_KNOWN_REPEAT = known("frequency", "period", "periodUnit", "boundsDuration")
_KNOWN_DOSE = known(*_DOSE)
_KNOWN_DISPENSE = known("expectedSupplyDuration", "quantity", "numberOfRepeatsAllowed")
_KNOWN_MEDICATION = known("resourceType", "code", "status", "meta", "text", "language")


def _fields(root: Element) -> Fields:
    content = root.content
    fields: Fields = {"state": root.state("status", _STATES)}
    intent = root.code("intent", _INTENTS)
    root.required("intent", intent)
    fields["intent"] = intent
    if root.boolean("doNotPerform"):
        # FHIR marks it as an element that nobody may pass over: it turns the order into its contrary.
        root.fault("doNotPerform", "HMS has no place for orders not to give something")
    references.subject_and_encounter(root)
    if requester := root.child("requester"):
        references.performers([requester])
    if time := root.date_time("authoredOn"):
        fields["authored_time"] = time
    fields["items"] = [_item(root)]
    if "reasonCode" in content and (reasons := concepts(root, "reasonCode")):
        fields["reasons"] = reasons
    if ids := references.several(root, "reasonReference", "reason_condition_ids", ("CONDITION",)):
        fields["reason_condition_ids"] = ids
    if text := note(root):
        fields["note"] = text
    return fields


def _item(root: Element) -> Fields:
    item: Fields = {}
    instructions: list[str] = []
    if medication := _medication(root):
        item["medication"] = medication
    for i, dosage in enumerate(root.children("dosageInstruction")):
        if i:
            # HMS keeps one dosage of an item in fields; the others as they were told in words.
            dosage.only(_KNOWN_FURTHER_DOSAGE)
        else:
            _set_dosage(dosage, item, instructions)
        instructions += _in_words(dosage)
    if dispense := root.child("dispenseRequest"):
        _set_dispense(dispense, item)
    if instructions:
        item["instructions"] = list(dict.fromkeys(instructions))
    return item


def _medication(root: Element) -> Fields | None:
    name = root.one_of(_MEDICATION)
    root.required("medicationCodeableConcept", name)
    made = None
    if name == "medicationCodeableConcept":
        made = concept(root, name)
        root.required(name, made)
    elif name:
        made = _referenced(root)
    if name != "medicationReference" and root.content.get("contained"):
        root.leave_out("contained")
    return made


def _referenced(root: Element) -> Fields | None:
    """The concept of a Medication that the resource contains."""
    element = root.child("medicationReference")
    found = references.target(element) if element else None
    if element is None or found is None:
        if not root.has_fault("medicationReference"):
            root.fault("medicationReference", "names no Medication that the resource contains")
        return None
    made = None
    for contained in root.children("contained"):
        if f"#{contained.text('id')}" != found.reference:
            contained.leave_out()
        elif contained.content.get("resourceType") != "Medication":
            contained.fault("resourceType", "is no Medication")
        elif contained.content.get("status") == "entered-in-error":
            contained.fault("status", "is entered-in-error")
        else:
            made = concept(contained, "code")
            contained.required("code", made)
            contained.only(_KNOWN_MEDICATION)
    if made is None and not root.has_fault("contained"):
        element.fault(
            "reference",
            "is no Medication inside the resource, and HMS keeps no others",
        )
    return made


def _set_dosage(dosage: Element, item: Fields, instructions: list[str]) -> None:
    dosage.only(_KNOWN_DOSAGE)
    if timing := dosage.child("timing"):
        timing.only(_KNOWN_TIMING)
        if repeat := timing.child("repeat"):
            _set_repeat(repeat, item)
        if (code := timing.child("code")) and (words := in_words(concept_of(code))):
            instructions.append(words if code.content.get("text") else code_of(code) or words)
    for i, dose in enumerate(dosage.children("doseAndRate")):
        if i:
            dose.leave_out()
        else:
            _set_dose(dose, item, instructions)
    name = dosage.one_of(_AS_NEEDED)
    if name == "asNeededBoolean":
        if dosage.boolean(name):
            item["as_needed"] = True
    elif name:
        item["as_needed"] = True
        if words := in_words(concept(dosage, name)):
            instructions.append(f"as needed for: {words}")
    if route := concept(dosage, "route"):
        item["route"] = route


def _set_repeat(repeat: Element, item: Fields) -> None:
    repeat.only(_KNOWN_REPEAT)
    if frequency := repeat.integer("frequency"):
        item["frequency"] = frequency
    if length := repeat.number("period"):
        item["period"] = length
    if unit := repeat.code("periodUnit", _PERIOD_UNITS):
        item["period_unit"] = unit
    if duration := quantity(repeat, "boundsDuration"):
        item["duration"] = duration


def _set_dose(dose: Element, item: Fields, instructions: list[str]) -> None:
    dose.only(_KNOWN_DOSE)
    name = dose.one_of(_DOSE)
    if name == "doseQuantity":
        item["dose"] = quantity(dose, name)
    elif name and (words := range_in_words(dose, name)):
        instructions.append(words)


def _set_dispense(dispense: Element, item: Fields) -> None:
    dispense.only(_KNOWN_DISPENSE)
    for name, field in (("expectedSupplyDuration", "duration"), ("quantity", "quantity")):
        if made := quantity(dispense, name):
            item[field] = made
    if repeats := dispense.integer("numberOfRepeatsAllowed", 0):
        item["repeats_allowed"] = repeats


def _in_words(dosage: Element) -> list[str]:
    found: list[Any] = [in_words(made) for made in concepts(dosage, "additionalInstruction")]
    found += [dosage.text("text"), dosage.text("patientInstruction")]
    return [words for words in found if words]


PRESCRIPTION = Mapper(
    "PRESCRIPTION",
    _fields,
    elements(
        *("status", "intent", "doNotPerform", "subject", "encounter", "requester", "authoredOn", "contained"),
        *("dosageInstruction", "dispenseRequest", "reasonCode", "reasonReference", "note", *_MEDICATION),
    ),
    {
        "practitioner_id": "requester",
        "organization_id": "requester",
        "authored_time": "authoredOn",
        "items": "/dosageInstruction",
        "items.medication": "/medicationCodeableConcept",
        "items.dose": "/dosageInstruction[0].doseAndRate[0].doseQuantity",
        "items.frequency": "/dosageInstruction[0].timing.repeat.frequency",
        "items.period": "/dosageInstruction[0].timing.repeat.period",
        "items.period_unit": "/dosageInstruction[0].timing.repeat.periodUnit",
        "items.as_needed": "/dosageInstruction[0].asNeededBoolean",
        "items.route": "/dosageInstruction[0].route",
        "items.duration": "/dispenseRequest.expectedSupplyDuration",
        "items.quantity": "/dispenseRequest.quantity",
        "items.repeats_allowed": "/dispenseRequest.numberOfRepeatsAllowed",
        "items.instructions": "/dosageInstruction",
        "reasons": "reasonCode",
        "reason_condition_ids": "reasonReference",
    },
)
