"""Reads of the queue: of a session, of a department, one token, and the numbers alone."""

from __future__ import annotations

import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hms.scheduling.v1 import queue_calls_pb2 as pb
from hms.scheduling.v1.queue_pb2 import QueueToken
from hms_server import clock, errors
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import mapping, queue_estimate
from hms_server.scheduling.appointments import patient_of

_FILE = "hms_server.scheduling", "queue_reads.sql"
_UPWARD = load_queries(*_FILE, order="ascending", op=">", direction="ASC")
_DOWNWARD = load_queries(*_FILE, order="descending", op="<", direction="DESC")
_FIRST_ID, _LAST_ID = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
# So many numbers stand on a board.
_NEXT = 20


class QueueReads:
    """The queue as it is."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def queue(self, request: pb.GetQueueRequest, call: Call) -> pb.Queue:
        """The queue of a session. Raises NotFound for the practitioner."""
        now = clock.now()
        start = None
        if request.HasField("session_start_time"):
            start = request.session_start_time.ToDatetime(tzinfo=datetime.UTC)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _UPWARD["queue_ascending"],
                practitioner_id=request.practitioner_id,
                session_start=start,
                now=now,
            )
        first = _practitioner(pending.first)
        mean = queue_estimate.consultation_seconds(first.today or (), first.earlier or (), first.slot_seconds)
        made = pb.Queue(
            practitioner_id=first.of_practitioner, counts=first.counts or {}, consultation_seconds=round(mean)
        )
        if first.of_session is None:
            return made
        made.session_start_time.CopyFrom(timestamp(first.of_session))
        rows = [row for row in pending.rows if row.place_id is not None]
        called = sum(row.place_state == "CALLED" for row in rows)
        elapsed = [
            (now - row.place_start_time).total_seconds() if row.place_start_time is not None else 0.0
            for row in rows
            if row.place_state == "IN_CONSULTATION"
        ]
        until = (first.of_session - now).total_seconds()
        for row in rows:
            if row.place_state == "WAITING":
                before = len(made.waiting)
                wait = queue_estimate.wait_seconds(before, called, elapsed, mean, until)
                made.waiting.append(_place(row, before + 1, wait))
            elif row.place_state in ("CALLED", "IN_CONSULTATION"):
                made.current.append(_place(row))
            else:
                made.aside.append(_place(row))
        return made

    def token(self, request: pb.GetQueueTokenRequest, call: Call) -> pb.QueueEntry:
        """One token with its place. Raises NotFound."""
        now = clock.now()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _UPWARD["token_ascending"],
                id=request.id,
                now=now,
                audit_entity_id=request.id,
                audit_must_find=True,
            )
        row = pending.first
        if row is None:
            raise errors.NotFound("No such queue token.")
        if row.state != "WAITING":
            return _entry(row)
        mean = queue_estimate.consultation_seconds(row.today, row.earlier, row.slot_seconds)
        until = (row.session_start - now).total_seconds()
        wait = queue_estimate.wait_seconds(row.before, row.called, row.elapsed, mean, until)
        return _entry(row, row.before + 1, wait)

    def board(self, request: pb.GetQueueBoardRequest, call: Call) -> pb.QueueBoard:
        """Numbers for a screen. Raises NotFound for the practitioner."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _UPWARD["board_ascending"], practitioner_id=request.practitioner_id, now=clock.now()
            )
        first = _practitioner(pending.first)
        by_state: dict[str | None, list[str]] = {}
        for row in pending.rows:
            by_state.setdefault(row.state, []).append(row.token)
        waiting = by_state.get("WAITING", [])
        made = pb.QueueBoard(
            practitioner_id=first.of_practitioner,
            called=by_state.get("CALLED"),
            in_consultation=by_state.get("IN_CONSULTATION"),
            next=waiting[:_NEXT],
            waiting_count=len(waiting),
        )
        if first.of_session is not None:
            made.session_start_time.CopyFrom(timestamp(first.of_session))
        return made

    def tokens(self, request: pb.ListQueueTokensRequest, call: Call) -> pb.ListQueueTokensResponse:
        """A department's tokens by issue time."""
        ascending = request.order_by == "issue_time"
        filters = {
            "department_id": request.department_id,
            "states": list(request.states) or None,
            "start_time": _time(request, "start_time", "-infinity"),
            "end_time": _time(request, "end_time", "infinity"),
        }
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(ascending, *filters.values()),
            size=request.page_size,
            token=request.page_token,
        )
        upward = ascending != page.backward
        query = (
            _UPWARD["tokens_of_department_ascending"]
            if upward
            else _DOWNWARD["tokens_of_department_descending"]
        )
        key = page.key or (("-infinity", _FIRST_ID) if upward else ("infinity", _LAST_ID))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(query, key_time=key[0], key_id=key[1], limit=page.limit, **filters)
        rows, following, preceding = self._pages.close(
            page, pending.rows, lambda row: (row.issue_time, row.id)
        )
        return pb.ListQueueTokensResponse(
            queue_tokens=[_entry(row).queue_token for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )


def _practitioner(row: Any) -> Any:
    if row is None:
        raise errors.NotFound("No such practitioner.")
    return row


def _place(row: Any, position: int = 0, wait: int = 0) -> pb.QueueEntry:
    """A place in the queue: its number alone where the caller may not see whose it is."""
    if row.id is not None:
        return _entry(row, position, wait)
    return pb.QueueEntry(
        queue_token=QueueToken(
            practitioner_id=row.of_practitioner,
            session_start_time=timestamp(row.of_session),
            number=row.place_number,
            token=row.place_token,
            state=row.place_state,
        ),
        position=position,
        estimated_wait_seconds=wait,
    )


def _entry(row: Any, position: int = 0, wait: int = 0) -> pb.QueueEntry:
    made = pb.QueueEntry(queue_token=mapping.queue_token(row), position=position, estimated_wait_seconds=wait)
    made.queue_token.patient.CopyFrom(patient_of(row))
    return made


def _time(request: Any, name: str, default: str) -> str:
    if not request.HasField(name):
        return default
    value: Timestamp = getattr(request, name)
    return value.ToJsonString()
