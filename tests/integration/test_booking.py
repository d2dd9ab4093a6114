"""Booking: who comes first wins, nobody else, and whoever loses is told where there is room."""

import concurrent.futures
import dataclasses

import pytest

from hms_server import errors, ids
from hms_server.scheduling.freed import sweep
from tests.fix_booking import add_department, add_practitioner, add_slots, tomorrow


def refused(reason, work, kind=errors.FailedPrecondition):
    with pytest.raises(kind) as error:
        work()
    assert error.value.reason == reason, error.value.message
    return error.value


def test_a_booked_slot_is_taken_and_the_next_free_ones_are_told(desk):
    doctor = desk.practitioner()
    made = desk.book(doctor, tomorrow(), note="first")
    assert (made.state, made.seat, made.overbooked, made.etag, made.note) == (
        "BOOKED",
        1,
        False,
        "1",
        "first",
    )
    error = refused("SLOT_TAKEN", lambda: desk.book(doctor, tomorrow()))
    (free,) = error.details
    assert [slot.start_time.ToDatetime().minute for slot in free.slots] == [15, 30, 45, 0, 15]
    assert {slot.practitioner_id for slot in free.slots} == {doctor}
    assert desk.seats(doctor, tomorrow()) == [1]


def test_where_the_practitioner_has_no_room_the_department_has(desk):
    department = desk.department()
    doctor, other = desk.practitioner(department), desk.practitioner(department)
    desk.owner.execute("UPDATE schedule SET valid_until = current_date WHERE practitioner_id = %s", [doctor])
    error = refused("NO_SUCH_SLOT", lambda: desk.book(doctor, tomorrow(days=2), department_id=department))
    assert {slot.practitioner_id for slot in error.details[0].slots} == {other}


def test_what_is_no_slot_is_not_booked(desk):
    doctor = desk.practitioner()
    for start in (tomorrow(9, 7), tomorrow(days=-1)):
        error = refused("NO_SUCH_SLOT", lambda start=start: desk.book(doctor, start))
        assert len(error.details[0].slots) == 5
    refused("INVALID_ARGUMENT", lambda: desk.book(doctor, tomorrow(days=4000)), errors.InvalidArgument)
    refused("NOT_FOUND", lambda: desk.book(ids.uuid7(), tomorrow()), errors.NotFound)
    refused("NOT_FOUND", lambda: desk.book(doctor, tomorrow(), ids.uuid7()), errors.NotFound)
    resting = add_practitioner(desk.owner, desk.tenant.id, active=False)
    add_slots(desk.owner, desk.tenant.id, resting, desk.department())
    refused("WRONG_STATE", lambda: desk.book(resting, tomorrow()))
    with pytest.raises(errors.InvalidArgument) as error:
        desk.BookAppointment(appointment={"note": "nothing"})
    assert [each.field for each in error.value.violations] == [
        "appointment.patient_id",
        "appointment.practitioner_id",
        "appointment.start_time",
    ]


def test_seats_that_are_kept_for_walk_ins_are_not_booked(desk):
    doctor = desk.practitioner(capacity=4, walk_in_share=50)
    for _ in range(2):
        desk.book(doctor, tomorrow())
    refused("SLOT_TAKEN", lambda: desk.book(doctor, tomorrow()))


def test_one_patient_is_at_one_place_unless_somebody_says_otherwise(desk):
    doctor, other, patient = desk.practitioner(), desk.practitioner(minutes=60), desk.patient()
    first = desk.book(doctor, tomorrow(9, 15), patient)
    error = refused("PATIENT_BUSY", lambda: desk.book(other, tomorrow(9), patient))
    assert error.metadata == {"appointment_id": first.id}
    assert desk.book(other, tomorrow(9), patient, allow_overlap=True).state == "BOOKED"


def test_of_several_slots_at_one_time_the_caller_says_which(desk):
    one, two = desk.department(), desk.department()
    doctor = desk.practitioner(one, service="CONSULTATION")
    add_slots(desk.owner, desk.tenant.id, doctor, two, service="SCAN", capacity=2)
    error = refused("INVALID_ARGUMENT", lambda: desk.book(doctor, tomorrow()), errors.InvalidArgument)
    assert error.violations[0].field == "department_id"
    assert desk.book(doctor, tomorrow(), service="SCAN").department_id == two
    # A practitioner has one body: the other department's slot has one seat, and that is taken.
    refused("SLOT_TAKEN", lambda: desk.book(doctor, tomorrow(), department_id=one))


