"""Series: all or nothing or as was said, by the hospital's clock, and never a seat twice."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import zoneinfo

import pytest

from hms_server import clock, errors, ids
from tests.fix_booking import add_slots, tomorrow

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def starts(appointments):
    return [each.start_time.ToDatetime(tzinfo=datetime.UTC) for each in appointments]


def book(desk, doctor, start, patient="", *, recurrence=None, **fields):
    outer = {n: fields.pop(n) for n in ("on_conflict", "allow_overlap", "request_id") if n in fields}
    return desk.BookSeries(
        appointment={
            "patient_id": patient or desk.patient(),
            "practitioner_id": doctor,
            "start_time": start,
            **fields,
        },
        recurrence=recurrence or {"frequency": "DAILY", "count": 4},
        **outer,
    )


def conflicts(work):
    with pytest.raises(errors.FailedPrecondition) as error:
        work()
    assert error.value.reason == "SERIES_CONFLICT"
    (found,) = error.value.details
    return [(each.date, each.reason) for each in found.conflicts]


def day(days):
    return tomorrow(days=days).date().isoformat()


def fill(desk, doctor, days, hours):
    """Other patients have these hours of that day."""
    return [desk.book(doctor, tomorrow(hour, days=days)) for hour in hours]


@pytest.fixture
def by_utc(desk):
    """The hospital's clock is UTC: what `tomorrow` says is what it shows."""
    set_zone(desk, "UTC")


def set_zone(desk, zone):
    desk.owner.execute(
        "UPDATE tenant_setting SET time_zone = %s WHERE tenant_id = %s", [zone, desk.tenant.id]
    )


def test_a_series_is_booked_whole_and_listed_by_its_id(desk, by_utc):
    doctor, patient = desk.practitioner(minutes=60), desk.patient()
    made = book(desk, doctor, tomorrow(), patient, note="dialysis")
    assert starts(made.appointments) == [tomorrow(days=n) for n in (1, 2, 3, 4)]
    assert {(each.state, each.series_id, each.note) for each in made.appointments} == {
        ("BOOKED", made.series_id, "dialysis")
    }
    assert not made.skipped_start_times
    listed = desk.ListAppointments(series_id=made.series_id).appointments
    assert [each.id for each in listed] == [each.id for each in made.appointments]
    assert not desk.ListAppointments(series_id=ids.uuid7()).appointments
    (audited,) = desk.owner.execute(
        "SELECT record -> 'entities' FROM audit_outbox WHERE record ->> 'entity_id' = %s"
        " AND record ->> 'method' LIKE %s",
        [made.appointments[0].id, "%/BookSeries"],
    ).fetchall()
    assert all(each.id in str(audited[0]) for each in made.appointments)


@pytest.mark.parametrize("month", [3, 10])
def test_nine_o_clock_stays_nine_o_clock_when_clocks_change(desk, month):
    set_zone(desk, "Europe/Berlin")
    doctor = desk.practitioner(minutes=60)
    year = clock.now().year + 1
    first = datetime.datetime(year, month, 21, 9, tzinfo=BERLIN)
    made = book(desk, doctor, first, recurrence={"frequency": "WEEKLY", "interval": 2, "count": 3})
    shown = [each.astimezone(BERLIN) for each in starts(made.appointments)]
    assert [each.hour for each in shown] == [9, 9, 9]
    assert [(each.date() - first.date()).days for each in shown] == [0, 14, 28]
    assert len({each.utcoffset() for each in shown}) == 2


def test_the_hour_that_is_left_out_gives_way_and_the_one_that_comes_twice_counts_once(desk):
    set_zone(desk, "Europe/Berlin")
    doctor = desk.practitioner(minutes=30)
    year = clock.now().year + 1
    spring, autumn = (
        max(
            datetime.date(year, month, d)
            for d in range(25, 32)
            if datetime.date(year, month, d).weekday() == 6
        )
        for month in (3, 10)
    )
    for sunday, expected in ((spring, "03:00:00+02:00"), (autumn, "02:30:00+01:00")):
        saturday = sunday - datetime.timedelta(days=1)
        first = datetime.datetime.combine(saturday, datetime.time(2, 30), BERLIN)
        made = book(desk, doctor, first, recurrence={"frequency": "DAILY", "count": 3})
        shown = [each.astimezone(BERLIN) for each in starts(made.appointments)]
        assert shown[1].isoformat().endswith(expected)
        assert [shown[0].time(), shown[2].time()] == [datetime.time(2, 30)] * 2


