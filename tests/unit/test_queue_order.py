"""The order of the queue: what holds whoever comes when."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from hms_server.scheduling import queue_estimate, queue_order

OPEN = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)


def at(minutes):
    return OPEN + datetime.timedelta(minutes=minutes)


minutes = st.integers(-60, 240)
slots = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=12)


@st.composite
def days(draw):
    """Slots of ten minutes, seats that are booked, and when walk-ins come."""
    made = [(seats, min(kept, seats)) for seats, kept in draw(slots)]
    booked = draw(st.lists(st.integers(0, len(made) - 1), max_size=12))
    return made, [at(10 * n) for n in booked], sorted(draw(st.lists(minutes, max_size=15)))


def walk_ins_of(day):
    made, booked, comes = day
    starts = [at(10 * n) for n in range(len(made))]
    seats = queue_order.open_seats(starts, [s for s, _ in made], [k for _, k in made], booked)
    given_times: list[datetime.datetime] = []
    for minute in comes:
        last = max(given_times) if given_times else None
        given_times.append(
            queue_order.walk_in_time(at(minute), seats, len(given_times), last, at(10 * len(made)))
        )
    return seats, given_times


@given(days())
def test_walk_ins_keep_the_order_in_which_they_came_and_none_is_called_before_he_came(day):
    _, times = walk_ins_of(day)
    assert times == sorted(times)
    assert all(time >= at(minute) for time, minute in zip(times, day[2], strict=True))


@given(days(), st.integers(0, 11))
def test_an_appointment_in_time_waits_behind_no_more_walk_ins_than_earlier_open_seats(day, number):
    seats, times = walk_ins_of(day)
    slot = at(10 * min(number, len(day[0]) - 1))
    own = queue_order.appointment_time(slot, slot)
    assert sum(time < own for time in times) <= sum(seat < slot for seat in seats)


@given(days(), st.integers(11, 200))
def test_a_latecomer_waits_behind_nobody_who_came_later(day, late):
    _, times = walk_ins_of(day)
    check_in = at(late)
    own = queue_order.appointment_time(at(0), check_in)
    assert own == check_in
    assert all(time >= own for time, minute in zip(times, day[2], strict=True) if at(minute) >= check_in)


@given(days())
def test_open_seats_and_booked_seats_are_all_seats(day):
    made, booked, _ = day
    seats, _ = walk_ins_of(day)
    assert len(seats) == max(0, sum(s for s, _ in made) - len(booked))


@given(minutes, st.lists(minutes, max_size=8).map(sorted))
def test_who_was_skipped_comes_back_behind_the_next_three_and_never_before_the_old_place(own, others):
    places = [at(minute) for minute in others]
    back = queue_order.return_time(at(own), places)
    assert back >= at(own)
    assert sum(place < back for place in places) >= min(len(places), queue_order.SKIPPED_BEHIND)


def test_a_wait_is_the_people_before_less_what_has_passed():
    assert queue_estimate.wait_seconds(2, 0, [], 600.0, -5.0) == 1200
    assert queue_estimate.wait_seconds(2, 1, [200.0], 600.0, -5.0) == 2200
    assert queue_estimate.wait_seconds(0, 0, [900.0], 600.0, -5.0) == 0
    assert queue_estimate.wait_seconds(0, 0, [], 600.0, 300.0) == 300


@given(
    st.lists(st.floats(0, 7200), max_size=30),
    st.lists(st.floats(0, 7200), max_size=30),
    st.floats(60, 3600),
)
def test_a_mean_lies_between_what_was_seen_and_the_slot(today, earlier, slot):
    mean = queue_estimate.consultation_seconds(today, earlier, slot)
    known = (today or earlier)[: queue_estimate.LAST]
    assert min([*known, slot]) - 1e-6 <= mean <= max([*known, slot]) + 1e-6


def test_without_anything_known_a_consultation_takes_the_usual_time():
    assert queue_estimate.consultation_seconds([], [], None) == queue_estimate.USUAL_SECONDS
