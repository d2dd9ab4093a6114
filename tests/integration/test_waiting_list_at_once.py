"""Cancellations, bookings, declines, acceptances and the sweep at once on few slots: nothing is lost."""

from __future__ import annotations

import concurrent.futures
import contextlib
import random
import threading

import psycopg
import pytest

from hms_server import errors
from hms_server.scheduling import freed
from tests.fix_booking import tomorrow
from tests.fix_waiting import check_steps

HOURS = (9, 10)
CAPACITY = (1, 2)
SEATS = [(doctor, hour) for doctor in (0, 1) for hour in HOURS for _ in range(CAPACITY[doctor])]
# Free, though one who has waited since before it came free would take it.
OWED = """
SELECT w.id::text FROM appointment w
WHERE w.tenant_id = %(tenant)s AND w.state = 'WAITLISTED' AND w.practitioner_id = %(doctor)s
  AND w.wanted_from = %(start)s
  AND NOT EXISTS (SELECT FROM waiting_list_pass p WHERE p.tenant_id = w.tenant_id AND p.appointment_id = w.id
                    AND p.practitioner_id = %(doctor)s AND p.start_time = %(start)s)
"""


@pytest.fixture
def doctors(desk):
    department = desk.department()
    made = [desk.practitioner(department, capacity=capacity) for capacity in CAPACITY]
    return department, made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_once_in_any_order_no_seat_is_lost_or_given_twice(desk, doctors, worker_database, seed):
    department, practitioners = doctors
    booked = [desk.book(practitioners[doctor], tomorrow(hour)).id for doctor, hour in SEATS]

    def join(number):
        doctor, hour = SEATS[number % len(SEATS)]
        entry = {"patient_id": desk.patient(), "department_id": department}
        if number % 3:
            entry |= {
                "practitioner_id": practitioners[doctor],
                "wanted_start_time": tomorrow(hour),
                "wanted_end_time": tomorrow(hour, 15),
            }
        return desk.JoinWaitingList(appointment=entry).id

    entries = [join(number) for number in range(18)]
    others = [desk.patient() for _ in range(60)]

    def act(number):
        chance = random.Random(f"{seed}/{number}")
        what = chance.choice(["cancel", "cancel", "book", "decline", "accept", "run out", "sweep"])
        doctor, hour = chance.choice(SEATS)
        try:
            match what:
                case "cancel":
                    desk.CancelAppointment(id=chance.choice(booked), reason="x")
                case "book":
                    made = desk.BookAppointment(
                        appointment={
                            "patient_id": others[number],
                            "practitioner_id": practitioners[doctor],
                            "start_time": tomorrow(hour),
                        }
                    )
                    booked.append(made.id)
                case "decline":
                    desk.DeclineOffer(id=chance.choice(entries))
                case "accept":
                    desk.BookHeldAppointment(id=chance.choice(entries))
                case "run out":
                    end_time_of(desk, chance.choice(entries))
                case "sweep":
                    freed.sweep(worker_database)
        except errors.FailedPrecondition as error:
            return error.reason
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(len(others))))
    assert set(answers) <= {"OK", "SLOT_TAKEN", "WRONG_STATE", "NOT_AN_OFFER", "HOLD_EXPIRED"}
    while freed.sweep(worker_database):
        pass
    check_steps(desk.owner, desk.tenant.id)
    for doctor, hour in sorted(set(SEATS)):
        named = {"tenant": desk.tenant.id, "doctor": practitioners[doctor], "start": tomorrow(hour)}
        seats = desk.seats(practitioners[doctor], tomorrow(hour))
        assert len(set(seats)) == len(seats)
        assert set(seats) <= set(range(1, CAPACITY[doctor] + 1))
        if len(seats) < CAPACITY[doctor]:
            assert desk.owner.execute(OWED, named).fetchall() == []
        # No seat is lost: what nobody has can be booked.
        for _ in range(CAPACITY[doctor] - len(seats)):
            desk.book(practitioners[doctor], tomorrow(hour))


