"""What makes a schedule valid, and its rows. Pure: no I/O. The proto's own rules hold already."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server import errors
from hms_server.errors import FieldViolation

USUAL_SLOT_MINUTES = 15


def rows(
    schedule: pb.Schedule, path: str, schedule_id: str, slot_minutes: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of a schedule and those of its sessions. Raises InvalidArgument with every violation.

    `slot_minutes` stand for those that a session does not say.
    """
    schedule.service = schedule.service.strip()
    for session in schedule.sessions:
        session.slot_minutes = session.slot_minutes or slot_minutes
        session.capacity = session.capacity or 1
    refuse(list(_violations(schedule, path)))
    document: dict[str, Any] = {}
    if schedule.sessions:
        document["sessions"] = [
            MessageToDict(session, preserving_proto_field_name=True) for session in schedule.sessions
        ]
    if schedule.note:
        document["note"] = schedule.note
    row = {
        "id": schedule_id,
        "practitioner_id": schedule.practitioner_id,
        "department_id": schedule.department_id,
        "location_id": schedule.location_id or None,
        "service": schedule.service,
        "valid_from": schedule.valid_from,
        "valid_until": schedule.valid_until or "infinity",
        "active": schedule.active,
        "document": document,
    }
    return row, [made for session in schedule.sessions for made in _of_session(session, schedule_id)]


def _of_session(session: pb.ScheduleSession, schedule_id: str) -> Iterator[dict[str, Any]]:
    for weekday in session.weekdays:
        yield {
            "schedule_id": schedule_id,
            "weekday": weekday,
            "start_time": session.start_time,
            "end_time": session.end_time,
            "slot_minutes": session.slot_minutes,
            "capacity": session.capacity,
            "walk_in_share": session.walk_in_share,
            "break_starts": [each.start_time for each in session.breaks],
            "break_ends": [each.end_time for each in session.breaks],
        }


def refuse(found: list[FieldViolation]) -> None:
    """Raises InvalidArgument where anything was found."""
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=tuple(found)
        )


def is_day(text: str) -> bool:
    """Whether the text is a day of the calendar."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def days(message: Any, path: str, first: str, last: str) -> Iterator[FieldViolation]:
    """What is wrong with two days, of which either may be empty."""
    named = [name for name in (first, last) if getattr(message, name)]
    wrong = [name for name in named if not is_day(getattr(message, name))]
    for name in wrong:
        yield FieldViolation(f"{path}{name}", "is no day of the calendar")
    if len(named) == 2 and not wrong and getattr(message, first) > getattr(message, last):
        yield FieldViolation(f"{path}{last}", f"lies before {first}")


def _violations(schedule: pb.Schedule, path: str) -> Iterator[FieldViolation]:
    for name in ("practitioner_id", "department_id", "valid_from"):
        if not getattr(schedule, name):
            yield FieldViolation(f"{path}.{name}", "is required")
    yield from days(schedule, f"{path}.", "valid_from", "valid_until")
    taken: dict[int, list[tuple[int, int]]] = {}
    for i, session in enumerate(schedule.sessions):
        here = f"{path}.sessions[{i}]"
        start, end = minutes(session.start_time), minutes(session.end_time)
        if start >= end:
            yield FieldViolation(f"{here}.end_time", "must be after start_time")
        elif end - start < session.slot_minutes:
            yield FieldViolation(f"{here}.slot_minutes", "does not fit into the session")
        for j, pause in enumerate(session.breaks):
            if not start <= minutes(pause.start_time) < minutes(pause.end_time) <= end:
                yield FieldViolation(
                    f"{here}.breaks[{j}]", "must lie within the session, and end after it begins"
                )
        for weekday in session.weekdays:
            others = taken.setdefault(weekday, [])
            if any(start < other_end and end > other_start for other_start, other_end in others):
                yield FieldViolation(here, "overlaps with another session of the schedule")
                break
            others.append((start, end))


def minutes(clock: str) -> int:
    """Minutes since midnight of "09:30"."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)
