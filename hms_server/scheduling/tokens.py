"""Issues queue tokens.

Numbers have no gap and no double: the counter of the session is raised by the transaction that writes the
token, right before it (queue.sql next_number), so that a call that is undone takes its number back.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import Any

from hms.scheduling.v1 import queue_calls_pb2, queue_pb2
from hms_server import clock, errors, ids
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.scheduling import mapping, queue_order, queue_rules, queue_store, store


class Tokens:
    """New places in a queue."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def issue(self, request: queue_calls_pb2.IssueQueueTokenRequest, call: Call) -> queue_pb2.QueueToken:
        """A walk-in's place. Raises NotFound, FailedPrecondition (NO_SESSION_TODAY, WALK_INS_FULL,
        ALREADY_IN_QUEUE, PATIENT_MERGED), PermissionDenied (DEPARTMENT_LIMITED)."""
        with refusing_doubles(self._database, call) as key:
            return self._issue(request, call, key)

    def _issue(
        self, request: queue_calls_pb2.IssueQueueTokenRequest, call: Call, key: dict[str, Any]
    ) -> queue_pb2.QueueToken:
        now = clock.now()
        token_id = ids.uuid7()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patient = store.lock_patient(transaction, request.patient_id)
            # Who waits here sees the walk-ins and bookings that were before.
            store.lock_practitioner(transaction, request.practitioner_id)
            sessions = queue_store.sessions_of_day(
                transaction, request.practitioner_id, request.department_id or None, now
            )
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return repeated(transaction, earlier)
            queue_rules.require_open_patient(patient.first)
            queue_rules.require_practitioner(sessions.first)
            session, department_id, code, session_start = place(
                sessions.rows, request.department_id, request.without_session, now
            )
            queue_rules.require_inside(call, department_id)
            key.update(
                patient_id=patient.rows[0].id,
                practitioner_id=sessions.rows[0].practitioner_id,
                session_start=session_start,
            )
            made = put_in(
                transaction,
                token_id,
                call,
                **key,
                prefix=code,
                digits=sessions.rows[0].token_digits,
                department_id=department_id,
                priority=request.priority or "NORMAL",
                order_time=_walk_in_time(session, request.beyond_capacity, now),
                issue_time=now,
                document=document(priority_reason=request.priority_reason, note=request.note),
            )
            self._request_ids.remember(transaction, call, probe, token_id, 1)
            beyond: dict[str, Any] = {"reason": "beyond_capacity"} if request.beyond_capacity else {}
            transaction.audit(entity_id=token_id, new_version=1, patient_ids=(patient.rows[0].id,), **beyond)
        return mapping.queue_token(made.first)


def place(
    rows: list[Any], department_id: str, without_session: bool, now: datetime.datetime
) -> tuple[Any | None, str, str, datetime.datetime]:
    """Where a new token goes, of `sessions_of_day`: the session's row (None without one), department, what
    tokens begin with, and session_start. Raises FailedPrecondition (NO_SESSION_TODAY)."""
    session = queue_rules.choose_session(rows, department_id, now)
    if session is not None:
        return session, session.department_id, queue_rules.prefix(session), session.session_start
    if not without_session:
        raise queue_rules.no_session()
    day = rows[0]
    # Of sessions that are over the row tells their department, not the one that is asked for.
    found = day.asked_department or day.home_department
    if found is None:
        raise errors.invalid_field("department_id", "is required, and must be a department that there is")
    code = day.asked_code if day.asked_department is not None else day.home_code
    return None, found, code or day.token_prefix, day.day_start


def put_in(
    transaction: Transaction,
    token_id: str,
    call: Call,
    *,
    priority: str,
    appointment_id: str | None = None,
    transferred_from: str | None = None,
    **columns: Any,
) -> Pending:
    """Queues number and token. A caller of queue.sql's next_number: the counter stays locked until the
    end."""
    queue_store.next_number(transaction, columns["practitioner_id"], columns["session_start"])
    return queue_store.insert(
        transaction,
        token_id,
        call.caller.user_id,
        priority=priority,
        urgency=queue_order.URGENCY[priority],
        appointment_id=appointment_id,
        transferred_from=transferred_from,
        **columns,
    )


def document(**fields: str) -> dict[str, str]:
    """What a token's row has no column for."""
    return {name: value for name, value in fields.items() if value}


def found(row: Any) -> Any:
    """The row of a token that there is. Raises NotFound."""
    if row is None:
        raise errors.NotFound("No such queue token.")
    return row


def repeated(transaction: Transaction, token_id: str) -> queue_pb2.QueueToken:
    """The present state, for a request that was answered before: audited as what it now is, a read."""
    pending = queue_store.lock_token(transaction, token_id)
    transaction.flush()
    row = found(pending.first)
    transaction.audit(action="READ", entity_id=token_id, patient_ids=(row.patient_id,))
    transaction.commit()
    return mapping.queue_token(row)


@contextlib.contextmanager
def refusing_doubles(database: Database, call: Call) -> Iterator[dict[str, Any]]:
    """Says what a broken unique index of queue_token means. Gives a place to note patient_id,
    practitioner_id and session_start of a new token. Raises FailedPrecondition (ALREADY_IN_QUEUE,
    ALREADY_CALLED)."""
    key: dict[str, Any] = {}
    try:
        yield key
    except UniqueViolation as error:
        if error.constraint == "queue_token_called":
            raise queue_rules.already_called(None) from None
        if error.constraint != "queue_token_of_patient":
            raise
        raise queue_rules.already_in_queue(_standing(database, call, key)) from None


def _standing(database: Database, call: Call, key: dict[str, Any]) -> str:
    """Id of the token with which a patient stands in a session, where the caller sees it."""
    if not key:
        return ""
    with database.tenant_transaction(call.tenant_id, call) as transaction:
        pending = queue_store.token_of_patient(transaction, **key)
    return str(pending.first.id) if pending.first is not None else ""


def _walk_in_time(session: Any | None, beyond: bool, now: datetime.datetime) -> datetime.datetime:
    """order_time of a walk-in. Raises FailedPrecondition (WALK_INS_FULL)."""
    if session is None:
        return now
    seats = queue_order.open_seats(
        session.slot_starts, session.seats, session.walk_in_seats, session.booked_starts
    )
    if not queue_order.has_room(seats, session.walk_ins) and not beyond:
        raise queue_rules.walk_ins_full(session.walk_ins)
    return queue_order.walk_in_time(
        now, seats, session.walk_ins, session.last_order_time, session.session_end
    )
