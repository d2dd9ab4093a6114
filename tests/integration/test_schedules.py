"""Weekly templates and exceptions, and the appointments that a change of them strands."""

from __future__ import annotations

import concurrent.futures
import datetime
import threading

import psycopg
import pytest

from hms.scheduling.v1 import schedule_pb2 as pb
from hms_server import errors, ids

UTC = datetime.UTC
TODAY = datetime.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
KEEP, MOVE, CANCEL = pb.STRANDED_ACTION_KEEP, pb.STRANDED_ACTION_MOVE, pb.STRANDED_ACTION_CANCEL


def at(days, hours, minutes=0):
    return TODAY + datetime.timedelta(days=days, hours=hours, minutes=minutes)


def day(days):
    return at(days, 0).date().isoformat()


@pytest.fixture
def utc(roster):
    roster.zone("UTC")
    return roster


def row(roster, appointment_id):
    return roster.owner.execute(
        "SELECT state, start_time, seat, version, practitioner_id::text FROM appointment WHERE id = %s",
        [appointment_id],
    ).fetchone()


def leave(roster, first=2, last=None, **fields):
    exception = {
        "kind": "LEAVE",
        "practitioner_id": roster.doctor,
        "start_date": day(first),
        "end_date": day(last or first),
    }
    return roster.CreateScheduleException(schedule_exception=exception, **fields)


def test_a_template_comes_back_as_it_was_made_changes_and_goes(utc):
    made = utc.CreateSchedule(schedule=utc.template(service=" CONSULTATION ", valid_until="2099-12-31"))
    assert (made.service, made.sessions[0].slot_minutes, made.active, made.etag) == (
        "CONSULTATION",
        15,
        True,
        "1",
    )
    assert utc.GetSchedule(id=made.id) == made
    changed = utc.UpdateSchedule(
        schedule={"id": made.id, "note": "room 4", "etag": "1"}, update_mask={"paths": ["note"]}
    )
    assert (changed.note, changed.etag, changed.sessions) == ("room 4", "2", made.sessions)
    with pytest.raises(errors.Aborted):
        utc.DeleteSchedule(id=made.id, etag="1")
    assert utc.DeleteSchedule(id=made.id, etag="2").HasField("delete_time")
    assert utc.slots(at(1, 0), at(9, 0)) == []
    assert utc.ListSchedules().schedules == []
    with pytest.raises(errors.FailedPrecondition):
        utc.DeleteSchedule(id=made.id)


@pytest.mark.parametrize(
    ("session", "field"),
    [
        ({"end_time": "09:00"}, "schedule.sessions[0].end_time"),
        ({"slot_minutes": 121}, "schedule.sessions[0].slot_minutes"),
        ({"breaks": [{"start_time": "08:00", "end_time": "09:30"}]}, "schedule.sessions[0].breaks[0]"),
    ],
    ids=["backwards", "no slot", "break outside"],
)
def test_sessions_that_cannot_be_are_told(utc, session, field):
    with pytest.raises(errors.InvalidArgument) as caught:
        utc.CreateSchedule(schedule=utc.template(session=session))
    assert [violation.field for violation in caught.value.violations] == [field]


def test_one_practitioner_has_no_two_sessions_at_once(utc):
    first = utc.CreateSchedule(schedule=utc.template(valid_until=day(30)))
    for other in (utc.template(), utc.template(session={"start_time": "10:59", "end_time": "12:00"})):
        with pytest.raises(errors.FailedPrecondition) as caught:
            utc.CreateSchedule(schedule=other)
        assert caught.value.reason == "SCHEDULES_OVERLAP"
        assert caught.value.metadata == {"schedule_ids": first.id}
    utc.CreateSchedule(schedule=utc.template(session={"start_time": "11:00", "end_time": "12:00"}))
    utc.CreateSchedule(schedule=utc.template(valid_from=day(31)))
    extra = {
        "kind": "EXTRA",
        "practitioner_id": utc.doctor,
        "department_id": utc.department,
        "start_time": at(3, 10),
        "end_time": at(3, 15),
    }
    with pytest.raises(errors.FailedPrecondition) as caught:
        utc.CreateScheduleException(schedule_exception=extra)
    assert caught.value.reason == "SCHEDULES_OVERLAP"
    utc.CreateScheduleException(schedule_exception={**extra, "start_time": at(3, 12)})


