"""Where there is room: what a caller is told who found a slot taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hms.scheduling.v1 import slot_pb2
from hms_server import clock, errors
from hms_server.context import Call
from hms_server.database.faults import ExclusionViolation
from hms_server.database.transaction import Database
from hms_server.scheduling import booking_store, mapping
from hms_server.scheduling.booking_rules import NoRoom

_MOST = 5
# Days that are looked at; the second only where the first have no room.
_DAYS = (14, 60)
# A caller who is limited to departments does not see every seat that is taken: so many are passed over.
_PASSED_OVER = 8

R = TypeVar("R")


def seated(database: Database, call: Call, work: Callable[[int], R]) -> R:
    """What `work(skip)` gives; `skip` counts the free seats that turned out to be taken.

    Raises FailedPrecondition with the next free slots where there is no room, Aborted (SLOT_TAKEN) where a
    seat was lost again and again.
    """
    for skip in range(_PASSED_OVER):
        try:
            return work(skip)
        except ExclusionViolation:
            continue
        except NoRoom as full:
            raise errors.FailedPrecondition(
                full.message, reason=full.reason, details=(next_free(database, call, full),)
            ) from None
    raise errors.Aborted("Others take the seats of this slot: search slots again.", reason="SLOT_TAKEN")


def next_free(database: Database, call: Call, full: NoRoom) -> slot_pb2.NextFreeSlots:
    """Free slots of the practitioner, then of the department. In a transaction of its own: those who lost
    a race do not hold up the others with it."""
    start = max(full.start_time, clock.now())
    rows: list[object] = []
    with database.tenant_transaction(call.tenant_id, call) as transaction:
        for days in _DAYS:
            found = booking_store.free_slots(
                transaction,
                start=start,
                days=days,
                limit=_MOST,
                practitioner_id=full.practitioner_id,
                departments=call.departments,
            )
            transaction.flush()
            rows = list(found.rows)
            if rows:
                break
        if len(rows) < _MOST and full.department_id:
            found = booking_store.free_slots(
                transaction,
                start=start,
                days=_DAYS[0],
                limit=_MOST - len(rows),
                practitioner_id=full.practitioner_id,
                department_id=full.department_id,
                departments=call.departments,
            )
            transaction.flush()
            rows += found.rows
    return slot_pb2.NextFreeSlots(slots=[mapping.slot(row) for row in rows])
