"""Hands a patient over to another practitioner's queue.

The token ends TRANSFERRED and a new one is issued there with a number of that session, in one transaction.
The patient keeps priority and the rank of the arrival, and the appointment goes with the new token. Both
counters are locked in the order of their keys, so that two who hand patients over to each other do not wait
for each other.
"""

from __future__ import annotations

from typing import Any

from hms.scheduling.v1 import queue_calls_pb2 as pb
from hms.scheduling.v1.queue_pb2 import QueueToken
from hms_server import aip, clock, errors, ids
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database
from hms_server.scheduling import mapping, queue_order, queue_rules, queue_store
from hms_server.scheduling.states import TOKEN, require_step
from hms_server.scheduling.tokens import document, found, place, put_in, refusing_doubles, repeated


class Transfers:
    """From one queue to another."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def transfer(self, request: pb.TransferQueueTokenRequest, call: Call) -> QueueToken:
        """The new token. Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition (WRONG_STATE,
        NO_SESSION_TODAY, ALREADY_IN_QUEUE), PermissionDenied (DEPARTMENT_LIMITED)."""
        if not request.practitioner_id and not request.department_id:
            raise errors.invalid_field("practitioner_id", "is required, or department_id")
        with refusing_doubles(self._database, call) as key:
            return self._transfer(request, call, key)

    def _transfer(self, request: pb.TransferQueueTokenRequest, call: Call, key: dict[str, Any]) -> QueueToken:
        now = clock.now()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patient = queue_store.lock_patient_of_token(transaction, request.id)
            present = queue_store.read_token(transaction, request.id)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return repeated(transaction, earlier)
            row = found(present.first)
            queue_rules.require_same_patient(patient.first, row)
            queue_rules.require_open_patient(patient.first)
            target = request.practitioner_id
            if not target:
                least = queue_store.least_busy(transaction, request.department_id, [row.practitioner_id], now)
                transaction.flush()
                if least.first is None:
                    raise queue_rules.nobody_there()
                target = least.first.practitioner_id
            elif target.lower() == row.practitioner_id:
                raise errors.FailedPrecondition("The token stands in this practitioner's queue already.")
            sessions = queue_store.sessions_of_day(transaction, target, None, now)
            transaction.flush()
            queue_rules.require_practitioner(sessions.first)
            session, department_id, prefix, session_start = place(
                sessions.rows, request.department_id.lower(), request.without_session, now
            )
            del session
            queue_rules.require_inside(call, department_id)
            key.update(
                patient_id=row.patient_id,
                practitioner_id=sessions.rows[0].practitioner_id,
                session_start=session_start,
            )
            ours = (row.practitioner_id, row.session_start)
            theirs = (key["practitioner_id"], session_start)
            for practitioner_id, start in sorted((ours, theirs)):
                queue_store.lock_counter(transaction, practitioner_id, start)
            locked = queue_store.lock_token(transaction, request.id)
            transaction.flush()
            row = found(locked.first)
            aip.require_etag(request.etag, row.version)
            require_step(TOKEN, "token", row.state, "TRANSFERRED")
            token_id = ids.uuid7()
            kept = {name: value for name, value in row.document.items() if name != "state_reason"}
            queue_store.update(
                transaction,
                row,
                call.caller.user_id,
                state="TRANSFERRED",
                end_time=now,
                document=kept | document(state_reason=request.reason),
            )
            made = put_in(
                transaction,
                token_id,
                call,
                **key,
                prefix=prefix,
                digits=sessions.rows[0].token_digits,
                department_id=department_id,
                priority=row.priority,
                order_time=queue_order.transfer_time(row.order_time, row.state, now),
                issue_time=now,
                appointment_id=row.appointment_id,
                transferred_from=row.id,
                document=kept,
            )
            self._request_ids.remember(transaction, call, probe, token_id, 1)
            transaction.audit(
                entity_id=row.id,
                old_version=row.version,
                new_version=row.version + 1,
                patient_ids=(row.patient_id,),
                entities=(AuditedEntities("queue_token", "CREATE", (token_id,)),),
            )
        return mapping.queue_token(made.first)
