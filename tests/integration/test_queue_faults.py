"""Calls that fail after they took a number: it is taken back, and the next one gets it."""

from __future__ import annotations

import threading

import psycopg
import pytest

from hms_server import clock, errors
from hms_server.scheduling import queue_store
from tests.fix_merge import Ward
from tests.integration.test_queue_day import front, together  # noqa: F401 - a fixture

CLIENTS, KINDS = 32, ("served", "double", "late", "killed")
present = threading.local()


def numbers(front):  # noqa: F811
    """Numbers of the rows, and the counter."""
    rows = front.owner.execute(
        "SELECT number, id::text FROM queue_token WHERE tenant_id = %s ORDER BY number", [front.tenant.id]
    ).fetchall()
    counters = front.owner.execute(
        "SELECT last_number FROM queue_counter WHERE tenant_id = %s", [front.tenant.id]
    ).fetchall()
    return rows, counters


def test_what_fails_after_it_took_a_number_leaves_no_gap_and_no_double(front, database, monkeypatch):  # noqa: F811
    used = front.issue()
    insert = queue_store.insert
    struck = []

    def faulty(transaction, token_id, actor_id, **columns):
        kind = getattr(present, "kind", "served")
        if kind == "double":
            struck.append(kind)
            return insert(transaction, used.id, actor_id, **columns)
        made = insert(transaction, token_id, actor_id, **columns)
        if kind in ("late", "killed"):
            # Counter and token are written; what fails is the commit.
            transaction.flush()
            assert made.first.number > 1
            struck.append(kind)
            present.kind = "served"
        if kind == "late":
            transaction._call.deadline = clock.monotonic() - 1
        elif kind == "killed":
            pid = transaction._connection.info.backend_pid
            with psycopg.connect(database.admin, autocommit=True) as killer:
                killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return made

    monkeypatch.setattr(queue_store, "insert", faulty)
    patients = [front.patient() for _ in range(CLIENTS)]

    def issue(place):
        present.kind = KINDS[place % len(KINDS)]
        return front.issue(patients[place])

    answers = together(CLIENTS, issue)
    assert {kind: struck.count(kind) for kind in KINDS[1:]} == dict.fromkeys(KINDS[1:], CLIENTS // len(KINDS))
    monkeypatch.undo()
    last = front.issue()
    made = [used, last, *(a for a in answers if not isinstance(a, (errors.HmsError, type(None))))]
    rows, counters = numbers(front)
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    assert counters == [(len(rows),)]
    # Whoever was told a number has it, and nobody else has one.
    assert {(t.number, t.id) for t in made} == set(rows)
    assert len(rows) >= 2 + CLIENTS // len(KINDS)
    assert None not in answers


def test_a_refused_transfer_takes_no_number_of_the_other_queue(front):  # noqa: F811
    other = front.practitioner()
    patient = front.patient()
    token = front.issue(patient)
    standing = front.issue(patient, practitioner_id=other)
    answers = together(
        8,
        lambda _: front.TransferQueueToken(
            id=token.id, practitioner_id=other, reason="wants her", without_session=True
        ),
    )
    assert {a.reason for a in answers} == {"ALREADY_IN_QUEUE"}
    assert {a.metadata["queue_token_id"] for a in answers} == {standing.id}
    assert front.issue(practitioner_id=other).number == 2


def test_two_who_hand_over_to_each_other_do_not_wait_for_each_other(front):  # noqa: F811
    other = front.practitioner()
    there = [front.issue() for _ in range(6)]
    here = [front.issue(practitioner_id=other) for _ in range(6)]

    def hand_over(place):
        one = place % 2
        token, target = ((there, other), (here, front.practitioner_id))[one]
        return front.TransferQueueToken(
            id=token[place // 2].id, practitioner_id=target, reason="full", without_session=True
        )

    answers = together(12, hand_over)
    assert sorted(t.number for t in answers[0::2]) == list(range(7, 13))
    assert sorted(t.number for t in answers[1::2]) == list(range(7, 13))


def test_two_of_one_queue_are_merged_once_one_place_is_given_up(front):  # noqa: F811
    ward = Ward(front.owner, front.registry)
    survivor, merged = front.patient(), front.patient()
    kept, given_up = front.issue(survivor), front.issue(merged)
    with pytest.raises(errors.HmsError) as caught:
        ward.merge(survivor, merged)
    assert caught.value.reason == "MERGE_CONFLICT"
    # Nothing has changed.
    assert front.GetQueueToken(id=given_up.id).queue_token.patient_id == merged
    front.CancelQueueToken(id=given_up.id, reason="the same person")
    ward.merge(survivor, merged)
    queue = front.GetQueue(practitioner_id=front.practitioner_id)
    assert [(e.queue_token.id, e.queue_token.patient_id) for e in queue.waiting] == [(kept.id, survivor)]
    assert front.GetQueueToken(id=given_up.id).queue_token.patient_id == survivor


def test_the_place_of_a_merged_patient_goes_to_the_one_that_stands(front):  # noqa: F811
    ward = Ward(front.owner, front.registry)
    survivor, merged = front.patient(), front.patient()
    token = front.issue(merged)
    merge = ward.merge(survivor, merged)
    called = front.CallNext(practitioner_id=front.practitioner_id)
    assert (called.id, called.patient_id) == (token.id, survivor)
    ward.unmerge(merge)
    assert front.GetQueueToken(id=token.id).queue_token.patient_id == merged