def test_of_two_templates_at_once_one_is_made(utc):
    both = threading.Barrier(2)

    def create(_):
        both.wait()
        try:
            return utc.CreateSchedule(schedule=utc.template()).id
        except errors.FailedPrecondition as refused:
            return refused.reason

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(create, range(2)))
    assert sum(outcome == "SCHEDULES_OVERLAP" for outcome in outcomes) == 1
    assert len(utc.ListSchedules().schedules) == 1


def test_a_leave_that_strands_is_refused_with_those_it_strands_and_changes_nothing(utc):
    utc.CreateSchedule(schedule=utc.template())
    stays, goes = utc.book(at(1, 9)), utc.book(at(2, 9))
    utc.book(at(2, 10), state="HELD", hold_expire_time=at(-1, 0))
    with pytest.raises(errors.FailedPrecondition) as caught:
        leave(utc)
    assert caught.value.reason == "APPOINTMENTS_STRANDED"
    (details,) = caught.value.details
    assert [(a.id, a.patient_id) for a in details.appointments] == [(goes, utc.patient)]
    assert utc.ListScheduleExceptions().schedule_exceptions == []
    tried = leave(utc, validate_only=True)
    assert [a.id for a in tried.stranded.appointments] == [goes]
    assert utc.ListScheduleExceptions().schedule_exceptions == []
    told = utc.owner.execute(
        "SELECT outcome, patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s"
        " ORDER BY position DESC LIMIT 2",
        [utc.tenant.id],
    ).fetchall()
    assert told == [("OK", [utc.patient]), ("FAILED_PRECONDITION", [utc.patient])]
    assert (row(utc, stays)[3], row(utc, goes)[3]) == (1, 1)


def test_stranded_appointments_are_kept_moved_or_cancelled_as_asked(utc):
    utc.CreateSchedule(schedule=utc.template(session={"end_time": "09:30"}))
    one, two, third = utc.book(at(2, 9)), utc.book(at(2, 9, 15)), utc.book(at(3, 9))
    moved = leave(utc, stranded=MOVE)
    assert moved.stranded.total == 2
    assert row(utc, one)[:3] == ("BOOKED", at(3, 9, 15), 1)
    assert row(utc, two)[:3] == ("BOOKED", at(4, 9), 1)
    assert row(utc, third)[3] == 1
    with pytest.raises(errors.InvalidArgument):
        leave(utc, 3, stranded=CANCEL)
    gone = leave(utc, 3, stranded=CANCEL, cancellation_reason="ill")
    assert {a.state for a in gone.stranded.appointments} == {"CANCELLED"}
    assert [row(utc, each)[0] for each in (one, third)] == ["CANCELLED", "CANCELLED"]
    shown = utc.GetAppointment(id=one)
    assert (shown.cancellation_reason, shown.HasField("cancel_time")) == ("ill", True)
    kept = leave(utc, 4, stranded=KEEP)
    assert [a.id for a in kept.stranded.appointments] == [two]
    # It stands where it stood, and no later change is refused for it.
    leave(utc, 5)
    record = utc.owner.execute(
        "SELECT patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s AND record ->> 'entity_id' = %s",
        [utc.tenant.id, moved.id],
    ).fetchone()
    assert record == ([utc.patient],)


def test_a_move_without_room_changes_nothing(utc):
    made = utc.CreateSchedule(schedule=utc.template(valid_until=day(2), session={"end_time": "09:15"}))
    stands = utc.book(at(2, 9))
    for request in ({"stranded": MOVE}, {"stranded": MOVE, "validate_only": True}):
        with pytest.raises(errors.FailedPrecondition) as caught:
            utc.DeleteSchedule(id=made.id, **request)
        assert caught.value.reason == "NO_ROOM_TO_MOVE"
    assert not utc.GetSchedule(id=made.id).HasField("delete_time")
    other = utc.add("practitioner")
    utc.CreateSchedule(schedule=utc.template(practitioner_id=other))
    utc.DeleteSchedule(id=made.id, stranded=MOVE, move_to_practitioner_id=other)
    assert row(utc, stands)[1:] == (at(2, 9), 1, 2, other)


