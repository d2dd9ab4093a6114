"""Whatever is done to appointments, in any order: no seat twice, none above the capacity but on purpose."""

import concurrent.futures
import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hms_server import errors
from hms_server.scheduling import states
from tests.fix_booking import SEATED, Desk, tomorrow
from tests.fix_patient import Registry

# Threads of the connection pool draw random numbers whenever they like.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module:Warning")
QUICK = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
CAPACITY = 2
HOURS = (9, 10)
hours = st.sampled_from(HOURS)
numbers = st.integers(0, 20)


class Model:
    """Appointments as they must be: id, state, hour, seat, version, whether the hold ran out."""

    def __init__(self, desk):
        self.desk = desk
        self.doctor = desk.practitioner(capacity=CAPACITY)
        self.known = {}

    def taken(self, hour, but=None):
        return {
            each["seat"]
            for key, each in self.known.items()
            if key != but and each["hour"] == hour and each["state"] in SEATED and not each["over"]
        }

    def lowest(self, hour, but=None):
        return next(seat for seat in range(1, 99) if seat not in self.taken(hour, but))

    def expire(self, hour, but=None):
        for key, each in self.known.items():
            if key != but and each["over"] and each["hour"] == hour and each["state"] == "HELD":
                each.update(state="EXPIRED", version=each["version"] + 1)

    def make(self, what, hour):
        seat = self.lowest(hour)
        body = {
            "patient_id": self.desk.patient(),
            "practitioner_id": self.doctor,
            "start_time": tomorrow(hour),
        }
        call = {
            "book": lambda: self.desk.BookAppointment(appointment=body),
            "hold": lambda: self.desk.HoldAppointment(**body),
            "overbook": lambda: self.desk.OverbookAppointment(appointment=body, reason="full"),
        }[what]
        if seat > CAPACITY and what != "overbook":
            return self.refused("SLOT_TAKEN", call)
        made = call()
        self.expire(hour)
        state = "HELD" if what == "hold" else "BOOKED"
        assert (made.seat, made.overbooked, made.state) == (seat, seat > CAPACITY, state)
        self.known[made.id] = {"state": state, "hour": hour, "seat": seat, "version": 1, "over": False}
        return None

    def refused(self, reason, call):
        with pytest.raises(errors.FailedPrecondition) as error:
            call()
        assert error.value.reason == reason

    def change(self, what, key, hour):
        each, desk = self.known[key], self.desk
        if what == "run out":
            if each["state"] == "HELD":
                desk.run_out(key)
                each["over"] = True
            return
        if what == "amend":
            desk.AmendAppointment(appointment={"id": key, "note": f"n{each['version']}"})
            each["version"] += 1
            return
        if what == "reschedule":
            call = lambda: desk.RescheduleAppointment(id=key, start_time=tomorrow(hour))  # noqa: E731
            seat = self.lowest(hour, key)
            if each["state"] not in states.MOVABLE:
                self.refused("WRONG_STATE", call)
            elif seat > CAPACITY:
                self.refused("SLOT_TAKEN", call)
            else:
                call()
                self.expire(hour, key)
                each.update(hour=hour, seat=seat, version=each["version"] + 1)
            return
        after, call = {
            "book held": ("BOOKED", lambda: desk.BookHeldAppointment(id=key)),
            "confirm": ("CONFIRMED", lambda: desk.ConfirmAppointment(id=key)),
            "cancel": ("CANCELLED", lambda: desk.CancelAppointment(id=key, reason="x")),
        }[what]
        if (
            what == "book held"
            and (each["over"] or each["state"] == "EXPIRED")
            and each["state"] in ("HELD", "EXPIRED")
        ):
            self.refused("HOLD_EXPIRED", call)
        elif after in states.APPOINTMENT[each["state"]]:
            call()
            each.update(state=after, version=each["version"] + 1, over=False)
        else:
            self.refused("WRONG_STATE", call)

    def check(self):
        rows = self.desk.owner.execute(
            "SELECT a.id::text, a.state, extract(hour FROM a.start_time AT TIME ZONE 'UTC')::int, a.seat,"
            " a.version,"
            " (SELECT count(*) FROM appointment_version v WHERE v.tenant_id = a.tenant_id AND v.id = a.id)"
            " FROM appointment a WHERE a.tenant_id = %s",
            [self.desk.tenant.id],
        ).fetchall()
        assert {row[0]: row[1:5] for row in rows} == {
            key: (each["state"], each["hour"], each["seat"], each["version"])
            for key, each in self.known.items()
        }
        assert all(row[5] == row[4] - 1 for row in rows)


def test_every_appointment_is_what_its_steps_made_of_it(scheduling, owner, servicer, new_tenant):
    class Appointments(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            random.seed()
            tenant = new_tenant()
            self.model = Model(Desk(scheduling, owner, Registry(servicer, tenant), tenant))

        @rule(what=st.sampled_from(["book", "hold", "overbook"]), hour=hours)
        def make(self, what, hour):
            self.model.make(what, hour)

        @precondition(lambda self: self.model.known)
        @rule(number=numbers, hour=hours)
        def reschedule(self, number, hour):
            self.model.change("reschedule", self._key(number), hour)

        @precondition(lambda self: self.model.known)
        @rule(
            what=st.sampled_from(["book held", "confirm", "cancel", "run out", "amend"]),
            number=numbers,
        )
        def change(self, what, number):
            self.model.change(what, self._key(number), 0)

        def _key(self, number):
            return list(self.model.known)[number % len(self.model.known)]

        @invariant()
        def rows_are_the_models(self):
            self.model.check()

    run_state_machine_as_test(Appointments, settings=QUICK)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_once_in_any_order_no_seat_is_given_twice(desk, seed):
    doctor = desk.practitioner(capacity=CAPACITY)
    made = [desk.book(doctor, tomorrow(hour)).id for hour in HOURS]
    patients = [desk.patient() for _ in range(40)]

    def act(number):
        chance = random.Random(f"{seed}/{number}")
        what, start = chance.choice(["book", "hold", "move", "cancel"]), tomorrow(chance.choice(HOURS))
        body = {"patient_id": patients[number], "practitioner_id": doctor, "start_time": start}
        try:
            match what:
                case "book":
                    made.append(desk.BookAppointment(appointment=body).id)
                case "hold":
                    held = desk.HoldAppointment(**body).id
                    desk.run_out(held)
                case "move":
                    desk.RescheduleAppointment(id=chance.choice(made), start_time=start)
                case "cancel":
                    desk.CancelAppointment(id=chance.choice(made), reason="x")
        except errors.FailedPrecondition as error:
            return error.reason
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(len(patients))))
    assert set(answers) <= {"OK", "SLOT_TAKEN", "WRONG_STATE"}
    for hour in HOURS:
        seats = desk.seats(doctor, tomorrow(hour))
        assert len(set(seats)) == len(seats)
        assert all(seat <= CAPACITY for seat in seats)
    wrong = desk.owner.execute(
        "SELECT count(*) FROM appointment a WHERE a.tenant_id = %s AND a.version - 1 <>"
        " (SELECT count(*) FROM appointment_version v WHERE v.tenant_id = a.tenant_id AND v.id = a.id)",
        [desk.tenant.id],
    ).fetchone()
    assert wrong == (0,)
