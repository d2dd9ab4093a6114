"""Whose slots a search finds, who may be booked, and what a seat that opens is worth to those who wait."""

from __future__ import annotations

import dataclasses
import datetime
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hms.scheduling.v1 import schedule_pb2, slot_pb2
from hms_server import errors, ids
from tests.fix_booking import SEATED, tomorrow

UTC = datetime.UTC
ASKED = {"start_date": f"{tomorrow(0):%Y-%m-%d}", "end_date": f"{tomorrow(0):%Y-%m-%d}", "end_clock": "01:00"}


def whose(found):
    return {each.practitioner_id for each in found.slots}


def test_slots_are_found_by_what_the_practitioner_works_in(desk):
    heart, skin = desk.practitioner(), desk.practitioner()
    for practitioner, code in ((heart, "394579002"), (skin, "394582007")):
        coding = {"system": "http://snomed.info/sct", "code": code}
        desk.owner.execute(
            "UPDATE practitioner SET document = document || %s::jsonb WHERE id = %s",
            [json.dumps({"specialities": [{"codings": [coding]}]}), practitioner],
        )
    assert whose(desk.SearchSlots(**ASKED, specialities=[{"code": "394579002"}])) == {heart}
    assert whose(desk.SearchSlots(**ASKED, speciality_codes=["394582007"])) == {skin}
    of_both = [{"system": "http://snomed.info/sct", "code": code} for code in ("394579002", "394582007")]
    assert whose(desk.SearchSlots(**ASKED, specialities=of_both)) == {heart, skin}
    assert not desk.SearchSlots(**ASKED, specialities=[{"system": "other", "code": "394579002"}]).slots


def test_a_department_is_searched_alone_or_with_those_below_it(desk):
    above, below = desk.department(), desk.department()
    desk.owner.execute("UPDATE department SET parent_id = %s WHERE id = %s", [above, below])
    first, second, third = desk.practitioner(above), desk.practitioner(below), desk.practitioner()
    assert whose(desk.SearchSlots(**ASKED, department_ids=[above])) == {first}
    assert whose(desk.SearchSlots(**ASKED, department_ids=[above], with_sub_departments=True)) == {
        first,
        second,
    }
    assert {first, second, third} <= whose(desk.SearchSlots(**ASKED, page_size=500))


def test_who_may_read_schedules_in_some_departments_finds_no_slots_of_others(desk):
    ours, others = desk.department(), desk.department()
    first, second = desk.practitioner(ours), desk.practitioner(others)
    limited = dataclasses.replace(desk.tenant, departments=frozenset({ours}))

    def search(**fields):
        request = slot_pb2.SearchSlotsRequest(**ASKED, **fields)
        return whose(desk.servicer.SearchSlots(request, limited.call("SchedulingService/SearchSlots")))

    assert search() == {first}
    assert search(department_ids=[ours, others]) == {first}
    assert search(practitioner_ids=[second]) == search(department_ids=[others]) == set()


@pytest.mark.parametrize("change", ["active = false", "delete_time = now()"], ids=["inactive", "deleted"])
@pytest.mark.parametrize("table", ["practitioner", "department"])
def test_who_is_inactive_or_deleted_gives_no_slots_and_is_not_booked(desk, table, change):
    department = desk.department()
    practitioner = desk.practitioner(department)
    waits = desk.JoinWaitingList(appointment={"patient_id": desk.patient(), "department_id": department})
    booked = desk.book(practitioner, tomorrow(9))
    gone = practitioner if table == "practitioner" else department
    assert desk.SearchSlots(**ASKED, practitioner_ids=[practitioner]).slots
    desk.owner.execute(f"UPDATE {table} SET {change} WHERE id = %s", [gone])
    assert not desk.SearchSlots(**ASKED, practitioner_ids=[practitioner], include_full=True).slots
    for start in (9, 10):
        with pytest.raises(errors.FailedPrecondition):
            desk.book(practitioner, tomorrow(start))
    desk.CancelAppointment(id=booked.id, reason="the patient is away")
    assert desk.state_of(waits.id) == "WAITLISTED"


def extra(desk, practitioner, department, **fields):
    return desk.CreateScheduleException(
        schedule_exception={
            "kind": "EXTRA",
            "practitioner_id": practitioner,
            "department_id": department,
            "start_time": tomorrow(9),
            "end_time": tomorrow(9, 30),
            "slot_minutes": 15,
        },
        **fields,
    )


def waiting(desk, department):
    return desk.JoinWaitingList(appointment={"patient_id": desk.patient(), "department_id": department}).id


def fresh(desk):
    """A practitioner without a template, and a department."""
    department = desk.department()
    made = desk.practitioner(department)
    desk.owner.execute("UPDATE schedule SET delete_time = now() WHERE practitioner_id = %s", [made])
    return made, department


