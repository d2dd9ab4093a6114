"""Moves tokens through the queue: calls, sets aside, brings back.

Whoever changes a session's queue locks its counter first, so that changes go one after the other: two who
call the next patient at once call one. That one alone is called at a time stands in an index, too
(queue_token_called).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from hms.scheduling.v1 import queue_calls_pb2 as pb
from hms.scheduling.v1.queue_pb2 import QueueToken
from hms_server import aip, clock
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.scheduling import mapping, queue_order, queue_rules, queue_store
from hms_server.scheduling.states import TOKEN, require_step
from hms_server.scheduling.tokens import document, found, refusing_doubles, repeated

# What changes of the locked row, of its session's places.
Change = Callable[[Any, list[Any], datetime.datetime], dict[str, Any]]


class Queue:
    """The moves of tokens within a session."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def call_next(self, request: pb.CallNextRequest, call: Call) -> QueueToken:
        """The first who waits is CALLED; with `recall`, who is called is so once more. Raises
        FailedPrecondition (ALREADY_CALLED, QUEUE_EMPTY, NEXT_IS_HIDDEN)."""
        now = clock.now()
        start = None
        if request.HasField("session_start_time"):
            start = request.session_start_time.ToDatetime(tzinfo=datetime.UTC)
        with (
            refusing_doubles(self._database, call),
            self._database.tenant_transaction(call.tenant_id, call) as transaction,
        ):
            probe = self._request_ids.probe(transaction, call, request)
            counter = queue_store.lock_counter_of_today(transaction, request.practitioner_id, start, now)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return repeated(transaction, earlier)
            session = counter.first
            if session is None:
                raise queue_rules.queue_empty()
            where = (session.practitioner_id, session.session_start)
            called = queue_store.lock_next(transaction, *where, "CALLED")
            waiting = queue_store.lock_next(transaction, *where, "WAITING")
            ahead = queue_store.first_waiting(transaction, *where)
            transaction.flush()
            row = waiting.first
            if called.first is not None:
                if not request.recall:
                    raise queue_rules.already_called(called.first)
                row = called.first
            elif ahead.first is None:
                raise queue_rules.queue_empty()
            elif row is None or row.id != ahead.first.id:
                raise queue_rules.next_is_hidden(ahead.first.token)
            else:
                require_step(TOKEN, "token", row.state, "CALLED")
            made = queue_store.update(transaction, row, call.caller.user_id, state="CALLED", call_time=now)
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            _audit(transaction, row)
        return mapping.queue_token(made.first)

    @on_conflict
    def call(self, request: pb.CallQueueTokenRequest, call: Call) -> QueueToken:
        """CALLED before others. Raises FailedPrecondition (ALREADY_CALLED, WRONG_STATE)."""

        def change(row: Any, _: list[Any], now: datetime.datetime) -> dict[str, Any]:
            return _into(row, "CALLED", request.reason, call_time=now)

        with refusing_doubles(self._database, call):
            return self._change(request, call, change)

    @on_conflict
    def skip(self, request: pb.SkipQueueTokenRequest, call: Call) -> QueueToken:
        """SKIPPED. Raises FailedPrecondition (WRONG_STATE)."""
        return self._move(request, call, "SKIPPED")

    @on_conflict
    def hold(self, request: pb.HoldQueueTokenRequest, call: Call) -> QueueToken:
        """ON_HOLD. Raises FailedPrecondition (WRONG_STATE)."""
        return self._move(request, call, "ON_HOLD")

    @on_conflict
    def cancel(self, request: pb.CancelQueueTokenRequest, call: Call) -> QueueToken:
        """CANCELLED. Raises FailedPrecondition (WRONG_STATE)."""
        return self._move(request, call, "CANCELLED")

    @on_conflict
    def return_(self, request: pb.ReturnQueueTokenRequest, call: Call) -> QueueToken:
        """WAITING again: at the old place, or, who was skipped, behind the next ones. Raises
        FailedPrecondition (WRONG_STATE)."""

        def change(row: Any, places: list[Any], _: datetime.datetime) -> dict[str, Any]:
            changes = _into(row, "WAITING", "")
            if row.state == "SKIPPED":
                changes["order_time"] = queue_order.return_time(row.order_time, places)
            return changes

        return self._change(request, call, change, with_places=True)

    @on_conflict
    def prioritise(self, request: pb.SetQueueTokenPriorityRequest, call: Call) -> QueueToken:
        """Another priority, for whoever is in the queue still. Raises FailedPrecondition (WRONG_STATE)."""

        def change(row: Any, _: list[Any], __: datetime.datetime) -> dict[str, Any]:
            if not TOKEN[row.state]:
                require_step(TOKEN, "token", row.state, "WAITING")
            return {
                "priority": request.priority,
                "urgency": queue_order.URGENCY[request.priority],
                "document": row.document | {"priority_reason": request.reason},
            }

        return self._change(request, call, change)

    def _move(self, request: Any, call: Call, state: str) -> QueueToken:
        def change(row: Any, _: list[Any], now: datetime.datetime) -> dict[str, Any]:
            ends = {"end_time": now} if not TOKEN[state] else {}
            return _into(row, state, request.reason, **ends)

        return self._change(request, call, change)

    def _change(self, request: Any, call: Call, change: Change, *, with_places: bool = False) -> QueueToken:
        """The flushes of every change of one token."""
        now = clock.now()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            queue_store.lock_counter_of_token(transaction, request.id)
            present = queue_store.lock_token(transaction, request.id)
            transaction.flush()
            if probe.repeat() is not None:
                return repeated(transaction, request.id)
            row = found(present.first)
            aip.require_etag(request.etag, row.version)
            places: list[Any] = []
            if with_places and row.state == "SKIPPED":
                pending = queue_store.next_places(transaction, row, queue_order.SKIPPED_BEHIND)
                transaction.flush()
                places = [each.order_time for each in pending.rows]
            made = queue_store.update(transaction, row, call.caller.user_id, **change(row, places, now))
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            _audit(transaction, row)
        return mapping.queue_token(made.first)


def _into(row: Any, state: str, reason: str, **changes: Any) -> dict[str, Any]:
    """Changes that lead to a state. Raises FailedPrecondition (WRONG_STATE)."""
    require_step(TOKEN, "token", row.state, state)
    kept = {name: value for name, value in row.document.items() if name != "state_reason"}
    return {"state": state, "document": kept | document(state_reason=reason), **changes}


def _audit(transaction: Transaction, row: Any) -> None:
    """Reasons are words on a patient: they stand in the token's versions, not in the audit."""
    transaction.audit(
        entity_id=row.id,
        old_version=row.version,
        new_version=row.version + 1,
        patient_ids=(row.patient_id,),
    )