def test_fewer_seats_strand_those_above_and_never_the_overbooked(utc):
    made = utc.CreateSchedule(schedule=utc.template(session={"capacity": 2}))
    utc.book(at(2, 9), 1)
    above = utc.book(at(2, 9), 2)
    utc.book(at(2, 9), 3, overbooked=True)
    fewer = utc.template(session={"capacity": 1})["sessions"]
    changed = utc.UpdateSchedule(
        schedule={"id": made.id, "sessions": fewer}, update_mask={"paths": ["sessions"]}, validate_only=True
    )
    assert [a.id for a in changed.stranded.appointments] == [above]


def test_a_closure_of_the_hospital_counts_every_practitioner(utc):
    other = utc.add("practitioner")
    for doctor in (utc.doctor, other):
        utc.CreateSchedule(schedule=utc.template(practitioner_id=doctor))
    utc.book(at(2, 9))
    utc.book(at(2, 9), practitioner_id=other)
    closure = {"kind": "CLOSURE", "start_time": at(2, 8), "end_time": at(2, 12)}
    with pytest.raises(errors.FailedPrecondition) as caught:
        utc.CreateScheduleException(schedule_exception=closure)
    assert caught.value.details[0].total == 2
    made = utc.CreateScheduleException(schedule_exception=closure, stranded=MOVE)
    assert {a.moved_to_start_time.ToDatetime(UTC) for a in made.stranded.appointments} == {at(3, 9)}
    assert utc.DeleteScheduleException(id=made.id).HasField("delete_time")


def test_an_extra_session_that_goes_strands_its_appointments(utc):
    extra = {
        "kind": "EXTRA",
        "practitioner_id": utc.doctor,
        "department_id": utc.department,
        "start_time": at(3, 10),
        "end_time": at(3, 12),
        "slot_minutes": 15,
    }
    made = utc.CreateScheduleException(schedule_exception=extra)
    utc.book(at(3, 11, 45))
    with pytest.raises(errors.FailedPrecondition):
        utc.DeleteScheduleException(id=made.id)
    with pytest.raises(errors.FailedPrecondition):
        utc.UpdateScheduleException(schedule_exception={"id": made.id, "end_time": at(3, 11, 45)})
    assert utc.UpdateScheduleException(schedule_exception={"id": made.id, "capacity": 3}).capacity == 3


def test_no_booking_slips_in_between(utc, database):
    """A booking that holds the practitioner's lock is waited for, and then seen."""
    utc.CreateSchedule(schedule=utc.template())
    with psycopg.connect(database.owner) as booking, concurrent.futures.ThreadPoolExecutor(1) as pool:
        booking.execute("SELECT FROM practitioner WHERE id = %s FOR NO KEY UPDATE", [utc.doctor])
        asked = pool.submit(leave, utc)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not utc.owner.execute(waiting).fetchone()[0]:
            assert not asked.done()
        keeper, utc.owner = utc.owner, booking
        utc.book(at(2, 9))
        utc.owner = keeper
        booking.commit()
        with pytest.raises(errors.FailedPrecondition) as caught:
            asked.result()
    assert caught.value.reason == "APPOINTMENTS_STRANDED"


def test_a_batch_is_made_whole_once_or_not_at_all(utc):
    request_id = ids.uuid7()
    two = [utc.template(), utc.template(practitioner_id=utc.add("practitioner"))]
    made = utc.BatchCreateSchedules(schedules=two, request_id=request_id)
    assert [s.practitioner_id for s in made.schedules] == [t["practitioner_id"] for t in two]
    assert utc.BatchCreateSchedules(schedules=two, request_id=request_id) == made
    later = utc.template(session={"start_time": "12:00", "end_time": "13:00"})
    with pytest.raises(errors.FailedPrecondition):
        utc.BatchCreateSchedules(schedules=[later, later])
    with pytest.raises(errors.InvalidArgument) as caught:
        utc.BatchCreateSchedules(schedules=[later, {**later, "department_id": ids.uuid7()}])
    assert [v.field for v in caught.value.violations] == ["schedules[1].department_id"]
    assert len(utc.ListSchedules().schedules) == 2