def test_days_and_months_end_by_the_hospitals_calendar(desk):
    set_zone(desk, "Asia/Kolkata")
    doctor = desk.practitioner(minutes=30)
    # 01:30 in Kolkata is the day before by UTC.
    first = tomorrow(20)
    until = (first + datetime.timedelta(hours=5.5, days=2)).date().isoformat()
    made = book(desk, doctor, first, recurrence={"frequency": "DAILY", "until_date": until})
    assert starts(made.appointments) == [first + datetime.timedelta(days=n) for n in range(3)]


def test_months_without_the_day_are_passed_over(desk, by_utc):
    doctor = desk.practitioner(minutes=60)
    first = datetime.datetime(clock.now().year + 1, 1, 31, 9, tzinfo=datetime.UTC)
    made = book(desk, doctor, first, recurrence={"frequency": "MONTHLY", "count": 4})
    assert [each.month for each in starts(made.appointments)] == [1, 3, 5, 7]


def test_one_date_that_is_taken_leaves_nothing_behind_and_is_named(desk, by_utc):
    doctor, patient = desk.practitioner(minutes=60), desk.patient()
    fill(desk, doctor, 3, [9])
    other = desk.practitioner(minutes=60)
    desk.book(other, tomorrow(days=2), patient)
    found = conflicts(lambda: book(desk, doctor, tomorrow(), patient))
    assert found == [(day(2), "PATIENT_BUSY"), (day(3), "SLOT_TAKEN")]
    assert [len(desk.seats(doctor, tomorrow(days=n))) for n in (1, 2, 3, 4)] == [0, 0, 1, 0]
    # The same request may be sent again: nothing remembers it.
    request_id = ids.uuid7()
    conflicts(lambda: book(desk, doctor, tomorrow(), patient, request_id=request_id))
    assert len(conflicts(lambda: book(desk, doctor, tomorrow(), patient, request_id=request_id))) == 2


def test_what_cannot_be_is_left_out_where_one_says_so(desk, by_utc):
    doctor, patient, request_id = desk.practitioner(minutes=60), desk.patient(), ids.uuid7()
    fill(desk, doctor, 2, [9])
    wanted = {"patient": patient, "on_conflict": "SKIP", "request_id": request_id}
    made = book(desk, doctor, tomorrow(), **wanted)
    assert starts(made.appointments) == [tomorrow(days=n) for n in (1, 3, 4)]
    assert [each.ToDatetime(tzinfo=datetime.UTC) for each in made.skipped_start_times] == [tomorrow(days=2)]
    assert book(desk, doctor, tomorrow(), **wanted) == made
    fill(desk, doctor, 5, [9])
    only = {"frequency": "DAILY", "count": 1}
    assert conflicts(lambda: book(desk, doctor, tomorrow(days=5), recurrence=only, on_conflict="SKIP")) == [
        (day(5), "SLOT_TAKEN")
    ]


def test_what_cannot_be_goes_to_the_next_free_slot(desk, by_utc):
    doctor, patient = desk.practitioner(minutes=60), desk.patient()
    fill(desk, doctor, 1, [9, 10])  # 11:00 of the same day
    fill(desk, doctor, 3, range(9, 24))  # nothing more that day: the next one that has none of the series
    made = book(desk, doctor, tomorrow(), patient, on_conflict="NEXT_FREE")
    assert starts(made.appointments) == [
        tomorrow(11),
        tomorrow(days=2),
        tomorrow(days=4),
        tomorrow(0, days=5),
    ]
    fill(desk, doctor, 6, [9])
    # Where the patient is elsewhere, a later one.
    desk.book(desk.practitioner(minutes=60), tomorrow(10, days=6), patient)
    only = {"frequency": "DAILY", "count": 1}
    made = book(desk, doctor, tomorrow(days=6), patient, recurrence=only, on_conflict="NEXT_FREE")
    assert starts(made.appointments) == [tomorrow(11, days=6)]


