"""Which of a series' times can be booked, and where the others go. Pure: no I/O."""

from __future__ import annotations

import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hms.scheduling.v1 import series_pb2
from hms_server import errors
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import recurrence
from hms_server.scheduling.booking_rules import NoRoom, Placed, Seats, Wanted
from hms_server.scheduling.recurrence import Rule


class Occurrence(NamedTuple):
    """One time of a series: the day of the hospital's calendar, and when it begins."""

    day: datetime.date
    start_time: datetime.datetime


def rule_of(sent: series_pb2.Recurrence) -> Rule:
    """The rule as it was sent. Raises InvalidArgument."""
    until = None
    if sent.HasField("until_date"):
        try:
            until = datetime.date.fromisoformat(sent.until_date)
        except ValueError:
            raise errors.invalid_field("recurrence.until_date", "is no day of the calendar") from None
    if sent.weekdays and sent.frequency == "MONTHLY":
        raise errors.invalid_field(
            "recurrence.weekdays", "do not go with MONTHLY, which keeps the day of the month: leave them out"
        )
    count = sent.count if sent.HasField("count") else None
    return Rule(sent.frequency, sent.interval or 1, frozenset(sent.weekdays), count, until)


def days_of(rule: Rule, first: datetime.date) -> list[datetime.date]:
    """The days of the series. Raises InvalidArgument where there are too many or none."""
    if rule.weekdays and first.isoweekday() not in rule.weekdays:
        raise errors.invalid_field(
            "recurrence.weekdays",
            "must hold the weekday of appointment.start_time, by the hospital's calendar",
        )
    found = list(itertools.islice(recurrence.days(rule, first), recurrence.MOST + 1))
    if not found:
        raise errors.invalid_field("recurrence.until_date", "lies before the first appointment")
    if len(found) > recurrence.MOST:
        raise errors.invalid_field(
            "recurrence.until_date", f"makes more than {recurrence.MOST} appointments: book two series"
        )
    if rule.count is not None and len(found) < rule.count:
        raise errors.invalid_field("recurrence.count", "lies beyond the end of the calendar")
    return found


class Plan:
    """The seats of a series: what has one by number of its time, and what was refused and why."""

    def __init__(
        self,
        seats: Seats,
        wanted: Wanted,
        times: Sequence[Occurrence],
        skips: Mapping[datetime.datetime, int],
    ) -> None:
        """`skips`: by start, how many free seats turned out to be taken."""
        self._seats = seats
        self._wanted = wanted
        self._times = times
        self._skips = skips
        self.placed: dict[int, Placed] = {}
        self.refused: dict[int, str] = {}

    def at_their_times(self) -> None:
        """Places what can be where it was wanted. Raises what `Seats.place` raises, but for want of room."""
        for number, each in enumerate(self._times):
            reason = self._place(number, number, each.start_time)
            if reason:
                self.refused[number] = reason

    def later(self, rows: Iterable[Any], kinds: set[tuple[str, str]]) -> None:
        """Places what was refused in the nearest of the slots `rows` (later_slots); of `kinds`, departments
        and services, where there are any.

        On its own day before any goes to another's; a day that has one of the series gets no second.
        """
        offered: dict[int, list[tuple[int, Any]]] = defaultdict(list)
        for key, row in enumerate(rows, start=len(self._times)):
            if self._seats.is_inside(row) and (not kinds or (row.department_id, row.service) in kinds):
                self._seats.add(key, row)
                offered[row.number].append((key, row))
        used = {self._times[number].day.isoformat() for number in self.placed}
        for own_day in (True, False):
            for number in sorted(self.refused):
                day = self._times[number].day.isoformat()
                for key, row in offered[number]:
                    if (row.day == day) is not own_day or row.day in used:
                        continue
                    if not self._place(number, key, row.start_time):
                        used.add(row.day)
                        del self.refused[number]
                        break

    def conflict(self) -> errors.FailedPrecondition:
        """The refusal that names every time that cannot be."""
        found = [
            series_pb2.SeriesConflict(
                start_time=timestamp(self._times[number].start_time),
                date=self._times[number].day.isoformat(),
                reason=reason,
            )
            for number, reason in sorted(self.refused.items())
        ]
        return errors.FailedPrecondition(
            f"{len(found)} of {len(self._times)} times of the series cannot be booked, and nothing was: "
            "choose another time, or say on_conflict SKIP or NEXT_FREE.",
            reason="SERIES_CONFLICT",
            details=(series_pb2.SeriesConflicts(conflicts=found),),
        )

    def _place(self, number: int, key: int, start: datetime.datetime) -> str:
        """A seat for the number of `self._times` in a slot of `key`; why not, where there is none."""
        try:
            self.placed[number] = self._seats.place(
                key, self._wanted._replace(start_time=start), skip=self._skips.get(start, 0)
            )
        except NoRoom as full:
            return full.reason
        except errors.FailedPrecondition as refused:
            if refused.reason != "PATIENT_BUSY":
                raise
            return refused.reason
        return ""
