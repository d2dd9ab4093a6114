"""Whatever is done to a waiting list, in any order: every seat that comes free goes to the first it suits."""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hms_server import errors
from hms_server.scheduling import freed, states
from tests.fix_booking import SEATED, Desk, tomorrow
from tests.fix_patient import Registry
from tests.fix_waiting import check_steps

# Threads of the connection pool draw random numbers whenever they like.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module:Warning")
QUICK = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
HOURS = (9, 10)
CAPACITY = (1, 2)
doctors, hours, numbers = st.integers(0, 1), st.sampled_from(HOURS), st.integers(0, 30)


class Lists:
    """The hospital as it must be: appointments by id. Each has a state, doctor, hour, seat, version, whether
    its hold ran out (over), and for entries of the list its order, wish, and the slots that it let pass."""

    def __init__(self):
        self.known = {}

    def seated(self, doctor, hour):
        return [
            each
            for each in self.known.values()
            if each["state"] in SEATED and (each["doctor"], each["hour"]) == (doctor, hour)
        ]

    def change(self, key, **values):
        self.known[key].update(values, version=self.known[key]["version"] + 1)

    def suits(self, each, doctor, hour):
        return (
            each["state"] == "WAITLISTED"
            and each["wish"] in ((None, None), (doctor, None), (None, hour), (doctor, hour))
            and (doctor, hour) not in each["passed"]
            and not any(
                other["patient"] == each["patient"] for one in (0, 1) for other in self.seated(one, hour)
            )
        )

    def offer(self, doctor, hour):
        """Every free seat of a slot that came free."""
        while True:
            taken = [each["seat"] for each in self.seated(doctor, hour)]
            free = [seat for seat in range(1, CAPACITY[doctor] + 1) if seat not in taken]
            waiting = [key for key, each in self.known.items() if self.suits(each, doctor, hour)]
            if len(taken) >= CAPACITY[doctor] or not free or not waiting:
                return
            first = min(waiting, key=lambda key: self.known[key]["order"])
            self.change(first, state="HELD", doctor=doctor, hour=hour, seat=free[0], over=False)

    def back(self, key):
        """An offer that was not taken."""
        each = self.known[key]
        each["passed"].add((each["doctor"], each["hour"]))
        self.change(key, state="WAITLISTED", doctor=each["wish"][0], hour=None, seat=None, over=False)

    def expire(self, doctor, hour, but=None):
        """Whether holds of this slot ended."""
        due = [
            key
            for key, each in self.known.items()
            if key != but and each["over"] and (each["doctor"], each["hour"]) == (doctor, hour)
        ]
        for key in due:
            if self.known[key]["wish"] is None:
                self.change(key, state="EXPIRED", over=False)
            else:
                self.back(key)
        return bool(due)

    def sweep(self, order):
        """What the sweep does if it comes to the practitioners in this order."""
        for doctor in order:
            ended = [hour for hour in HOURS if self.expire(doctor, hour)]
            for hour in ended:
                self.offer(doctor, hour)

    def place(self, doctor, hour, but=None):
        """The seat for a booking, once holds of the slot that ran out went to who waits; none if full."""
        live = {
            each["seat"]
            for key, each in self.known.items()
            if key != but and each in self.seated(doctor, hour) and not each["over"]
        }
        hoped = [seat for seat in range(1, CAPACITY[doctor] + 1) if seat not in live]
        if not hoped:
            return None
        if self.expire(doctor, hour, but):
            self.offer(doctor, hour)
        own = self.known.get(but)
        taken = {each["seat"] for each in self.seated(doctor, hour) if each is not own}
        return next((seat for seat in hoped if seat not in taken), None)

    def rows(self):
        return {
            key: (each["state"], each["doctor"], each["hour"], each["seat"], each["version"])
            for key, each in self.known.items()
        }


