"""Calls the named SQL of the API's reads, in the database where the audit stands.

Who looked is recorded in the main database's outbox, where every record begins, before the answer leaves.
With one database a list and its record are one statement. With a separate audit database they are two
transactions: events are read from the one, patients and the record from the other.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from hms_server import errors
from hms_server.audit import retention_store, rules
from hms_server.context import Call
from hms_server.database.queries import load_queries, load_unaudited
from hms_server.database.transaction import Database, Pending, Transaction

_SQL = load_queries("hms_server.audit", "read.sql")
_UNAUDITED = load_unaudited("hms_server.audit", "read.sql")

# None where nothing was archived and dropped.
KeptFrom: TypeAlias = datetime.datetime | None

_AWAY = (
    "The audit database is away: what is done meanwhile is recorded, and can be looked at when it is back."
)
_ELSEWHERE = "The audit does not stand in the database that this server reads it from: tell the operator."


class AuditReads:
    """Reads for callers. `audit` is the separate audit database, None where there is none."""

    def __init__(self, database: Database, audit: Database | None) -> None:
        self._main = database
        self._audit = audit

    def events_listed(self, name: str, call: Call, **parameters: Any) -> tuple[list[Any], KeptFrom]:
        """The rows of a list, and from when on events are there; raises Unavailable."""
        if self._audit is None:
            with self._main.tenant_transaction(call.tenant_id, call) as transaction:
                place = transaction.queue(_SQL["chain_place"])
                found = transaction.queue(_SQL[name], **parameters)
                kept = retention_store.kept_from(transaction)
            self._check(place)
            return found.rows, kept.rows[0].kept_from
        with self._events(call) as transaction:
            found = transaction.queue(_UNAUDITED[name], **parameters)
            kept = retention_store.kept_from(transaction)
        named = {row.named_patient_id for row in found.rows if row.named_patient_id}
        with self._main.tenant_transaction(call.tenant_id, call) as transaction:
            place = transaction.queue(_SQL["chain_place"])
            transaction.audit(patient_ids=sorted(named), entity_id="")
        self._check(place)
        return found.rows, kept.rows[0].kept_from

    def event(self, event_id: str, call: Call) -> tuple[Any, Any] | None:
        """An event, and the patient's record before and after it (`old_fields`, `new_fields`); None where
        there is no such event. Raises Unavailable."""
        with self._events(call) as transaction:
            found = transaction.queue(_SQL["get_event"], id=event_id)
        event = found.first
        with self._main.tenant_transaction(call.tenant_id, call) as transaction:
            place = transaction.queue(_SQL["chain_place"])
            changed = transaction.queue(
                _SQL["get_change"],
                stands=event is not None,
                patient_id=rules.changed_patient(event) if event is not None else None,
                old_version=event.old_version if event is not None else 0,
                new_version=event.new_version if event is not None else 0,
                audit_entity_id=event_id,
                audit_must_find=True,
            )
        self._check(place)
        return None if event is None else (event, changed.first)

    def disclosures(
        self, patient_id: str, call: Call, **parameters: Any
    ) -> tuple[Any, list[Any], KeptFrom] | None:
        """The patient (`uhid`, `record_ids`), the events that name one of the records, the oldest first, and
        from when on events are there; None where there is no such patient. Raises Unavailable."""
        with self._main.tenant_transaction(call.tenant_id, call) as transaction:
            place = transaction.queue(_SQL["chain_place"])
            found = transaction.queue(
                _SQL["get_subject"], patient_id=patient_id, audit_entity_id=patient_id, audit_must_find=True
            )
        self._check(place)
        subject = found.first
        if subject is None:
            return None
        with self._events(call) as transaction:
            events = transaction.queue(_SQL["disclosures"], record_ids=subject.record_ids, **parameters)
            kept = retention_store.kept_from(transaction)
        return subject, events.rows, kept.rows[0].kept_from

    @contextmanager
    def _events(self, call: Call) -> Iterator[Transaction]:
        """A transaction where the events stand."""
        if self._audit is None:
            with self._main.tenant_transaction(call.tenant_id, call) as transaction:
                yield transaction
            return
        try:
            with self._audit.tenant_transaction(call.tenant_id, call) as transaction:
                yield transaction
        except errors.Unavailable:
            raise errors.Unavailable(_AWAY, retry_seconds=5) from None

    def _check(self, place: Pending) -> None:
        """Half an installation knows of the separate database, or its audit was not moved there yet: an empty
        list would be a lie."""
        if place.first is not None and place.first.elsewhere != (self._audit is not None):
            raise errors.Unavailable(_ELSEWHERE)