def test_lists_go_both_ways_and_filter(utc):
    doctors = [utc.add("practitioner") for _ in range(5)]
    made = [
        utc.CreateSchedule(schedule=utc.template(practitioner_id=d, valid_from=f"2026-0{n + 1}-01")).id
        for n, d in enumerate(doctors)
    ]
    first = utc.ListSchedules(page_size=2)
    second = utc.ListSchedules(page_size=2, page_token=first.next_page_token)
    assert [s.id for s in [*first.schedules, *second.schedules]] == made[:4]
    assert utc.ListSchedules(page_size=2, page_token=second.previous_page_token).schedules == first.schedules
    assert [s.id for s in utc.ListSchedules(practitioner_id=doctors[1]).schedules] == [made[1]]
    assert [
        s.id for s in utc.ListSchedules(department_id=utc.department, valid_on="2026-02-15").schedules
    ] == made[:2]
    utc.UpdateSchedule(schedule={"id": made[0], "active": False})
    assert made[0] not in [s.id for s in utc.ListSchedules().schedules]
    away = [leave(utc, n, n).id for n in (1, 3, 5)]
    page = utc.ListScheduleExceptions(page_size=2)
    assert [e.id for e in page.schedule_exceptions] == away[:2]
    between = utc.ListScheduleExceptions(practitioner_id=utc.doctor, start_time=at(3, 1), end_time=at(4, 1))
    assert [e.id for e in between.schedule_exceptions] == [away[1]]


def test_free_slots_are_found_in_order_both_ways(utc):
    utc.CreateSchedule(schedule=utc.template(session={"capacity": 3, "walk_in_share": 34}))
    utc.book(at(1, 9), 1)
    utc.book(at(1, 9), 2)
    utc.book(at(1, 9, 15), 1, "HELD", hold_expire_time=at(-1, 0))
    utc.book(at(1, 9, 30), 4, overbooked=True)
    asked = {"start_date": day(1), "end_date": day(2), "end_clock": "10:00"}
    everything = utc.SearchSlots(**asked, include_full=True).slots
    assert len(everything) == 8
    walk_ins = [s.walk_in_seats for s in everything[:4]]
    assert [s.free_seats for s in everything[:4]] == [max(0, 1 - walk_ins[0]), *(3 - n for n in walk_ins[1:])]
    first = utc.SearchSlots(**asked, page_size=3, include_full=True)
    second = utc.SearchSlots(**asked, page_size=3, include_full=True, page_token=first.next_page_token)
    assert [*first.slots, *second.slots] == everything[:6]
    back = utc.SearchSlots(**asked, page_size=3, include_full=True, page_token=second.previous_page_token)
    assert back.slots == first.slots
    assert utc.SearchSlots(**asked, weekdays=[at(2, 0).isoweekday()]).slots == everything[4:]
    assert not utc.SearchSlots(**asked, department_ids=[ids.uuid7()]).slots
    utc.owner.execute("UPDATE practitioner SET active = false WHERE id = %s", [utc.doctor])
    assert not utc.SearchSlots(**asked).slots


def test_a_new_time_zone_moves_templates_and_whole_days_but_no_appointment(utc):
    utc.CreateSchedule(schedule=utc.template())
    made = leave(utc, 3)
    booked = utc.book(at(2, 9))
    utc.zone("Asia/Kolkata")
    assert utc.slots(at(2, 0), at(3, 0))[0][0] == at(2, 3, 30)
    assert utc.GetScheduleException(id=made.id).start_time.ToDatetime(UTC) == at(2, 18, 30)
    assert row(utc, booked)[1] == at(2, 9)
