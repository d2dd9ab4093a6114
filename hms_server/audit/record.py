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


class Taken(NamedTuple):
    """An outbox record, as it was read."""

    position: int
    event_id: str
    record_time: str
    record: dict[str, Any]
    patient_ids: list[str | None]
    outcome: str


def event_of(taken: Taken) -> Event:
    """The columns of audit_event that the record settles. Fields of no column are left out."""
    record = taken.record
    event: Event = {
        "id": taken.event_id,
        "record_time": taken.record_time,
        "patient_ids": sorted({each for each in taken.patient_ids if each}),
        "outcome": taken.outcome,
    }
    for name in _TEXTS:
        value = record.get(name)
        event[name] = value if isinstance(value, str) else "" if value is None else str(value)
    for name in _IDS:
        value = record.get(name)
        event[name] = value if isinstance(value, str) and ids.is_uuid(value) else None
    for name in _VERSIONS:
        value = record.get(name)
        event[name] = value if isinstance(value, int) and 0 <= value <= _LARGEST else 0
    return event
