"""Series: an appointment that comes again, booked in one step.

As a booking (booking.py), for one patient and one practitioner: the locks and the slots, then what is booked.
Before that, in a transaction of its own that locks nothing, the hospital's clock says which times they are.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hms.scheduling.v1 import series_pb2
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.faults import ExclusionViolation
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import (
    booking_rules,
    booking_store,
    freed,
    holds,
    mapping,
    recurrence,
    series_rules,
    series_store,
)
from hms_server.scheduling.booking import following, insert_placed, require_own_previous
from hms_server.scheduling.booking_rules import Seats, Wanted
from hms_server.scheduling.series_rules import Occurrence, Plan

# So often a seat turns out to be taken that the caller, limited to departments, could not see.
_TRIES = 2 * recurrence.MOST


class _Taken(Exception):
    """The seat of the slot that begins then was taken unseen."""

    def __init__(self, start: datetime.datetime) -> None:
        super().__init__("taken")
        self.start = start


class Series:
    """BookSeries."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def book(self, request: series_pb2.BookSeriesRequest, call: Call) -> series_pb2.BookSeriesResponse:
        """Books the series, whole or as `on_conflict` says.

        Raises NotFound, InvalidArgument, PermissionDenied (DEPARTMENT_LIMITED) and FailedPrecondition:
        SERIES_CONFLICT with the times that cannot be, PATIENT_MERGED.
        """
        wanted = booking_rules.wanted_of("appointment", request.appointment)
        times = self._times(request, call, wanted.start_time)
        skips: Counter[datetime.datetime] = Counter()
        careful = False
        for _ in range(_TRIES):
            try:
                return self._booked(request, call, wanted, times, skips, careful)
            except ExclusionViolation:
                careful = True
            except _Taken as taken:
                skips[taken.start] += 1
        raise errors.Aborted("Others take the seats of these slots: search slots again.", reason="SLOT_TAKEN")

    def _times(
        self, request: series_pb2.BookSeriesRequest, call: Call, start: datetime.datetime
    ) -> list[Occurrence]:
        rule = series_rules.rule_of(request.recurrence)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            shown = series_store.clock_time(transaction, start)
            transaction.flush()
            if shown.first is None:
                raise errors.NotFound("The hospital has no settings.")
            first = datetime.datetime.fromisoformat(shown.first.shown)
            days = series_rules.days_of(rule, first.date())
            rest = series_store.instants(
                transaction, [datetime.datetime.combine(day, first.time()) for day in days[1:]]
            )
        times = [start, *(row.start_time for row in rest.rows)]
        booking_rules.require_near("recurrence", times[-1])
        return [Occurrence(day, moment) for day, moment in zip(days, times, strict=True)]

    def _booked(
        self,
        request: series_pb2.BookSeriesRequest,
        call: Call,
        wanted: Wanted,
        times: Sequence[Occurrence],
        skips: Mapping[datetime.datetime, int],
        careful: bool,
    ) -> series_pb2.BookSeriesResponse:
        series_id = ids.uuid7()
        limited = call.departments is not None
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patients, practitioners = booking_store.lock(
                transaction, [wanted.patient_id], [wanted.practitioner_id]
            )
            slots = booking_store.wanted_slots(
                transaction, [wanted._replace(start_time=each.start_time) for each in times], limited=limited
            )
            previous = wanted.previous_appointment_id
            owners = booking_store.owners(transaction, [previous] if previous else [])
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return _repeated(transaction, earlier, times)
            booking_rules.require_open_patient(patients.first)
            booking_rules.require_active_practitioner(practitioners.first)
            if owners is not None:
                require_own_previous(
                    previous, wanted.patient_id, {row.id: row.patient_id for row in owners.rows}
                )
            seats = Seats(
                slots.rows,
                call.departments,
                call.method.permission,
                allow_overlap=request.allow_overlap,
            )
            plan = Plan(seats, wanted, times, skips)
            plan.at_their_times()
            if plan.refused and request.on_conflict == "NEXT_FREE":
                late = series_store.later_slots(
                    transaction,
                    wanted,
                    {number: times[number].start_time for number in plan.refused},
                    limited=limited,
                )
                transaction.flush()
                plan.later(late.rows, {(row.department_id, row.service) for row in slots.rows})
            if plan.refused and (request.on_conflict != "SKIP" or not plan.placed):
                raise plan.conflict()
            rows, made_ids = _insert(transaction, call, series_id, wanted, plan, careful)
            self._request_ids.remember(transaction, call, probe, series_id, 1)
            transaction.audit(
                entity_id=made_ids[0],
                new_version=1,
                patient_ids=[wanted.patient_id],
                entities=(AuditedEntities("appointment", "CREATE", made_ids),),
            )
        return _answer(series_id, [pending.first for pending in rows], times)


def _insert(
    transaction: Transaction, call: Call, series_id: str, wanted: Wanted, plan: Plan, careful: bool
) -> tuple[list[Any], list[str]]:
    """Queues the appointments. `careful`: sends one after the other, and raises _Taken for a seat that is
    not free."""
    placed = sorted(plan.placed.items())
    stale = sorted({hold for _, each in placed for hold in each.slot.stale})
    if stale:
        # Offers that ran out go to the next of the waiting list, before anybody else.
        holds.expire(transaction, stale)
        freed.seats_freed(
            transaction, [freed.Stretch.of(each.columns) for _, each in placed if each.slot.stale]
        )
    rows, made_ids = [], []
    for number, each in placed:
        made_id = _appointment_id(series_id, number)
        rows.append(insert_placed(transaction, call, made_id, wanted, each, series_id=series_id))
        made_ids.append(made_id)
        if careful:
            try:
                transaction.flush()
            except ExclusionViolation:
                raise _Taken(each.slot.start_time) from None
    return rows, made_ids


def _appointment_id(series_id: str, number: int) -> str:
    """Of the number-th time: so a repeat knows which times were left out."""
    return following(series_id, number + 2)[-1]


def _answer(
    series_id: str, rows: Sequence[Any], times: Sequence[Occurrence]
) -> series_pb2.BookSeriesResponse:
    there = {row.id for row in rows}
    return series_pb2.BookSeriesResponse(
        series_id=series_id,
        appointments=[
            mapping.appointment(row) for row in sorted(rows, key=lambda row: (row.start_time, row.id))
        ],
        skipped_start_times=[
            timestamp(each.start_time)
            for number, each in enumerate(times)
            if _appointment_id(series_id, number) not in there
        ],
    )


def _repeated(
    transaction: Transaction, series_id: str, times: Sequence[Occurrence]
) -> series_pb2.BookSeriesResponse:
    """The present state, for a request that was answered before: audited as what it now is, a read."""
    pending = series_store.appointments(transaction, series_id)
    transaction.flush()
    rows = pending.rows
    if not rows:
        raise errors.NotFound("No such series.")
    transaction.audit(
        action="READ", entity_id=rows[0].id, patient_ids=sorted({row.patient_id for row in rows})
    )
    transaction.commit()
    return _answer(series_id, rows, times)