def test_overbooking_takes_the_lowest_seat_above_and_is_marked(desk):
    doctor, patient = desk.practitioner(), desk.patient()

    def overbook(patient_id):
        return desk.OverbookAppointment(
            appointment={"patient_id": patient_id, "practitioner_id": doctor, "start_time": tomorrow()},
            reason="in pain",
        )

    assert not overbook(desk.patient()).overbooked
    made = overbook(patient)
    assert (made.seat, made.overbooked, overbook(desk.patient()).seat) == (2, True, 3)
    rows = desk.owner.execute(
        "SELECT record ->> 'reason', record ->> 'method' FROM audit_outbox WHERE record ->> 'entity_id' = %s",
        [made.id],
    ).fetchall()
    assert rows == [("overbooked", "hms.scheduling.v1.SchedulingService/OverbookAppointment")]


def test_a_repeated_request_books_once(desk):
    doctor, patient, request_id = desk.practitioner(capacity=5), desk.patient(), ids.uuid7()
    first = desk.book(doctor, tomorrow(), patient, request_id=request_id)
    assert desk.book(doctor, tomorrow(), patient, request_id=request_id) == first
    items = [
        {"patient_id": desk.patient(), "practitioner_id": doctor, "start_time": tomorrow(10)}
        for _ in range(3)
    ]
    request_id = ids.uuid7()
    many = desk.BatchBookAppointments(appointments=items, request_id=request_id)
    assert [each.seat for each in many.appointments] == [1, 2, 3]
    assert desk.BatchBookAppointments(appointments=items, request_id=request_id) == many
    assert desk.seats(doctor, tomorrow(10)) == [1, 2, 3]


def test_a_batch_books_all_or_nothing(desk):
    doctor = desk.practitioner(capacity=2)
    items = [
        {"patient_id": desk.patient(), "practitioner_id": doctor, "start_time": tomorrow()} for _ in range(3)
    ]
    error = refused("SLOT_TAKEN", lambda: desk.BatchBookAppointments(appointments=items))
    assert error.message.startswith("appointments[2]: ")
    twice = [items[0], items[0]]
    refused("PATIENT_BUSY", lambda: desk.BatchBookAppointments(appointments=twice))
    assert desk.seats(doctor, tomorrow()) == []


def hold(desk, doctor, **fields):
    return desk.HoldAppointment(
        **{"patient_id": desk.patient(), "practitioner_id": doctor, "start_time": tomorrow(), **fields}
    )


def test_a_hold_keeps_a_seat_until_it_runs_out(desk):
    doctor = desk.practitioner()
    held = hold(desk, doctor, note="on the phone")
    assert held.state == "HELD"
    kept = held.hold_expire_time.seconds - held.create_time.seconds
    assert 298 <= kept <= 302
    refused("SLOT_TAKEN", lambda: desk.book(doctor, tomorrow()))
    booked = desk.BookHeldAppointment(id=held.id, etag="1")
    assert (booked.state, booked.note, booked.HasField("hold_expire_time")) == (
        "BOOKED",
        "on the phone",
        False,
    )
    refused("WRONG_STATE", lambda: desk.BookHeldAppointment(id=held.id))


def test_a_hold_that_ran_out_is_somebody_elses_seat(desk):
    doctor = desk.practitioner()
    held, patient = hold(desk, doctor), desk.patient()
    desk.run_out(held.id)
    error = refused("HOLD_EXPIRED", lambda: desk.BookHeldAppointment(id=held.id))
    assert error.details[0].slots[0].start_time.ToDatetime().minute == 0
    assert desk.book(doctor, tomorrow(), patient).seat == 1
    assert desk.state_of(held.id) == "EXPIRED"
    refused("HOLD_EXPIRED", lambda: desk.BookHeldAppointment(id=held.id))
    versions = desk.ListAppointmentVersions(id=held.id).versions
    assert [(v.appointment.state, v.appointment.etag) for v in versions] == [("EXPIRED", "2"), ("HELD", "1")]
    assert versions[0].actor_id == ids.NIL


