"""Seats that came free: offered to the waiting list in the transaction that freed them.

So nobody else comes in between: whoever frees a seat calls `seats_freed` before the commit, with the
practitioner locked. The choice is the database's (`offer_seats` of migrations/0026_waiting_list.sql): it sees
the whole list where the caller may not.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

from hms_server import errors
from hms_server.audit import process_record
from hms_server.database.audited import AuditedEvent
from hms_server.database.queries import compile_query
from hms_server.database.transaction import Database, Transaction
from hms_server.scheduling import holds, waiting_store
from hms_server.scheduling.waiting_rules import LEAST_SECONDS, OFFER_SECONDS

# Who did what no call stands behind, and what an audit record says of the two.
METHOD = "hms cron"
RAN_OUT = "the hold ran out"
OFFERED = "offered from the waiting list"
_AT_ONCE = 1000
_DUE = compile_query(
    "freed.practitioners_with_due_holds",
    "SELECT h.tenant_id, h.practitioner_id FROM practitioners_with_due_holds(:rows::integer) h",
)
_END = compile_query(
    "freed.end_due_holds",
    "SELECT e.id, e.patient_id, e.old_version, e.new_version, e.ended"
    " FROM end_due_holds(:practitioner_id::uuid, :offer_seconds::integer, :least_seconds::integer) e",
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
    record(transaction, made.rows)
    return len(made.rows)


def end_holds(transaction: Transaction, stale: Sequence[str], seats: Iterable[Seat]) -> None:
    """Ends those holds among `stale` whose time is over, and offers their seats: to be called by a booking
    that is about to take one. Each patient whose hold ended or who got an offer has an audit record."""
    gone = holds.expire(transaction, stale)
    seats_freed(transaction, seats)
    transaction.audit_many(_events(gone.rows, RAN_OUT))


def record(transaction: Transaction, rows: Iterable[Any]) -> None:
    """Queues the audit records of offers."""
    transaction.audit_many(_events(rows, OFFERED))


def sweep(database: Database) -> int:
    """Ends every hold whose time is over, in all hospitals, and offers what came free by that; returns how
    many ended. One practitioner at a time: his holds end, his seats are offered and the audit records of
    both are left in one commit. What lost against another change waits for the next sweep."""
    with database.platform_transaction() as transaction:
        due = transaction.queue(_DUE, rows=_AT_ONCE)
    total = 0
    for row in due.rows:
        with contextlib.suppress(errors.ConcurrentChange):
            total += _end_of(database, row.tenant_id, row.practitioner_id)
    return total


def _end_of(database: Database, tenant_id: str, practitioner_id: str) -> int:
    with database.tenant_transaction(tenant_id) as transaction:
        changed = transaction.queue(
            _END,
            practitioner_id=practitioner_id,
            offer_seconds=OFFER_SECONDS,
            least_seconds=LEAST_SECONDS,
        )
        transaction.flush()
        ended = [row for row in changed.rows if row.ended]
        offered = [row for row in changed.rows if not row.ended]
        process_record.queue_many(
            transaction,
            [*_events(ended, RAN_OUT), *_events(offered, OFFERED)],
            method=METHOD,
            entity_type="appointment",
            actor_name=METHOD,
        )
    return len(ended)


def _events(rows: Iterable[Any], reason: str) -> list[AuditedEvent]:
    return [
        AuditedEvent(
            patient_ids=(row.patient_id,),
            fields={
                "action": "UPDATE",
                "entity_id": row.id,
                "old_version": row.old_version,
                "new_version": row.new_version,
                "reason": reason,
            },
        )
        for row in rows
    ]
