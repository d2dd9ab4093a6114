"""What the lists of schedules and exceptions may be asked for, as their statements take it. Pure: no I/O."""

from __future__ import annotations

import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server import errors
from hms_server.scheduling.schedule_rules import is_day


def schedule_filters(request: pb.ListSchedulesRequest) -> dict[str, Any]:
    """Of ListSchedules. Raises InvalidArgument for a day that is none."""
    if request.valid_on and not is_day(request.valid_on):
        raise errors.invalid_field("valid_on", "is no day of the calendar")
    return {
        "practitioner_id": request.practitioner_id.lower() or None,
        "department_id": request.department_id.lower() or None,
        "valid_on": request.valid_on or None,
        "show_inactive": request.show_inactive,
    }


def schedule_exception_filters(request: pb.ListScheduleExceptionsRequest) -> dict[str, Any]:
    """Of ListScheduleExceptions."""
    return {
        "practitioner_id": request.practitioner_id.lower() or None,
        "department_id": request.department_id.lower() or None,
        "start_time": _moment(request.start_time) if request.HasField("start_time") else "-infinity",
        "end_time": _moment(request.end_time) if request.HasField("end_time") else "infinity",
    }


def _moment(given: Timestamp) -> str:
    return given.ToDatetime(datetime.UTC).isoformat()
