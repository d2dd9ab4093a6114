"""Seats that came free: offered to the waiting list in the transaction that freed them.

So nobody else comes in between: whoever frees a seat calls `seats_freed` before the commit, with the
practitioner locked. The choice is the database's (`offer_seats` of migrations/0026_waiting_list.sql): it sees
the whole list where the caller may not.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, Self

from hms_server.database.audited import AuditedEvent
from hms_server.database.queries import compile_query
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.scheduling import waiting_store
from hms_server.scheduling.waiting_rules import LEAST_SECONDS, OFFER_SECONDS

_AT_ONCE = 1000
_DUE = compile_query(
    "freed.practitioners_with_due_holds",
    "SELECT h.tenant_id, h.practitioner_id FROM practitioners_with_due_holds(:rows::integer) h",
)
_END = compile_query(
    "freed.end_due_holds",
    "SELECT end_due_holds(:practitioner_id::uuid, :offer_seconds::integer, :least_seconds::integer) AS ended",
)


class Seat(Protocol):
    """A stretch of a practitioner's time in which a seat came free: a hold's row, an appointment's, an extra
    session."""

    @property
    def practitioner_id(self) -> str:
        """Whose."""
        ...

    @property
    def start_time(self) -> datetime.datetime:
        """From when."""
        ...

    @property
    def end_time(self) -> datetime.datetime:
        """Until when."""
        ...


class Stretch(NamedTuple):
    """One that is no row."""

    practitioner_id: str
    start_time: datetime.datetime
    end_time: datetime.datetime

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Self:
        """The slot that an appointment with these columns takes."""
        return cls(columns["practitioner_id"], columns["start_time"], columns["end_time"])


def seats_freed(transaction: Transaction, seats: Iterable[Seat]) -> int:
    """Offers what came free, sends what is queued, and queues an audit record for each patient who got an
    offer; returns how many did. To be called after the change that frees the seats was queued."""
    stretches = sorted({(seat.practitioner_id, seat.start_time, seat.end_time) for seat in seats})
    if not stretches:
        return 0
    made = waiting_store.offer(
        transaction, stretches, offer_seconds=OFFER_SECONDS, least_seconds=LEAST_SECONDS
    )
    transaction.flush()
    record(transaction, made)
    return len(made.rows)


def record(transaction: Transaction, made: Pending) -> None:
    """Queues the audit records of offers."""
    transaction.audit_many(
        [
            AuditedEvent(
                patient_ids=(row.patient_id,),
                fields={
                    "action": "UPDATE",
                    "entity_id": row.id,
                    "old_version": row.old_version,
                    "new_version": row.new_version,
                },
            )
            for row in made.rows
        ]
    )


def sweep(database: Database) -> int:
    """Ends every hold whose time is over, in all hospitals, and offers what came free by that; returns how
    many ended. One practitioner at a time: his holds end and his seats are offered in one commit."""
    total = 0
    with database.platform_transaction() as transaction:
        due = transaction.queue(_DUE, rows=_AT_ONCE)
    for row in due.rows:
        with database.tenant_transaction(row.tenant_id) as transaction:
            ended = transaction.queue(
                _END,
                practitioner_id=row.practitioner_id,
                offer_seconds=OFFER_SECONDS,
                least_seconds=LEAST_SECONDS,
            )
        total += int(ended.rows[0].ended)
    return total