def end_time_of(desk, entry):
    desk.owner.execute(
        "UPDATE appointment SET hold_expire_time = now() - interval '1 second'"
        " WHERE tenant_id = %s AND id = %s AND state = 'HELD'",
        [desk.tenant.id, entry],
    )


def test_sweep_and_bookings_of_one_practitioner_wait_for_each_other_and_never_crosswise(
    desk, doctors, database, worker_database, monkeypatch
):
    department, practitioners = doctors
    crossed = []
    made = errors.ConcurrentChange.__init__

    def note(self, *args, **fields):
        crossed.append(args)
        made(self, *args, **fields)

    monkeypatch.setattr(errors.ConcurrentChange, "__init__", note)
    doctor = practitioners[1]
    held = [
        desk.HoldAppointment(patient_id=desk.patient(), practitioner_id=doctor, start_time=tomorrow(hour)).id
        for hour in HOURS
        for _ in range(CAPACITY[1])
    ]
    entries = [
        desk.JoinWaitingList(appointment={"patient_id": desk.patient(), "department_id": department}).id
        for _ in range(2)
    ]
    desk.run_out(*held)
    others = [desk.patient() for _ in range(4)]
    started = threading.Barrier(7)

    def book(number):
        started.wait(20)
        try:
            desk.book(doctor, tomorrow(HOURS[number % 2]), others[number])
        except errors.FailedPrecondition as error:
            return error.reason
        return "OK"

    def sweep(_):
        started.wait(20)
        return freed.sweep(worker_database)

    with psycopg.connect(database.owner) as before, concurrent.futures.ThreadPoolExecutor(6) as pool:
        # All of them are on their way to the same practitioner when he is let go.
        before.execute("SELECT FROM practitioner WHERE id = %s FOR NO KEY UPDATE", [doctor])
        answers = [pool.submit(book, number) for number in range(4)]
        sweeps = [pool.submit(sweep, number) for number in range(2)]
        started.wait(20)
        before.commit()
        assert {answer.result() for answer in answers} <= {"OK", "SLOT_TAKEN"}
        assert all(swept.result() >= 0 for swept in sweeps)
    assert crossed == []
    while freed.sweep(worker_database):
        pass
    assert not {desk.state_of(each) for each in held} - {"EXPIRED"}
    assert {desk.state_of(each) for each in entries} == {"HELD"}
    check_steps(desk.owner, desk.tenant.id)


def test_offers_of_two_practitioners_that_cross_are_made_again(desk, doctors, database, worker_database):
    """Each holds the entry that the other is about to lock: one of the two begins again, none is lost."""
    department, practitioners = doctors
    hold = [
        desk.HoldAppointment(patient_id=desk.patient(), practitioner_id=each, start_time=tomorrow(9)).id
        for each in practitioners
    ]
    entry = desk.JoinWaitingList(appointment={"patient_id": desk.patient(), "department_id": department}).id
    desk.run_out(*hold)
    with psycopg.connect(database.admin) as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        # The sweep's own look for deadlocks comes first, as a rule.
        other.execute("SET LOCAL deadlock_timeout = '5s'")
        other.execute("SELECT FROM appointment WHERE id = %s FOR NO KEY UPDATE", [entry])
        swept = pool.submit(freed.sweep, worker_database)
        waits_for(desk.owner, other.info.backend_pid)
        (locked,) = [each for each in practitioners if is_locked(desk.owner, each)]
        # Crosswise: the sweep has this practitioner, and waits for the entry.
        with contextlib.suppress(psycopg.errors.DeadlockDetected):
            other.execute("SELECT FROM practitioner WHERE id = %s FOR NO KEY UPDATE", [locked])
        other.rollback()
        swept.result()
    while freed.sweep(worker_database):
        pass
    assert {desk.state_of(each) for each in hold} == {"EXPIRED"}
    assert desk.state_of(entry) == "HELD"
    check_steps(desk.owner, desk.tenant.id)


def waits_for(owner, pid):
    """Until somebody waits for this backend."""
    while not owner.execute(
        "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", [pid]
    ).fetchall():
        pass


def is_locked(owner, practitioner_id):
    return not owner.execute(
        "SELECT FROM practitioner WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", [practitioner_id]
    ).fetchall()
