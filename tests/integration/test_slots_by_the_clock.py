"""Slots against an oracle in plain Python: time zones, changed clocks, breaks, walk-ins, exceptions."""

from __future__ import annotations

import datetime
import json
import zoneinfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UTC = datetime.UTC
MINUTE = datetime.timedelta(minutes=1)
# Days about which clocks change.
ZONES = {
    "Asia/Kolkata": ["2027-03-28"],
    "Europe/Berlin": ["2027-03-28", "2027-10-31"],
    "America/New_York": ["2027-03-14", "2027-11-07"],
    "Australia/Lord_Howe": ["2027-04-04", "2027-10-03"],
    "Africa/Casablanca": ["2025-02-23", "2025-04-06"],
}
PLACES = [(zone, day) for zone, days in ZONES.items() for day in days]
clocks = st.integers(0, 287).map(lambda n: n * 5)


def instant(zone, day, minute):
    """The first instant at which the clock shows the time or later; of two the second."""
    wall = datetime.datetime.combine(day, datetime.time()) + minute * MINUTE
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    moment = late - 3 * 60 * MINUTE
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += MINUTE
    return moment


def expected(zone, first, sessions, holidays, exceptions):
    found = []
    for day in (first + datetime.timedelta(days=n) for n in range(3)):
        if day in holidays:
            continue
        for start, end, length, capacity, share, breaks in sessions:
            pauses = [(instant(zone, day, a), instant(zone, day, b)) for a, b in breaks]
            moment, last, number, kept = instant(zone, day, start), instant(zone, day, end), 0, 0
            while moment + length * MINUTE <= last:
                number += 1
                seats = number * capacity * share // 100
                until = moment + length * MINUTE
                if not any(a < until and b > moment and a < b for a, b in (*pauses, *exceptions)):
                    found.append((moment, until, capacity, seats - kept))
                moment, kept = until, seats
    return sorted(found)


@st.composite
def days(draw):
    edges = sorted(draw(st.lists(clocks | st.just(1440), min_size=2, max_size=6, unique=True)))
    sessions = []
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        length = draw(st.sampled_from([5, 7, 15, 20, 60]))
        if end - start < length:
            continue
        pause = sorted(
            draw(st.lists(st.integers(start, end).filter(lambda n: n < 1440), max_size=2, unique=True))
        )
        breaks = [tuple(pause)] if len(pause) == 2 else []
        sessions.append((start, end, length, draw(st.integers(1, 7)), draw(st.integers(0, 100)), breaks))
    return sessions


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), sessions=days(), data=st.data())
def test_slots_are_those_of_the_hospitals_clock(roster, place, sessions, data):
    zone, first = (
        zoneinfo.ZoneInfo(place[0]),
        datetime.date.fromisoformat(place[1]) - datetime.timedelta(days=1),
    )
    holidays = data.draw(st.sets(st.sampled_from([first, first + datetime.timedelta(days=2)]), max_size=1))
    roster.zone(place[0], json.dumps([{"date": day.isoformat()} for day in holidays]))
    for table in ("schedule_session", "schedule_exception", "schedule"):
        roster.owner.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [roster.tenant.id])
    away = []
    if data.draw(st.booleans()):
        start = instant(zone, first, data.draw(st.integers(0, 4000)))
        away = [(start, start + data.draw(st.integers(1, 900)) * MINUTE)]
    roster.CreateSchedule(
        schedule=roster.template(
            sessions=[
                {
                    "weekdays": range(1, 8),
                    "start_time": clock(start),
                    "end_time": clock(end),
                    "slot_minutes": length,
                    "capacity": capacity,
                    "walk_in_share": share,
                    "breaks": [{"start_time": clock(a), "end_time": clock(b)} for a, b in breaks],
                }
                for start, end, length, capacity, share, breaks in sessions
            ]
        )
    )
    for start, end in away:
        kind = data.draw(st.sampled_from(["LEAVE", "CLOSURE"]))
        exception = {"kind": kind, "start_time": start, "end_time": end}
        if kind == "LEAVE":
            exception["practitioner_id"] = roster.doctor
        roster.CreateScheduleException(schedule_exception=exception)
    last = first + datetime.timedelta(days=3)
    found = roster.slots(instant(zone, first, 0), instant(zone, last, 0))
    assert found == expected(zone, first, sessions, holidays, away)
    # Never two at once
    assert all(one[1] <= two[0] for one, two in zip(found, found[1:], strict=False))


def test_an_extra_session_stands_on_holidays_and_closed_days_and_falls_to_leave_alone(roster):
    start = datetime.datetime(2027, 3, 28, 8, tzinfo=UTC)
    roster.zone("Europe/Berlin", '[{"date": "2027-03-28"}]')
    whole = {"start_date": "2027-03-28", "end_date": "2027-03-28"}
    extra = {"kind": "EXTRA", "practitioner_id": roster.doctor, "department_id": roster.department}
    times = {"start_time": start, "end_time": start + 60 * MINUTE, "slot_minutes": 20, "walk_in_share": 50}
    roster.CreateScheduleException(schedule_exception={**extra, **times, "capacity": 3})
    roster.CreateScheduleException(schedule_exception={"kind": "CLOSURE", **whole})
    found = roster.slots(start, start + 120 * MINUTE)
    assert [slot[2:] for slot in found] == [(3, 1), (3, 2), (3, 1)]
    away = {"kind": "LEAVE", "practitioner_id": roster.doctor, **whole}
    roster.CreateScheduleException(schedule_exception=away)
    assert roster.slots(start, start + 120 * MINUTE) == []


@pytest.mark.parametrize(("day", "count"), [("2027-03-28", 23), ("2027-03-29", 24), ("2027-10-31", 25)])
def test_a_day_has_the_hours_that_it_has(roster, day, count):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    roster.zone("Europe/Berlin")
    session = {"start_time": "00:00", "end_time": "24:00", "slot_minutes": 60}
    roster.CreateSchedule(schedule=roster.template(session=session))
    first = datetime.date.fromisoformat(day)
    end = instant(zone, first + datetime.timedelta(days=1), 0)
    assert len(roster.slots(instant(zone, first, 0), end)) == count
