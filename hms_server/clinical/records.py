"""Create, get, amend and mark as entered in error: the same for every type of record."""

from __future__ import annotations

from typing import Any

from hms_server import aip, clock, errors, ids
from hms_server.clinical import mapping, rules, store, transitions
from hms_server.clinical.desk import Desk
from hms_server.clinical.guards import guard_of
from hms_server.clinical.kinds import Kind
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import Probe, RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction


class Records:
    """The records of one type. Takes and gives the messages of the type's own methods."""

    def __init__(
        self, kind: Kind, database: Database, request_ids: RequestIds, desk: Desk | None = None
    ) -> None:
        """`desk`: of encounters, whose tokens and appointments go with them."""
        self._desk = desk
        self._kind = kind
        self._guard = guard_of(kind)
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def create(self, request: Any, call: Call) -> Any:
        """A new record. Raises NotFound for the patient, FailedPrecondition where the record cannot grow,
        InvalidArgument for what it points to or holds, PermissionDenied (DEPARTMENT_LIMITED) where it would
        not belong to the caller's departments."""
        kind = self._kind
        message = _copy(kind, getattr(request, kind.field))
        encounter_id = "" if kind.is_encounter else message.encounter_id
        if not message.patient_id and not encounter_id:
            wanted = "is required" if kind.is_encounter else "is required, or encounter_id"
            raise errors.invalid_field(f"{kind.field}.patient_id", wanted)
        if "recorded_time" in kind.times and not message.recorded_time:
            message.recorded_time = now()
        self._complete_new(message, call)
        rules.with_defaults(kind, message, now())
        rules.require_valid(kind, message)
        transitions.require_first(kind, message)
        record_id = ids.uuid7()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            guard = self._guard
            alone = guard is not None and guard.locks_patient
            patient = store.lock_patient(transaction, message.patient_id, encounter_id, alone=alone)
            owner = {"patient_id": message.patient_id, "encounter_id": encounter_id, "record_id": ""}
            loaded = guard.load(transaction, message, **owner) if guard else None
            missing = _look_for(
                transaction, kind, message, patient_id=message.patient_id, encounter_id=encounter_id
            )
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return self._repeated(transaction, call, earlier)
            message.patient_id = open_patient(patient.first, encounter_id)
            require_found(missing)
            require_inside(transaction, kind, message, call, message.patient_id)
            noted = guard.check(loaded, None, message, message, call, message.patient_id) if guard else {}
            row = rules.row_of(kind, message, record_id, rules.document_of(message))
            made = store.insert(transaction, kind, row, call.caller.user_id)
            self._request_ids.remember(transaction, call, probe, record_id, 1)
            transaction.audit(entity_id=record_id, new_version=1, patient_ids=(message.patient_id,), **noted)
        return mapping.record(made.first)

    def _complete_new(self, message: Any, call: Call) -> None:
        """Fills in what the type's own rules say of a new record."""
        if self._kind.type == "OBSERVATION":
            rules.name_category(message)

    def get(self, request: Any, call: Call) -> Any:
        """One record; one that was entered in error, too. Raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_record(transaction, self._kind, request.id)
        return mapping.record(_found(self._kind, pending.first))

    @on_conflict
    def amend(self, request: Any, call: Call) -> Any:
        """Changes the fields that the mask names; an amendment that changes nothing makes no version."""
        kind = self._kind
        sent = getattr(request, kind.field)
        aip.require_id(f"{kind.field}.id", sent.id)
        selected = aip.selected(sent, request.update_mask, kind.mutable)

        def change(message: Any) -> None:
            stood = kind.message()
            stood.CopyFrom(message)
            before = message.state if kind.is_encounter else ""
            if kind.amended_state and "state" not in selected and message.state == "FINAL":
                message.state = kind.amended_state
            rules.amend(message, sent, selected)
            rules.with_defaults(kind, message, now())
            if kind.is_encounter:
                rules.require_transition(before, message.state)
            transitions.require_amendable(kind, stood, message)

        return self._change(request, call, sent.id, sent.etag, change, _copy(kind, sent))

    @on_conflict
    def mark_entered_in_error(self, request: Any, call: Call) -> Any:
        """Marks a record that was never so; one that is marked is refused with FailedPrecondition."""

        def change(message: Any) -> None:
            rules.mark_entered_in_error(self._kind, message, request.reason)

        return self._change(request, call, request.id, request.etag, change, None)

    def _change(
        self, request: Any, call: Call, record_id: str, etag: str, change: Any, sent: Any, look: Any = None
    ) -> Any:
        """The two flushes of every change. `change` changes the message of the present row; `look` queues
        what it needs to know beside that."""
        kind = self._kind
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe: Probe = self._request_ids.probe(transaction, call, request)
            place = None if self._desk is None else self._desk.lock(transaction, encounter_id=record_id)
            guard = None if sent is None else self._guard
            owner = {"patient_id": "", "encounter_id": "", "record_id": record_id}
            loaded = guard.load(transaction, sent, **owner) if guard else None
            present = store.lock(transaction, kind, record_id)
            if look is not None:
                look(transaction)
            missing = None if sent is None else _look_for(transaction, kind, sent, record_id=record_id)
            derived = store.lock_derived(transaction, record_id) if kind.type == "OBSERVATION" else None
            transaction.flush()
            if probe.repeat() is not None:
                return self._repeated(transaction, call, record_id)
            row = _found(kind, present.first)
            aip.require_etag(etag, row.version)
            message = mapping.record(row)
            if rules.is_entered_in_error(kind, message):
                raise errors.FailedPrecondition("The record was entered in error: make a new one.")
            before = kind.message()
            before.CopyFrom(message)
            change(message)
            require_found(missing)
            rules.require_valid(kind, message)
            noted = guard.check(loaded, before, message, sent, call, row.patient_id) if guard else {}
            version = row.version
            made = present
            if _differs(kind, before, message):
                require_inside(transaction, kind, message, call, row.patient_id)
                version += 1
                changed = rules.row_of(kind, message, row.id, rules.document_of(message))
                made = store.update(transaction, kind, changed, call.caller.user_id)
            moved: tuple[AuditedEntities, ...] = ()
            if self._desk is not None and place is not None and before.state != message.state:
                moved = self._desk.follow(transaction, place, message.state, call)
            voided = _void_derived(transaction, derived, before, message, call)
            self._request_ids.remember(transaction, call, probe, row.id, version)
            transaction.audit(
                entity_id=row.id,
                old_version=row.version,
                new_version=version,
                patient_ids=(row.patient_id,),
                entities=moved + voided,
                **noted,
            )
        return mapping.record(made.first)

    def _repeated(self, transaction: Transaction, call: Call, record_id: str) -> Any:
        """The present state, for a request that was answered before: audited as what it now is, a read."""
        pending = store.lock(transaction, self._kind, record_id)
        transaction.flush()
        row = _found(self._kind, pending.first)
        transaction.audit(action="READ", entity_id=record_id, patient_ids=(row.patient_id,))
        transaction.commit()
        return mapping.record(row)


def _void_derived(
    transaction: Transaction, derived: Pending | None, before: Any, after: Any, call: Call
) -> tuple[AuditedEntities, ...]:
    """Marks what was computed from an observation that says something else now."""
    if derived is None or not derived.rows or not rules.says_something_else(before, after):
        return ()
    found = [row.id for row in derived.rows]
    store.void_derived(transaction, found, rules.DERIVED_FROM_CHANGED, call.caller.user_id)
    return (AuditedEntities("observation", "UPDATE", found),)


def now() -> str:
    """The present moment as a FHIR dateTime, in UTC."""
    return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _copy(kind: Kind, sent: Any) -> Any:
    """What the caller may say of a new record."""
    message = kind.message()
    message.CopyFrom(sent)
    for name in (
        "id",
        "create_time",
        "update_time",
        "etag",
        "error_reason",
        *kind.embedded,
        *kind.server_set,
        *kind.computed,
    ):
        message.ClearField(name)
    return message


def _look_for(transaction: Transaction, kind: Kind, message: Any, **owner: str) -> Pending | None:
    wanted = list(rules.references(kind, message))
    return store.missing_references(transaction, wanted, **owner) if wanted else None


def require_found(missing: Pending | None) -> None:
    """Raises InvalidArgument for what `store.missing_references` found to be missing."""
    if missing is not None and missing.rows:
        found = tuple(
            errors.FieldViolation(row.field, "names nothing that this patient's record can point to")
            for row in missing.rows
        )
        raise errors.InvalidArgument(f"{found[0].field}: {found[0].description}", violations=found)


def require_inside(transaction: Transaction, kind: Kind, message: Any, call: Call, patient_id: str) -> None:
    """What a caller writes who is limited to departments belongs to one of them, unless a grant opens the
    patient. Raises PermissionDenied (DEPARTMENT_LIMITED)."""
    if call.departments is None or rules.is_inside(kind, message, call.departments):
        return
    granted = store.under_grant(transaction, patient_id)
    transaction.flush()
    if not granted.rows[0].granted:
        raise rules.outside(kind, call.method.permission)


def open_patient(row: Any, encounter_id: str) -> str:
    """Id of the patient whose record grows. Raises NotFound, FailedPrecondition (PATIENT_MERGED)."""
    if row is None:
        raise errors.NotFound("No such encounter." if encounter_id else "No such patient.")
    if row.merged_into is not None:
        raise errors.FailedPrecondition(
            "The patient was merged into another: write to the record that stands.",
            reason="PATIENT_MERGED",
            metadata={"survivor_id": row.merged_into},
        )
    if row.deleted:
        raise errors.FailedPrecondition("The patient is deleted: undelete the record first.")
    return str(row.id)


def _differs(kind: Kind, before: Any, after: Any) -> bool:
    """Whether a change changed anything; being AMENDED is a change only beside another."""
    if before == after:
        return False
    if kind.amended_state and before.state == "FINAL" and after.state == kind.amended_state:
        unmarked = kind.message()
        unmarked.CopyFrom(after)
        unmarked.state = before.state
        return bool(unmarked != before)
    return True


def _found(kind: Kind, row: Any) -> Any:
    if row is None:
        raise errors.NotFound(f"No such {kind.field.replace('_', ' ')}.")
    return row
