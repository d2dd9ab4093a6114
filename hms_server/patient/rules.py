"""What makes a patient valid, and what a change amounts to. Pure: no I/O.

The proto's own rules hold already; here is what they cannot say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.errors import FieldViolation
from hms_server.patient import dates
from hms_server.texts import has_control_characters

# What the document holds; in the order of the proto.
DOCUMENT_FIELDS = (
    "names",
    "identifiers",
    "telecoms",
    "addresses",
    "gender",
    "birth_date",
    "deceased",
    "deceased_time",
    "contacts",
    "communications",
    "marital_status",
    "active",
)
SHORT_FORM = ("given_name", "family_name")
MUTABLE = frozenset(DOCUMENT_FIELDS + SHORT_FORM)

_EARLIEST_BIRTH = "1850"
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_DIALLED = ("phone", "fax", "sms", "pager")


def new_document(patient: pb.Patient, today: str) -> dict[str, Any]:
    """The document of a new patient; raises InvalidArgument with every violation.

    `today` is a FHIR date.
    """
    made = pb.Patient()
    made.CopyFrom(patient)
    if not made.names and (patient.given_name.strip() or patient.family_name.strip()):
        made.names.add(use="official")
        _set_short_form(made.names[0], patient, SHORT_FORM)
    elif made.names:
        _refuse_contradiction(made, patient, set(SHORT_FORM), None)
    if not made.HasField("active"):
        made.active = True
    return _checked(made, today)


def changed_document(
    document: dict[str, Any], patient: pb.Patient, selected: frozenset[str], today: str
) -> dict[str, Any]:
    """The document after an update of the fields `selected`; raises InvalidArgument."""
    present = pb.Patient(**document)
    made = pb.Patient(**document)
    for name in selected.intersection(DOCUMENT_FIELDS):
        made.ClearField(name)  # type: ignore[arg-type]
        value = getattr(patient, name)
        if name == "active" and not patient.HasField("active"):
            made.active = True
        elif isinstance(value, str | bool):
            setattr(made, name, value)
        else:
            getattr(made, name).extend(value)
    short = selected.intersection(SHORT_FORM)
    if "names" in selected and made.names:
        _refuse_contradiction(made, patient, short, present)
    elif any(getattr(patient, field).strip() for field in short) or (short and made.names):
        if not made.names:
            made.names.add(use="official")
        _set_short_form(made.names[0], patient, short)
    return _checked(made, today)


def _set_short_form(name: pb.HumanName, patient: pb.Patient, short: Iterable[str]) -> None:
    if "given_name" in short:
        name.given_names[:] = patient.given_name.split()
    if "family_name" in short:
        name.family_name = patient.family_name.strip()


def _refuse_contradiction(
    made: pb.Patient, patient: pb.Patient, short: Iterable[str], present: pb.Patient | None
) -> None:
    """A caller who sends `names` may send the short form along: as `names` say, or as it was read."""
    for field in short:
        sent = getattr(patient, field)
        allowed = {"", _short_form(made, field)}
        if present is not None:
            allowed.add(_short_form(present, field))
        if sent not in allowed:
            raise errors.invalid_field(f"patient.{field}", "contradicts the first of names; send one of them")


def _short_form(patient: pb.Patient, field: str) -> str:
    if not patient.names:
        return ""
    first = patient.names[0]
    return " ".join(first.given_names) if field == "given_name" else first.family_name


def _checked(patient: pb.Patient, today: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        name: value
        for name, value in MessageToDict(patient, preserving_proto_field_name=True).items()
        if name in DOCUMENT_FIELDS
    }
    found = list(violations(patient, today))
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=tuple(found)
        )
    return document


def violations(patient: pb.Patient, today: str) -> Iterable[FieldViolation]:
    """Everything that is wrong with a patient."""
    if not patient.names:
        yield FieldViolation(
            "patient.names", "a patient needs a name: send names, or given_name and family_name"
        )
    for i, name in enumerate(patient.names):
        parts = [name.text, name.family_name, *name.given_names]
        if not any(part.strip() for part in parts):
            yield FieldViolation(f"patient.names[{i}]", "needs a text, a family name or a given name")
    yield from birth_and_death(patient, today)
    yield from of_telecoms(patient.telecoms, "patient.telecoms")
    for i, communication in enumerate(patient.communications):
        if not _LANGUAGE.fullmatch(communication.language):
            yield FieldViolation(
                f"patient.communications[{i}].language", "must be a BCP 47 tag such as hi-IN"
            )
    yield from of_texts_and_periods(patient, "patient")


def birth_and_death(patient: pb.Patient, today: str) -> Iterable[FieldViolation]:
    """What is wrong with the two dates, each by itself and together. `today` is a FHIR date."""
    birth, death = patient.birth_date, patient.deceased_time
    if birth:
        if not dates.is_date(birth):
            yield FieldViolation("patient.birth_date", "must be a date: 1975, 1975-04 or 1975-04-21")
            birth = ""
        elif dates.is_after(birth, today):
            yield FieldViolation("patient.birth_date", "must not be after today")
        elif birth < _EARLIEST_BIRTH:
            yield FieldViolation("patient.birth_date", f"must not be before {_EARLIEST_BIRTH}")
    if not death:
        return
    if not dates.is_date_time(death):
        yield FieldViolation(
            "patient.deceased_time", "must be a FHIR dateTime such as 2024-02-29T10:15:00+05:30"
        )
    elif not patient.deceased:
        yield FieldViolation("patient.deceased_time", "is set only if deceased is true")
    elif birth and dates.is_after(birth, death):
        yield FieldViolation("patient.deceased_time", "must not be before birth_date")
    elif dates.is_after(death, today):
        yield FieldViolation("patient.deceased_time", "must not be after today")


def of_telecoms(telecoms: Iterable[pb.Telecom], path: str) -> Iterable[FieldViolation]:
    """Numbers to dial that have no digit. `path` is that of the list."""
    for i, telecom in enumerate(telecoms):
        if telecom.system in _DIALLED and not any(c.isdigit() for c in telecom.value):
            yield FieldViolation(f"{path}[{i}].value", "a number needs digits")


def of_texts_and_periods(message: Message, path: str) -> Iterable[FieldViolation]:
    """Control characters in any text, and dates of any Period, of a message of any room."""
    for field, value in message.ListFields():
        repeated = field.is_repeated
        for i, one in enumerate(value if repeated else [value]):
            name = f"{path}.{field.name}[{i}]" if repeated else f"{path}.{field.name}"
            if isinstance(one, str) and has_control_characters(one):
                yield FieldViolation(name, "must not hold control characters")
            elif isinstance(one, pb.Period):
                yield from _of_period(one, name)
            elif isinstance(one, Message):
                yield from of_texts_and_periods(one, name)


def _of_period(period: pb.Period, path: str) -> Iterable[FieldViolation]:
    for end in ("start", "end"):
        text = getattr(period, end)
        if text and not dates.is_date_time(text):
            yield FieldViolation(f"{path}.{end}", "must be a FHIR dateTime such as 2024-02-29")
    if period.start and period.end and dates.is_after(period.start, period.end):
        yield FieldViolation(f"{path}.end", "must not be before start")


def order_of(order_by: str) -> tuple[str, bool]:
    """("create_time" or "name", ascending) of ListPatientsRequest.order_by."""
    field, _, direction = order_by.partition(" ")
    return field or "create_time", direction != "desc"
