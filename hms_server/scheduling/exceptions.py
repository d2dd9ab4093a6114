"""What makes leave, a closure or an extra session valid, and its row. Pure: no I/O."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server.errors import FieldViolation
from hms_server.scheduling.schedule_rules import days, refuse

_DAY = datetime.timedelta(days=1)
_OF_EXTRA = ("service", "slot_minutes", "capacity", "walk_in_share")


def rows(
    exception: pb.ScheduleException, path: str, exception_id: str, slot_minutes: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of an exception, which has no sessions. Raises InvalidArgument with every violation."""
    exception.service = exception.service.strip()
    extra = exception.kind == "EXTRA"
    if extra:
        exception.slot_minutes = exception.slot_minutes or slot_minutes
        exception.capacity = exception.capacity or 1
    refuse(list(_violations(exception, path)))
    document = {
        name: value for name in ("reason", "start_date", "end_date") if (value := getattr(exception, name))
    }
    whole_days = bool(exception.start_date)
    row = {
        "id": exception_id,
        "kind": exception.kind,
        "practitioner_id": exception.practitioner_id or None,
        "department_id": exception.department_id or None,
        "location_id": exception.location_id or None,
        "service": exception.service,
        "start_time": None if whole_days else exception.start_time.ToJsonString(),
        "end_time": None if whole_days else exception.end_time.ToJsonString(),
        "start_date": exception.start_date or None,
        "end_date": exception.end_date or None,
        "slot_minutes": exception.slot_minutes if extra else None,
        "capacity": exception.capacity if extra else None,
        "walk_in_share": exception.walk_in_share if extra else None,
        "document": document,
    }
    return row, []


def window(exception: pb.ScheduleException) -> tuple[datetime.datetime, datetime.datetime]:
    """Times that hold whatever a valid exception touches, in any time zone."""
    if not exception.start_date:
        utc = datetime.UTC
        return exception.start_time.ToDatetime(utc) - _DAY, exception.end_time.ToDatetime(utc) + _DAY
    first, last = (
        datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC)
        for day in (exception.start_date, exception.end_date)
    )
    return first - 2 * _DAY, last + 3 * _DAY


def _violations(exception: pb.ScheduleException, path: str) -> Iterator[FieldViolation]:
    kind = exception.kind
    if not kind:
        yield FieldViolation(f"{path}.kind", "is required")
        return
    if kind != "CLOSURE" and not exception.practitioner_id:
        yield FieldViolation(f"{path}.practitioner_id", "is required")
    if kind == "CLOSURE" and exception.practitioner_id:
        yield FieldViolation(
            f"{path}.practitioner_id", "must be empty: a closure is of a department or the hospital"
        )
    if kind == "EXTRA" and not exception.department_id:
        yield FieldViolation(f"{path}.department_id", "is required")
    if kind != "EXTRA":
        for name in _OF_EXTRA:
            if getattr(exception, name):
                yield FieldViolation(f"{path}.{name}", "is of an extra session alone")
    yield from _times(exception, path)


def _times(exception: pb.ScheduleException, path: str) -> Iterator[FieldViolation]:
    timed = exception.HasField("start_time") or exception.HasField("end_time")
    if exception.kind != "EXTRA" and not timed:
        for name in ("start_date", "end_date"):
            if not getattr(exception, name):
                yield FieldViolation(f"{path}.{name}", "is required, or start_time and end_time")
        yield from days(exception, f"{path}.", "start_date", "end_date")
        return
    if exception.start_date or exception.end_date:
        yield FieldViolation(f"{path}.start_date", "either days or times; of an extra session times")
    missing = [name for name in ("start_time", "end_time") if not exception.HasField(name)]
    for name in missing:
        yield FieldViolation(f"{path}.{name}", "is required")
    if missing:
        return
    start, end = exception.start_time.ToDatetime(), exception.end_time.ToDatetime()
    if start >= end:
        yield FieldViolation(f"{path}.end_time", "must be after start_time")
    elif exception.kind == "EXTRA" and end - start > _DAY:
        yield FieldViolation(f"{path}.end_time", "an extra session lasts a day at most")
    elif exception.kind == "EXTRA" and end - start < datetime.timedelta(minutes=exception.slot_minutes):
        yield FieldViolation(f"{path}.slot_minutes", "does not fit into the session")
