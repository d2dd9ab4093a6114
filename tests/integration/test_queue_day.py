"""The queue of the day: numbers, order, calls, and what two callers at once do."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest

from hms.scheduling.v1 import scheduling_pb2
from hms_server import clock, errors, ids
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.scheduling.servicer import SchedulingServicer

SERVICE = scheduling_pb2.DESCRIPTOR.services_by_name["SchedulingService"]


class Front:
    """SchedulingService as one hospital's user sees it, and rows that other parts make."""

    def __init__(self, servicer: Any, registry: Any, owner: Any) -> None:
        self.servicer, self.registry, self.owner = servicer, registry, owner
        self.tenant = registry.tenant
        self.department_id = self._entry("department", "code", "CARD", None)
        self.practitioner_id = self.practitioner()

    @classmethod
    def of(cls, database: Any, keys: Any, registry: Any, owner: Any) -> Front:
        """The queue of a registry's hospital."""
        servicer = SchedulingServicer(database, Pages(keys.page_token), RequestIds(keys.request_hash))
        return cls(servicer, registry, owner)

    def __getattr__(self, method: str) -> Any:
        request_class = SERVICE.methods_by_name[method].input_type._concrete_class
        rpc = getattr(self.servicer, method)
        return lambda **fields: rpc(request_class(**fields), self.tenant.call(f"SchedulingService/{method}"))

    def practitioner(self) -> str:
        return self._entry("practitioner", "code", "", self.department_id)

    def _entry(self, table: str, _: str, code: str, parent: str | None) -> str:
        made = ids.uuid7()
        self.owner.execute(
            f"INSERT INTO {table} (tenant_id, id, code, name_key, parent_id, active, document, actor_id)"
            " VALUES (%s, %s, %s, %s, %s, true, '{}', %s)",
            [self.tenant.id, made, code, made, parent, self.tenant.user_id],
        )
        return made

    def patient(self) -> str:
        return str(self.registry.create().id)

    def issue(self, patient_id: str = "", **fields: Any) -> Any:
        return self.IssueQueueToken(
            **{
                "practitioner_id": self.practitioner_id,
                "patient_id": patient_id or self.patient(),
                "without_session": True,
                **fields,
            }
        )

    def appointment(self, state: str = "BOOKED", start: Any = None, **columns: Any) -> str:
        made, start = ids.uuid7(), start or clock.now()
        self.owner.execute(
            "INSERT INTO appointment (tenant_id, id, patient_id, practitioner_id, department_id, state,"
            " start_time, end_time, seat, capacity, actor_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 30000, %s)",
            [
                self.tenant.id,
                made,
                columns.get("patient_id") or self.patient(),
                columns.get("practitioner_id") or self.practitioner_id,
                self.department_id,
                state,
                start,
                start + datetime.timedelta(minutes=10),
                columns.get("seat", 1),
                self.tenant.user_id,
            ],
        )
        return made

    def session(self, share: int = 50, capacity: int = 1) -> datetime.datetime:
        """An extra session that began a minute ago, of three slots of twenty minutes."""
        start = clock.now().replace(microsecond=0) - datetime.timedelta(minutes=1)
        self.owner.execute(
            "INSERT INTO schedule_exception (tenant_id, id, kind, practitioner_id, department_id, start_time,"
            " end_time, slot_minutes, capacity, walk_in_share, actor_id)"
            " VALUES (%s, %s, 'EXTRA', %s, %s, %s, %s, 20, %s, %s, %s)",
            [
                self.tenant.id,
                ids.uuid7(),
                self.practitioner_id,
                self.department_id,
                start,
                start + datetime.timedelta(hours=1),
                capacity,
                share,
                self.tenant.user_id,
            ],
        )
        return start


@pytest.fixture
def front(app_database, keys, registry, owner):
    return Front.of(app_database, keys, registry, owner)


