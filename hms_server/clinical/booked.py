"""Appointments and queue tokens that come with the clinical record: rows that come as JSON."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

from hms_server.scheduling import mapping

# Types of the timeline that are no records of the clinical room.
BOOKED_TYPES = ("APPOINTMENT", "QUEUE_TOKEN")
_TIMES = frozenset(
    (
        *("start_time", "end_time", "create_time", "update_time", "hold_expire_time", "wanted_from"),
        *("wanted_until", "waitlist_time", "issue_time", "call_time", "session_start", "order_time"),
    )
)


def booked(type_: str, whole: dict[str, Any]) -> Any:
    """The message of an appointment's or a token's row, given as `to_jsonb` writes it."""
    row = SimpleNamespace(
        **{
            name: datetime.datetime.fromisoformat(value) if value is not None and name in _TIMES else value
            for name, value in whole.items()
        }
    )
    return mapping.appointment(row) if type_ == "APPOINTMENT" else mapping.queue_token(row)