class Hospital(RuleBasedStateMachine):
    """A department of two practitioners, all of whose seats are taken at first, and its waiting list."""

    def __init__(self, make):
        super().__init__()
        # Hypothesis makes `random` begin anew with every example, and ids with it.
        random.seed()
        self.desk, self.sweep_all = make()
        self.department = self.desk.department()
        self.doctors = [self.desk.practitioner(self.department, capacity=capacity) for capacity in CAPACITY]
        self.model = Lists()
        for doctor in (0, 1):
            for hour in HOURS:
                for _ in range(CAPACITY[doctor]):
                    self.book(doctor=doctor, hour=hour)
        self.join(urgent=False, doctor=None, hour=None, number=None)
        self.join(urgent=False, doctor=1, hour=9, number=0)
        self.join(urgent=True, doctor=None, hour=10, number=None)

    def pick(self, number, *likely):
        """One of those in these states, as a rule; any other sometimes."""
        known = self.model.known
        chosen = [key for key, each in known.items() if each["state"] in likely and number < 28]
        return (chosen or list(known))[number % len(chosen or known)]

    def refused(self, reason, call):
        with pytest.raises(errors.FailedPrecondition) as error:
            call()
        assert error.value.reason == reason

    def add(self, made, **values):
        empty = {"over": False, "wish": None, "order": None, "passed": set(), "patient": made.patient_id}
        self.model.known[made.id] = {**empty, "version": 1, **values}

    @rule(doctor=doctors, hour=hours)
    def book(self, doctor, hour):
        def rpc(**body):
            return self.desk.BookAppointment(appointment=body)

        self.take("BOOKED", doctor, hour, rpc)

    @rule(doctor=doctors, hour=hours)
    def hold(self, doctor, hour):
        self.take("HELD", doctor, hour, self.desk.HoldAppointment)

    def take(self, state, doctor, hour, rpc):
        after = copy.deepcopy(self.model)
        seat = after.place(doctor, hour)
        call = lambda: rpc(  # noqa: E731
            patient_id=self.desk.patient(),
            practitioner_id=self.doctors[doctor],
            start_time=tomorrow(hour),
        )
        if seat is None:
            self.refused("SLOT_TAKEN", call)
            return
        made = call()
        self.model = after
        self.add(made, state=state, doctor=doctor, hour=hour, seat=seat)

    @rule(
        urgent=st.booleans(), doctor=st.none() | doctors, hour=st.none() | hours, number=st.none() | numbers
    )
    def join(self, urgent, doctor, hour, number):
        wish = (
            {}
            if hour is None
            else {"wanted_start_time": tomorrow(hour), "wanted_end_time": tomorrow(hour, 15)}
        )
        made = self.desk.JoinWaitingList(
            appointment={
                "patient_id": (
                    self.desk.patient() if number is None else self.model.known[self.pick(number)]["patient"]
                ),
                "department_id": self.department,
                "practitioner_id": "" if doctor is None else self.doctors[doctor],
                "waitlist_priority": "URGENT" if urgent else "ROUTINE",
                **wish,
            }
        )
        order = (not urgent, len(self.model.known))
        self.add(
            made, state="WAITLISTED", doctor=doctor, hour=None, seat=None, wish=(doctor, hour), order=order
        )

    @rule(number=numbers)
    def cancel(self, number):
        key = self.pick(number, "BOOKED", "HELD")
        before = dict(self.model.known[key])
        call = lambda: self.desk.CancelAppointment(id=key, reason="x")  # noqa: E731
        if "CANCELLED" not in states.APPOINTMENT[before["state"]]:
            self.refused("WRONG_STATE", call)
            return
        call()
        self.model.change(key, state="CANCELLED", over=False)
        if before["hour"]:
            self.model.offer(before["doctor"], before["hour"])

    @rule(number=numbers, doctor=doctors, hour=hours)
    def reschedule(self, number, doctor, hour):
        key = self.pick(number, *states.MOVABLE)
        before = dict(self.model.known[key])
        call = lambda: self.desk.RescheduleAppointment(  # noqa: E731
            id=key, practitioner_id=self.doctors[doctor], start_time=tomorrow(hour), allow_overlap=True
        )
        after = copy.deepcopy(self.model)
        if before["state"] not in states.MOVABLE:
            self.refused("WRONG_STATE", call)
        elif (seat := after.place(doctor, hour, key)) is None:
            self.refused("SLOT_TAKEN", call)
        else:
            call()
            after.change(key, doctor=doctor, hour=hour, seat=seat)
            after.offer(before["doctor"], before["hour"])
            self.model = after

    @rule(number=numbers)
    def decline(self, number):
        key = self.pick(number, "HELD")
        before = dict(self.model.known[key])
        call = lambda: self.desk.DeclineOffer(id=key)  # noqa: E731
        if before["state"] != "HELD" or before["wish"] is None:
            self.refused("NOT_AN_OFFER", call)
            return
        call()
        self.model.back(key)
        self.model.offer(before["doctor"], before["hour"])

    @rule(number=numbers)
    def accept(self, number):
        key = self.pick(number, "HELD")
        each = self.model.known[key]
        call = lambda: self.desk.BookHeldAppointment(id=key)  # noqa: E731
        if each["over"] or each["state"] == "EXPIRED":
            self.refused("HOLD_EXPIRED", call)
        elif each["state"] != "HELD":
            self.refused("WRONG_STATE", call)
        else:
            call()
            self.model.change(key, state="BOOKED")

    @rule(number=numbers)
    def time_passes(self, number):
        key = self.pick(number, "HELD")
        if self.model.known[key]["state"] == "HELD":
            self.desk.run_out(key)
            self.model.known[key]["over"] = True

    @rule()
    def sweep(self):
        possible = [copy.deepcopy(self.model) for _ in range(2)]
        for model, order in zip(possible, ((0, 1), (1, 0)), strict=True):
            model.sweep(order)
        self.sweep_all()
        present = self.rows()
        fitting = [model for model in possible if model.rows() == present]
        assert fitting, (present, [model.rows() for model in possible])
        self.model = fitting[0]
        # Nothing that ran out is left, whichever came first.
        assert not any(each["over"] for each in self.model.known.values())

    def rows(self):
        return {
            row[0]: row[1:]
            for row in self.desk.owner.execute(
                "SELECT a.id::text, a.state, array_position(%s::uuid[], a.practitioner_id) - 1,"
                " extract(hour FROM a.start_time AT TIME ZONE 'UTC')::int, a.seat, a.version"
                " FROM appointment a WHERE a.tenant_id = %s",
                [self.doctors, self.desk.tenant.id],
            )
        }

    @invariant()
    def every_appointment_is_what_its_steps_made_of_it(self):
        assert self.rows() == self.model.rows()

    @invariant()
    def no_seat_is_given_twice(self):
        for doctor in (0, 1):
            for hour in HOURS:
                seats = [each["seat"] for each in self.model.seated(doctor, hour)]
                assert len(set(seats)) == len(seats)
                assert set(seats) <= set(range(1, CAPACITY[doctor] + 1))

    def teardown(self):
        check_steps(self.desk.owner, self.desk.tenant.id)


def test_every_seat_that_comes_free_goes_to_the_first_whom_it_suits(
    scheduling, owner, servicer, new_tenant, worker_database
):
    def make():
        tenant = new_tenant()
        desk = Desk(scheduling, owner, Registry(servicer, tenant), tenant)
        return desk, lambda: freed.sweep(worker_database)

    run_state_machine_as_test(lambda: Hospital(make), settings=QUICK)
