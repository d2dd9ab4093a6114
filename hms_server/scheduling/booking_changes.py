"""What becomes of an appointment: booked from a hold, confirmed, moved, cancelled, amended.

A change that takes a seat or gives one back locks as a booking does: patient, practitioners, then the
appointment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.scheduling.v1 import appointment_pb2, booking_pb2
from hms_server import aip, clock, errors
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.scheduling import booking_rules, booking_store, freed, mapping, room, states, store
from hms_server.scheduling.appointments import found
from hms_server.scheduling.booking import require_own_previous
from hms_server.scheduling.booking_rules import NoRoom, Seats, Wanted

_MUTABLE = ("reasons", "note", "service", "previous_appointment_id")
Changes = dict[str, Any]


class BookingChanges:
    """BookHeld, Confirm, Reschedule, Cancel and AmendAppointment."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def book_held(
        self, request: booking_pb2.BookHeldAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Books what is held. Raises NotFound, Aborted for another etag, FailedPrecondition: HOLD_EXPIRED
        with the next free slots, WRONG_STATE."""

        def change(row: Any) -> Changes:
            if row.state == "EXPIRED" or (row.state == "HELD" and row.hold_expire_time <= clock.now()):
                raise NoRoom(
                    "The hold ran out: book one of the next free slots.",
                    "HOLD_EXPIRED",
                    row.practitioner_id,
                    row.department_id,
                    row.start_time,
                )
            states.require_step(states.APPOINTMENT, "appointment", row.state, "BOOKED")
            return {"state": "BOOKED", "hold_expire_time": None}

        return room.seated(
            self._database, call, lambda _: self._change(request, call, request.id, request.etag, change)
        )

    @on_conflict
    def confirm(
        self, request: booking_pb2.ConfirmAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """The patient will come. Raises NotFound, Aborted for another etag, FailedPrecondition
        (WRONG_STATE)."""

        def change(row: Any) -> Changes:
            states.require_step(states.APPOINTMENT, "appointment", row.state, "CONFIRMED")
            document = {**row.document, "confirm_time": booking_rules.stamp(clock.now())}
            return {"state": "CONFIRMED", "document": document}

        return self._change(request, call, request.id, request.etag, change)

    @on_conflict
    def cancel(
        self, request: booking_pb2.CancelAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Gives the seat back. Raises NotFound, Aborted for another etag, FailedPrecondition
        (WRONG_STATE)."""

        def change(row: Any) -> Changes:
            states.require_step(states.APPOINTMENT, "appointment", row.state, "CANCELLED")
            document = {
                **row.document,
                "cancellation_reason": request.reason,
                "cancel_time": booking_rules.stamp(clock.now()),
            }
            return {"state": "CANCELLED", "document": document, "hold_expire_time": None}

        return self._change(request, call, request.id, request.etag, change)

    @on_conflict
    def amend(self, request: booking_pb2.AmendAppointmentRequest, call: Call) -> appointment_pb2.Appointment:
        """Changes what is said of it. Raises NotFound, InvalidArgument, Aborted for another etag."""
        sent = request.appointment
        aip.require_id("appointment.id", sent.id)
        selected = aip.selected(sent, request.update_mask, _MUTABLE)
        previous = sent.previous_appointment_id.lower() if "previous_appointment_id" in selected else ""

        def change(row: Any) -> Changes:
            if previous == row.id:
                raise errors.invalid_field("appointment.previous_appointment_id", "is the appointment itself")
            said = booking_rules.said(sent)
            document = {name: value for name, value in row.document.items() if name not in selected}
            document |= {name: value for name, value in said.items() if name in selected}
            changes: Changes = {"document": document}
            if "service" in selected:
                changes["service"] = sent.service
            if "previous_appointment_id" in selected:
                changes["previous_appointment_id"] = previous or None
            return {name: value for name, value in changes.items() if value != getattr(row, name)}

        return self._change(request, call, sent.id, sent.etag, change, previous=previous)

    @on_conflict
    def reschedule(
        self, request: booking_pb2.RescheduleAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """To another slot. Raises what a booking raises, NotFound, Aborted for another etag,
        FailedPrecondition (WRONG_STATE) for one that is not BOOKED or CONFIRMED."""
        start = booking_rules.moment_of(request.start_time)
        booking_rules.require_near("start_time", start)
        return room.seated(self._database, call, lambda skip: self._moved(request, call, start, skip))

    def _moved(self, request: Any, call: Call, start: Any, skip: int) -> appointment_pb2.Appointment:
        chosen = request.practitioner_id.lower()
        wanted = Wanted(
            "", chosen, start, request.department_id.lower(), request.service, request.schedule_id.lower()
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patients, practitioners = booking_store.lock(
                transaction, (), (chosen,) if chosen else (), request.id
            )
            present = store.lock(transaction, request.id)
            slots = booking_store.wanted_slots(
                transaction, [wanted], limited=call.departments is not None, appointment_id=request.id
            )
            transaction.flush()
            if probe.repeat() is not None:
                return _repeated(transaction, request.id)
            row = found(present.first)
            _require_locked(row, patients, practitioners)
            aip.require_etag(request.etag, row.version)
            states.require_movable(row.state)
            booking_rules.require_open_patient(patients.first)
            target = chosen or row.practitioner_id
            booking_rules.require_active_practitioner(
                next((each for each in practitioners.rows if each.id == target), None)
            )
            seats = Seats(
                slots.rows,
                call.departments,
                call.method.permission,
                skip=skip,
                allow_overlap=request.allow_overlap,
            )
            wanted = wanted._replace(patient_id=row.patient_id, practitioner_id=target)
            place = seats.place(0, wanted, (row.department_id, row.service))
            if place.slot.stale:
                freed.end_holds(transaction, place.slot.stale, [freed.Stretch.of(place.columns)])
            document = {name: value for name, value in row.document.items() if name != "change_reason"}
            if request.reason:
                document["change_reason"] = request.reason
            made = store.update(transaction, row, call.caller.user_id, **place.columns, document=document)
            self._finish(transaction, call, probe, row, row.version + 1)
            freed.seats_freed(transaction, [row])
        return mapping.appointment(made.first)

    def _change(
        self,
        request: Any,
        call: Call,
        appointment_id: str,
        etag: str,
        change: Callable[[Any], Changes],
        *,
        previous: str = "",
    ) -> appointment_pb2.Appointment:
        """The two flushes of a change. `change` says what it changes of the present row."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patients, practitioners = booking_store.lock(transaction, (), (), appointment_id)
            present = store.lock(transaction, appointment_id)
            owners = booking_store.owners(transaction, [previous] if previous else [])
            transaction.flush()
            if probe.repeat() is not None:
                return _repeated(transaction, appointment_id)
            row = found(present.first)
            _require_locked(row, patients, practitioners)
            aip.require_etag(etag, row.version)
            changes = change(row)
            if owners is not None:
                require_own_previous(
                    previous, row.patient_id, {each.id: each.patient_id for each in owners.rows}
                )
            version, made = row.version, present
            if changes:
                version += 1
                made = store.update(transaction, row, call.caller.user_id, **changes)
            self._finish(transaction, call, probe, row, version)
            if changes.get("state") == "CANCELLED" and row.start_time is not None:
                freed.seats_freed(transaction, [row])
        return mapping.appointment(made.first)

    def _finish(self, transaction: Transaction, call: Call, probe: Any, row: Any, version: int) -> None:
        self._request_ids.remember(transaction, call, probe, row.id, version)
        transaction.audit(
            entity_id=row.id,
            old_version=row.version,
            new_version=version,
            patient_ids=(row.patient_id,),
        )


def _require_locked(row: Any, patients: Pending, practitioners: Pending) -> None:
    """What the appointment points to is what was locked: a merge or a move in between is waited for again."""
    if row.patient_id not in {each.id for each in patients.rows} or (
        row.practitioner_id is not None
        and row.practitioner_id not in {each.id for each in practitioners.rows}
    ):
        raise errors.ConcurrentChange("The appointment was moved meanwhile: try again.")


def _repeated(transaction: Transaction, appointment_id: str) -> appointment_pb2.Appointment:
    """The present state, for a request that was answered before: audited as what it now is, a read."""
    pending = store.lock(transaction, appointment_id)
    transaction.flush()
    row = found(pending.first)
    transaction.audit(action="READ", entity_id=row.id, patient_ids=(row.patient_id,))
    transaction.commit()
    return mapping.appointment(row)