def test_seven_days_are_looked_through_and_no_other_department(desk, by_utc):
    department, other = desk.department(), desk.department()
    doctor = desk.practitioner(department, minutes=480)
    for n in range(1, 9):
        fill(desk, doctor, n, [0, 8, 16])
    only = {"frequency": "DAILY", "count": 1}
    how = {"recurrence": only, "on_conflict": "NEXT_FREE"}
    assert conflicts(lambda: book(desk, doctor, tomorrow(0), **how)) == [(day(1), "SLOT_TAKEN")]
    last = desk.ListAppointments(practitioner_id=doctor, order_by="start_time desc").appointments[0]
    desk.CancelAppointment(id=last.id, reason="travels")
    assert starts(book(desk, doctor, tomorrow(0), **how).appointments) == [tomorrow(16, days=8)]

    torn = desk.practitioner(department, minutes=480)
    add_slots(desk.owner, desk.tenant.id, torn, other, minutes=60, service="SCAN")
    with pytest.raises(errors.InvalidArgument):
        book(desk, torn, tomorrow(0))
    desk.book(torn, tomorrow(0), department_id=department)
    (made,) = book(desk, torn, tomorrow(0), department_id=department, **how).appointments
    assert (made.department_id, starts([made])) == (department, [tomorrow(8)])


@pytest.mark.parametrize("seats", [1, 2])
def test_two_series_on_the_same_slots_share_no_seat(desk, by_utc, seats):
    doctor = desk.practitioner(minutes=60, capacity=seats)
    rounds = 6

    def one(number):
        # Each begins on another day, so that they overlap in part.
        try:
            made = book(desk, doctor, tomorrow(days=1 + number % 3), recurrence=daily)
            return len(made.appointments)
        except errors.FailedPrecondition as refused:
            return refused.reason

    daily = {"frequency": "DAILY", "count": 5}
    with concurrent.futures.ThreadPoolExecutor(rounds) as pool:
        done = list(pool.map(one, range(rounds)))
    assert sorted(map(str, done)) == ["5"] * seats + ["SERIES_CONFLICT"] * (rounds - seats)
    rows = desk.owner.execute(
        "SELECT start_time, seat, count(*) OVER (PARTITION BY start_time, seat) FROM appointment"
        " WHERE practitioner_id = %s",
        [doctor],
    ).fetchall()
    assert len(rows) == 5 * seats
    assert {row[2] for row in rows} == {1}


def test_a_seat_that_the_caller_cannot_see_is_passed_over_on_its_day_alone(desk, by_utc):
    mine, hidden = desk.department(), desk.department()
    doctor = desk.practitioner(mine, minutes=60)
    add_slots(desk.owner, desk.tenant.id, doctor, hidden, minutes=60, service="SCAN")
    desk.book(doctor, tomorrow(days=2), department_id=hidden)
    patient = desk.patient()
    desk.book(desk.practitioner(mine), tomorrow(22), patient)  # so the clerk sees the patient
    desk.tenant = dataclasses.replace(desk.tenant, departments=frozenset({mine}))
    assert conflicts(lambda: book(desk, doctor, tomorrow(), patient)) == [(day(2), "SLOT_TAKEN")]
    made = book(desk, doctor, tomorrow(), patient, on_conflict="NEXT_FREE")
    assert starts(made.appointments) == [
        tomorrow(),
        tomorrow(10, days=2),
        tomorrow(days=3),
        tomorrow(days=4),
    ]
    with pytest.raises(errors.PermissionDenied):
        book(desk, doctor, tomorrow(days=9), patient, department_id=hidden)


