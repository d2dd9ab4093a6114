"""What two records have together, what must be decided for it, and what parting them leaves. Pure.

Documents are those of patient.document: fields of Patient by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from buf.validate import validate_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.errors import FieldViolation
from hms_server.patient import normalise, rules

Document = dict[str, Any]
SURVIVOR, MERGED = "SURVIVOR", "MERGED"

_SINGLE = ("gender", "birth_date", "marital_status")
_DEATH = ("deceased", "deceased_time")


class Conflict(NamedTuple):
    """A field that both records have and that differs; values as JSON."""

    field: str
    survivor_value: str
    merged_value: str


class Parted(NamedTuple):
    """The survivor's document after a merge was taken back, and which fields had been changed since."""

    document: Document
    kept_fields: list[str]


def conflicts(survivor: Document, merged: Document) -> list[Conflict]:
    """What has to be decided before the two can be one."""
    found = []
    if _names_differ(survivor, merged):
        found.append(Conflict("name", *_json(survivor["names"][0], merged["names"][0])))
    found.extend(
        Conflict(field, *_json(survivor[field], merged[field]))
        for field in _SINGLE
        if survivor.get(field) and merged.get(field) and survivor[field] != merged[field]
    )
    if _deaths_differ(survivor, merged):
        found.append(Conflict("deceased", *_json(_death(survivor), _death(merged))))
    return found


def require_decisions(found: Iterable[Conflict], decisions: Mapping[str, str]) -> None:
    """Raises FailedPrecondition (MERGE_CONFLICT) naming what is undecided, InvalidArgument for decisions of
    what is in no conflict."""
    fields = [conflict.field for conflict in found]
    open_fields = [field for field in fields if field not in decisions]
    if open_fields:
        raise errors.FailedPrecondition(
            f"The records differ in {', '.join(open_fields)}: look at PreviewMerge and decide each.",
            reason="MERGE_CONFLICT",
            violations=tuple(
                FieldViolation(field, "both records have a value: decide which is kept")
                for field in open_fields
            ),
        )
    needless = sorted(set(decisions) - set(fields))
    if needless:
        raise errors.invalid_field("decisions", f"the records do not differ in {', '.join(needless)}")


def united(survivor: Document, merged: Document, decisions: Mapping[str, str]) -> Document:
    """The survivor's document after the merge: its own, what it lacks, and what was decided."""
    made = dict(survivor)
    for field in _SINGLE:
        if merged.get(field) and (not survivor.get(field) or decisions.get(field) == MERGED):
            made[field] = merged[field]
    if _deaths_differ(survivor, merged):
        if decisions.get("deceased") == MERGED:
            for field in _DEATH:
                _put(made, field, merged.get(field))
    elif not survivor.get("deceased_time"):
        _put(made, "deceased_time", merged.get("deceased_time"))
    for field, identity in _LISTS.items():
        ours, theirs = survivor.get(field, []), merged.get(field, [])
        if field == "names" and decisions.get("name") == MERGED:
            shown = next((e for e in ours if identity(e) == identity(theirs[0])), theirs[0])
            ours = [shown, *(e for e in ours if e != shown)]
        known = {identity(entry) for entry in ours}
        _put(made, field, [*ours, *(entry for entry in theirs if identity(entry) not in known)])
    return made


def require_room(document: Document) -> None:
    """Raises FailedPrecondition (MERGE_CONFLICT) where a list of the united document is too long."""
    _refuse(
        [
            FieldViolation(field, f"together more than {most} entries: take some out of one record first")
            for field, most in _MOST.items()
            if len(document.get(field, ())) > most
        ]
    )


def require_order(document: Document) -> None:
    """Raises FailedPrecondition (MERGE_CONFLICT) where the united document has a death before the birth."""
    _refuse(list(rules.birth_and_death(pb.Patient(**document), "9999-12-31")))


def _refuse(wrong: list[FieldViolation]) -> None:
    if wrong:
        raise errors.FailedPrecondition(
            "; ".join(f"{v.field}: {v.description}" for v in wrong),
            reason="MERGE_CONFLICT",
            violations=tuple(wrong),
        )


