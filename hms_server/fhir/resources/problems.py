"""FHIR Condition and AllergyIntolerance."""

from __future__ import annotations

from collections.abc import Mapping

from hms_server.fhir import references
from hms_server.fhir.datatypes import Fields, codes, concept, concepts, note
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources import times
from hms_server.fhir.resources.mapper import Mapper, elements

_ERROR = "ENTERED_IN_ERROR"
_CONDITION_STATES = {
    "active": "ACTIVE",
    "recurrence": "RECURRENCE",
    "relapse": "RELAPSE",
    "inactive": "INACTIVE",
    "remission": "REMISSION",
    "resolved": "RESOLVED",
}
_CONDITION_VERIFICATIONS = {
    "unconfirmed": "UNCONFIRMED",
    "provisional": "PROVISIONAL",
    "differential": "DIFFERENTIAL",
    "confirmed": "CONFIRMED",
    "refuted": "REFUTED",
    "entered-in-error": _ERROR,
}
_ALLERGY_STATES = {"active": "ACTIVE", "inactive": "INACTIVE", "resolved": "RESOLVED"}
_ALLERGY_VERIFICATIONS = {
    "unconfirmed": "UNCONFIRMED",
    "confirmed": "CONFIRMED",
    "refuted": "REFUTED",
    "entered-in-error": _ERROR,
}
_ONSET = ("onsetDateTime", "onsetPeriod", "onsetAge", "onsetRange", "onsetString")
_ABATEMENT = ("abatementDateTime", "abatementPeriod", "abatementAge", "abatementRange", "abatementString")
_SEVERITIES = ("mild", "moderate", "severe")
_KNOWN_REACTION = known("substance", "manifestation", "severity", "onset", "description")


def _condition(root: Element) -> Fields:
    content = root.content
    fields: Fields = {}
    abated = root.one_of(_ABATEMENT)
    _set_states(root, fields, _CONDITION_STATES, _CONDITION_VERIFICATIONS, "RESOLVED" if abated else "ACTIVE")
    references.subject_and_encounter(root)
    _set_practitioner(root)
    _set_code(root, fields)
    if "category" in content and (found := codes(root, "category")):
        fields["categories"] = found
    if made := concept(root, "severity"):
        fields["severity"] = made
    if "bodySite" in content and (sites := concepts(root, "bodySite")):
        fields["body_sites"] = sites
    if time := times.beginning(root, _ONSET):
        fields["onset_time"] = time
    if abated and (time := _abatement_time(root, abated)):
        fields["abatement_time"] = time
    if time := root.date_time("recordedDate"):
        fields["recorded_time"] = time
    if text := note(root):
        fields["note"] = text
    return fields


def _allergy(root: Element) -> Fields:
    fields: Fields = {}
    _set_states(root, fields, _ALLERGY_STATES, _ALLERGY_VERIFICATIONS, "ACTIVE")
    references.subject_and_encounter(root, "patient")
    _set_practitioner(root)
    _set_code(root, fields)
    if kind := root.code("type", ("allergy", "intolerance")):
        fields["type"] = kind
    if categories := _categories(root):
        fields["categories"] = categories
    if criticality := root.code("criticality", ("low", "high", "unable-to-assess")):
        fields["criticality"] = criticality
    if time := times.beginning(root, _ONSET):
        fields["onset_time"] = time
    for name, field in (("recordedDate", "recorded_time"), ("lastOccurrence", "last_occurrence_time")):
        if time := root.date_time(name):
            fields[field] = time
    if reactions := root.several("reaction", _reaction):
        fields["reactions"] = reactions
    if text := note(root):
        fields["note"] = text
    return fields


def _set_states(
    root: Element, fields: Fields, states: Mapping[str, str], verifications: Mapping[str, str], default: str
) -> None:
    state = _state(root, "clinicalStatus", states)
    verification = _state(root, "verificationStatus", verifications)
    if verification:
        fields["verification_state"] = verification
    # What was never so has no clinical state.
    if verification != _ERROR:
        fields["clinical_state"] = state or default


def _state(root: Element, name: str, states: Mapping[str, str]) -> str:
    """The state of a CodeableConcept whose codings hold a code of a required value set."""
    element = root.child(name)
    if element is None:
        return ""
    given = [value for coding in element.children("coding") if (value := coding.text("code"))]
    for value in given:
        if value in states:
            return states[value]
    if not root.has_fault(name):
        root.fault(name, f"{'is' if given else 'has no code, which is'} none of {', '.join(states)}")
    return ""


def _set_practitioner(root: Element) -> None:
    """Who recorded it, or else who asserted it, which may be the patient."""
    noted = references.optional(root, "recorder", ("practitioner_id",), references.PRACTITIONER)
    if "asserter" not in root.content:
        return
    if noted:
        if root.content["asserter"] != root.content["recorder"]:
            root.leave_out("asserter")
    else:
        references.optional(root, "asserter", ("practitioner_id",), references.PRACTITIONER)


def _set_code(root: Element, fields: Fields) -> None:
    made = concept(root, "code")
    root.required("code", made)
    if made:
        fields["code"] = made


def _abatement_time(root: Element, name: str) -> str:
    """When it was over: of a span, its end."""
    if name == "abatementPeriod" and (span := root.child(name)) and span.text("end"):
        if span.text("start"):
            span.leave_out("start")
        return span.date_time("end")
    return times.beginning(root, (name,))


def _categories(root: Element) -> list[str]:
    allowed = ("food", "medication", "environment", "biologic")
    found = list(dict.fromkeys(root.texts("category")))
    for value in found:
        if value not in allowed:
            root.fault("category", f"is none of {', '.join(allowed)}")
    return found


def _reaction(element: Element) -> Fields | None:
    fields: Fields = {}
    if made := concept(element, "substance"):
        fields["substance"] = made
    if manifestations := concepts(element, "manifestation"):
        fields["manifestations"] = manifestations
    if severity := element.code("severity", _SEVERITIES):
        fields["severity"] = severity
    if time := element.date_time("onset"):
        fields["onset_time"] = time
    if text := element.text("description"):
        fields["description"] = text
    element.only(_KNOWN_REACTION)
    return fields or None


_COMMON = ("clinicalStatus", "verificationStatus", "encounter", "recorder", "asserter", "code", "category")
_NAMES = {
    "practitioner_id": "recorder",
    "clinical_state": "clinicalStatus",
    "verification_state": "verificationStatus",
    "onset_time": "onsetDateTime",
    "recorded_time": "recordedDate",
}
CONDITION = Mapper(
    "CONDITION",
    _condition,
    elements(*_COMMON, "subject", "severity", "bodySite", "recordedDate", "note", *_ONSET, *_ABATEMENT),
    {**_NAMES, "body_sites": "bodySite", "abatement_time": "abatementDateTime"},
)
ALLERGY = Mapper(
    "ALLERGY",
    _allergy,
    elements(
        *(*_COMMON, "patient", "type", "criticality", "recordedDate", "lastOccurrence", "reaction", "note"),
        *_ONSET,
    ),
    {
        **_NAMES,
        "patient_id": "patient",
        "last_occurrence_time": "lastOccurrence",
        "reactions": "reaction",
        "reactions.manifestations": "manifestation",
        "reactions.onset_time": "onset",
    },
)