@pytest.mark.parametrize(
    ("recurrence", "field"),
    [
        ({"frequency": "DAILY", "until_date": "2020-01-01"}, "recurrence.until_date"),
        ({"frequency": "DAILY", "until_date": "2026-02-30"}, "recurrence.until_date"),
        ({"frequency": "DAILY", "until_date": "9999-12-31"}, "recurrence.until_date"),
        ({"frequency": "MONTHLY", "interval": 12, "count": 9}, "recurrence"),
        ({"frequency": "MONTHLY", "weekdays": [1], "count": 2}, "recurrence.weekdays"),
        ({"frequency": "MONTHLY", "interval": 100, "count": 52}, "recurrence"),
    ],
    ids=["past", "no_day", "too_many", "too_far", "weekdays_of_months", "decades"],
)
def test_a_rule_that_makes_no_series_is_refused(desk, by_utc, recurrence, field):
    with pytest.raises(errors.InvalidArgument) as error:
        book(desk, desk.practitioner(minutes=60), tomorrow(), recurrence=recurrence)
    assert error.value.violations[0].field == field


def test_the_first_day_is_one_of_the_weekdays(desk, by_utc):
    doctor = desk.practitioner(minutes=60)
    today, following = tomorrow().isoweekday(), tomorrow(days=2).isoweekday()
    with pytest.raises(errors.InvalidArgument):
        book(
            desk, doctor, tomorrow(), recurrence={"frequency": "WEEKLY", "count": 2, "weekdays": [following]}
        )
    rule = {"frequency": "DAILY", "count": 4, "weekdays": sorted([today, following])}
    made = book(desk, doctor, tomorrow(), recurrence=rule)
    assert starts(made.appointments) == [tomorrow(days=n) for n in (1, 2, 8, 9)]


def test_whom_nobody_books_for_gets_no_series(desk, by_utc):
    doctor = desk.practitioner(minutes=60)
    with pytest.raises(errors.NotFound):
        book(desk, doctor, tomorrow(), ids.uuid7())
    with pytest.raises(errors.NotFound):
        book(desk, ids.uuid7(), tomorrow())
    theirs = desk.book(doctor, tomorrow(20))
    with pytest.raises(errors.InvalidArgument):
        book(desk, doctor, tomorrow(), previous_appointment_id=theirs.id)
    mine = desk.patient()
    first = desk.book(doctor, tomorrow(21), mine)
    made = book(desk, doctor, tomorrow(), mine, previous_appointment_id=first.id)
    assert {each.previous_appointment_id for each in made.appointments} == {first.id}


def test_a_hold_that_ran_out_is_in_no_series_way(desk, by_utc):
    doctor = desk.practitioner(minutes=60)
    held = desk.HoldAppointment(
        patient_id=desk.patient(), practitioner_id=doctor, start_time=tomorrow(days=2)
    )
    desk.run_out(held.id)
    assert len(book(desk, doctor, tomorrow()).appointments) == 4
    assert desk.state_of(held.id) == "EXPIRED"


def test_a_repeat_of_a_series_is_the_same_series(desk, by_utc):
    doctor, patient, request_id = desk.practitioner(minutes=60, capacity=3), desk.patient(), ids.uuid7()
    made = book(desk, doctor, tomorrow(), patient, request_id=request_id)
    assert book(desk, doctor, tomorrow(), patient, request_id=request_id) == made
    assert desk.seats(doctor, tomorrow()) == [1]
    with pytest.raises(errors.InvalidArgument) as error:
        book(desk, doctor, tomorrow(), patient, request_id=request_id, on_conflict="SKIP")
    assert error.value.reason == "REQUEST_ID_REUSED"


