"""FHIR Encounter."""

from __future__ import annotations

from hms_server.fhir import references
from hms_server.fhir.datatypes import Fields, concept, concepts, period
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources.mapper import Mapper, elements

# HMS has no states of its own for who waits in the room or at triage: the visit is under way.
_STATES = {
    "planned": "PLANNED",
    "arrived": "IN_PROGRESS",
    "triaged": "IN_PROGRESS",
    "in-progress": "IN_PROGRESS",
    "onleave": "ON_HOLD",
    "finished": "COMPLETED",
    "cancelled": "CANCELLED",
    "entered-in-error": "ENTERED_IN_ERROR",
    # Completed, too, where its end is known.
    "unknown": "IN_PROGRESS",
}
_CLASSES = ("AMB", "EMER", "IMP", "HH", "VR", "FLD", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS")
# Codes of HL7 v3 ParticipationType for whoever leads: primary performer, attender.
_LEADING = frozenset({"PPRF", "ATND"})
_KNOWN_PARTICIPANT = known("individual", "type", "period")
_KNOWN_PLACE = known("location")
_KNOWN_STAY = known("admitSource", "dischargeDisposition")
_KNOWN_CLASS = known("system", "code", "display")


def _fields(root: Element) -> Fields:
    content = root.content
    fields: Fields = {"state": root.state("status", _STATES)}
    references.required(root, "subject", "patient_id", ("PATIENT",))
    _set_class(root, fields)
    span = period(root) or {}
    for end, time in span.items():
        fields[f"{end}_time"] = time
    if content.get("status") == "unknown" and "end" in span:
        fields["state"] = "COMPLETED"
    for name, field in (("type", "types"), ("reasonCode", "reasons")):
        if name in content and (found := concepts(root, name)):
            fields[field] = found
    for name, field in (("serviceType", "service_type"), ("priority", "priority")):
        if name in content and (made := concept(root, name)):
            fields[field] = made
    if "participant" in content:
        _set_participants(root, fields)
    if "location" in content:
        _set_location(root)
    references.optional(root, "serviceProvider", ("organization_id",), references.ORGANIZATION)
    if stay := root.child("hospitalization"):
        for name, field in (
            ("admitSource", "admit_source"),
            ("dischargeDisposition", "discharge_disposition"),
        ):
            if made := concept(stay, name):
                fields[field] = made
        stay.only(_KNOWN_STAY)
    return fields


def _set_class(root: Element, fields: Fields) -> None:
    coding = root.child("class")
    if coding is None:
        root.required("class", None)
        return
    value = coding.code("code", _CLASSES)
    coding.required("code", value)
    fields["encounter_class"] = value
    coding.only(_KNOWN_CLASS)


def _set_participants(root: Element, fields: Fields) -> None:
    """Notes who took part, and who led: the first that is said to, or else the first."""
    participants: list[Fields] = []
    lead: tuple[bool, references.Target] | None = None
    for element in root.children("participant"):
        element.only(_KNOWN_PARTICIPANT)
        individual = element.child("individual")
        found = references.target(individual) if individual else None
        types = [code for kind in element.children("type") for code in _type_codes(kind)]
        span = period(element) or {}
        if found is None or not found.may_be(references.PRACTITIONER):
            element.leave_out()
            continue
        references.note(
            found, ("participants", len(participants), "practitioner_id"), references.PRACTITIONER
        )
        participant = {f"{end}_time": time for end, time in span.items()}
        if types:
            participant["type"] = types[0]
        if len(types) > 1:
            element.leave_out("type")  # HMS keeps one
        participants.append(participant)
        leads = not _LEADING.isdisjoint(types)
        if lead is None or (leads and not lead[0]):
            lead = leads, found
    if participants:
        fields["participants"] = participants
    if lead:
        references.note(lead[1], ("practitioner_id",), references.PRACTITIONER)


def _type_codes(kind: Element) -> list[str]:
    return [code for coding in kind.children("coding") if (code := coding.text("code"))]


def _set_location(root: Element) -> None:
    """Notes the first place; the others, and when somebody was there, have no place in HMS."""
    for i, element in enumerate(root.children("location")):
        if i:
            element.leave_out()
        else:
            references.optional(element, "location", ("location_id",), ("LOCATION",))
            element.only(_KNOWN_PLACE)


ENCOUNTER = Mapper(
    "ENCOUNTER",
    _fields,
    elements(
        *("status", "class", "type", "serviceType", "priority", "subject", "participant", "period"),
        *("reasonCode", "hospitalization", "location", "serviceProvider"),
    ),
    {
        "practitioner_id": "/participant[0].individual",
        "organization_id": "serviceProvider",
        "encounter_class": "/class.code",
        "location_id": "/location[0].location",
        "reasons": "reasonCode",
        "start_time": "/period.start",
        "end_time": "/period.end",
        "participants": "participant",
        "participants.practitioner_id": "individual",
        "service_type": "serviceType",
        "admit_source": "/hospitalization.admitSource",
        "discharge_disposition": "/hospitalization.dischargeDisposition",
    },
)
