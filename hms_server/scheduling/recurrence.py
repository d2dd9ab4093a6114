"""The days on which an appointment comes again: a part of RFC 5545's RRULE. Pure: no I/O.

By the calendar alone. What the clock shows on these days, and which instant that is, the database says
(series.sql), as it does for slots. Weeks begin on Monday. Months without the first one's day are passed over.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterator

MOST = 52


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """`frequency`: DAILY, WEEKLY or MONTHLY. `weekdays`: 1 (Monday) to 7; none: those of the first day
    (WEEKLY), or any. Of `count` and `until` one is given."""

    frequency: str
    interval: int = 1
    weekdays: frozenset[int] = frozenset()
    count: int | None = None
    until: datetime.date | None = None


def days(rule: Rule, first: datetime.date) -> Iterator[datetime.date]:
    """The days in order, from `first` on, which is one of them: to the rule's end, or the calendar's."""
    found = _BY_FREQUENCY[rule.frequency](rule, first)
    until = rule.until
    if until is not None:
        return itertools.takewhile(lambda day: day <= until, found)
    return itertools.islice(found, rule.count)


def _daily(rule: Rule, first: datetime.date) -> Iterator[datetime.date]:
    for number in range(first.toordinal(), datetime.date.max.toordinal() + 1, rule.interval):
        day = datetime.date.fromordinal(number)
        if not rule.weekdays or day.isoweekday() in rule.weekdays:
            yield day


def _weekly(rule: Rule, first: datetime.date) -> Iterator[datetime.date]:
    weekdays = sorted(rule.weekdays or {first.isoweekday()})
    monday = first.toordinal() - first.isoweekday() + 1
    for week in range(monday, datetime.date.max.toordinal() + 1, 7 * rule.interval):
        for weekday in weekdays:
            number = week + weekday - 1
            if first.toordinal() <= number <= datetime.date.max.toordinal():
                yield datetime.date.fromordinal(number)


def _monthly(rule: Rule, first: datetime.date) -> Iterator[datetime.date]:
    month = first.year * 12 + first.month - 1
    for number in range(month, datetime.date.max.year * 12 + 12, rule.interval):
        try:
            yield datetime.date(number // 12, number % 12 + 1, first.day)
        except ValueError:
            continue


_BY_FREQUENCY = {"DAILY": _daily, "WEEKLY": _weekly, "MONTHLY": _monthly}
