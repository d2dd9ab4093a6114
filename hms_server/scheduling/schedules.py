"""Schedules and exceptions, by one way of working: what a kind is called stands in schedule_kinds.py.

How a change is made stands in schedule_changes.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from typing import Any

from hms_server import aip, errors, ids
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.pages import Page, Pages
from hms_server.database.requests import Probe, RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.scheduling import schedule_changes as changes
from hms_server.scheduling import schedule_store as store
from hms_server.scheduling import stranded
from hms_server.scheduling.schedule_kinds import SCHEDULE, Kind
from hms_server.scheduling.stranded import Settled, Stranded, Watch

_ADDED = ("id", "etag", "create_time", "update_time", "delete_time", "stranded")


class _DryRun(Exception):
    """Undoes a change that was only to be tried; holds what it would have answered."""

    def __init__(self, answer: Any, settled: Settled) -> None:
        super().__init__("dry run")
        self.answer, self.settled = answer, settled


class Schedules:
    """One kind's part of the scheduling service."""

    def __init__(self, kind: Kind, *, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._kind = kind
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    def get(self, request: Any, call: Call) -> Any:
        """One record, deleted or not. Raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get(transaction, self._kind, request.id)
        return self._kind.read(self._found(pending.first))

    def list_records(self, request: Any, call: Call, answer: type[Any], filters: dict[str, Any]) -> Any:
        """A page in the order of the kind, both ways. `filters` are those of store.list_records."""
        page: Page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=tuple(filters.values()),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_records(transaction, self._kind, page, **filters)
        order = "valid_from" if self._kind is SCHEDULE else "end_time"
        rows, following, preceding = self._pages.close(
            page, pending.rows, lambda row: (getattr(row, order), str(row.id))
        )
        return answer(
            **{self._kind.plural: [self._kind.read(row) for row in rows]},
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def create(self, request: Any, call: Call) -> Any:
        """A new record. Raises InvalidArgument, FailedPrecondition (APPOINTMENTS_STRANDED, SCHEDULES_OVERLAP,
        NO_ROOM_TO_MOVE)."""
        kind = self._kind
        record_id = ids.uuid7()
        given = _clean(kind, getattr(request, kind.table))

        def change(transaction: Transaction, probe: Probe) -> tuple[Any, Settled]:
            settled = changes.write(kind, transaction, request, call, [given], [kind.table], [record_id])
            made = store.get(transaction, kind, record_id)
            self._remember(transaction, call, request, probe, record_id, 1)
            transaction.audit(entity_id=record_id, new_version=1, **_audit(settled))
            transaction.flush()
            return self._answer(made.first, settled), settled

        return self._run(request, call, change, self._repeated)

    @on_conflict
    def batch_create(self, request: Any, call: Call) -> Any:
        """New records, all or nothing. Raises as `create` does."""
        kind = self._kind
        given = [_clean(kind, each) for each in getattr(request, kind.plural)]
        paths = [f"{kind.plural}[{i}]" for i in range(len(given))]
        record_ids = _following(ids.uuid7(), len(given))

        def shown(transaction: Transaction, first: str) -> list[Any]:
            made = store.get_each(transaction, kind, _following(first, len(given)))
            transaction.flush()
            return [kind.read(row) for row in made.rows]

        def change(transaction: Transaction, probe: Probe) -> tuple[Any, Settled]:
            settled = changes.write(kind, transaction, request, call, given, paths, record_ids)
            self._remember(transaction, call, request, probe, record_ids[0], 1)
            listed = [AuditedEntities(kind.table, "CREATE", record_ids)]
            transaction.audit(**_audit(settled, listed))
            made = shown(transaction, record_ids[0])
            return kind.batch(**{kind.plural: made}, stranded=settled.shown), settled

        def repeated(transaction: Transaction, first: str) -> Any:
            transaction.audit(action="READ", entity_id=first)
            return kind.batch(**{kind.plural: shown(transaction, first)})

        return self._run(request, call, change, repeated)

    @on_conflict
    def update(self, request: Any, call: Call) -> Any:
        """Changes the fields that the mask names. Raises as `create` does, NotFound, and Aborted
        (ETAG_MISMATCH)."""
        kind = self._kind
        entry = getattr(request, kind.table)
        aip.require_id(f"{kind.table}.id", entry.id)
        selected = aip.selected(entry, request.update_mask, kind.mutable)

        def change(transaction: Transaction, probe: Probe) -> tuple[Any, Settled]:
            row, present = self._lock(transaction, entry.id, entry.etag)
            given = _changed(kind, present, entry, selected)
            if given == _changed(kind, present, entry, ()):
                settled, version = Settled(), row.version
            else:
                settled = changes.write(
                    kind, transaction, request, call, [given], [kind.table], [str(row.id)], present
                )
                version = row.version + 1
            made = store.get(transaction, kind, entry.id)
            self._remember(transaction, call, request, probe, str(row.id), version)
            transaction.audit(
                entity_id=str(row.id), old_version=row.version, new_version=version, **_audit(settled)
            )
            transaction.flush()
            return self._answer(made.first, settled), settled

        return self._run(request, call, change, self._repeated, entry.id)

    @on_conflict
    def delete(self, request: Any, call: Call) -> Any:
        """Takes a record away; it stays with its time. Raises as `update` does."""
        kind = self._kind

        def change(transaction: Transaction, probe: Probe) -> tuple[Any, Settled]:
            row, present = self._lock(transaction, request.id, request.etag)
            affected = changes.lock_practitioners(transaction, request, [present])
            watch = Watch(transaction, list(affected), changes.window(kind, [present]))
            store.delete(transaction, kind, str(row.id), call.caller.user_id)
            changes.require_no_overlap(transaction, kind, [present], [str(row.id)], affected, is_new=False)
            settled = watch.settle(request, call)
            if getattr(present, "kind", "") in ("LEAVE", "CLOSURE"):
                changes.offer_seats(transaction, request, kind, [present], affected)
            made = store.get(transaction, kind, request.id)
            self._remember(transaction, call, request, probe, str(row.id), row.version + 1)
            transaction.audit(
                entity_id=str(row.id), old_version=row.version, new_version=row.version + 1, **_audit(settled)
            )
            transaction.flush()
            return self._answer(made.first, settled), settled

        return self._run(request, call, change, self._repeated, request.id)

    def _run(
        self,
        request: Any,
        call: Call,
        change: Callable[[Transaction, Probe], tuple[Any, Settled]],
        repeated: Callable[[Transaction, str], Any],
        entity_id: str = "",
    ) -> Any:
        """Makes the change, or tries it; whom a refusal or a trial names is audited all the same."""
        stranded.require_options(request)
        try:
            with self._database.tenant_transaction(call.tenant_id, call) as transaction:
                probe = self._request_ids.probe(transaction, call, request)
                if request.request_id:
                    transaction.flush()
                earlier = probe.repeat()
                if earlier is not None:
                    return repeated(transaction, earlier)
                answer, settled = change(transaction, probe)
                if request.validate_only:
                    raise _DryRun(answer, settled)
                return answer
        except _DryRun as tried:
            seen = [s.patient_id for s in tried.settled.shown.appointments] if tried.settled.shown else []
            self._told(call, entity_id, [each for each in seen if each], "OK")
            return tried.answer
        except Stranded as refused:
            self._told(call, entity_id, refused.patient_ids, refused.code)
            raise

    def _told(self, call: Call, entity_id: str, patient_ids: Collection[str], outcome: str) -> None:
        """Records what was shown of patients by a call that changed nothing."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            fields = {"action": "READ", **({"entity_id": entity_id} if entity_id else {})}
            named = list(dict.fromkeys(patient_ids))
            transaction.audit(patient_ids=named, entities=(), outcome=outcome, **fields)

    def _repeated(self, transaction: Transaction, record_id: str) -> Any:
        """The present state, for a request that was answered before: audited as what it now is, a read."""
        pending = store.get(transaction, self._kind, record_id)
        transaction.audit(action="READ", entity_id=record_id)
        transaction.flush()
        return self._kind.read(self._found(pending.first))

    def _remember(
        self, transaction: Transaction, call: Call, request: Any, probe: Probe, record_id: str, version: int
    ) -> None:
        if not request.validate_only:
            self._request_ids.remember(transaction, call, probe, record_id, version)

    def _lock(self, transaction: Transaction, record_id: str, etag: str) -> tuple[Any, Any]:
        """The row that is to be changed and its message."""
        pending = store.lock(transaction, self._kind, record_id)
        transaction.flush()
        row = self._found(pending.first)
        aip.require_etag(etag, row.version)
        if row.delete_time is not None:
            raise errors.FailedPrecondition(f"The {self._words} is deleted: make a new one.")
        return row, self._kind.read(row)

    def _answer(self, row: Any, settled: Settled) -> Any:
        made = self._kind.read(row)
        if settled.shown is not None:
            made.stranded.CopyFrom(settled.shown)
        return made

    def _found(self, row: Any) -> Any:
        if row is None:
            raise errors.NotFound(f"No such {self._words}.")
        return row

    @property
    def _words(self) -> str:
        return self._kind.table.replace("_", " ")


def _clean(kind: Kind, message: Any) -> Any:
    """A copy without what the server sets, in the form in which ids compare."""
    made = type(message)()
    made.CopyFrom(message)
    for name in _ADDED:
        made.ClearField(name)
    for name in ("practitioner_id", "department_id", "location_id"):
        setattr(made, name, getattr(made, name).lower())
    if kind is SCHEDULE and not made.HasField("active"):
        made.active = True
    return made


def _changed(kind: Kind, present: Any, entry: Any, selected: Collection[str]) -> Any:
    """The present message with the fields that an update selects."""
    made, given = _clean(kind, present), type(entry)()
    given.CopyFrom(entry)
    if getattr(made, "start_date", ""):
        # Stored beside the days, and made of them.
        made.ClearField("start_time")
        made.ClearField("end_time")
    for name in entry.DESCRIPTOR.fields_by_name:
        (made if name in selected else given).ClearField(name)
    made.MergeFrom(given)
    return _clean(kind, made)


def _following(first: str, count: int) -> list[str]:
    """Ids of a batch: they follow the first one, so that a repeated request knows them by it."""
    number = uuid.UUID(first).int
    return [str(uuid.UUID(int=number + place)) for place in range(count)]


def _audit(settled: Settled, entities: Collection[AuditedEntities] = ()) -> dict[str, Any]:
    """Whom and what the audit record of a change names."""
    named = list(entities)
    if settled.appointment_ids:
        named.append(AuditedEntities("appointment", "UPDATE", settled.appointment_ids))
    return {"patient_ids": settled.patient_ids, "entities": named}
