"""Holds that ran out: the one place where a seat that was only kept is given back.

A hold whose time is over keeps no seat: a booking that needs it takes it (`expire`, in its own transaction),
and a sweep ends the rest, so that lists tell the truth (freed.py). A hold becomes EXPIRED; an offer from the
waiting list goes back to WAITLISTED (migrations/0025_booking.sql).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_QUERIES = load_queries("hms_server.scheduling", "holds.sql")


class Freed(NamedTuple):
    """A seat that is free again."""

    practitioner_id: str
    department_id: str
    service: str
    start_time: datetime.datetime
    end_time: datetime.datetime


def expire(transaction: Transaction, appointment_ids: Sequence[str]) -> Pending:
    """Queues the end of those holds among these whose time is over; the rows are what `freed` reads. The
    practitioners are locked."""
    return transaction.queue(_QUERIES["expire_holds"], ids=list(appointment_ids))


def freed(rows: Iterable[Any]) -> list[Freed]:
    """The seats that rows of `expire`, or of appointments that had a seat, gave back."""
    return [
        Freed(row.practitioner_id, row.department_id, row.service, row.start_time, row.end_time)
        for row in rows
        if row.start_time is not None
    ]
