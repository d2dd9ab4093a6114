"""Statements on queue tokens (queue.sql). Each is queued; the caller flushes."""

from __future__ import annotations

import datetime
from typing import Any

import orjson

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_QUERIES = load_queries("hms_server.scheduling", "queue.sql")
# What changes of a token.
COLUMNS = (
    "state",
    "priority",
    "urgency",
    "order_time",
    "call_time",
    "start_time",
    "end_time",
    "document",
)


def sessions_of_day(
    transaction: Transaction,
    practitioner_id: str | None,
    department_id: str | None,
    now: datetime.datetime,
) -> Pending:
    """The day, how tokens look, and the practitioner's sessions of the day with their seats."""
    return transaction.queue(
        _QUERIES["sessions_of_day"], practitioner_id=practitioner_id, department_id=department_id, now=now
    )


def least_busy(
    transaction: Transaction, department_id: str, except_ids: list[str], now: datetime.datetime
) -> Pending:
    """The practitioner of a department with a session now and the fewest waiting."""
    return transaction.queue(
        _QUERIES["least_busy"], department_id=department_id, except_ids=except_ids, now=now
    )


def lock_patient_of_token(transaction: Transaction, token_id: str) -> Pending:
    """The patient of a token: id, deleted, merged_into. Before everything else."""
    return transaction.queue(_QUERIES["lock_patient_of_token"], id=token_id)


def lock_patient_of_appointment(transaction: Transaction, appointment_id: str) -> Pending:
    """The patient of an appointment: id, deleted, merged_into. Before everything else."""
    return transaction.queue(_QUERIES["lock_patient_of_appointment"], id=appointment_id)


def lock_practitioner_of_appointment(transaction: Transaction, appointment_id: str) -> Pending:
    """The practitioner of an appointment: after the patient, before the appointment."""
    return transaction.queue(_QUERIES["lock_practitioner_of_appointment"], id=appointment_id)


def session_of_appointment(transaction: Transaction, appointment_id: str, now: datetime.datetime) -> Pending:
    """Today, how tokens look, and session_start of the session the appointment's slot belongs to."""
    return transaction.queue(_QUERIES["session_of_appointment"], id=appointment_id, now=now)


def lock_token_of_appointment(transaction: Transaction, appointment_id: str) -> Pending:
    """The token of an appointment that counts, locked."""
    return transaction.queue(_QUERIES["lock_token_of_appointment"], id=appointment_id)


def lock_counter(transaction: Transaction, practitioner_id: str, session_start: datetime.datetime) -> Pending:
    """Locks the queue of a session."""
    return transaction.queue(
        _QUERIES["lock_counter"], practitioner_id=practitioner_id, session_start=session_start
    )


def lock_counter_of_token(transaction: Transaction, token_id: str) -> Pending:
    """Locks the queue that a token stands in: before the token."""
    return transaction.queue(_QUERIES["lock_counter_of_token"], id=token_id)


def lock_counter_of_today(
    transaction: Transaction,
    practitioner_id: str,
    session_start: datetime.datetime | None,
    now: datetime.datetime,
) -> Pending:
    """Locks the queue of the named session, or of the one that is called from today."""
    return transaction.queue(
        _QUERIES["lock_counter_of_today"],
        practitioner_id=practitioner_id,
        session_start=session_start,
        now=now,
    )


def lock_token(transaction: Transaction, token_id: str) -> Pending:
    """One token, locked until the end of the transaction."""
    return transaction.queue(_QUERIES["lock_token"], id=token_id)


def lock_next(
    transaction: Transaction, practitioner_id: str, session_start: datetime.datetime, state: str
) -> Pending:
    """The first token of a state in a session whose counter is locked."""
    return transaction.queue(
        _QUERIES["lock_next"], practitioner_id=practitioner_id, session_start=session_start, state=state
    )


def first_waiting(
    transaction: Transaction, practitioner_id: str, session_start: datetime.datetime
) -> Pending:
    """Id and token of who is next, whether the caller sees him or not."""
    return transaction.queue(
        _QUERIES["first_waiting"], practitioner_id=practitioner_id, session_start=session_start
    )


def token_of_patient(
    transaction: Transaction, patient_id: str, practitioner_id: str, session_start: datetime.datetime
) -> Pending:
    """The id of the token with which a patient stands in a session."""
    return transaction.queue(
        _QUERIES["token_of_patient"],
        patient_id=patient_id,
        practitioner_id=practitioner_id,
        session_start=session_start,
    )


def next_places(transaction: Transaction, row: Any, limit: int) -> Pending:
    """order_time of the first of those who wait in the token's session with its urgency."""
    return transaction.queue(
        _QUERIES["next_places"],
        practitioner_id=row.practitioner_id,
        session_start=row.session_start,
        urgency=row.urgency,
        limit=limit,
    )


def next_number(transaction: Transaction, practitioner_id: str, session_start: datetime.datetime) -> Pending:
    """Takes the session's next number: right before `insert`, in the same transaction."""
    return transaction.queue(
        _QUERIES["next_number"], practitioner_id=practitioner_id, session_start=session_start
    )


def insert(transaction: Transaction, token_id: str, actor_id: str, **columns: Any) -> Pending:
    """A new token, WAITING, with the number that `next_number` took. The flush raises UniqueViolation
    (queue_token_of_patient) where the patient stands in the session already."""
    columns["document"] = orjson.dumps(columns["document"]).decode()
    return transaction.queue(_QUERIES["insert_token"], id=token_id, actor_id=actor_id, **columns)


def update(transaction: Transaction, row: Any, actor_id: str, **changes: Any) -> Pending:
    """The next version of the locked `row`; the present one is kept."""
    columns = {name: getattr(row, name) for name in COLUMNS} | changes
    columns["document"] = orjson.dumps(columns["document"]).decode()
    return transaction.queue(_QUERIES["update_token"], id=row.id, actor_id=actor_id, **columns)


def read_token(transaction: Transaction, token_id: str) -> Pending:
    """What never changes of a token, and its state, without a lock."""
    return transaction.queue(_QUERIES["read_token"], id=token_id)
