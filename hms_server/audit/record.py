"""An outbox record as the event it becomes. Pure.

What a record says was written by the call's own transaction and can no longer be refused: a field that
does not fit its column is fitted, since one odd record must not hold up all that follow it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hms_server import ids

# A row of audit_event by column; times are text (ISO 8601, UTC, microseconds), ids lower-case text.
Event = dict[str, Any]

_IDS = ("actor_id", "session_id")
_TEXTS = (
    "action",
    "method",
    "actor_name",
    "entity_type",
    "entity_id",
    "reason",
    "request_id",
    "trace_id",
    "address",
)
_VERSIONS = ("old_version", "new_version")
# The largest whole number that RFC 8785 can write.
_LARGEST = 2**53 - 1
# Of each group in `entities`: names of what its ids stand for.
_GROUP = ("type", "action")


class Taken(NamedTuple):
    """An outbox record, as it was read."""

    position: int
    event_id: str
    record_time: str
    record: dict[str, Any]
    patient_ids: list[str | None]
    outcome: str


def event_of(taken: Taken) -> Event:
    """The columns of audit_event that the record settles. Fields of no column are left out, and so are
    `entities` and `entity_ids` of an event that lists none."""
    record = taken.record
    event: Event = {
        "id": taken.event_id,
        "record_time": taken.record_time,
        "patient_ids": sorted({each for each in taken.patient_ids if each}),
        "outcome": taken.outcome,
    }
    for name in _TEXTS:
        event[name] = _text(record.get(name))
    # As the id is asked for: a caller may have written it in capitals.
    event["entity_id"] = _uuid(event["entity_id"]) or event["entity_id"]
    for name in _IDS:
        value = record.get(name)
        event[name] = value if isinstance(value, str) and ids.is_uuid(value) else None
    for name in _VERSIONS:
        value = record.get(name)
        event[name] = value if isinstance(value, int) and 0 <= value <= _LARGEST else 0
    listed = _listed(record.get("entities"))
    if listed:
        event["entities"] = [
            {**dict(zip(_GROUP, names, strict=True)), "count": len(each)} for names, each in listed.items()
        ]
        event["entity_ids"] = [one for each in listed.values() for one in each]
    return event


def _listed(entities: Any) -> dict[tuple[str, ...], dict[str, None]]:
    """The ids of each type and action, once and in order. What is no list of groups of ids is left out."""
    listed: dict[tuple[str, ...], dict[str, None]] = {}
    for group in entities if isinstance(entities, list) else ():
        found = group.get("ids") if isinstance(group, dict) else None
        made = dict.fromkeys(filter(None, map(_uuid, found if isinstance(found, list) else ())))
        if made:
            listed.setdefault(tuple(_text(group.get(name)) for name in _GROUP), {}).update(made)
    return listed


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _uuid(value: Any) -> str:
    """A UUID in its canonical form; empty where it is none."""
    text = value.lower() if isinstance(value, str) else ""
    return text if ids.is_uuid(text) else ""
