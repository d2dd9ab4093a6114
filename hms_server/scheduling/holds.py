"""Holds that ran out: the one place where a seat that was only kept is given back.

A hold whose time is over keeps no seat: a booking that needs it takes it (`freed.end_holds`, in its own
transaction), and a sweep ends the rest, so that lists tell the truth (freed.py). A hold becomes EXPIRED; an
offer from the waiting list goes back to WAITLISTED (migrations/0025_booking.sql).
"""

from __future__ import annotations

from collections.abc import Sequence

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_QUERIES = load_queries("hms_server.scheduling", "holds.sql")


def expire(transaction: Transaction, appointment_ids: Sequence[str]) -> Pending:
    """Queues the end of those holds among these whose time is over: id, patient_id, old_version and
    new_version of each that ended. The practitioners are locked."""
    return transaction.queue(_QUERIES["expire_holds"], ids=list(appointment_ids))
