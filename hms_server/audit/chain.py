"""The hash chain of a tenant's audit events. Pure: no I/O, no clock.

`hash = HMAC-SHA-256(key, previous hash || RFC 8785 JSON of the event)`. The key lies outside the
database, so nobody who can only write the database can make a hash that holds. The JSON covers every
stored column but the hash itself; whoever changes the columns changes FIELDS, or, once a chain stands
somewhere, LATER_FIELDS.

The JSON is made by orjson with sorted keys: for what an event holds (ASCII keys, text, whole numbers
below 2^53, null, lists and objects of these) it writes RFC 8785 byte for byte, fifty times as fast as the
package of that name (tests/unit/test_audit_chain.py compares the two).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

import orjson

from hms_server.audit.record import Event, Taken, event_of

# Columns of audit_event that the hash covers: all but `hash`. These are in the JSON of every event.
FIELDS = (
    "tenant_id",
    "sequence",
    "id",
    "record_time",
    "action",
    "method",
    "actor_id",
    "actor_name",
    "session_id",
    "entity_type",
    "entity_id",
    "patient_ids",
    "outcome",
    "reason",
    "request_id",
    "trace_id",
    "address",
    "old_version",
    "new_version",
    "key_id",
)

# Columns that came later. They are in the JSON only where they are not null, so that the events of before
# keep the hash that they were given.
LATER_FIELDS = ("entities", "entity_ids")

# What stands before the first event.
START = b""


def canonical(event: Event) -> bytes:
    """RFC 8785 JSON of an event's covered columns."""
    covered = {name: event[name] for name in FIELDS}
    for name in LATER_FIELDS:
        value = event.get(name)
        if value is not None:
            covered[name] = value
    return orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)


def link(key: bytes, previous: bytes, event: Event) -> bytes:
    """The hash of `event`, which follows the event whose hash is `previous`."""
    return hmac.digest(key, previous + canonical(event), "sha256")


def extend(
    records: Iterable[Taken],
    *,
    tenant_id: str,
    sequence: int,
    previous: bytes,
    key_id: str,
    key: bytes,
) -> tuple[list[Event], bytes]:
    """Chains records behind the event `sequence` whose hash is `previous`.

    Returns the events, each with its hash in hexadecimal, and the last hash.
    """
    events: list[Event] = []
    for record in records:
        sequence += 1
        event: dict[str, Any] = event_of(record)
        event["tenant_id"] = tenant_id
        event["sequence"] = sequence
        event["key_id"] = key_id
        previous = link(key, previous, event)
        event["hash"] = previous.hex()
        events.append(event)
    return events, previous
