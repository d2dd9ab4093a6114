"""What makes a record valid, and what an amendment amounts to. Pure: no I/O.

The protos' own rules hold already; here is what they cannot say.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from hms.common.v1 import datatypes_pb2
from hms_server import errors
from hms_server.clinical.kinds import COLUMNS, ENTERED_IN_ERROR, ORIGINS, OUTPUT_ONLY, REFUTED, Kind
from hms_server.errors import FieldViolation
from hms_server.patient import dates
from hms_server.texts import has_control_characters

Row = dict[str, Any]

DATE_TIME = "must be a FHIR dateTime such as 2024-02-29 or 2024-02-29T10:15:00+05:30"
_ABATED = ("INACTIVE", "REMISSION", "RESOLVED")
# State of an encounter, and those that it leads to.
_NEXT_STATES: dict[str, tuple[str, ...]] = {
    "PLANNED": ("IN_PROGRESS", "CANCELLED"),
    "IN_PROGRESS": ("ON_HOLD", "COMPLETED", "CANCELLED"),
    "ON_HOLD": ("IN_PROGRESS", "COMPLETED", "CANCELLED"),
    "COMPLETED": (),
    "CANCELLED": (),
}
LOINC = "http://loinc.org"
# Panel, respiratory and heart rate, oxygen saturation, body temperature, height, head circumference, weight,
# body mass index, blood pressure (panel, systolic, diastolic, mean).
_VITAL_SIGNS = frozenset(
    (
        *("85353-1", "9279-1", "8867-4", "2708-6", "59408-5", "8310-5", "8302-2", "9843-4"),
        *("29463-7", "39156-5", "85354-9", "8480-6", "8462-4", "8478-0"),
    )
)
_NOT_IN_DOCUMENT = OUTPUT_ONLY.difference({"error_reason"}).union(COLUMNS)


def with_defaults(kind: Kind, message: Any, now: str) -> None:
    """Fills what a new record has where its maker did not say; `now` is a FHIR dateTime."""
    if kind.verification:
        if not message.verification_state:
            message.verification_state = "CONFIRMED"
        if not message.clinical_state and message.verification_state != ENTERED_IN_ERROR:
            message.clinical_state = kind.first_state
    elif not message.state:
        message.state = kind.first_state
    if kind.type in ("ORDER", "REFERRAL") and not message.priority:
        message.priority = "routine"
    if not any(getattr(message, name) for name in kind.times):
        setattr(message, kind.times[-1], now)
    if kind.is_encounter and not message.encounter_class:
        message.encounter_class = "AMB"
    if kind.type == "PRESCRIPTION" and not message.intent:
        message.intent = "order"


def name_category(message: Any) -> None:
    """Makes an observation without a category a vital sign where its LOINC code is one of FHIR's
    (http://hl7.org/fhir/R4/observation-vitalsigns.html)."""
    codings = message.code.codings
    if not message.categories and any(c.system == LOINC and c.code in _VITAL_SIGNS for c in codings):
        message.categories.append("vital-signs")


def require_valid(kind: Kind, message: Any) -> None:
    """Raises InvalidArgument with every violation."""
    found = list(violations(kind, message))
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=tuple(found)
        )


def violations(kind: Kind, message: Any) -> Iterator[FieldViolation]:
    """Everything that is wrong with a record. What an amendment need not repeat is required here."""
    for name in kind.required:
        value = getattr(message, name)
        if not (value if name != "code" else message.HasField("code")):
            yield FieldViolation(f"{kind.field}.{name}", "is required")
    if kind.verification:
        yield from _of_states(kind, message)
    if kind.type == "REFERRAL":
        yield from _of_referral(message)
    yield from _of_end(kind, message)
    yield from _of_parts(message, kind.field)


def _of_states(kind: Kind, message: Any) -> Iterator[FieldViolation]:
    """FHIR con-3 to con-5, ait-1 and ait-2."""
    wrong = message.verification_state == ENTERED_IN_ERROR
    if bool(message.clinical_state) == wrong:
        yield FieldViolation(
            f"{kind.field}.clinical_state", "is set unless verification_state is ENTERED_IN_ERROR"
        )
    if kind.end_time and message.abatement_time and not wrong and message.clinical_state not in _ABATED:
        yield FieldViolation(f"{kind.field}.abatement_time", f"is set only if {', '.join(_ABATED)}")