def test_the_sweep_ends_holds_and_gives_offers_back_to_the_waiting_list(desk, worker_database):
    doctor, other = desk.practitioner(), desk.practitioner()
    held, offered = hold(desk, doctor), hold(desk, other)
    # An offer: a place on the waiting list, for anybody of the department, that came to be held.
    desk.owner.execute(
        "UPDATE appointment SET waitlist_time = now(), version = 2 WHERE id = %s", [offered.id]
    )
    desk.owner.execute(
        "INSERT INTO appointment_version (tenant_id, id, version, row_data, actor_id, update_time)"
        ' SELECT tenant_id, id, 1, to_jsonb(a) || \'{"state": "WAITLISTED", "practitioner_id": null}\','
        " actor_id, now() FROM appointment a WHERE id = %s",
        [offered.id],
    )
    desk.run_out(held.id, offered.id)
    assert sweep(worker_database) >= 2
    assert desk.state_of(held.id) == "EXPIRED"
    row = desk.owner.execute(
        "SELECT state, practitioner_id, start_time, seat, hold_expire_time, version"
        " FROM appointment WHERE id = %s",
        [offered.id],
    ).fetchone()
    assert row == ("WAITLISTED", None, None, None, None, 3)
    assert sweep(worker_database) == 0


def test_rescheduling_keeps_the_id_frees_the_seat_and_takes_another(desk):
    department = desk.department()
    doctor, other = desk.practitioner(department), desk.practitioner(department)
    made = desk.book(doctor, tomorrow())
    desk.ConfirmAppointment(id=made.id)
    refused(
        "ETAG_MISMATCH",
        lambda: desk.RescheduleAppointment(id=made.id, start_time=tomorrow(10), etag="1"),
        errors.Aborted,
    )
    moved = desk.RescheduleAppointment(
        id=made.id, start_time=tomorrow(10), practitioner_id=other, etag="2", reason="asked"
    )
    assert (moved.id, moved.practitioner_id, moved.state, moved.etag) == (made.id, other, "CONFIRMED", "3")
    assert desk.seats(doctor, tomorrow()) == []
    desk.book(doctor, tomorrow())
    refused(
        "SLOT_TAKEN",
        lambda: desk.RescheduleAppointment(id=made.id, start_time=tomorrow(), practitioner_id=doctor),
    )
    # To an overlapping time of its own it is in nobody's way.
    assert desk.RescheduleAppointment(id=made.id, start_time=tomorrow(10)).seat == 1
    desk.CancelAppointment(id=made.id, reason="gone")
    refused("WRONG_STATE", lambda: desk.RescheduleAppointment(id=made.id, start_time=tomorrow(11)))


def test_cancelling_frees_the_seat_and_says_why(desk):
    doctor = desk.practitioner()
    made = desk.book(doctor, tomorrow())
    gone = desk.CancelAppointment(id=made.id, reason="travels", etag="1")
    assert (gone.state, gone.cancellation_reason, gone.etag) == ("CANCELLED", "travels", "2")
    assert gone.HasField("cancel_time")
    assert desk.book(doctor, tomorrow()).seat == 1
    refused("WRONG_STATE", lambda: desk.CancelAppointment(id=made.id, reason="again"))


def test_an_amendment_changes_what_the_mask_names(desk):
    doctor, patient = desk.practitioner(), desk.patient()
    first, second = desk.book(doctor, tomorrow(), patient), desk.book(doctor, tomorrow(10), patient, note="a")
    strange = desk.book(doctor, tomorrow(11))

    def amend(mask, **fields):
        return desk.AmendAppointment(appointment={"id": second.id, **fields}, update_mask={"paths": mask})

    made = amend(
        ["reasons", "previous_appointment_id"], reasons=[{"text": "pain"}], previous_appointment_id=first.id
    )
    assert (made.reasons[0].text, made.note, made.previous_appointment_id) == ("pain", "a", first.id)
    assert amend(["note"], note="a").etag == made.etag
    assert amend(["note"]).note == ""
    for wrong in (strange.id, second.id, ids.uuid7()):
        refused(
            "INVALID_ARGUMENT",
            lambda wrong=wrong: amend(["previous_appointment_id"], previous_appointment_id=wrong),
            errors.InvalidArgument,
        )
    refused("INVALID_ARGUMENT", lambda: amend(["state"]), errors.InvalidArgument)


