"""Whatever is done in two queues, in any order: numbers without gap or double, one who is called, the order
that queue_order.py promises, and a version for each step."""

import datetime
import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hms_server import clock, errors, ids
from hms_server.scheduling import states
from hms_server.scheduling.queue_order import GRACE, SKIPPED_BEHIND, URGENCY
from tests.fix_patient import Registry
from tests.integration.test_queue_day import Front

# Threads of the connection pool draw random numbers whenever they like.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module:Warning")
QUICK = settings(
    max_examples=25,
    stateful_step_count=35,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
LIVE = ("WAITING", "CALLED", "IN_CONSULTATION", "ON_HOLD", "SKIPPED")
PATIENTS = 8
queues, patients = st.integers(0, 1), st.integers(0, PATIENTS - 1)
numbers = st.integers(0, 30)
priorities = st.sampled_from([*URGENCY, "NORMAL", "NORMAL", "NORMAL"])
# Minutes since the slot began: in time, late, and late beyond the grace.
lateness = st.sampled_from([0, 3, 9, 15])


def moment(stamp):
    return stamp.ToDatetime(tzinfo=datetime.UTC)


class Queues(RuleBasedStateMachine):
    """Two practitioners' queues of the day, and beside them what must stand in them."""

    def __init__(self, make):
        super().__init__()
        # Hypothesis makes `random` begin anew with every example, and ids with it.
        random.seed()
        self.front, self.charts = make()
        self.doctors = [self.front.practitioner_id, self.front.practitioner()]
        self.people = [self.front.patient() for _ in range(PATIENTS)]
        self.tokens, self.appointments = {}, {}
        self.seat = 0

    # What the model knows

    def of(self, queue, *among):
        return [t for t in self.tokens.values() if t["queue"] == queue and (not among or t["state"] in among)]

    def waiting(self, queue):
        line = self.of(queue, "WAITING")
        return sorted(line, key=lambda t: (URGENCY[t["priority"]], t["order"], t["id"]))

    def stands(self, queue, patient):
        return any(t["patient"] == patient for t in self.of(queue, *LIVE))

    def pick(self, number):
        """Mostly one that is in a queue still."""
        live = [t for t in self.tokens.values() if t["state"] in LIVE]
        among = live if live and number % 8 else list(self.tokens.values())
        return among[number % len(among)]

    def note(self, made, queue, patient, order, priority, appointment=None):
        assert made.number == len(self.of(queue)) + 1
        assert (made.state, made.priority, made.etag) == ("WAITING", priority, "1")
        self.tokens[made.id] = {
            "id": made.id, "queue": queue, "patient": patient, "number": made.number, "state": "WAITING",
            "priority": priority, "order": order, "version": 1, "appointment": appointment,
        }  # fmt: skip

    def move(self, token, **changes):
        token.update(changes, version=token["version"] + 1)

    def refused(self, reason, call):
        with pytest.raises(errors.HmsError) as caught:
            call()
        assert caught.value.reason == reason

    # What people do

    @initialize(count=st.integers(0, PATIENTS - 2), skipped=st.integers(0, 2))
    def morning(self, count, skipped):
        for patient in range(count):
            self.walk_in(0, patient, "NORMAL", False)
        for token in self.waiting(0)[:skipped]:
            self.change(token, "skip", stale=False)

    @rule(queue=queues, patient=patients, priority=priorities, twice=st.booleans())
    def walk_in(self, queue, patient, priority, twice):
        request_id = ids.uuid7()

        def issue():
            return self.front.issue(
                self.people[patient],
                practitioner_id=self.doctors[queue],
                priority=priority,
                request_id=request_id,
            )

        if self.stands(queue, patient):
            self.refused("ALREADY_IN_QUEUE", issue)
            return
        made = issue()
        self.note(made, queue, patient, moment(made.issue_time), priority)
        if twice:
            assert issue() == made

    @rule(queue=queues, patient=patients, priority=priorities, minutes=lateness)
    def check_in(self, queue, patient, priority, minutes):
        self.seat += 1
        start = clock.now() - datetime.timedelta(minutes=minutes)
        appointment = self.front.appointment(
            start=start,
            patient_id=self.people[patient],
            practitioner_id=self.doctors[queue],
            seat=self.seat,
        )
        self.appointments[appointment] = {
            "state": "BOOKED",
            "queue": queue,
            "patient": patient,
            "start": start,
        }
        self.appear(appointment, priority)

    def appear(self, appointment, priority):
        known = self.appointments[appointment]

        def check_in():
            return self.front.CheckInAppointment(id=appointment, priority=priority)

        if self.stands(known["queue"], known["patient"]):
            self.refused("ALREADY_IN_QUEUE", check_in)
            return
        made = check_in().queue_token
        known["state"] = "CHECKED_IN"
        came = moment(made.issue_time)
        order = came if came > known["start"] + GRACE else known["start"]
        self.note(made, known["queue"], known["patient"], order, priority, appointment)

    @precondition(lambda self: self.appointments)
    @rule(number=numbers, what=st.sampled_from(["no show", "complete", "again"]), priority=priorities)
    def appointment(self, number, what, priority):
        lying = [a for a, known in self.appointments.items() if known["state"] != "FULFILLED"]
        among = lying if lying and number % 8 else list(self.appointments)
        appointment = among[number % len(among)]
        known = self.appointments[appointment]
        if what == "again":
            if "CHECKED_IN" in states.APPOINTMENT[known["state"]]:
                self.appear(appointment, priority)
            else:
                self.refused("WRONG_STATE", lambda: self.front.CheckInAppointment(id=appointment))
            return
        after, ends, method = {
            "no show": ("NO_SHOW", "CANCELLED", self.front.MarkNoShow),
            "complete": ("FULFILLED", "COMPLETED", self.front.CompleteAppointment),
        }[what]
        token = next(
            (
                t
                for t in self.tokens.values()
                if t["appointment"] == appointment and t["state"] not in ("TRANSFERRED", "CANCELLED")
            ),
            None,
        )
        possible = after in states.APPOINTMENT[known["state"]]
        if possible and token is not None:
            ways = states.TOKEN[token["state"]]
            # Who waits or is called was seen without anybody noting when it began.
            possible = ends in ways or (ends == "COMPLETED" and "IN_CONSULTATION" in ways)
        if not possible:
            self.refused("WRONG_STATE", lambda: method(id=appointment))
            return
        method(id=appointment)
        known["state"] = after
        if token is not None:
            self.move(token, state=ends)

    @rule(queue=queues, recall=st.booleans())
    def call_next(self, queue, recall):
        def call():
            return self.front.CallNext(practitioner_id=self.doctors[queue], recall=recall)

        called, line = self.of(queue, "CALLED"), self.waiting(queue)
        if called and not recall:
            self.refused("ALREADY_CALLED", call)
        elif not called and not line:
            self.refused("QUEUE_EMPTY", call)
        else:
            (token, *_) = called or line
            assert call().id == token["id"]
            self.move(token, state="CALLED")

    @precondition(lambda self: self.tokens)
    @rule(
        number=numbers,
        what=st.sampled_from(["call", "skip", "hold", "return", "cancel", "start"]),
        stale=st.integers(0, 9).map(lambda n: n == 0),
    )
    def one(self, number, what, stale):
        self.change(self.pick(number), what, stale)

    def change(self, token, what, stale):
        after, method, fields = {
            "call": ("CALLED", self.front.CallQueueToken, {"reason": "x"}),
            "skip": ("SKIPPED", self.front.SkipQueueToken, {}),
            "hold": ("ON_HOLD", self.front.HoldQueueToken, {"reason": "x"}),
            "return": ("WAITING", self.front.ReturnQueueToken, {}),
            "cancel": ("CANCELLED", self.front.CancelQueueToken, {"reason": "x"}),
            "start": ("IN_CONSULTATION", None, {}),
        }[what]
        if what == "start":
            self.start(token)
            return
        if stale:
            self.refused("ETAG_MISMATCH", lambda: method(id=token["id"], etag="99", **fields))
            return
        fields |= {"id": token["id"], "etag": str(token["version"])}
        if after not in states.TOKEN[token["state"]]:
            self.refused("WRONG_STATE", lambda: method(**fields))
        elif after == "CALLED" and self.of(token["queue"], "CALLED"):
            self.refused("ALREADY_CALLED", lambda: method(**fields))
        else:
            order = token["order"]
            if token["state"] == "SKIPPED" and after == "WAITING":
                alike = [
                    t
                    for t in self.waiting(token["queue"])
                    if URGENCY[t["priority"]] == URGENCY[token["priority"]]
                ]
                for before in alike[:SKIPPED_BEHIND]:
                    order = max(order, before["order"] + datetime.timedelta(microseconds=1))
            assert method(**fields).state == after
            self.move(token, state=after, order=order)

    def start(self, token):
        """The visit of a token begins at the doctor's; once."""

        def begin():
            return self.charts.StartEncounter(queue_token_id=token["id"])

        started = any(
            t.get("visit") and (t is token or (t["appointment"] and t["appointment"] == token["appointment"]))
            for t in self.tokens.values()
        )
        if started:
            return
        if "IN_CONSULTATION" not in states.TOKEN[token["state"]]:
            self.refused("WRONG_STATE", begin)
        else:
            token["visit"] = begin().id
            self.move(token, state="IN_CONSULTATION")

    @precondition(lambda self: any(t.get("visit") for t in self.tokens.values()))
    @rule(number=numbers)
    def visit_ends(self, number):
        visited = [t for t in self.tokens.values() if t.get("visit") and not t.get("over")]
        if not visited:
            return
        token = visited[number % len(visited)]
        self.charts.CompleteEncounter(id=token["visit"])
        token["over"] = True
        ways = states.TOKEN[token["state"]]
        transferred = token["state"] == "TRANSFERRED"
        if "COMPLETED" in ways or "IN_CONSULTATION" in ways:
            self.move(token, state="COMPLETED")
        known = self.appointments.get(token["appointment"])
        if known and known["state"] == "CHECKED_IN" and not transferred:
            known["state"] = "FULFILLED"

    @precondition(lambda self: any(t["state"] in ("SKIPPED", "ON_HOLD") for t in self.tokens.values()))
    @rule(number=numbers, what=st.sampled_from(["return", "transfer"]))
    def who_was_set_aside_goes_on(self, number, what):
        aside = [t for t in self.tokens.values() if t["state"] in ("SKIPPED", "ON_HOLD")]
        token = aside[number % len(aside)]
        if what == "transfer":
            self.hand_over(token)
        else:
            self.change(token, "return", stale=False)

    @precondition(lambda self: self.tokens)
    @rule(number=numbers)
    def transfer(self, number):
        self.hand_over(self.pick(number))

    def hand_over(self, token):
        queue = 1 - token["queue"]

        def call():
            return self.front.TransferQueueToken(
                id=token["id"], practitioner_id=self.doctors[queue], reason="x", without_session=True
            )

        if "TRANSFERRED" not in states.TOKEN[token["state"]]:
            self.refused("WRONG_STATE", call)
        elif self.stands(queue, token["patient"]):
            self.refused("ALREADY_IN_QUEUE", call)
        else:
            made = call()
            order = token["order"]
            if token["state"] == "SKIPPED":
                order = max(order, moment(made.issue_time))
            self.move(token, state="TRANSFERRED")
            assert made.transferred_from_id == token["id"]
            self.note(made, queue, token["patient"], order, token["priority"], token["appointment"])

    @precondition(lambda self: self.tokens)
    @rule(number=numbers, priority=priorities)
    def prioritise(self, number, priority):
        token = self.pick(number)

        def change():
            return self.front.SetQueueTokenPriority(id=token["id"], priority=priority, reason="x")

        if not states.TOKEN[token["state"]]:
            self.refused("WRONG_STATE", change)
        else:
            assert change().priority == priority
            self.move(token, priority=priority)

    # What must hold after each step

    @invariant()
    def rows_are_what_the_steps_made_of_them(self):
        rows = self.front.owner.execute(
            "SELECT q.id::text, q.practitioner_id::text, q.number, q.state, q.priority, q.order_time,"
            " q.version, ARRAY(SELECT v.row_data ->> 'state' FROM queue_token_version v"
            "       WHERE v.tenant_id = q.tenant_id AND v.id = q.id ORDER BY v.version)"
            " FROM queue_token q WHERE q.tenant_id = %s",
            [self.front.tenant.id],
        ).fetchall()
        assert {row[0]: row[1:7] for row in rows} == {
            t["id"]: (
                self.doctors[t["queue"]], t["number"], t["state"], t["priority"], t["order"], t["version"],
            )
            for t in self.tokens.values()
        }  # fmt: skip
        for row in rows:
            history = [*row[7], row[3]]
            assert len(history) == row[6]
            for before, after in zip(history, history[1:], strict=False):
                # Straight to the end: through the consultation.
                through = after == "COMPLETED" and "IN_CONSULTATION" in states.TOKEN[before]
                assert before == after or after in states.TOKEN[before] or through
        for queue in (0, 1):
            assert sorted(t["number"] for t in self.of(queue)) == list(range(1, len(self.of(queue)) + 1))
            assert len(self.of(queue, "CALLED")) <= 1

    @invariant()
    def the_queue_is_shown_in_its_order(self):
        for queue, doctor in enumerate(self.doctors):
            shown = self.front.GetQueue(practitioner_id=doctor)
            assert [e.queue_token.id for e in shown.waiting] == [t["id"] for t in self.waiting(queue)]
            for entries, among in (
                (shown.current, ("CALLED", "IN_CONSULTATION")),
                (shown.aside, ("ON_HOLD", "SKIPPED")),
            ):
                assert {e.queue_token.id for e in entries} == {t["id"] for t in self.of(queue, *among)}


def test_whatever_is_done_in_queues_they_stay_as_promised(
    app_database, keys, owner, servicer, new_tenant, charts_of
):
    def make():
        tenant = new_tenant()
        front = Front.of(app_database, keys, Registry(servicer, tenant), owner)
        return front, charts_of(tenant)

    run_state_machine_as_test(lambda: Queues(make), settings=QUICK)