def _of_referral(message: Any) -> Iterator[FieldViolation]:
    if not (message.to_practitioner_id or message.to_department_id or message.to_organization_id):
        wanted = "is required, or to_practitioner_id, or to_organization_id: a referral is to somebody"
        yield FieldViolation("referral.to_department_id", wanted)
    if not (message.reasons or message.reason_condition_ids):
        yield FieldViolation("referral.reasons", "is required, or reason_condition_ids")


def _of_end(kind: Kind, message: Any) -> Iterator[FieldViolation]:
    if not kind.end_time:
        return
    start, end = getattr(message, kind.times[0]), getattr(message, kind.end_time)
    if not start or not end or not (dates.is_date_time(start) and dates.is_date_time(end)):
        return
    exact = "T" in start and "T" in end
    if moment(end) < moment(start) if exact else dates.is_after(start, end):
        yield FieldViolation(f"{kind.field}.{kind.end_time}", f"must not be before {kind.times[0]}")


def _of_parts(message: Message, path: str) -> Iterator[FieldViolation]:
    """Times, concepts, units and texts, wherever they stand."""
    for field, value in message.ListFields():
        repeated = field.is_repeated
        for i, one in enumerate(value if repeated else (value,)):
            name = f"{path}.{field.name}[{i}]" if repeated else f"{path}.{field.name}"
            if isinstance(one, str):
                if field.name.endswith("_time") and not dates.is_date_time(one):
                    yield FieldViolation(name, DATE_TIME)
                elif field.name.endswith("_date") and not dates.is_date(one):
                    yield FieldViolation(name, "must be a date: 1975, 1975-04 or 1975-04-21")
                elif has_control_characters(one):
                    yield FieldViolation(name, "must not hold control characters")
            elif isinstance(one, datatypes_pb2.CodeableConcept) and not (one.codings or one.text.strip()):
                yield FieldViolation(name, "needs a coding or a text")
            elif isinstance(one, Message) and field.number < _FIRST_OUTPUT:
                yield from _of_parts(one, name)


# Numbers of fields that only the server sets.
_FIRST_OUTPUT = 40


def require_transition(before: str, after: str) -> None:
    """Raises FailedPrecondition where an encounter's state does not lead to another."""
    if before == after:
        return
    possible = _NEXT_STATES.get(before, ())
    if after not in possible:
        ways = f"leads to {' and '.join(possible)} alone" if possible else "is final"
        raise errors.FailedPrecondition(f"An encounter that is {before} cannot become {after}: it {ways}.")


def document_of(message: Message) -> dict[str, Any]:
    """What the row keeps in its document."""
    return {
        name: value
        for name, value in MessageToDict(message, preserving_proto_field_name=True).items()
        if name not in _NOT_IN_DOCUMENT
    }


def row_of(kind: Kind, message: Any, record_id: str, document: dict[str, Any]) -> Row:
    """The columns of a record that is valid."""
    row: Row = dict.fromkeys((*COLUMNS, *ORIGINS))
    for name in COLUMNS + (ORIGINS if kind.is_encounter else ()):
        if value := getattr(message, name, ""):
            row[name] = value
    row.update(
        id=record_id,
        type=kind.type,
        state=_state(kind, message),
        code="" if kind.is_encounter else _code(kind, message),
        category=_category(kind, message),
        encounter_class=message.encounter_class if kind.is_encounter else "",
        clinical_time=first_moment(next(filter(None, (getattr(message, name) for name in kind.times)), "")),
        document=document,
    )
    return row


def _state(kind: Kind, message: Any) -> str:
    if kind.verification and message.verification_state in (ENTERED_IN_ERROR, REFUTED):
        return str(message.verification_state)
    return str(getattr(message, kind.state))


def _category(kind: Kind, message: Any) -> str:
    if kind.type == "OBSERVATION" and message.categories:
        return str(message.categories[0])
    return str(message.category) if kind.type == "ORDER" else ""


def _code(kind: Kind, message: Any) -> str:
    if kind.type in ("PRESCRIPTION", "ORDER"):
        concept = message.items[0].medication if kind.type == "PRESCRIPTION" else message.items[0].code
    else:
        concept = message.service if kind.type == "REFERRAL" else message.code
    return str(concept.codings[0].code) if concept.codings else ""