def refused(expected, method, /, **fields):
    with pytest.raises(errors.HmsError) as caught:
        method(**fields)
    assert caught.value.reason == expected
    return caught.value


def together(count, work):
    """What each of so many threads that start at once answers."""
    gate, answers = threading.Barrier(count), [None] * count

    def run(place):
        gate.wait()
        try:
            answers[place] = work(place)
        except errors.HmsError as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_walk_ins_get_numbers_and_are_called_in_order(front):
    refused("NO_SESSION_TODAY", front.issue, without_session=False)
    first, second = front.issue(), front.issue()
    assert [t.token for t in (first, second)] == ["CARD-001", "CARD-002"]
    urgent = front.issue(priority="EMERGENCY", priority_reason="chest pain")
    queue = front.GetQueue(practitioner_id=front.practitioner_id)
    assert [e.queue_token.number for e in queue.waiting] == [3, 1, 2]
    assert [e.position for e in queue.waiting] == [1, 2, 3]
    assert [e.estimated_wait_seconds for e in queue.waiting] == [0, 900, 1800]
    assert queue.waiting[0].queue_token.patient.id == urgent.patient_id
    assert front.CallNext(practitioner_id=front.practitioner_id).id == urgent.id
    error = refused("ALREADY_CALLED", front.CallNext, practitioner_id=front.practitioner_id)
    assert error.metadata["queue_token_id"] == urgent.id
    assert front.CallNext(practitioner_id=front.practitioner_id, recall=True).id == urgent.id
    refused("ALREADY_CALLED", front.CallQueueToken, id=second.id, reason="in pain")
    front.SkipQueueToken(id=urgent.id)
    entry = front.GetQueueToken(id=second.id)
    assert (entry.position, entry.estimated_wait_seconds) == (2, 900)
    board = front.GetQueueBoard(practitioner_id=front.practitioner_id)
    assert (list(board.called), list(board.next)) == ([], ["CARD-001", "CARD-002"])


def test_a_patient_stands_in_a_queue_once_and_a_repeated_request_issues_once(front):
    request_id, patient_id = ids.uuid7(), front.patient()
    made = front.issue(patient_id, request_id=request_id)
    assert front.issue(patient_id, request_id=request_id) == made
    error = refused("ALREADY_IN_QUEUE", front.issue, patient_id=patient_id)
    assert error.metadata == {"queue_token_id": made.id}
    assert front.issue().number == 2
    front.CancelQueueToken(id=made.id, reason="went home")
    assert front.issue(patient_id).number == 3


