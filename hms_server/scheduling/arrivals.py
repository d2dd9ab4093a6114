"""Appointments on their day: the patient arrives, is checked in, was seen, or did not come.

Locks: the patient, the practitioner (where a seat may be taken again), the appointment, then the token.
"""

from __future__ import annotations

from typing import Any

from hms.scheduling.v1 import appointment_pb2, arrival_pb2
from hms_server import aip, clock, errors, ids
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.faults import ExclusionViolation
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import mapping, queue_order, queue_rules, queue_store, store
from hms_server.scheduling.appointments import found
from hms_server.scheduling.states import APPOINTMENT, TOKEN, require_step
from hms_server.scheduling.tokens import document, put_in, refusing_doubles

# The field that says when an appointment came into a state.
_MOMENTS = {"ARRIVED": "arrive_time", "CHECKED_IN": "check_in_time", "FULFILLED": "fulfil_time"}


class Arrivals:
    """Who has come, and who has not."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def arrive(
        self, request: arrival_pb2.ArriveAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """ARRIVED. Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition (WRONG_STATE)."""
        return self._step(request, call, "ARRIVED")[0]

    @on_conflict
    def check_in(
        self, request: arrival_pb2.CheckInAppointmentRequest, call: Call
    ) -> arrival_pb2.CheckInAppointmentResponse:
        """CHECKED_IN with a token. Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition (WRONG_STATE
        ALREADY_IN_QUEUE)."""
        appointment, token = self._step(request, call, "CHECKED_IN")
        return arrival_pb2.CheckInAppointmentResponse(appointment=appointment, queue_token=token)

    @on_conflict
    def no_show(self, request: arrival_pb2.MarkNoShowRequest, call: Call) -> appointment_pb2.Appointment:
        """NO_SHOW; a token is CANCELLED. Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition
        (WRONG_STATE)."""
        return self._step(request, call, "NO_SHOW")[0]

    @on_conflict
    def complete(
        self, request: arrival_pb2.CompleteAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """FULFILLED; the token is COMPLETED. Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition
        (WRONG_STATE)."""
        return self._step(request, call, "FULFILLED")[0]

    def _step(self, request: Any, call: Call, state: str) -> tuple[appointment_pb2.Appointment, Any]:
        try:
            with refusing_doubles(self._database, call) as key:
                return self._stepped(request, call, state, key)
        except ExclusionViolation:
            raise errors.FailedPrecondition(
                "The seat was given to somebody else after the no-show: book another slot, or give the"
                " patient a token as a walk-in.",
                metadata={"seat": "taken"},
            ) from None

    def _stepped(
        self, request: Any, call: Call, state: str, key: dict[str, Any]
    ) -> tuple[appointment_pb2.Appointment, Any]:
        now = clock.now()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patient = queue_store.lock_patient_of_appointment(transaction, request.id)
            queue_store.lock_practitioner_of_appointment(transaction, request.id)
            present = store.lock(transaction, request.id)
            token = queue_store.lock_token_of_appointment(transaction, request.id)
            session = queue_store.session_of_appointment(transaction, request.id, now)
            transaction.flush()
            row = found(present.first)
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=row.id, patient_ids=(row.patient_id,))
                transaction.commit()
                standing = mapping.queue_token(token.first) if token.first is not None else None
                return mapping.appointment(row), standing
            queue_rules.require_same_patient(patient.first, row)
            aip.require_etag(request.etag, row.version)
            require_step(APPOINTMENT, "appointment", row.state, state)
            changes: dict[str, Any] = dict(row.document)
            if state in _MOMENTS:
                moment = timestamp(now)
                changes[_MOMENTS[state]] = {"seconds": moment.seconds, "nanos": moment.nanos}
            entities: tuple[AuditedEntities, ...] = ()
            issued = None
            if state == "NO_SHOW":
                queue_rules.require_begun(row.start_time, now)
                if request.note:
                    changes["note"] = "\n".join(filter(None, (changes.get("note", ""), request.note)))[-4096:]
                entities = _end(transaction, call, token.first, "CANCELLED", now)
            elif state == "FULFILLED":
                entities = _end(transaction, call, token.first, "COMPLETED", now)
            else:
                queue_rules.require_open_patient(patient.first)
                queue_rules.require_today(row.start_time, session.first)
            made = store.update(transaction, row, call.caller.user_id, state=state, document=changes)
            if state == "CHECKED_IN":
                token_id = ids.uuid7()
                day = session.rows[0]
                key.update(
                    patient_id=row.patient_id,
                    practitioner_id=row.practitioner_id,
                    session_start=day.session_start or day.day_start,
                )
                issued = put_in(
                    transaction,
                    token_id,
                    call,
                    **key,
                    prefix=queue_rules.prefix(day),
                    digits=day.token_digits,
                    department_id=row.department_id,
                    priority=request.priority or "NORMAL",
                    order_time=queue_order.appointment_time(row.start_time, now),
                    issue_time=now,
                    appointment_id=row.id,
                    document=document(priority_reason=request.priority_reason, note=request.note),
                )
                entities = (AuditedEntities("queue_token", "CREATE", (token_id,)),)
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            transaction.audit(
                entity_id=row.id,
                old_version=row.version,
                new_version=row.version + 1,
                patient_ids=(row.patient_id,),
                entities=entities,
            )
        return mapping.appointment(made.first), mapping.queue_token(
            issued.first
        ) if issued is not None else None


def _end(
    transaction: Transaction, call: Call, token: Any, state: str, now: Any
) -> tuple[AuditedEntities, ...]:
    """The token of an appointment that ends. Raises FailedPrecondition (WRONG_STATE)."""
    if token is None:
        return ()
    before = token.state
    if state == "COMPLETED" and before in ("WAITING", "CALLED"):
        # Was seen, and nobody said when it began: then it tells nothing of how long consultations take.
        require_step(TOKEN, "token", before, "IN_CONSULTATION")
        before = "IN_CONSULTATION"
    require_step(TOKEN, "token", before, state)
    queue_store.update(transaction, token, call.caller.user_id, state=state, end_time=now)
    return (AuditedEntities("queue_token", "UPDATE", (token.id,)),)