def test_the_seats_of_an_extra_session_are_offered_to_who_waits(desk):
    practitioner, department = fresh(desk)
    entries = [waiting(desk, department) for _ in range(3)]
    extra(desk, practitioner, department, validate_only=True)
    assert {desk.state_of(each) for each in entries} == {"WAITLISTED"}
    extra(desk, practitioner, department)
    assert [desk.state_of(each) for each in entries] == ["HELD", "HELD", "WAITLISTED"]
    starts = [desk.GetAppointment(id=each).start_time.ToDatetime(UTC) for each in entries[:2]]
    assert starts == [tomorrow(9), tomorrow(9, 15)]


def test_a_template_that_grows_and_a_leave_that_goes_offer_their_seats(desk):
    practitioner, department = fresh(desk)
    early, late = tomorrow(0, days=2), tomorrow(0, days=3)
    away = desk.CreateScheduleException(
        schedule_exception={
            "kind": "LEAVE",
            "practitioner_id": practitioner,
            "start_date": f"{late:%Y-%m-%d}",
            "end_date": f"{late:%Y-%m-%d}",
        }
    )
    session = {"start_time": "09:00", "end_time": "09:15", "slot_minutes": 15}
    first = waiting(desk, department)
    made = desk.CreateSchedule(
        schedule={
            "practitioner_id": practitioner,
            "department_id": department,
            "valid_from": f"{early:%Y-%m-%d}",
            "valid_until": f"{late:%Y-%m-%d}",
            "sessions": [{**session, "weekdays": range(1, 8)}],
        }
    )
    assert desk.state_of(first) == "HELD"
    second, third = waiting(desk, department), waiting(desk, department)
    grown = {**session, "weekdays": range(1, 8), "capacity": 2}
    desk.UpdateSchedule(schedule={"id": made.id, "sessions": [grown]}, update_mask={"paths": ["sessions"]})
    assert [desk.state_of(each) for each in (second, third)] == ["HELD", "WAITLISTED"]
    desk.DeleteScheduleException(id=away.id)
    assert desk.state_of(third) == "HELD"


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_move_of_stranded_appointments_loses_and_doubles_none_and_seats_none_too_many(desk, data):
    capacity = data.draw(st.integers(1, 3))
    department = desk.department()
    away, other = (desk.practitioner(department, minutes=60, capacity=capacity) for _ in range(2))
    places = st.tuples(st.sampled_from([away, other]), st.integers(9, 11), st.integers(1, capacity))
    taken = data.draw(st.lists(places, min_size=1, max_size=10, unique=True))
    seated = st.sampled_from(["BOOKED", "CONFIRMED"])
    patients = [desk.patient() for _ in taken]
    for (practitioner, hour, seat), patient in zip(taken, patients, strict=True):
        desk.owner.execute(
            "INSERT INTO appointment (tenant_id, id, patient_id, practitioner_id, department_id, state,"
            " start_time, end_time, seat, capacity, actor_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                desk.tenant.id,
                ids.uuid7(),
                patient,
                practitioner,
                department,
                data.draw(seated),
                tomorrow(hour),
                tomorrow(hour + 1),
                seat,
                capacity,
                desk.tenant.user_id,
            ],
        )

    def standing():
        return desk.owner.execute(
            "SELECT patient_id::text, practitioner_id::text, start_time, seat, state FROM appointment"
            " WHERE tenant_id = %s AND patient_id = ANY (%s::uuid[]) AND state = ANY (%s) ORDER BY 1",
            [desk.tenant.id, patients, list(SEATED)],
        ).fetchall()

    before = standing()
    target = data.draw(st.sampled_from([other, ""]))
    first, last = sorted(data.draw(st.tuples(st.integers(9, 12), st.integers(9, 12))))
    exception = {
        "kind": "LEAVE",
        "practitioner_id": away,
        "start_time": tomorrow(first),
        "end_time": tomorrow(last + 1),
    }
    made = desk.CreateScheduleException(
        schedule_exception=exception,
        stranded=schedule_pb2.STRANDED_ACTION_MOVE,
        move_to_practitioner_id=target,
    )
    after = standing()
    assert [(row[0], row[4]) for row in after] == [(row[0], row[4]) for row in before]
    assert all(1 <= row[3] <= capacity for row in after)
    assert len({row[1:4] for row in after}) == len(after)
    meant = {row[0] for row in before if row[1] == away and tomorrow(first) <= row[2] < tomorrow(last + 1)}
    assert {each.patient_id for each in made.stranded.appointments} == meant
    for old, new in zip(before, after, strict=True):
        if old[0] in meant:
            assert new[1] == (target or away)
            assert new[2] >= old[2]
            assert not (new[1] == away and tomorrow(first) <= new[2] < tomorrow(last + 1))
        else:
            assert new == old
