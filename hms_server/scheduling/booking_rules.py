"""What may be booked, and which seat it gets. Pure: no I/O."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.json_format import MessageToDict

from hms.scheduling.v1 import appointment_pb2
from hms_server import clock, errors

HOLD_SECONDS = 300
# So far ahead an appointment lies at most.
_MOST_AHEAD = datetime.timedelta(days=730)
_SAID = ("reasons", "note")


class Wanted(NamedTuple):
    """What a caller wants to be booked. Of an appointment that is moved patient and practitioner may be
    empty: they are its own."""

    patient_id: str
    practitioner_id: str
    start_time: datetime.datetime
    department_id: str = ""
    service: str = ""
    schedule_id: str = ""
    previous_appointment_id: str = ""
    document: Mapping[str, Any] = {}


class Placed(NamedTuple):
    """A seat that was found: `slot` is a row of wanted_slots."""

    slot: Any
    seat: int

    @property
    def columns(self) -> dict[str, Any]:
        """Columns of the appointment."""
        slot = self.slot
        return {
            "practitioner_id": slot.practitioner_id,
            "department_id": slot.department_id,
            "location_id": slot.location_id,
            "schedule_id": slot.schedule_id,
            "exception_id": slot.exception_id,
            "service": slot.service,
            "start_time": slot.start_time,
            "end_time": slot.end_time,
            "seat": self.seat,
            "capacity": slot.capacity,
            "overbooked": self.seat > slot.capacity,
        }


class NoRoom(Exception):
    """There is no seat as it was wanted; whoever answers adds where there is room."""

    def __init__(
        self,
        message: str,
        reason: str,
        practitioner_id: str,
        department_id: str | None,
        start_time: datetime.datetime,
    ) -> None:
        super().__init__(reason)
        self.message = message
        self.reason = reason
        self.practitioner_id = practitioner_id
        self.department_id = department_id
        self.start_time = start_time


def moment_of(stamp: Any) -> datetime.datetime:
    """A Timestamp as a moment."""
    made: datetime.datetime = stamp.ToDatetime(tzinfo=datetime.UTC)
    return made


def stamp(moment: datetime.datetime) -> dict[str, int]:
    """A moment as a document holds it."""
    return {"seconds": int(moment.timestamp() // 1), "nanos": moment.microsecond * 1000}


def require_near(field: str, start: datetime.datetime) -> None:
    """Raises InvalidArgument for a time that no calendar reaches."""
    if start > clock.now() + _MOST_AHEAD:
        raise errors.invalid_field(field, "lies more than two years ahead")


def wanted_of(path: str, sent: appointment_pb2.Appointment) -> Wanted:
    """What a new appointment asks for. Raises InvalidArgument with every violation."""
    missing = [name for name in ("patient_id", "practitioner_id") if not getattr(sent, name)]
    if not sent.HasField("start_time"):
        missing.append("start_time")
    if missing:
        found = tuple(errors.FieldViolation(f"{path}.{name}", "is required") for name in missing)
        raise errors.InvalidArgument(f"{found[0].field}: is required", violations=found)
    start = moment_of(sent.start_time)
    require_near(f"{path}.start_time", start)
    return Wanted(
        sent.patient_id.lower(),
        sent.practitioner_id.lower(),
        start,
        sent.department_id.lower(),
        sent.service,
        sent.schedule_id.lower(),
        sent.previous_appointment_id.lower(),
        said(sent),
    )


def said(message: Any) -> dict[str, Any]:
    """What the document holds of what a caller says."""
    fields: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return {name: fields[name] for name in _SAID if name in fields}


def require_open_patient(row: Any) -> None:
    """Raises NotFound, or FailedPrecondition for one who is deleted or merged (PATIENT_MERGED)."""
    if row is None:
        raise errors.NotFound("No such patient.")
    if row.merged_into is not None:
        raise errors.FailedPrecondition(
            "The patient was merged into another: book for the record that stands.",
            reason="PATIENT_MERGED",
            metadata={"survivor_id": row.merged_into},
        )
    if row.deleted:
        raise errors.FailedPrecondition("The patient is deleted: undelete the record first.")


def require_active_practitioner(row: Any) -> None:
    """Raises NotFound, or FailedPrecondition for one who is not active."""
    if row is None:
        raise errors.NotFound("No such practitioner.")
    if not row.active:
        raise errors.FailedPrecondition("The practitioner is not active: book with another.")


class Seats:
    """Gives out the seats of the slots that were read, one booking after the other."""

    def __init__(
        self,
        rows: Iterable[Any],
        departments: Collection[str] | None,
        permission: str,
        *,
        skip: int = 0,
        overbook: bool = False,
        allow_overlap: bool = False,
    ) -> None:
        """`skip`: so many free seats are passed over, for the caller could not see that they are taken."""
        self._slots: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            self._slots[row.number].append(row)
        self._departments = departments
        self._permission = permission
        self._skip = skip
        self._overbook = overbook
        self._allow_overlap = allow_overlap
        # What this request has placed: patient, practitioner, seat, start, end.
        self._given: list[tuple[str, str, int, datetime.datetime, datetime.datetime]] = []

    def add(self, number: int, slot: Any) -> None:
        """One more slot, for the booking at `number`."""
        self._slots[number].append(slot)

    def place(
        self,
        number: int,
        wanted: Wanted,
        preferred: tuple[str, str] | None = None,
        *,
        skip: int | None = None,
    ) -> Placed:
        """A seat for the booking at `number`. `preferred`: department and service that go first where several
        slots begin then. `skip`: of this booking alone. Raises NoRoom (NO_SUCH_SLOT, SLOT_TAKEN),
        InvalidArgument where it is not clear which slot, PermissionDenied (DEPARTMENT_LIMITED),
        FailedPrecondition (PATIENT_BUSY)."""
        slots = self._candidates(number, wanted, preferred)
        if not self._allow_overlap:
            self._require_free_patient(wanted, slots[0])
        for slot in slots:
            seat = self._free(slot, self._skip if skip is None else skip)
            if seat <= slot.capacity or (self._overbook and slot is slots[-1]):
                self._given.append(
                    (wanted.patient_id, slot.practitioner_id, seat, slot.start_time, slot.end_time)
                )
                return Placed(slot, seat)
        raise NoRoom(
            "The slot is taken: book one of the next free ones.",
            "SLOT_TAKEN",
            slots[0].practitioner_id,
            slots[0].department_id,
            slots[0].start_time,
        )

    def is_inside(self, row: Any) -> bool:
        """Whether the caller may book this slot: it is of one of his departments, or a grant opens the
        patient."""
        return self._departments is None or row.department_id in self._departments or bool(row.granted)

    def _candidates(self, number: int, wanted: Wanted, preferred: tuple[str, str] | None) -> Sequence[Any]:
        found = self._slots[number]
        inside = [row for row in found if self.is_inside(row)]
        if found and not inside:
            raise errors.PermissionDenied(
                f"The caller holds {self._permission} in some departments only: "
                "the slot must be of one of them.",
                reason="DEPARTMENT_LIMITED",
                metadata={"permission": self._permission},
            )
        ahead = [row for row in inside if row.end_time > row.present_time]
        if not ahead:
            raise NoRoom(
                "No slot of the practitioner begins then, or it is over: book one of the next free ones.",
                "NO_SUCH_SLOT",
                wanted.practitioner_id,
                wanted.department_id or (preferred[0] if preferred else None),
                wanted.start_time,
            )
        if preferred is not None:
            of_kind = [row for row in ahead if (row.department_id, row.service) == preferred]
            ahead = of_kind or [row for row in ahead if row.department_id == preferred[0]] or ahead
        if len({(row.department_id, row.service) for row in ahead}) > 1:
            raise errors.invalid_field(
                "department_id",
                "several slots of the practitioner begin then: name department_id, service or schedule_id",
            )
        return ahead

    def _require_free_patient(self, wanted: Wanted, slot: Any) -> None:
        busy_with = slot.busy_with
        if busy_with is None and not any(
            patient == wanted.patient_id and start < slot.end_time and end > slot.start_time
            for patient, _, _, start, end in self._given
        ):
            return
        raise errors.FailedPrecondition(
            "The patient has another appointment at that time: choose another, or say allow_overlap.",
            reason="PATIENT_BUSY",
            metadata={"appointment_id": busy_with} if busy_with else None,
        )

    def _free(self, slot: Any, skip: int) -> int:
        """The lowest seat that nobody has."""
        taken = set(slot.taken)
        taken.update(
            seat
            for _, practitioner, seat, start, end in self._given
            if practitioner == slot.practitioner_id and start < slot.end_time and end > slot.start_time
        )
        seat = 1
        while seat in taken or skip:
            skip -= seat not in taken
            seat += 1
        return seat
