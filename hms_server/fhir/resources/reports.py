"""FHIR DiagnosticReport and DocumentReference."""

from __future__ import annotations

import base64
import binascii
import hashlib

from hms_server.fhir import references
from hms_server.fhir.datatypes import Fields, codes, concept, concepts, period
from hms_server.fhir.element import Element, known
from hms_server.fhir.resources import times
from hms_server.fhir.resources.mapper import Mapper, elements

_REPORT_STATES = {
    "registered": "REGISTERED",
    "partial": "PARTIAL",
    "preliminary": "PRELIMINARY",
    "final": "FINAL",
    "amended": "AMENDED",
    "corrected": "CORRECTED",
    "appended": "APPENDED",
    "cancelled": "CANCELLED",
    "entered-in-error": "ENTERED_IN_ERROR",
    "unknown": "UNKNOWN",
}
_DOCUMENT_STATES = {
    "current": "CURRENT",
    "superseded": "SUPERSEDED",
    "entered-in-error": "ENTERED_IN_ERROR",
}
_COMPOSITION_STATES = {
    "preliminary": "PRELIMINARY",
    "final": "FINAL",
    "amended": "AMENDED",
    "entered-in-error": "ENTERED_IN_ERROR",
}
_EFFECTIVE = ("effectiveDateTime", "effectivePeriod")
_ATTACHMENT = {
    "contentType": "content_type",
    "url": "url",
    "title": "title",
    "hash": "hash",
    "language": "language",
}
_KNOWN_CONTENT = known("attachment", "format")
_KNOWN_ATTACHMENT = known("data", "size", "creation", *_ATTACHMENT)
_KNOWN_FORMAT = known("system", "code", "display")
_KNOWN_CONTEXT = known("encounter", "period")


def _report(root: Element) -> Fields:
    content = root.content
    fields: Fields = {"state": root.state("status", _REPORT_STATES)}
    references.subject_and_encounter(root)
    made = concept(root, "code")
    root.required("code", made)
    if made:
        fields["code"] = made
    if "category" in content and (found := codes(root, "category")):
        fields["categories"] = found
    times.span(root, fields, "effective", _EFFECTIVE)
    if issued := root.date_time("issued"):
        fields["issued_time"] = issued
        fields.setdefault("effective_time", issued)  # the nearest there is
    if ids := references.several(root, "result", "result_ids", ("OBSERVATION",)):
        fields["result_ids"] = ids
    references.performers(root.children("performer") or root.children("resultsInterpreter"))
    if "performer" in content and "resultsInterpreter" in content:
        root.leave_out("resultsInterpreter")
    if text := root.text("conclusion"):
        fields["conclusion"] = text
    if "conclusionCode" in content and (conclusions := concepts(root, "conclusionCode")):
        fields["conclusion_codes"] = conclusions
    return fields


def _document(root: Element) -> Fields:
    fields: Fields = {"state": root.state("status", _DOCUMENT_STATES)}
    if "docStatus" in root.content:
        composition = root.state("docStatus", _COMPOSITION_STATES)
        # HMS knows one place for it: what points to a text that was never so is itself in error.
        if composition == "ENTERED_IN_ERROR":
            fields["state"] = composition
        elif composition:
            fields["composition_state"] = composition
    references.required(root, "subject", "patient_id", ("PATIENT",))
    categories = concepts(root, "category")
    # FHIR does without a type; the category says more coarsely what it is.
    made = concept(root, "type") or (categories[0] if categories else None)
    root.required("type", made)
    if made:
        fields["code"] = made
    if categories:
        fields["categories"] = categories
    if text := root.text("description"):
        fields["description"] = text
    attachments = root.several("content", _attachment)
    root.required("content", attachments)
    if attachments:
        fields["attachments"] = attachments
    _set_author(root)
    references.optional(root, "custodian", ("organization_id",), references.ORGANIZATION)
    if context := root.child("context"):
        _set_context(context, fields)
    if time := root.date_time("date") or _next_best_time(fields):
        fields["document_time"] = time
    return fields


def _attachment(element: Element) -> Fields:
    element.only(_KNOWN_CONTENT)
    fields: Fields = {}
    attachment = element.child("attachment")
    element.required("attachment", attachment)
    if attachment:
        attachment.copy_texts(fields, _ATTACHMENT)
        if size := attachment.integer("size", 0):
            fields["size"] = size
        if time := attachment.date_time("creation"):
            fields["creation_time"] = time
        if "data" in attachment.content:
            _describe_data(attachment, fields)
        attachment.only(_KNOWN_ATTACHMENT)
    if form := element.child("format"):
        if value := form.text("code"):
            fields["format"] = value
        form.only(_KNOWN_FORMAT)
    return fields


def _describe_data(attachment: Element, fields: Fields) -> None:
    """HMS keeps no documents: what was there can be told by its size and hash."""
    text = attachment.text("data")
    if not text:
        return
    try:
        data = base64.b64decode(text if text.isprintable() else "".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        attachment.fault("data", "is no base64")
        return
    attachment.leave_out("data")
    fields.setdefault("size", len(data))
    if "hash" not in fields:
        digest = hashlib.sha1(data, usedforsecurity=False).digest()
        fields["hash"] = base64.b64encode(digest).decode()


def _set_author(root: Element) -> None:
    """The first that may be a practitioner."""
    noted = False
    for element in root.children("author"):
        found = references.target(element)
        if found is None or noted or not found.may_be(references.PRACTITIONER):
            element.leave_out()
        else:
            references.note(found, ("practitioner_id",), references.PRACTITIONER)
            noted = True


def _set_context(context: Element, fields: Fields) -> None:
    for i, element in enumerate(context.children("encounter")):
        found = references.target(element)
        if i or found is None or not found.may_be(("ENCOUNTER",)):
            element.leave_out()
        else:
            references.note(found, ("encounter_id",), ("ENCOUNTER",))
    for end, time in (period(context) or {}).items():
        fields[f"context_{end}_time"] = time
    context.only(_KNOWN_CONTEXT)


def _next_best_time(fields: Fields) -> str:
    created = (a["creation_time"] for a in fields.get("attachments", ()) if "creation_time" in a)
    return str(next(created, "") or fields.get("context_start_time", ""))


DIAGNOSTIC_REPORT = Mapper(
    "DIAGNOSTIC_REPORT",
    _report,
    elements(
        *("status", "subject", "encounter", "code", "category", "issued", "result", "performer"),
        *("resultsInterpreter", "conclusion", "conclusionCode", *_EFFECTIVE),
    ),
    {
        "practitioner_id": "performer",
        "organization_id": "performer",
        "effective_time": "effectiveDateTime",
        "effective_end_time": "/effectivePeriod.end",
        "issued_time": "issued",
        "result_ids": "result",
        "conclusion_codes": "conclusionCode",
    },
)
DOCUMENT = Mapper(
    "DOCUMENT",
    _document,
    elements(
        *("status", "docStatus", "subject", "type", "category", "description", "content", "author"),
        *("custodian", "context", "date"),
    ),
    {
        "encounter_id": "/context.encounter[0]",
        "practitioner_id": "author",
        "organization_id": "custodian",
        "composition_state": "docStatus",
        "code": "type",
        "document_time": "date",
        "attachments": "/content*.attachment",
        "attachments.content_type": "contentType",
        "attachments.creation_time": "creation",
        "context_start_time": "/context.period.start",
        "context_end_time": "/context.period.end",
    },
)