def test_refused_and_accepted_tokens_at_once_leave_no_gap_and_no_double(front):
    patients = [front.patient() for _ in range(20)]
    answers = together(40, lambda place: front.issue(patients[place // 2]))
    made = [a for a in answers if not isinstance(a, errors.HmsError)]
    assert sorted(t.number for t in made) == list(range(1, 21))
    assert {a.reason for a in answers if isinstance(a, errors.HmsError)} == {"ALREADY_IN_QUEUE"}


def test_twenty_calls_at_once_call_one(front):
    for _ in range(3):
        front.issue()
    answers = together(20, lambda _: front.CallNext(practitioner_id=front.practitioner_id))
    called = [a for a in answers if not isinstance(a, errors.HmsError)]
    assert [t.number for t in called] == [1]
    assert {a.reason for a in answers if isinstance(a, errors.HmsError)} == {"ALREADY_CALLED"}


def test_who_was_held_has_the_old_place_and_who_was_skipped_goes_behind_three(front):
    tokens = [front.issue() for _ in range(5)]
    front.HoldQueueToken(id=tokens[0].id, reason="blood test")
    front.ReturnQueueToken(id=tokens[0].id)

    def order():
        queue = front.GetQueue(practitioner_id=front.practitioner_id)
        return [e.queue_token.number for e in queue.waiting]

    assert order() == [1, 2, 3, 4, 5]
    front.SkipQueueToken(id=tokens[0].id)
    back = front.ReturnQueueToken(id=tokens[0].id, etag="4")
    assert (back.etag, order()) == ("5", [2, 3, 4, 1, 5])
    front.SetQueueTokenPriority(id=tokens[4].id, priority="PREGNANT", reason="eighth month")
    assert order() == [5, 2, 3, 4, 1]
    refused("ETAG_MISMATCH", front.SkipQueueToken, id=tokens[1].id, etag="9")


def test_a_transfer_gives_a_number_of_the_other_queue_and_keeps_the_priority(front):
    other = front.practitioner()
    front.issue(practitioner_id=other)
    token = front.issue(priority="ELDERLY")
    moved = front.TransferQueueToken(
        id=token.id, practitioner_id=other, reason="wants her", without_session=True
    )
    assert (moved.number, moved.transferred_from_id, moved.priority) == (2, token.id, "ELDERLY")
    assert front.GetQueueToken(id=token.id).queue_token.state == "TRANSFERRED"
    refused("WRONG_STATE", front.ReturnQueueToken, id=token.id)
    refused(
        "NO_SESSION_TODAY",
        front.TransferQueueToken,
        id=moved.id,
        department_id=front.department_id,
        reason="x",
    )


def test_walk_ins_beyond_the_open_seats_are_refused_or_go_last(front):
    front.session()
    made = [front.issue(without_session=False) for _ in range(3)]
    assert [t.number for t in made] == [1, 2, 3]
    refused("WALK_INS_FULL", front.issue)
    assert front.issue(beyond_capacity=True).number == 4


def test_a_check_in_gives_a_token_and_a_completion_ends_it(front):
    appointment_id = front.appointment()
    assert front.ArriveAppointment(id=appointment_id).state == "ARRIVED"
    request_id = ids.uuid7()
    answer = front.CheckInAppointment(id=appointment_id, request_id=request_id)
    assert (answer.appointment.state, answer.queue_token.state) == ("CHECKED_IN", "WAITING")
    assert answer.appointment.HasField("check_in_time")
    assert front.CheckInAppointment(id=appointment_id, request_id=request_id) == answer
    refused("WRONG_STATE", front.CheckInAppointment, id=appointment_id)
    assert front.CompleteAppointment(id=appointment_id).state == "FULFILLED"
    assert front.GetQueueToken(id=answer.queue_token.id).queue_token.state == "COMPLETED"


def test_a_no_show_frees_the_seat_and_comes_back_only_while_it_is_free(front):
    start = clock.now() - datetime.timedelta(seconds=1)
    appointment_id = front.appointment(start=start)
    token = front.CheckInAppointment(id=appointment_id).queue_token
    assert front.MarkNoShow(id=appointment_id).state == "NO_SHOW"
    assert front.GetQueueToken(id=token.id).queue_token.state == "CANCELLED"
    assert front.ArriveAppointment(id=appointment_id).state == "ARRIVED"
    front.MarkNoShow(id=appointment_id)
    front.appointment(start=start)
    error = refused("WRONG_STATE", front.ArriveAppointment, id=appointment_id)
    assert error.metadata == {"seat": "taken"}


def test_what_is_not_of_today_is_not_checked_in_and_what_has_not_begun_is_not_missed(front):
    appointment_id = front.appointment(start=clock.now() + datetime.timedelta(days=2))
    for method in (front.CheckInAppointment, front.ArriveAppointment, front.MarkNoShow):
        refused("WRONG_STATE", method, id=appointment_id)


def test_a_departments_tokens_are_paged_both_ways(front):
    made = [front.issue().id for _ in range(3)]

    def page(token=""):
        return front.ListQueueTokens(
            department_id=front.department_id, order_by="issue_time", page_size=2, page_token=token
        )

    first = page()
    second = page(first.next_page_token)
    assert [t.id for t in (*first.queue_tokens, *second.queue_tokens)] == made
    assert page(second.previous_page_token).queue_tokens == first.queue_tokens
