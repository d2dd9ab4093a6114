"""The stored form of a patient: what the client may set, by field name, without what is empty.

`names` is the one place of a name: the short form (given_name, family_name) is folded into it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.protobuf.message import Message

from hms.patient.v1 import patient_pb2 as pb
from hms_server.errors import FieldViolation

Document = dict[str, Any]

SHORT_FORM = ("given_name", "family_name")
STORED = (
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
# What an update mask may name; all else of a patient is output only.
MUTABLE = (*STORED, *SHORT_FORM)


def new(patient: pb.Patient, violations: list[FieldViolation]) -> Document:
    """The document of a patient to be made. Output-only fields are ignored (AIP-203)."""
    return updated({}, patient, MUTABLE, violations)


def updated(
    present: Document,
    patient: pb.Patient,
    fields: Collection[str],
    violations: list[FieldViolation],
) -> Document:
    """`present` with `fields` as `patient` has them; those it does not have are cleared."""
    given = _plain(patient, "patient", violations)
    document = dict(present)
    for name in STORED:
        if name in fields:
            document.pop(name, None)
            if given.get(name):
                document[name] = given[name]
    if "active" in fields:
        # A cleared `active` is a new patient's.
        document["active"] = given.get("active", True)
    short = {name: given.get(name, "") for name in SHORT_FORM if name in fields}
    if "names" in fields and document.get("names"):
        _compare_short_form(document["names"][0], short, violations)
    elif any(short.values()) or ("names" not in fields and short):
        document["names"] = _with_short_form(document.get("names", []), short, violations)
    return document


def _compare_short_form(
    name: Document, short: dict[str, str], violations: list[FieldViolation]
) -> None:
    """Both forms may come (a record that was read and sent back), if they say the same."""
    for field, value in short.items():
        if value and " ".join(value.split()) != " ".join(short_form(name)[field].split()):
            violations.append(
                FieldViolation(f"patient.{field}", "contradicts the first of names: send one of them")
            )


def _with_short_form(
    names: list[Document], short: dict[str, str], violations: list[FieldViolation]
) -> list[Document]:
    if len(names) > 1:
        violations.extend(
            FieldViolation(f"patient.{field}", "the patient has several names: change names instead")
            for field in short
        )
        return names
    # The text stands for a name without parts; now it has parts.
    name = {k: v for k, v in (names[0] if names else {}).items() if k != "text"}
    if "given_name" in short:
        name["given_names"] = short["given_name"].split()
    if "family_name" in short:
        name["family_name"] = short["family_name"]
    kept = {k: v for k, v in name.items() if v}
    return [kept] if kept else []


def short_form(name: Document) -> dict[str, str]:
    """given_name and family_name of a name."""
    return {
        "given_name": " ".join(name.get("given_names", ())),
        "family_name": name.get("family_name", ""),
    }


def _plain(message: Message, path: str, violations: list[FieldViolation]) -> Document:
    """A message as a dictionary of the fields that are set; empty messages are left out of fields."""
    plain: Document = {}
    for field, value in message.ListFields():
        name = field.name
        here = f"{path}.{name}"
        if field.message_type is not None:
            if field.message_type.file is not message.DESCRIPTOR.file:
                continue  # a Timestamp: output only
            if field.is_repeated:
                plain[name] = [_plain(v, f"{here}[{i}]", violations) for i, v in enumerate(value)]
            else:
                inner = _plain(value, here, violations)
                if inner:
                    plain[name] = inner
        elif field.is_repeated:
            plain[name] = list(value)
            for i, text in enumerate(value):
                _refuse_nul(text, f"{here}[{i}]", violations)
        else:
            plain[name] = value
            _refuse_nul(value, here, violations)
    return plain


def _refuse_nul(value: object, path: str, violations: list[FieldViolation]) -> None:
    if isinstance(value, str) and "\0" in value:
        violations.append(FieldViolation(path, "must not hold a NUL character"))
