"""The events of a tenant and a span of time, one after another, in pieces of bounded size.

An export is recorded before its first event is read: whoever takes events out is in the audit, also where the
export broke off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hms_server import errors
from hms_server.audit import process_record, retention_store
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database

_SQL = load_queries("hms_server.audit", "export.sql")

PIECE = 500
PIECE_BYTES = 2 * 2**20
_LOWEST = -(2**63)
METHOD = "hms audit export"


class Known(NamedTuple):
    """A tenant by its id and code."""

    id: str
    code: str


class Exporter:
    """Reads events as hms_worker."""

    def __init__(
        self,
        database: Database,
        piece: int = PIECE,
        piece_bytes: int = PIECE_BYTES,
        audit: Database | None = None,
    ) -> None:
        """`audit` is the separate audit database, None where there is none."""
        self._database = database
        self._audit = audit
        self._piece = piece
        self._piece_bytes = piece_bytes

    def find(self, wanted: str) -> Known | None:
        """The tenant of that code or id."""
        with self._database.platform_transaction() as transaction:
            found = transaction.queue(_SQL["find_tenant"], wanted=wanted)
        return Known(*found.first) if found.first is not None else None

    def kept_from(self, tenant_id: str) -> str | None:
        """From when on events are there (ISO 8601, UTC); None where none was dropped."""
        with (self._audit or self._database).tenant_transaction(tenant_id) as transaction:
            found = retention_store.kept_from(transaction)
        moment = found.rows[0].kept_from
        return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"

    def export(self, tenant_id: str, start: str, end: str, *, actor_name: str, address: str) -> Iterator[Any]:
        """Rows of audit_event in the order of time, from `start` (included) to `end` (not included)."""
        with self._database.tenant_transaction(tenant_id) as transaction:
            place = transaction.queue(_SQL["chain_stands_elsewhere"])
            process_record.queue(
                transaction,
                action="READ",
                method=METHOD,
                entity_type="audit_event",
                actor_name=actor_name,
                address=address,
            )
        if place.first is not None and place.first.elsewhere != (self._audit is not None):
            raise errors.ConfigError(
                "the audit does not stand in the database that HMS_AUDIT_... settings tell"
            )
        return self._rows(tenant_id, start, end)

    def _rows(self, tenant_id: str, start: str, end: str) -> Iterator[Any]:
        time, sequence = start, _LOWEST
        while True:
            with (self._audit or self._database).tenant_transaction(tenant_id) as transaction:
                piece = transaction.queue(
                    _SQL["export_events"],
                    after_time=time,
                    after_sequence=sequence,
                    end_time=end,
                    limit=self._piece,
                    most_bytes=self._piece_bytes,
                )
            yield from piece.rows
            if not piece.rows or not piece.rows[-1].followed:
                return
            time, sequence = piece.rows[-1].record_time, piece.rows[-1].sequence