@functools.lru_cache(maxsize=4096)
def first_moment(text: str) -> str:
    """The first moment that a FHIR dateTime can mean, as PostgreSQL reads it; a date's day begins in UTC."""
    if "T" in text:
        return text
    return f"{text}{'-01-01'[len(text) - 4 :] if len(text) < 10 else ''}T00:00:00Z"


def moment(text: str) -> datetime.datetime:
    """The first moment that a FHIR dateTime can mean."""
    found = first_moment(text).replace("Z", "+00:00")
    # FHIR allows a leap second, and nine digits of a second.
    whole, dot, rest = found.partition(".")
    if dot:
        digits = rest[: -len("+00:00")]
        found = f"{whole}.{digits[:6]:0<6}{rest[-len('+00:00') :]}"
    return datetime.datetime.fromisoformat(found.replace(":60", ":59", 1) if ":60" in found[16:19] else found)


def references(kind: Kind, message: Any) -> Iterator[tuple[str, str, str]]:
    """What a record points to beside its patient: (field, type, id)."""
    field = kind.field
    for name in COLUMNS[1:]:
        if value := getattr(message, name, ""):
            yield f"{field}.{name}", name.removesuffix("_id").upper(), value
    for name, type_ in kind.points_to.items():
        value = getattr(message, name)
        if isinstance(value, str):
            if value:
                yield f"{field}.{name}", type_, value
            continue
        for i, each in enumerate(value):
            yield f"{field}.{name}[{i}]", type_, each
    if kind.is_encounter:
        for i, participant in enumerate(message.participants):
            yield f"{field}.participants[{i}].practitioner_id", "PRACTITIONER", participant.practitioner_id


def amend(present: Any, sent: Any, selected: Iterable[str]) -> None:
    """Puts the selected fields of `sent` in the place of those of `present`."""
    for name in selected:
        present.ClearField(name)
        descriptor = sent.DESCRIPTOR.fields_by_name[name]
        value = getattr(sent, name)
        if descriptor.is_repeated:
            getattr(present, name).extend(value)
        elif isinstance(value, Message):
            if sent.HasField(name):
                getattr(present, name).CopyFrom(value)
        elif not descriptor.has_presence or sent.HasField(name):
            setattr(present, name, value)


def mark_entered_in_error(kind: Kind, message: Any, reason: str) -> None:
    """FHIR's entered-in-error: the record stays as it was, and says so."""
    if kind.verification:
        message.clinical_state, message.verification_state = "", ENTERED_IN_ERROR
    else:
        message.state = ENTERED_IN_ERROR
    message.error_reason = reason


def is_entered_in_error(kind: Kind, message: Any) -> bool:
    """Whether it was marked already."""
    state = message.verification_state if kind.verification else message.state
    return bool(state == ENTERED_IN_ERROR)


DERIVED_FROM_CHANGED = "An observation that it was computed from was amended or entered in error."
_NOT_OF_THE_VALUE = (
    "note",
    "body_site",
    "method",
    "interpretations",
    "reference_ranges",
    "practitioner_id",
    "error_reason",
)
_STANDS = ("FINAL", "AMENDED", "CORRECTED")


def says_something_else(before: Any, after: Any) -> bool:
    """Whether what is computed from an observation has to be computed anew."""
    if (before.state in _STANDS) != (after.state in _STANDS):
        return True
    bare = []
    for message in (before, after):
        copy = type(message)()
        copy.CopyFrom(message)
        for name in ("state", *_NOT_OF_THE_VALUE):
            copy.ClearField(name)
        bare.append(copy)
    return bool(bare[0] != bare[1])


def is_inside(kind: Kind, message: Any, departments: Collection[str]) -> bool:
    """Whether a record belongs to one of the departments: an encounter by its own, another by the one that
    it names, which the caller was seen to see."""
    if kind.is_encounter:
        return message.department_id.lower() in departments
    return bool(message.encounter_id)


def outside(kind: Kind, permission: str) -> errors.PermissionDenied:
    """Who is limited to departments writes what belongs to them."""
    wanted = "department_id must be one of them" if kind.is_encounter else "name an encounter of one of them"
    return errors.PermissionDenied(
        f"The caller holds {permission} in some departments only: {wanted}.",
        reason="DEPARTMENT_LIMITED",
        metadata={"permission": permission},
    )
