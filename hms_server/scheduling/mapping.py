"""Rows to messages. A document holds what the row has no column for, by field name."""

from __future__ import annotations

from typing import Any

from hms.scheduling.v1 import appointment_pb2, queue_pb2, slot_pb2
from hms_server.patient.mapping import timestamp

# Fields of an Appointment that stand in the row's columns of the same name.
_POINTERS = (
    "patient_id",
    "practitioner_id",
    "department_id",
    "location_id",
    "schedule_id",
    "series_id",
    "previous_appointment_id",
)
_TIMES = {
    "start_time": "start_time",
    "end_time": "end_time",
    "hold_expire_time": "hold_expire_time",
    "wanted_from": "wanted_start_time",
    "wanted_until": "wanted_end_time",
    "waitlist_time": "waitlist_time",
}


def appointment(row: Any) -> appointment_pb2.Appointment:
    """An appointment."""
    made = appointment_pb2.Appointment(
        **row.document,
        **{name: value for name in _POINTERS if (value := getattr(row, name)) is not None},
        id=row.id,
        schedule_exception_id=row.exception_id,
        state=row.state,
        service=row.service,
        seat=row.seat,
        overbooked=row.overbooked,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
        etag=str(row.version),
    )
    for column, field in _TIMES.items():
        if (moment := getattr(row, column)) is not None:
            getattr(made, field).CopyFrom(timestamp(moment))
    return made


def queue_token(row: Any) -> queue_pb2.QueueToken:
    """A patient's place in a queue."""
    made = queue_pb2.QueueToken(
        **row.document,
        id=row.id,
        patient_id=row.patient_id,
        practitioner_id=row.practitioner_id,
        department_id=row.department_id,
        session_start_time=timestamp(row.session_start),
        number=row.number,
        token=row.token,
        appointment_id=row.appointment_id,
        transferred_from_id=row.transferred_from,
        state=row.state,
        priority=row.priority,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
        etag=str(row.version),
    )
    for name in ("issue_time", "call_time", "start_time", "end_time"):
        if (moment := getattr(row, name)) is not None:
            getattr(made, name).CopyFrom(timestamp(moment))
    return made


def slot(row: Any) -> slot_pb2.Slot:
    """A slot of `slots_between` with its free seats."""
    return slot_pb2.Slot(
        practitioner_id=row.practitioner_id,
        department_id=row.department_id,
        location_id=row.location_id,
        service=row.service,
        schedule_id=row.schedule_id,
        schedule_exception_id=row.exception_id,
        start_time=timestamp(row.start_time),
        end_time=timestamp(row.end_time),
        capacity=row.seats - row.walk_in_seats,
        free_seats=row.free_seats,
        walk_in_seats=row.walk_in_seats,
    )
