"""References between resources: noted as slots, for the importer to resolve.

Nothing is looked up here. What can be read off a reference (its type, its form) is checked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from hms_server.fhir.element import Element, Slot, known

# FHIR's types and the kinds of records that HMS keeps of them.
KINDS = {
    "Patient": "PATIENT",
    "Encounter": "ENCOUNTER",
    "Observation": "OBSERVATION",
    "Condition": "CONDITION",
    "AllergyIntolerance": "ALLERGY",
    "MedicationRequest": "PRESCRIPTION",
    "Procedure": "PROCEDURE",
    "Immunization": "IMMUNIZATION",
    "DiagnosticReport": "DIAGNOSTIC_REPORT",
    "DocumentReference": "DOCUMENT",
    "Practitioner": "PRACTITIONER",
    "PractitionerRole": "PRACTITIONER_ROLE",
    "Organization": "ORGANIZATION",
    "Location": "LOCATION",
}
# The importer resolves a role to its practitioner.
PRACTITIONER = ("PRACTITIONER", "PRACTITIONER_ROLE")
ORGANIZATION = ("ORGANIZATION",)

_KNOWN = known("reference", "type", "display", "identifier")
_LOCAL = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]{1,63})/[A-Za-z0-9.\-]{1,64}(?:/_history/[A-Za-z0-9.\-]{1,64})?"
)
_URN = re.compile(r"urn:(?:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|oid:[0-2](?:\.\d+)+)")
_CONTAINED = "#"
_UNKNOWN = ""


class Target(NamedTuple):
    """What an element refers to."""

    reference: str
    # HMS's kind, or FHIR's type where HMS keeps none of it; "" where the reference does not tell
    kind: str
    # Where the reference stands
    element: Element

    def may_be(self, kinds: Iterable[str]) -> bool:
        """Whether it may be one of `kinds`, as far as the reference tells."""
        return self.kind == _UNKNOWN or self.kind in kinds


@functools.lru_cache(maxsize=16384)
def _kind(reference: str) -> str | None:
    """Kind or type; "" where the form does not tell; None where it is no reference."""
    if reference.startswith("urn:"):
        return _UNKNOWN if _URN.fullmatch(reference) else None
    if reference.startswith("#"):
        return _CONTAINED
    match = _LOCAL.fullmatch(reference)
    return KINDS.get(match[1], match[1]) if match else None


def target(element: Element) -> Target | None:
    """The target of a Reference; None where it has no literal reference, or one that is none."""
    reference = element.text("reference")
    element.only(_KNOWN)
    if not reference:
        return None
    kind = _kind(reference)
    if kind is None:
        element.fault("reference", "is no reference to a resource")
        return None
    if kind == _UNKNOWN and "type" in element.content:
        named = element.text("type")
        kind = KINDS.get(named, named)
    return Target(reference, kind, element)


def note(found: Target, field: tuple[str | int, ...], kinds: tuple[str, ...], required: bool = False) -> None:
    """Notes that a field is to be filled."""
    path = found.element.path()
    found.element.findings.slots.append(Slot(field, kinds, found.reference, path, required))


def required(parent: Element, name: str, field: str, kinds: tuple[str, ...]) -> None:
    """Notes the reference that a record cannot be without; a fault where it is missing."""
    element = parent.child(name)
    found = target(element) if element else None
    if element and found is None and not parent.has_fault(name):
        parent.fault(name, "names no resource: HMS needs a reference, not an identifier or a display")
    if found is None:
        parent.required(name, None)
    elif found.may_be(kinds):
        note(found, (field,), kinds, required=True)
    else:
        wanted = " or ".join(fhir for fhir, kind in KINDS.items() if kind in kinds)
        found.element.fault("reference", f"is no {wanted}")


def optional(parent: Element, name: str, field: tuple[str | int, ...], kinds: tuple[str, ...]) -> bool:
    """Notes a reference that a record may be without, and whether there is one."""
    element = parent.child(name) if name in parent.content else None
    if element is None:
        return False
    found = target(element)
    if found is None or not found.may_be(kinds):
        element.leave_out()
        return False
    note(found, field, kinds)
    return True


def several(parent: Element, name: str, field: str, kinds: tuple[str, ...]) -> list[str]:
    """Notes a list of references, each once, and gives the field's list, whose places wait for them."""
    seen: set[str] = set()
    for element in parent.children(name):
        found = target(element)
        if found is None or not found.may_be(kinds):
            element.leave_out()
        elif found.reference not in seen:
            note(found, (field, len(seen)), kinds)
            seen.add(found.reference)
    return [""] * len(seen)


def performers(elements: Iterable[Element]) -> None:
    """Notes the first practitioner and the first organization among references.

    Where the reference does not tell which of the two the first one is, it is noted as either: it
    resolves to one of them.
    """
    free = {"practitioner_id": PRACTITIONER, "organization_id": ORGANIZATION}
    unclear = []
    for element in elements:
        found = target(element)
        if found is not None and found.kind == _UNKNOWN:
            unclear.append(found)
            continue
        field = next((f for f, kinds in free.items() if found is not None and found.kind in kinds), None)
        if found is None or field is None:
            element.leave_out()
        else:
            note(found, (field,), free.pop(field))
    for i, found in enumerate(unclear):
        if i == 0 and free:
            for field, kinds in free.items():
                note(found, (field,), kinds)
        else:
            found.element.leave_out()


def subject_and_encounter(root: Element, subject: str = "subject") -> None:
    """Notes whose record it is and the encounter that it belongs to."""
    required(root, subject, "patient_id", ("PATIENT",))
    optional(root, "encounter", ("encounter_id",), ("ENCOUNTER",))
