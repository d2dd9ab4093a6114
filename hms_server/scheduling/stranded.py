"""Appointments that a change of the schedule leaves without a place, and what becomes of them.

A change is written first, under the lock of its practitioners; then those appointments have no place that
had one before. Whoever raises here undoes the change with everything else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server import errors
from hms_server.context import Call
from hms_server.database.transaction import Pending, Transaction
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import schedule_store, states, store

_SHOWN = 200
_FOREVER = ("-infinity", "infinity")


class Stranded(errors.FailedPrecondition):
    """A change would strand appointments; `patient_ids` are those whom the details name."""

    def __init__(self, found: pb.StrandedAppointments, patient_ids: Collection[str]) -> None:
        super().__init__(
            f"The change would leave {found.total} appointments without a slot. Say what becomes of them with"
            " `stranded`: STRANDED_ACTION_KEEP, STRANDED_ACTION_MOVE or STRANDED_ACTION_CANCEL.",
            reason="APPOINTMENTS_STRANDED",
            metadata={"total": str(found.total)},
            details=(found,),
        )
        self.patient_ids = patient_ids


@dataclasses.dataclass(frozen=True, slots=True)
class Settled:
    """What was found and done."""

    shown: pb.StrandedAppointments | None = None
    patient_ids: Sequence[str] = ()
    appointment_ids: Sequence[str] = ()  # those that were changed


class Watch:
    """Looks at appointments before and after a change of some practitioners' slots."""

    def __init__(
        self,
        transaction: Transaction,
        practitioner_ids: Collection[str],
        window: tuple[Any, Any] = _FOREVER,
    ) -> None:
        """Queues the look before. The practitioners are locked by now, or in the same flush before it."""
        self._transaction = transaction
        self._practitioner_ids = practitioner_ids
        self._window = window
        self._before = self._look()

    def _look(self) -> Pending:
        return schedule_store.without_place(self._transaction, self._practitioner_ids, *self._window)

    def settle(self, request: Any, call: Call) -> Settled:
        """Behind the change. Raises Stranded, and FailedPrecondition (NO_ROOM_TO_MOVE)."""
        after = self._look()
        self._transaction.flush()
        before = {row.id for row in self._before.rows}
        found = [row.id for row in after.rows if row.id not in before]
        if not found:
            return Settled()
        locked = schedule_store.lock_stranded(self._transaction, found)
        self._transaction.flush()
        rows = locked.rows
        patient_ids = list(dict.fromkeys(str(row.patient_id) for row in rows))
        action = request.stranded
        if action in (pb.STRANDED_ACTION_UNSPECIFIED, pb.STRANDED_ACTION_REFUSE):
            told = _shown(rows, {})
            if not request.validate_only:
                raise Stranded(told, [str(row.patient_id) for row in rows if row.seen])
            return Settled(told, patient_ids)
        if action == pb.STRANDED_ACTION_KEEP:
            return Settled(_shown(rows, {}), patient_ids)
        if action == pb.STRANDED_ACTION_CANCEL:
            self._cancel(rows, request.cancellation_reason.strip(), call)
            return Settled(_shown(rows, {}, "CANCELLED"), patient_ids, [str(row.id) for row in rows])
        moves = self._move(rows, request.move_to_practitioner_id.lower(), call)
        return Settled(_shown(rows, moves), patient_ids, [str(row.id) for row in rows])

    def _cancel(self, rows: Sequence[Any], reason: str, call: Call) -> None:
        now = Timestamp()
        now.GetCurrentTime()
        for row in rows:
            states.require_step(states.APPOINTMENT, "appointment", row.state, "CANCELLED")
            document = {
                **row.document,
                "cancellation_reason": reason,
                "cancel_time": {"seconds": now.seconds, "nanos": now.nanos},
            }
            store.update(self._transaction, row, call.caller.user_id, state="CANCELLED", document=document)

    def _move(self, rows: Sequence[Any], to_practitioner_id: str, call: Call) -> dict[str, Any]:
        wanted = {to_practitioner_id} if to_practitioner_id else {str(row.practitioner_id) for row in rows}
        room = schedule_store.slots_with_room(self._transaction, sorted(wanted), rows[0].start_time)
        self._transaction.flush()
        moves = assign(rows, room.rows, to_practitioner_id)
        for row in rows:
            slot, seat = moves[str(row.id)]
            store.update(
                self._transaction,
                row,
                call.caller.user_id,
                practitioner_id=slot.practitioner_id,
                location_id=slot.location_id,
                schedule_id=slot.schedule_id,
                exception_id=slot.exception_id,
                start_time=slot.start_time,
                end_time=slot.end_time,
                seat=seat,
                capacity=slot.seats,
                overbooked=False,
            )
        return {moved: slot for moved, (slot, _) in moves.items()}


def assign(rows: Sequence[Any], slots: Sequence[Any], to_practitioner_id: str) -> dict[str, tuple[Any, int]]:
    """Slot and seat for each appointment, both in order of time: the first one from its own time on, of its
    department and service. Raises FailedPrecondition (NO_ROOM_TO_MOVE) where one has none. Pure.

    Seats of appointments that are to be moved themselves count as taken: each row is moved by a statement of
    its own.
    """
    given: dict[str, tuple[Any, int]] = {}
    taken_now: dict[int, set[int]] = {}
    for row in rows:
        whom = to_practitioner_id or str(row.practitioner_id)
        for place, slot in enumerate(slots):
            if (
                slot.start_time < row.start_time
                or str(slot.practitioner_id) != whom
                or slot.department_id != row.department_id
                or slot.service != row.service
            ):
                continue
            held = zip(slot.taken_ids or (), slot.taken_seats or (), strict=True)
            taken = {seat for holder, seat in held if holder != row.id} | taken_now.get(place, set())
            seat = next((n for n in range(1, slot.bookable + 1) if n not in taken), None)
            if seat is not None:
                given[str(row.id)] = (slot, seat)
                taken_now.setdefault(place, set()).add(seat)
                break
        else:
            raise errors.FailedPrecondition(
                f"Of {len(rows)} appointments {len(rows) - len(given)} have no free slot to go to"
                " within 62 days: make room first, or name another practitioner.",
                reason="NO_ROOM_TO_MOVE",
            )
    return given


def _shown(rows: Sequence[Any], moves: dict[str, Any], state: str = "") -> pb.StrandedAppointments:
    told = pb.StrandedAppointments(total=len(rows))
    for row in rows[:_SHOWN]:
        made = told.appointments.add(
            id=str(row.id),
            patient_id=str(row.patient_id) if row.seen else "",
            practitioner_id=str(row.practitioner_id),
            start_time=timestamp(row.start_time),
            state=state or row.state,
        )
        if (slot := moves.get(str(row.id))) is not None:
            made.moved_to_practitioner_id = str(slot.practitioner_id)
            made.moved_to_start_time.CopyFrom(timestamp(slot.start_time))
    return told


def require_options(request: Any) -> None:
    """Raises InvalidArgument for a cancellation without a reason."""
    if request.stranded == pb.STRANDED_ACTION_CANCEL and not request.cancellation_reason.strip():
        raise errors.invalid_field("cancellation_reason", "is required where appointments are cancelled")