def test_lists_go_both_ways_and_show_the_patient(desk):
    doctor, patient = desk.practitioner(), desk.patient()
    made = [desk.book(doctor, tomorrow(hour), patient).id for hour in (9, 10, 11)]
    desk.CancelAppointment(id=made[1], reason="x")
    for order, wanted in (("", made), ("start_time desc", made[::-1])):
        fields = {"practitioner_id": doctor, "order_by": order, "page_size": 2}
        first = desk.ListAppointments(**fields)
        assert [each.id for each in first.appointments] == wanted[:2]
        assert first.appointments[0].patient.id == patient
        second = desk.ListAppointments(**fields, page_token=first.next_page_token)
        assert ([each.id for each in second.appointments], second.next_page_token) == (wanted[2:], "")
        back = desk.ListAppointments(**fields, page_token=second.previous_page_token)
        assert [each.id for each in back.appointments] == wanted[:2]
    listed = desk.ListAppointments(patient_id=patient, states=["BOOKED"], start_time=tomorrow(10))
    assert [each.id for each in listed.appointments] == [made[2]]
    with pytest.raises(errors.InvalidArgument):
        desk.ListAppointments()


def test_a_limited_caller_books_in_his_departments_alone_and_past_seats_that_he_does_not_see(desk):
    one, two = desk.department(), desk.department()
    doctor = desk.practitioner(one, capacity=3)
    add_slots(desk.owner, desk.tenant.id, doctor, two, capacity=3)
    patient, visitor = desk.patient(), desk.patient()
    desk.book(doctor, tomorrow(), department_id=two)
    # Whoever is limited sees patients of the department.
    desk.book(doctor, tomorrow(12), patient, department_id=one)
    desk.tenant = dataclasses.replace(desk.tenant, departments=frozenset({one}))
    made = desk.book(doctor, tomorrow(), patient)
    assert (made.department_id, made.seat) == (one, 2)
    refused(
        "DEPARTMENT_LIMITED",
        lambda: desk.book(doctor, tomorrow(13), patient, department_id=two),
        errors.PermissionDenied,
    )
    refused("NOT_FOUND", lambda: desk.book(doctor, tomorrow(13), visitor), errors.NotFound)


@pytest.mark.parametrize("capacity", [1, 5])
def test_of_many_at_once_exactly_as_many_win_as_there_are_seats(desk, capacity):
    doctor = desk.practitioner(capacity=capacity)
    patients = [desk.patient() for _ in range(16)]
    start = tomorrow()
    stale = [hold(desk, doctor) for _ in range(capacity)]
    desk.run_out(*(each.id for each in stale))

    def book(patient):
        try:
            return desk.book(doctor, start, patient).seat
        except errors.FailedPrecondition as error:
            return (error.reason, len(error.details[0].slots))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(book, patients))
    seats = [each for each in answers if isinstance(each, int)]
    assert {each for each in answers if not isinstance(each, int)} == {("SLOT_TAKEN", 5)}
    assert sorted(seats) == list(range(1, capacity + 1)) == desk.seats(doctor, start)


def test_two_who_swap_practitioners_at_once_do_not_stop_each_other(desk):
    department = desk.department()
    one, two = desk.practitioner(department), desk.practitioner(department)
    first, second = desk.book(one, tomorrow()), desk.book(two, tomorrow())
    moves = [(first.id, two, 10), (second.id, one, 10)] * 4

    def move(number_and_step):
        number, (appointment, doctor, hour) = number_and_step
        return desk.RescheduleAppointment(
            id=appointment, practitioner_id=doctor, start_time=tomorrow(hour + number // 2)
        ).id

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(move, enumerate(moves)))) == 8
    assert desk.owner.execute(
        "SELECT count(*) FROM appointment WHERE tenant_id = %s AND id = ANY (%s::uuid[])",
        [desk.tenant.id, [first.id, second.id]],
    ).fetchone() == (2,)


def test_departments_of_others_are_no_help(desk, new_tenant):
    other = new_tenant()
    doctor = add_practitioner(desk.owner, other.id)
    add_slots(desk.owner, other.id, doctor, add_department(desk.owner, other.id))
    refused("NOT_FOUND", lambda: desk.book(doctor, tomorrow()), errors.NotFound)