def additions(survivor: Document, merged: Document) -> list[tuple[str, list[str]]]:
    """What the survivor takes over where nothing is to be decided: (field, values as JSON)."""
    made = united(survivor, merged, {})
    found = []
    for field in rules.DOCUMENT_FIELDS:
        present, following = survivor.get(field), made.get(field)
        if present == following:
            continue
        new = [e for e in following or () if e not in (present or ())] if field in _LISTS else [following]
        found.append((field, list(_json(*new))))
    return found


def parted(before: Document, after: Document, present: Document) -> Parted:
    """Takes out of the `present` document what a merge made of `before`, which was `after` then.

    A field that still is as the merge left it goes back. One that was changed since stays as it was
    written, but for entries of a list that came with the merge.
    """
    made = dict(present)
    kept = [field for field in rules.DOCUMENT_FIELDS if present.get(field) != after.get(field)]
    for field in rules.DOCUMENT_FIELDS:
        if before.get(field) == after.get(field) or (field in _DEATH and set(_DEATH) & set(kept)):
            continue
        if field not in kept:
            _put(made, field, before.get(field))
        elif field in _LISTS:
            brought = [entry for entry in after.get(field, ()) if entry not in before.get(field, ())]
            left = [entry for entry in present.get(field, ()) if entry not in brought]
            if left or field != "names":
                _put(made, field, left)
    return Parted(made, kept)


def outcomes(rows: Iterable[Any]) -> dict[str, list[tuple[str, list[str]]]]:
    """What became of rows when a merge was taken back, of return_patient_rows: by outcome, types and ids.

    What went back and then stayed after all, since it was amended into one of the survivor's, only stayed.
    """
    found: dict[str, list[tuple[str, list[str]]]] = {
        name: [] for name in ("RETURNED", "AMENDED", "FOLLOWED", "KEPT")
    }
    for row in rows:
        found[row.outcome].append((row.entity_type, row.ids))
    kept = {one for _, ids in found["KEPT"] for one in ids}
    for name in ("RETURNED", "AMENDED"):
        left = [(kind, [one for one in ids if one not in kept]) for kind, ids in found[name]]
        found[name] = [(kind, ids) for kind, ids in left if ids]
    return found


def _names_differ(survivor: Document, merged: Document) -> bool:
    return _name_identity(survivor["names"][0]) != _name_identity(merged["names"][0])


def _deaths_differ(survivor: Document, merged: Document) -> bool:
    if bool(survivor.get("deceased")) != bool(merged.get("deceased")):
        return True
    times = {document.get("deceased_time", "") for document in (survivor, merged)} - {""}
    return len(times) > 1


def _death(document: Document) -> Document:
    return {"deceased": False} | {field: document[field] for field in _DEATH if field in document}


def _json(*values: Any) -> tuple[str, ...]:
    return tuple(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() for value in values)


def _put(document: Document, field: str, value: Any) -> None:
    if value:
        document[field] = value
    else:
        document.pop(field, None)


def _whole(entry: Document) -> str:
    return _json(entry)[0]


def _without(*fields: str) -> Callable[[Document], str]:
    return lambda entry: _whole({k: v for k, v in entry.items() if k not in fields})


def _identifier_identity(entry: Document) -> str:
    return _whole({"system": entry.get("system", ""), "value": entry["value"].strip()})


def _telecom_identity(entry: Document) -> str:
    digits = normalise.phone_digits(entry["value"]) if entry.get("system") in ("phone", "sms", "fax") else ""
    return _whole({"system": entry.get("system", ""), "value": digits or entry["value"].strip()})


_name_identity = _without("use", "period")
# What makes two entries of a list the same.
_LISTS: Mapping[str, Callable[[Document], str]] = {
    "names": _name_identity,
    "identifiers": _identifier_identity,
    "telecoms": _telecom_identity,
    "addresses": _without("use", "type", "period"),
    "contacts": _whole,
    "communications": lambda entry: str(entry["language"]).lower(),
}
_MOST: Mapping[str, int] = {
    field: pb.Patient.DESCRIPTOR.fields_by_name[field]
    .GetOptions()
    .Extensions[validate_pb2.field]
    .repeated.max_items
    for field in _LISTS
}