def test_a_series_is_cancelled_from_a_date_on_and_its_seats_are_offered(desk, by_utc):
    department = desk.department()
    doctor = desk.practitioner(department, minutes=60)
    made = book(desk, doctor, tomorrow())
    one, two, three, four = (each.id for each in made.appointments)
    desk.ConfirmAppointment(id=four)
    waiting = desk.JoinWaitingList(
        appointment={
            "patient_id": desk.patient(),
            "department_id": department,
            "wanted_start_time": tomorrow(days=3),
            "wanted_end_time": tomorrow(12, days=3),
        }
    )
    alone = desk.CancelAppointment(id=three, reason="a feast")
    # The seat that came free by that went to the list, and the series gives no second one for it.
    assert desk.state_of(waiting.id) == "HELD"
    request = {
        "series_id": made.series_id,
        "reason": "well again",
        "from_time": tomorrow(days=2),
        "request_id": ids.uuid7(),
    }
    gone = desk.CancelSeries(**request)
    assert [each.id for each in gone.appointments] == [two, four]
    assert {(each.state, each.cancellation_reason) for each in gone.appointments} == {
        ("CANCELLED", "well again")
    }
    assert desk.CancelSeries(**request) == gone
    assert desk.state_of(one) == "BOOKED"
    assert desk.GetAppointment(id=three).cancellation_reason == alone.cancellation_reason
    assert [len(desk.seats(doctor, tomorrow(days=n))) for n in (1, 2, 4)] == [1, 0, 0]
    rest = desk.CancelSeries(series_id=made.series_id, reason="moved away")
    assert [each.id for each in rest.appointments] == [one]
    assert not desk.CancelSeries(series_id=made.series_id, reason="again").appointments


def test_seats_of_a_cancelled_series_go_to_the_waiting_list(desk, by_utc):
    department = desk.department()
    doctor = desk.practitioner(department, minutes=60)
    made = book(desk, doctor, tomorrow())
    waiting = [
        desk.JoinWaitingList(
            appointment={
                "patient_id": desk.patient(),
                "department_id": department,
                "wanted_start_time": tomorrow(days=n),
                "wanted_end_time": tomorrow(12, days=n),
            }
        )
        for n in (2, 4)
    ]
    desk.CancelSeries(series_id=made.series_id, reason="well again")
    offers = [desk.GetAppointment(id=each.id) for each in waiting]
    assert [each.state for each in offers] == ["HELD", "HELD"]
    assert starts(offers) == [tomorrow(days=2), tomorrow(days=4)]


def test_what_the_patient_has_come_to_is_not_cancelled(desk, by_utc):
    doctor = desk.practitioner(minutes=60)
    made = book(desk, doctor, tomorrow())
    second = made.appointments[1].id
    desk.owner.execute("UPDATE appointment SET state = 'ARRIVED' WHERE id = %s", [second])
    gone = desk.CancelSeries(series_id=made.series_id, reason="well again")
    assert second not in {each.id for each in gone.appointments}
    assert len(gone.appointments) == 3


def test_no_series_is_not_found(desk):
    with pytest.raises(errors.NotFound):
        desk.CancelSeries(series_id=ids.uuid7(), reason="nobody")


def test_who_cancels_and_who_moves_at_once_do_not_lose_each_other(desk, by_utc):
    doctor, other = desk.practitioner(minutes=60), desk.practitioner(minutes=60)
    made = book(desk, doctor, tomorrow())

    def move(each):
        try:
            desk.RescheduleAppointment(
                id=each.id,
                practitioner_id=other,
                start_time=each.start_time.ToDatetime() + datetime.timedelta(hours=1),
            )
        except errors.FailedPrecondition as refused:
            return refused.reason
        return "WRONG_STATE"  # too late to be refused

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        moves = [pool.submit(move, each) for each in made.appointments]
        cancelling = pool.submit(desk.CancelSeries, series_id=made.series_id, reason="well again")
        assert {each.result() for each in moves} == {"WRONG_STATE"}
        cancelling.result()
    assert {desk.state_of(each.id) for each in made.appointments} == {"CANCELLED"}


def test_nobody_is_reminded_of_what_was_cancelled_with_its_series(desk, by_utc):
    doctor = desk.practitioner(minutes=60)
    made = book(desk, doctor, tomorrow(days=3))

    def scheduled():
        return [
            each.state
            for one in made.appointments
            for each in desk.ListReminders(id=one.id).reminders
            if each.state == "SCHEDULED"
        ]

    assert len(scheduled()) >= 4
    desk.CancelSeries(series_id=made.series_id, reason="well again")
    assert scheduled() == []
