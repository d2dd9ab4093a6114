"""The beginning and the end of a visit: StartEncounter and CompleteEncounter.

Patient, appointment and token are locked before anything is decided, so that two clicks make one encounter
and the queue never shows something else than the record.
"""

from __future__ import annotations

from typing import Any

from hms_server import errors, ids
from hms_server.clinical import mapping, records, rules, store
from hms_server.clinical.desk import Desk
from hms_server.clinical.kinds import ENCOUNTER
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.faults import UniqueViolation
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction

COMPLETED = "COMPLETED"
_ORIGIN_INDEXES = ("encounter_of_appointment", "encounter_of_queue_token")


class Visits(records.Records):
    """Encounters, with what begins and ends them."""

    def __init__(self, database: Database, request_ids: RequestIds, desk: Desk) -> None:
        super().__init__(ENCOUNTER, database, request_ids, desk)
        self._front = desk

    @on_conflict
    def start(self, request: Any, call: Call) -> Any:
        """An encounter that is IN_PROGRESS.

        Raises NotFound for what it is to start from, AlreadyExists (ENCOUNTER_STARTED, with encounter_id)
        where it was started before, FailedPrecondition (NOT_CHECKED_IN, WRONG_STATE, PATIENT_MERGED),
        PermissionDenied (DEPARTMENT_LIMITED).
        """
        _require_one_origin(request)
        from_desk = bool(request.queue_token_id or request.appointment_id)
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                probe = self._request_ids.probe(transaction, call, request)
                place = started = None
                if from_desk:
                    origin = {
                        "appointment_id": request.appointment_id,
                        "queue_token_id": request.queue_token_id,
                    }
                    place = self._front.lock(transaction, **origin)
                    started = store.find_started(transaction, **origin)
                patient = store.lock_patient(transaction, request.patient_id, "")
                missing = _look_for(transaction, request)
                transaction.flush()
                earlier = probe.repeat()
                if earlier is not None:
                    return self._repeated(transaction, call, earlier)
                message = _message(request, place)
                message.patient_id = records.open_patient(
                    patient.first if place is None else place.patient, ""
                )
                _refuse_second(started)
                records.require_found(missing)
                records.require_inside(transaction, ENCOUNTER, message, call, message.patient_id)
                moved: tuple[AuditedEntities, ...] = ()
                if place is not None:
                    moved = self._front.begin(transaction, place, call)
                rules.require_valid(ENCOUNTER, message)
                record_id = ids.uuid7()
                row = rules.row_of(ENCOUNTER, message, record_id, rules.document_of(message))
                made = store.insert(transaction, ENCOUNTER, row, call.caller.user_id)
                self._request_ids.remember(transaction, call, probe, record_id, 1)
                transaction.audit(
                    entity_id=record_id, new_version=1, patient_ids=(message.patient_id,), entities=moved
                )
        except UniqueViolation as error:
            if error.constraint in _ORIGIN_INDEXES:
                raise _started("") from None
            raise
        return mapping.record(made.first)

    @on_conflict
    def complete(self, request: Any, call: Call) -> Any:
        """Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition: WRONG_STATE, or UNSIGNED_NOTES while
        a note is not signed."""

        def change(encounter: Any) -> None:
            # A transition to itself is none.
            if encounter.state == COMPLETED:
                raise errors.FailedPrecondition("The encounter is completed already.")
            rules.require_transition(encounter.state, COMPLETED)
            encounter.state = COMPLETED
            encounter.end_time = encounter.end_time or records.now()

        return self._change(request, call, request.id, request.etag, change, None)

    def _change(
        self, request: Any, call: Call, record_id: str, etag: str, change: Any, sent: Any, look: Any = None
    ) -> Any:
        """Whatever completes an encounter leaves no note unsigned unless it says so: an amendment, too."""
        if getattr(request, "leave_drafts", False) or (sent is not None and sent.state != COMPLETED):
            return super()._change(request, call, record_id, etag, change, sent, look)
        found: list[Pending] = []

        def look_for_unsigned(transaction: Transaction) -> None:
            found.append(store.find_unsigned(transaction, record_id))
            if look is not None:
                look(transaction)

        def require_signed(encounter: Any) -> None:
            before = encounter.state
            change(encounter)
            if encounter.state == COMPLETED != before and found[-1].rows:
                raise errors.FailedPrecondition(
                    "A note of the encounter is not signed: sign it, or complete the encounter (:complete)"
                    " with leave_drafts.",
                    reason="UNSIGNED_NOTES",
                    metadata={"note_id": found[-1].rows[0].id},
                )

        return super()._change(request, call, record_id, etag, require_signed, sent, look_for_unsigned)


def _require_one_origin(request: Any) -> None:
    origin = request.WhichOneof("origin")
    if origin is None:
        raise errors.invalid_field("patient_id", "is required, or queue_token_id, or appointment_id")
    if origin == "patient_id" and not request.department_id:
        raise errors.invalid_field("department_id", "is required beside patient_id")
    if origin != "patient_id" and request.department_id:
        raise errors.invalid_field("department_id", f"is that of the {origin.removesuffix('_id')}")


def _look_for(transaction: Transaction, request: Any) -> Pending | None:
    wanted = [
        (name, name.removesuffix("_id").upper(), getattr(request, name))
        for name in ("department_id", "practitioner_id", "location_id")
        if getattr(request, name)
    ]
    # Of a directory's entries the patient does not matter.
    return store.missing_references(transaction, wanted) if wanted else None


def _message(request: Any, place: Any) -> Any:
    """What the encounter is to be. Raises NotFound for an appointment or a token that is not there."""
    message = ENCOUNTER.message(
        state="IN_PROGRESS",
        encounter_class=request.encounter_class or "AMB",
        start_time=records.now(),
        reasons=request.reasons,
        department_id=request.department_id,
        practitioner_id=request.practitioner_id,
        location_id=request.location_id,
    )
    if place is None:
        return message
    token, appointment = place.token, place.appointment
    if request.queue_token_id and token is None:
        raise errors.NotFound("No such queue token.")
    if request.appointment_id and appointment is None:
        raise errors.NotFound("No such appointment.")
    origin = token if token is not None else appointment
    message.department_id = origin.department_id
    message.practitioner_id = request.practitioner_id or origin.practitioner_id or ""
    if appointment is not None:
        message.appointment_id = appointment.id
        message.location_id = request.location_id or appointment.location_id or ""
    if token is not None:
        message.queue_token_id = token.id
    return message


def _refuse_second(started: Pending | None) -> None:
    if started is not None and started.rows:
        raise _started(started.rows[0].id)


def _started(encounter_id: str) -> errors.AlreadyExists:
    return errors.AlreadyExists(
        "An encounter was started from this already: go on with that one.",
        reason="ENCOUNTER_STARTED",
        metadata={"encounter_id": encounter_id} if encounter_id else {},
    )
