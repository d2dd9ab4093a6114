"""Booking: a seat of a slot for a patient. Who comes first wins, and nobody else.

Two flushes: the request id, the locks (patients, then practitioners) and behind them the slots with the
seats that are taken; then what is booked. The exclusion constraint appointment_seat is the last word
(docs/decisions/0028-booking.md).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from hms.scheduling.v1 import appointment_pb2, booking_pb2
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.scheduling import booking_rules, booking_store, freed, mapping, room, store
from hms_server.scheduling.booking_rules import Placed, Seats, Wanted

_READ = "READ"


class Booking:
    """Hold, book, overbook, and many at once."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def hold(self, request: booking_pb2.HoldAppointmentRequest, call: Call) -> appointment_pb2.Appointment:
        """Keeps a seat for a while.

        Raises NotFound, InvalidArgument, PermissionDenied (DEPARTMENT_LIMITED) and FailedPrecondition:
        SLOT_TAKEN and NO_SUCH_SLOT with the next free slots, PATIENT_BUSY, PATIENT_MERGED.
        """
        start = booking_rules.moment_of(request.start_time)
        booking_rules.require_near("start_time", start)
        wanted = Wanted(
            request.patient_id.lower(),
            request.practitioner_id.lower(),
            start,
            request.department_id.lower(),
            request.service,
            request.schedule_id.lower(),
            document=booking_rules.said(request),
        )
        seconds = request.hold_seconds or booking_rules.HOLD_SECONDS
        (row,) = self._seated(request, call, [wanted], hold_seconds=seconds)
        return mapping.appointment(row)

    @on_conflict
    def book(self, request: booking_pb2.BookAppointmentRequest, call: Call) -> appointment_pb2.Appointment:
        """Books a seat. Raises what `hold` raises."""
        wanted = booking_rules.wanted_of("appointment", request.appointment)
        (row,) = self._seated(request, call, [wanted])
        return mapping.appointment(row)

    @on_conflict
    def overbook(
        self, request: booking_pb2.OverbookAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Books a seat above the slot's capacity where none below is free. Raises what `hold` raises, but
        SLOT_TAKEN."""
        wanted = booking_rules.wanted_of("appointment", request.appointment)
        (row,) = self._seated(request, call, [wanted], overbook_reason=request.reason)
        return mapping.appointment(row)

    @on_conflict
    def batch(
        self, request: booking_pb2.BatchBookAppointmentsRequest, call: Call
    ) -> booking_pb2.BatchBookAppointmentsResponse:
        """Books all or nothing, in the order of the request. Raises what `hold` raises, and says for
        which."""
        wanted = [
            booking_rules.wanted_of(f"appointments[{number}]", sent)
            for number, sent in enumerate(request.appointments)
        ]
        rows = self._seated(request, call, wanted)
        return booking_pb2.BatchBookAppointmentsResponse(
            appointments=[mapping.appointment(row) for row in rows]
        )

    def _seated(self, request: Any, call: Call, wanted: Sequence[Wanted], **how: Any) -> list[Any]:
        return room.seated(
            self._database, call, lambda skip: self._placed(request, call, wanted, skip=skip, **how)
        )

    def _placed(
        self,
        request: Any,
        call: Call,
        wanted: Sequence[Wanted],
        *,
        skip: int,
        hold_seconds: int = 0,
        overbook_reason: str = "",
    ) -> list[Any]:
        first = ids.uuid7()
        made_ids = following(first, len(wanted))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patients, practitioners = booking_store.lock(
                transaction, (w.patient_id for w in wanted), (w.practitioner_id for w in wanted)
            )
            slots = booking_store.wanted_slots(transaction, wanted, limited=call.departments is not None)
            previous = booking_store.owners(
                transaction, [w.previous_appointment_id for w in wanted if w.previous_appointment_id]
            )
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return _repeated(transaction, following(earlier, len(wanted)))
            seats = Seats(
                slots.rows,
                call.departments,
                call.method.permission,
                skip=skip,
                overbook=bool(overbook_reason),
                allow_overlap=request.allow_overlap,
            )
            placed = _place_all(seats, wanted, patients, practitioners, previous)
            stale = sorted({hold for each in placed for hold in each.slot.stale})
            if stale:
                # Offers that ran out go to the next of the waiting list, before anybody else.
                seats_of = [freed.Stretch.of(each.columns) for each in placed if each.slot.stale]
                freed.end_holds(transaction, stale, seats_of)
            made = [
                insert_placed(
                    transaction,
                    call,
                    made_id,
                    each,
                    place,
                    hold_seconds=hold_seconds,
                    overbook_reason=overbook_reason,
                )
                for made_id, each, place in zip(made_ids, wanted, placed, strict=True)
            ]
            self._request_ids.remember(transaction, call, probe, first, 1)
            # A mark alone: the reason stands with the appointment.
            overbooked = any(place.columns["overbooked"] for place in placed)
            fields: dict[str, Any] = {"reason": "overbooked"} if overbooked else {}
            if len(made_ids) > 1:
                fields["entities"] = (AuditedEntities("appointment", "CREATE", made_ids),)
            transaction.audit(
                entity_id=first,
                new_version=1,
                patient_ids=sorted({w.patient_id for w in wanted}),
                **fields,
            )
        return [pending.first for pending in made]


def insert_placed(
    transaction: Transaction,
    call: Call,
    made_id: str,
    wanted: Wanted,
    place: Placed,
    *,
    hold_seconds: int = 0,
    overbook_reason: str = "",
    series_id: str | None = None,
) -> Pending:
    """Queues the appointment that takes the seat."""
    kept: dict[str, Any] = {"state": "BOOKED"}
    if hold_seconds:
        until = place.slot.present_time + datetime.timedelta(seconds=hold_seconds)
        kept = {"state": "HELD", "hold_expire_time": until}
    return store.insert(
        transaction,
        made_id,
        wanted.patient_id,
        call.caller.user_id,
        **place.columns,
        **kept,
        series_id=series_id,
        previous_appointment_id=wanted.previous_appointment_id or None,
        document=dict(wanted.document)
        | ({"change_reason": overbook_reason} if place.columns["overbooked"] else {}),
    )


def _place_all(
    seats: Seats,
    wanted: Sequence[Wanted],
    patients: Pending,
    practitioners: Pending,
    previous: Pending | None,
) -> list[Placed]:
    """A seat for each; what is refused among many says which it is."""
    patient_by_id = {row.id: row for row in patients.rows}
    practitioner_by_id = {row.id: row for row in practitioners.rows}
    owners = {row.id: row.patient_id for row in previous.rows} if previous is not None else {}
    placed = []
    for number, each in enumerate(wanted):
        try:
            booking_rules.require_open_patient(patient_by_id.get(each.patient_id))
            booking_rules.require_active_practitioner(practitioner_by_id.get(each.practitioner_id))
            require_own_previous(each.previous_appointment_id, each.patient_id, owners)
            placed.append(seats.place(number, each))
        except (errors.HmsError, booking_rules.NoRoom) as refused:
            if len(wanted) > 1:
                refused.message = f"appointments[{number}]: {refused.message}"
            raise
    return placed


def require_own_previous(previous_id: str, patient_id: str, owners: dict[str, str]) -> None:
    """Raises InvalidArgument where what is followed up is no appointment of the patient."""
    if previous_id and owners.get(previous_id) != patient_id:
        raise errors.invalid_field(
            "appointment.previous_appointment_id", "names no appointment of this patient"
        )


def following(first: str, count: int) -> list[str]:
    """Ids of what one request books: a repeat finds them all by the first."""
    start = int(first.replace("-", ""), 16)
    made = []
    for number in range(count):
        text = f"{start + number:032x}"
        made.append(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")
    return made


def _repeated(transaction: Transaction, made_ids: Sequence[str]) -> list[Any]:
    """The present state, for a request that was answered before: audited as what it now is, a read."""
    pending = [store.lock(transaction, each) for each in made_ids]
    transaction.flush()
    rows = [each.first for each in pending if each.first is not None]
    if len(rows) < len(made_ids):
        raise errors.NotFound("No such appointment.")
    transaction.audit(
        action=_READ, entity_id=made_ids[0], patient_ids=sorted({row.patient_id for row in rows})
    )
    transaction.commit()
    return rows
