"""The queue for those who may not see everybody in it: nobody is passed over unnoticed, nothing is shown of
whom they do not see, and places count everybody."""

from __future__ import annotations

import pytest

from hms.patient.v1 import patient_pb2
from hms_server import errors, ids
from tests.fix_database import Tenant
from tests.fix_patient import Registry
from tests.integration.test_patient_break_glass import restrict
from tests.integration.test_queue_day import Front, front, refused  # noqa: F401 - a fixture


def as_another(front, departments=None):  # noqa: F811
    """The same queue as another user of the hospital sees it."""
    other = object.__new__(Front)
    other.__dict__.update(front.__dict__)
    tenant = front.tenant
    user_id = ids.uuid7()
    front.owner.execute(
        "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
        " VALUES (%s, %s, %s, %s, '-')",
        [tenant.id, user_id, user_id, user_id],
    )
    other.tenant = Tenant(tenant.id, user_id, departments)
    other.registry = Registry(front.registry.servicer, other.tenant)
    return other


@pytest.fixture
def doctor(front):  # noqa: F811
    """Works in the department of the queue."""
    made = as_another(front)
    front.owner.execute(
        "INSERT INTO user_department (tenant_id, user_id, department_id) VALUES (%s, %s, %s)",
        [front.tenant.id, made.tenant.user_id, front.department_id],
    )
    return made


@pytest.fixture
def stranger(front):  # noqa: F811
    """May see every patient who is not restricted."""
    return as_another(front)


@pytest.fixture
def hidden(front):  # noqa: F811
    """The first token is a restricted patient's, and another waits behind."""
    first, second = front.issue(), front.issue()
    restrict(front.registry, front.registry.GetPatient(patient_pb2.GetPatientRequest(id=first.patient_id)))
    return first, second


def test_who_may_not_see_the_next_one_does_not_call_another_unnoticed(front, doctor, stranger, hidden):  # noqa: F811
    first, second = hidden
    error = refused("NEXT_IS_HIDDEN", stranger.CallNext, practitioner_id=front.practitioner_id)
    assert error.metadata == {"token": first.token}
    assert first.patient_id not in str(error.__dict__)
    assert doctor.CallNext(practitioner_id=front.practitioner_id).id == first.id
    # Somebody is called, whom the stranger does not see.
    for recall in (False, True):
        refused("ALREADY_CALLED", stranger.CallNext, practitioner_id=front.practitioner_id, recall=recall)
    refused("ALREADY_CALLED", stranger.CallQueueToken, id=second.id, reason="in pain")
    doctor.HoldQueueToken(id=first.id, reason="blood test")
    assert stranger.CallNext(practitioner_id=front.practitioner_id).id == second.id


def test_out_of_the_order_others_are_called_with_a_reason(stranger, hidden):
    assert stranger.CallQueueToken(id=hidden[1].id, reason="the first is a colleague's").state == "CALLED"


def test_only_who_works_there_sees_and_moves_a_restricted_patients_token(front, doctor, stranger, hidden):  # noqa: F811
    first = hidden[0]
    assert doctor.GetQueueToken(id=first.id).queue_token.patient.id == first.patient_id
    assert doctor.SkipQueueToken(id=first.id).state == "SKIPPED"
    for method, fields in (
        (stranger.GetQueueToken, {}),
        (stranger.ReturnQueueToken, {}),
        (stranger.CallQueueToken, {"reason": "x"}),
        (stranger.CancelQueueToken, {"reason": "x"}),
        (stranger.SetQueueTokenPriority, {"priority": "NORMAL", "reason": "x"}),
        (stranger.TransferQueueToken, {"practitioner_id": front.practitioner(), "reason": "x"}),
    ):
        with pytest.raises(errors.NotFound):
            method(id=first.id, **fields)


def test_the_queue_shows_a_hidden_place_by_its_number_alone(front, stranger, doctor, hidden):  # noqa: F811
    first, second = hidden
    queue = stranger.GetQueue(practitioner_id=front.practitioner_id)
    assert [(e.position, e.queue_token.token, e.estimated_wait_seconds) for e in queue.waiting] == [
        (1, first.token, 0),
        (2, second.token, 900),
    ]
    shown = queue.waiting[0].queue_token
    assert {field.name for field, _ in shown.ListFields()} == {
        "practitioner_id", "session_start_time", "number", "token", "state",
    }  # fmt: skip
    assert first.patient_id not in str(queue)
    assert stranger.GetQueueToken(id=second.id).position == 2
    whole = doctor.GetQueue(practitioner_id=front.practitioner_id)
    assert whole.waiting[0].queue_token.patient.id == first.patient_id


def test_whose_limits_leave_the_first_out_calls_nobody_else(front):  # noqa: F811
    """One queue of the day, with patients of two departments."""
    elsewhere = front._entry("department", "code", "SKIN", None)
    first = front.issue(department_id=elsewhere)
    second = front.issue()
    limited = as_another(front, frozenset({front.department_id}))
    error = refused("NEXT_IS_HIDDEN", limited.CallNext, practitioner_id=front.practitioner_id)
    assert error.metadata == {"token": first.token}
    queue = limited.GetQueue(practitioner_id=front.practitioner_id)
    assert [(e.position, e.queue_token.number, e.queue_token.id) for e in queue.waiting] == [
        (1, 1, ""),
        (2, 2, second.id),
    ]
    board = limited.GetQueueBoard(practitioner_id=front.practitioner_id)
    assert list(board.next) == [first.token, second.token]
    everywhere = as_another(front, frozenset({front.department_id, elsewhere}))
    assert everywhere.CallNext(practitioner_id=front.practitioner_id).id == first.id


def test_who_reads_a_queue_is_on_record_with_those_he_saw(front, stranger, hidden):  # noqa: F811
    stranger.GetQueue(practitioner_id=front.practitioner_id)
    (saw,) = front.owner.execute(
        "SELECT patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s AND record::text LIKE %s",
        [front.tenant.id, f"%{stranger.tenant.user_id}%"],
    ).fetchall()
    assert saw == ([hidden[1].patient_id],)
