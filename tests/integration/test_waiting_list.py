"""The waiting list: who is offered a seat that came free, and that nobody else gets it meanwhile."""

from __future__ import annotations

import concurrent.futures
import datetime

import pytest

from hms_server import errors, ids
from hms_server.scheduling import freed
from tests.fix_booking import tomorrow


@pytest.fixture
def ward(desk):
    """A department with one practitioner, whose slots take one patient each."""

    class Ward:
        department = desk.department()
        practitioner = desk.practitioner(department)

        def join(self, patient_id="", **fields):
            return desk.JoinWaitingList(
                appointment={
                    "patient_id": patient_id or desk.patient(),
                    "department_id": self.department,
                    **fields,
                }
            )

        def cancel(self, booked):
            return desk.CancelAppointment(id=booked.id, reason="the patient is away")

        def waiting(self, **fields):
            found = desk.ListWaitingList(department_id=self.department, **fields)
            return [each.id for each in found.appointments]

    return Ward()


def starts(appointment):
    return appointment.start_time.ToDatetime(tzinfo=datetime.UTC)


def test_a_seat_that_is_cancelled_is_offered_to_who_waits_first_and_accepted(desk, ward):
    booked = desk.book(ward.practitioner, tomorrow(9))
    first, second = ward.join(), ward.join()
    ward.cancel(booked)
    offered = desk.GetAppointment(id=first.id)
    assert (offered.state, starts(offered)) == ("HELD", tomorrow(9))
    assert offered.practitioner_id == ward.practitioner
    with pytest.raises(errors.FailedPrecondition) as refused:
        desk.book(ward.practitioner, tomorrow(9))
    assert refused.value.reason == "SLOT_TAKEN"
    assert desk.BookHeldAppointment(id=first.id).state == "BOOKED"
    assert ward.waiting() == [second.id]


def test_urgent_goes_first_and_a_wish_that_does_not_fit_is_passed_over(desk, ward):
    other = desk.practitioner(ward.department)
    start = tomorrow(9)
    booked = desk.book(ward.practitioner, start)
    wrong_day = start.isoweekday() % 7 + 1
    ward.join(waitlist_priority="URGENT", practitioner_id=other)
    ward.join(waitlist_priority="URGENT", wanted_start_time=tomorrow(9, 1))
    ward.join(waitlist_priority="URGENT", wanted_end_time=tomorrow(9, 14))
    ward.join(waitlist_priority="URGENT", wanted_weekdays=[wrong_day])
    ward.join(waitlist_priority="URGENT", wanted_day_start="09:01")
    ward.join(waitlist_priority="URGENT", wanted_day_end="09:14")
    ward.join(waitlist_priority="URGENT", service="ECG")
    routine = ward.join()
    urgent = ward.join(
        waitlist_priority="URGENT",
        practitioner_id=ward.practitioner,
        wanted_start_time=start,
        wanted_end_time=tomorrow(9, 15),
        wanted_weekdays=[start.isoweekday()],
        wanted_day_start="09:00",
        wanted_day_end="09:15",
    )
    ward.cancel(booked)
    assert desk.state_of(urgent.id) == "HELD"
    desk.CancelAppointment(id=urgent.id, reason="gone")
    assert desk.state_of(routine.id) == "HELD"
    desk.CancelAppointment(id=routine.id, reason="gone")
    assert desk.seats(ward.practitioner, start) == []


def test_a_declined_offer_goes_to_the_next_and_the_entry_keeps_its_place_but_not_that_slot(desk, ward):
    booked = desk.book(ward.practitioner, tomorrow(9))
    first, second = ward.join(), ward.join()
    ward.cancel(booked)
    declined = desk.DeclineOffer(id=first.id)
    assert (declined.state, declined.practitioner_id) == ("WAITLISTED", "")
    assert not declined.HasField("start_time")
    assert desk.state_of(second.id) == "HELD"
    desk.DeclineOffer(id=second.id)
    assert desk.seats(ward.practitioner, tomorrow(9)) == []
    assert ward.waiting() == [first.id, second.id]
    ward.cancel(desk.book(ward.practitioner, tomorrow(10)))
    assert desk.state_of(first.id) == "HELD"


def test_an_offer_that_runs_out_goes_to_the_next_by_the_sweep(desk, ward, worker_database):
    booked = desk.book(ward.practitioner, tomorrow(9))
    first, second = ward.join(), ward.join()
    ward.cancel(booked)
    desk.run_out(first.id)
    assert freed.sweep(worker_database) >= 1
    assert (desk.state_of(first.id), desk.state_of(second.id)) == ("WAITLISTED", "HELD")
    with pytest.raises(errors.FailedPrecondition):
        desk.BookHeldAppointment(id=first.id)


def test_nobody_books_the_seat_of_an_offer_that_ran_out_while_others_wait_for_it(desk, ward, worker_database):
    booked = desk.book(ward.practitioner, tomorrow(9))
    first, second = ward.join(), ward.join()
    ward.cancel(booked)
    desk.run_out(first.id)
    with pytest.raises(errors.FailedPrecondition) as refused:
        desk.book(ward.practitioner, tomorrow(9))
    assert refused.value.reason == "SLOT_TAKEN"
    freed.sweep(worker_database)
    desk.run_out(second.id)
    # Nobody is left who has not let it pass.
    assert desk.book(ward.practitioner, tomorrow(9)).state == "BOOKED"


