"""Schedules and exceptions: what sets the two apart is here; what they share stands in schedules.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import exceptions, schedule_rules

_DAY = "'YYYY-MM-DD'"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A table of the schedule with its messages, whose names follow from `name`."""

    name: str  # "Schedule"
    table: str  # also the field of requests, and the entity type of audit records
    mutable: frozenset[str]  # fields that an update may change
    columns: str  # what is read of a row
    read: Callable[[Any], Any]  # row to message
    # a complete message as (row, session rows), with the minutes of a slot where none are given;
    # raises InvalidArgument
    write: Callable[[Any, str, str, int], tuple[dict[str, Any], list[dict[str, Any]]]]

    @property
    def batch(self) -> type[Any]:
        """The answer of a batch."""
        made: type[Any] = getattr(pb, f"BatchCreate{self.name}sResponse")
        return made

    @property
    def plural(self) -> str:
        """The field of lists and batches."""
        return f"{self.table}s"


def schedule(row: Any) -> pb.Schedule:
    """A schedule's message."""
    made = pb.Schedule(
        **row.document, valid_from=row.valid_from, valid_until=row.valid_until, active=row.active
    )
    _stamp(made, row)
    return made


def schedule_exception(row: Any) -> pb.ScheduleException:
    """An exception's message."""
    made = pb.ScheduleException(
        **row.document,
        kind=row.kind,
        slot_minutes=row.slot_minutes,
        capacity=row.capacity,
        walk_in_share=row.walk_in_share,
        start_time=timestamp(row.start_time),
        end_time=timestamp(row.end_time),
    )
    _stamp(made, row)
    return made


def _stamp(made: Any, row: Any) -> None:
    for name in ("id", "practitioner_id", "department_id", "location_id", "service"):
        if (value := getattr(row, name)) is not None:
            setattr(made, name, str(value))
    for name in ("create_time", "update_time", "delete_time"):
        if (moment := getattr(row, name)) is not None:
            getattr(made, name).CopyFrom(timestamp(moment))
    made.etag = str(row.version)


_COMMON = (
    "s.id, s.version, s.practitioner_id, s.department_id, s.location_id, s.service, s.document,"
    " s.create_time, s.update_time, s.delete_time, "
)

SCHEDULE = Kind(
    "Schedule",
    "schedule",
    frozenset(
        {
            "department_id",
            "location_id",
            "service",
            "valid_from",
            "valid_until",
            "sessions",
            "note",
            "active",
        }
    ),
    f"{_COMMON}to_char(s.valid_from, {_DAY}) AS valid_from, s.active,"
    f" CASE WHEN s.valid_until = 'infinity' THEN '' ELSE to_char(s.valid_until, {_DAY}) END AS valid_until",
    schedule,
    schedule_rules.rows,
)
EXCEPTION = Kind(
    "ScheduleException",
    "schedule_exception",
    frozenset(
        {
            "department_id",
            "location_id",
            "service",
            "start_time",
            "end_time",
            "start_date",
            "end_date",
            "slot_minutes",
            "capacity",
            "walk_in_share",
            "reason",
        }
    ),
    f"{_COMMON}s.kind, s.start_time, s.end_time, s.slot_minutes, s.capacity, s.walk_in_share",
    schedule_exception,
    exceptions.rows,
)
