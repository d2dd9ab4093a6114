"""How schedules and exceptions are changed.

Every change is one transaction under the lock of the practitioners whose slots it touches, the lock that
bookings take, too: the record is written, then the appointments that lost their place by it are looked for
(stranded.py), and whoever may not stand undoes all of it. Seats that it opens go to the waiting list.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from typing import Any

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server import errors
from hms_server.context import Call
from hms_server.database.transaction import Transaction
from hms_server.errors import FieldViolation
from hms_server.scheduling import exceptions, freed, schedule_rules
from hms_server.scheduling import schedule_store as store
from hms_server.scheduling.schedule_kinds import SCHEDULE, Kind
from hms_server.scheduling.schedule_rules import USUAL_SLOT_MINUTES
from hms_server.scheduling.stranded import Settled, Watch

# How far ahead the seats of a template are offered, and for how many practitioners that far.
_OFFERED_DAYS, _OFFERED_PRACTITIONERS = 31, 10


def lock_practitioners(
    transaction: Transaction, request: Any, messages: Collection[Any]
) -> dict[str, int | None]:
    """Locks whose slots change, and who is to take appointments over: their minutes of a slot by id."""
    named = {each.practitioner_id for each in messages if each.practitioner_id}
    target = ""
    if request.stranded == pb.STRANDED_ACTION_MOVE:
        target = request.move_to_practitioner_id.lower()
    closed = [each.department_id for each in messages if getattr(each, "kind", "") == "CLOSURE"]
    if closed:
        only = closed[0] if len(set(closed)) == 1 else ""
        of_closure = store.lock_practitioners_of(transaction, only or None)
        transaction.flush()
        named |= {str(row.id) for row in of_closure.rows}
    locked = store.lock_practitioners(transaction, sorted(named | ({target} - {""})))
    transaction.flush()
    found = {str(row.id): row.consultation_minutes for row in locked.rows}
    if target and target not in found:
        raise errors.invalid_field("move_to_practitioner_id", "no such practitioner")
    return found


def write(
    kind: Kind,
    transaction: Transaction,
    request: Any,
    call: Call,
    given: list[Any],
    paths: list[str],
    record_ids: list[str],
    present: Any = None,
) -> Settled:
    """Writes new records, or the next version of `present`, and settles what that strands."""
    actor_id = call.caller.user_id
    messages = [*given, present] if present is not None else given
    found = store.existing(
        transaction,
        {each.department_id for each in given if each.department_id},
        {each.location_id for each in given if each.location_id},
    )
    affected = lock_practitioners(transaction, request, messages)
    made = [
        kind.write(each, path, record_id, affected.get(each.practitioner_id) or USUAL_SLOT_MINUTES)
        for each, path, record_id in zip(given, paths, record_ids, strict=True)
    ]
    there = {("practitioner", each) for each in affected} | {(row.kind, str(row.id)) for row in found.rows}
    schedule_rules.refuse(list(_missing(given, paths, there)))
    watch = Watch(transaction, list(affected), window(kind, messages))
    sessions = [session for _, of_one in made for session in of_one]
    if present is None:
        store.insert(transaction, kind, [row for row, _ in made], sessions, actor_id)
    else:
        store.update(transaction, kind, made[0][0], sessions, actor_id)
    require_no_overlap(transaction, kind, given, record_ids, affected, is_new=present is None)
    settled = watch.settle(request, call)
    if present is not None or kind is SCHEDULE or any(each.kind == "EXTRA" for each in given):
        offer_seats(transaction, request, kind, messages, affected)
    return settled


def offer_seats(
    transaction: Transaction, request: Any, kind: Kind, messages: Collection[Any], affected: Collection[str]
) -> None:
    """Offers to the waiting list what is free where these records open seats, or no longer take them away.

    Of templates the next 31 days; of a batch for many practitioners fewer, as they stay locked meanwhile.
    """
    if request.validate_only or not affected:
        return
    now = datetime.datetime.now(datetime.UTC)
    found = []
    for each in messages:
        whose = [each.practitioner_id] if each.practitioner_id else sorted(affected)
        if kind is SCHEDULE:
            days = max(1, min(_OFFERED_DAYS, _OFFERED_DAYS * _OFFERED_PRACTITIONERS // len(affected)))
            start, end = now, now + datetime.timedelta(days=days)
        else:
            start, end = exceptions.window(each)
            start = max(start, now)
            end = min(end, start + datetime.timedelta(days=_OFFERED_DAYS))
        if start < end:
            found += [freed.Stretch(practitioner_id, start, end) for practitioner_id in whose]
    freed.seats_freed(transaction, found)


def require_no_overlap(
    transaction: Transaction,
    kind: Kind,
    messages: Collection[Any],
    changed: Collection[str],
    affected: Collection[str],
    *,
    is_new: bool,
) -> None:
    """Raises FailedPrecondition (SCHEDULES_OVERLAP) where a practitioner has two sessions at once.

    What was taken away brings others back: they may meet, too.
    """
    gives = kind is SCHEDULE or any(each.kind == "EXTRA" for each in messages)
    if is_new and not gives:
        return
    templates = store.overlapping_schedules(transaction, changed if kind is SCHEDULE else ())
    extras = store.overlapping_extras(transaction, list(affected))
    transaction.flush()
    in_the_way = {str(row.id) for row in templates.rows}
    for row in extras.rows:
        pair = {str(row.id), str(row.other_id)}
        if not gives or pair & set(changed):
            in_the_way |= pair - set(changed)
    if in_the_way:
        listed = sorted(in_the_way)
        raise errors.FailedPrecondition(
            f"The practitioner has other sessions at the same time: {', '.join(listed[:5])}."
            " End or change those first, or choose other times.",
            reason="SCHEDULES_OVERLAP",
            metadata={"schedule_ids": ",".join(listed)},
        )


def window(kind: Kind, messages: Collection[Any]) -> tuple[Any, Any]:
    """Between when appointments may be touched."""
    if kind is SCHEDULE:
        return "-infinity", "infinity"
    windows = [exceptions.window(each) for each in messages]
    return min(first for first, _ in windows), max(last for _, last in windows)


def _missing(
    given: Collection[Any], paths: Collection[str], there: Collection[tuple[str, str]]
) -> Iterator[FieldViolation]:
    """References to nothing."""
    for each, path in zip(given, paths, strict=True):
        for name in ("practitioner", "department", "location"):
            value = getattr(each, f"{name}_id")
            if value and (name, value) not in there:
                yield FieldViolation(f"{path}.{name}_id", f"no such {name}")