def test_a_seat_that_a_move_leaves_is_offered(desk, ward):
    booked = desk.book(ward.practitioner, tomorrow(9))
    entry = ward.join()
    desk.RescheduleAppointment(id=booked.id, start_time=tomorrow(11))
    assert starts(desk.GetAppointment(id=entry.id)) == tomorrow(9)


def test_a_slot_that_is_overbooked_has_no_seat_to_offer(desk, ward):
    booked = desk.book(ward.practitioner, tomorrow(9))
    desk.OverbookAppointment(
        appointment={
            "patient_id": desk.patient(),
            "practitioner_id": ward.practitioner,
            "start_time": tomorrow(9),
        },
        reason="an emergency",
    )
    entry = ward.join()
    ward.cancel(booked)
    assert desk.state_of(entry.id) == "WAITLISTED"


def test_who_is_busy_then_deleted_or_merged_is_passed_over(desk, ward, owner):
    booked = desk.book(ward.practitioner, tomorrow(9))
    other = desk.practitioner()
    busy, deleted, free = (desk.patient() for _ in range(3))
    desk.book(other, tomorrow(9), busy)
    ward.join(busy), ward.join(deleted)
    entry = ward.join(free)
    owner.execute("UPDATE patient SET delete_time = now() WHERE id = %s", [deleted])
    ward.cancel(booked)
    assert desk.state_of(entry.id) == "HELD"


def test_the_list_is_read_both_ways_in_its_order_with_patients(desk, ward):
    routine = [ward.join().id for _ in range(3)]
    urgent = [ward.join(waitlist_priority="URGENT", practitioner_id=ward.practitioner).id for _ in range(2)]
    every = urgent + routine
    seen, token = [], ""
    while True:
        page = desk.ListWaitingList(department_id=ward.department, page_size=2, page_token=token)
        assert all(each.patient.id == each.patient_id for each in page.appointments)
        seen += [each.id for each in page.appointments]
        if not page.next_page_token:
            break
        token = page.next_page_token
    assert seen == every
    back = desk.ListWaitingList(
        department_id=ward.department, page_size=2, page_token=page.previous_page_token
    )
    assert [each.id for each in back.appointments] == every[2:4]
    of_one = desk.ListWaitingList(practitioner_id=ward.practitioner)
    assert [each.id for each in of_one.appointments] == urgent
    with pytest.raises(errors.InvalidArgument):
        desk.ListWaitingList()


def test_an_entry_needs_a_patient_a_department_and_what_there_is(desk, ward):
    for fields in (
        {"department_id": ids.uuid7()},
        {"practitioner_id": ids.uuid7()},
        {"wanted_start_time": tomorrow(9), "wanted_end_time": tomorrow(9)},
        {"wanted_day_start": "10:00", "wanted_day_end": "09:00"},
        {"previous_appointment_id": desk.book(ward.practitioner, tomorrow(15)).id},
    ):
        with pytest.raises(errors.InvalidArgument):
            ward.join(**fields)
    with pytest.raises(errors.NotFound):
        ward.join(ids.uuid7())


def test_one_who_waits_is_offered_a_seat_by_hand(desk, ward):
    entry = ward.join(wanted_weekdays=[tomorrow(9).isoweekday() % 7 + 1])
    offer = {"id": entry.id, "practitioner_id": ward.practitioner}
    with pytest.raises(errors.FailedPrecondition) as refused:
        desk.OfferSlot(**offer, start_time=tomorrow(9, 7))
    assert refused.value.reason == "NO_SEAT_TO_OFFER"
    request_id = ids.uuid7()
    for _ in range(2):
        offered = desk.OfferSlot(**offer, start_time=tomorrow(9), request_id=request_id)
        assert (offered.state, offered.etag) == ("HELD", "2")
    with pytest.raises(errors.FailedPrecondition):
        desk.OfferSlot(**offer, start_time=tomorrow(10))


def test_only_an_offer_is_declined(desk, ward):
    held = desk.HoldAppointment(
        patient_id=desk.patient(), practitioner_id=ward.practitioner, start_time=tomorrow(9)
    )
    for appointment_id in (held.id, ward.join().id):
        with pytest.raises(errors.FailedPrecondition) as refused:
            desk.DeclineOffer(id=appointment_id)
        assert refused.value.reason == "NOT_AN_OFFER"


def test_seats_that_come_free_at_once_go_to_as_many_in_order_and_none_twice(desk, ward):
    others = [ward.practitioner, *(desk.practitioner(ward.department) for _ in range(3))]
    booked = [desk.book(each, tomorrow(9)) for each in others]
    entries = [ward.join() for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(ward.cancel, booked))
    states = [desk.state_of(each.id) for each in entries]
    assert states == ["HELD"] * 4 + ["WAITLISTED"] * 2
    assert all(desk.seats(each, tomorrow(9)) == [1] for each in others)


def test_follow_ups_of_an_appointment_are_listed(desk, ward):
    first = desk.book(ward.practitioner, tomorrow(9))
    later = [
        desk.book(ward.practitioner, tomorrow(hour), first.patient_id, previous_appointment_id=first.id)
        for hour in (10, 11, 12)
    ]
    page = desk.ListFollowUps(id=first.id, page_size=2)
    assert [each.id for each in page.appointments] == [each.id for each in later[:2]]
    rest = desk.ListFollowUps(id=first.id, page_size=2, page_token=page.next_page_token)
    assert [each.id for each in rest.appointments] == [later[2].id]
    assert not desk.ListFollowUps(id=later[0].id).appointments
    with pytest.raises(errors.NotFound):
        desk.ListFollowUps(id=ids.uuid7())
