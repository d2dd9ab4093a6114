"""The days of a series, against an oracle that looks at every day of the calendar."""

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms_server.scheduling.recurrence import Rule, days

FIRST = st.dates(datetime.date(2020, 1, 1), datetime.date(2032, 12, 31))


def expected(rule, first, last):
    """Every day that fits, one after the other."""
    for number in range((last - first).days + 1):
        day = first + datetime.timedelta(days=number)
        if rule.frequency == "DAILY":
            fits = number % rule.interval == 0 and day.isoweekday() in (rule.weekdays or {day.isoweekday()})
        elif rule.frequency == "WEEKLY":
            mondays = [each - datetime.timedelta(days=each.weekday()) for each in (first, day)]
            fits = (mondays[1] - mondays[0]).days // 7 % rule.interval == 0
            fits &= day.isoweekday() in (rule.weekdays or {first.isoweekday()})
        else:
            months = (day.year - first.year) * 12 + day.month - first.month
            fits = day.day == first.day and months % rule.interval == 0
        if fits:
            yield day


@given(
    FIRST,
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    st.integers(1, 6),
    st.frozensets(st.integers(1, 7)),
    st.integers(0, 800),
)
def test_the_days_until_a_date_are_those_that_fit(first, frequency, interval, weekdays, length):
    weekdays = weekdays | {first.isoweekday()} if weekdays and frequency != "MONTHLY" else frozenset()
    last = first + datetime.timedelta(days=length)
    rule = Rule(frequency, interval, weekdays, until=last)
    found = list(days(rule, first))
    assert found == list(expected(rule, first, last))
    assert found[0] == first


@given(FIRST, st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]), st.integers(1, 100), st.integers(1, 52))
def test_a_count_is_how_many_there_are(first, frequency, interval, count):
    found = list(days(Rule(frequency, interval, count=count), first))
    unending = days(Rule(frequency, interval, until=datetime.date.max), first)
    assert found == list(itertools.islice(unending, count))
    assert len(found) == count


def test_months_without_a_31st_are_passed_over():
    found = days(Rule("MONTHLY", count=5), datetime.date(2027, 1, 31))
    assert [(day.month, day.day) for day in found] == [(1, 31), (3, 31), (5, 31), (7, 31), (8, 31)]
    leap = days(Rule("MONTHLY", interval=12, count=2), datetime.date(2028, 2, 29))
    assert list(leap) == [datetime.date(2028, 2, 29), datetime.date(2032, 2, 29)]


@pytest.mark.parametrize("frequency", ["DAILY", "WEEKLY", "MONTHLY"])
def test_the_end_of_the_calendar_ends_a_series(frequency):
    first = datetime.date.max
    assert list(days(Rule(frequency, until=first), first)) == [first]
