"""Deleting entries of the directory, and bringing them back.

A deleted entry stays, so that what pointed to it goes on to; it leaves lists, and nobody begins to point
to it. It is refused while something needs the entry. Nobody slips in between:
docs/decisions/0026-directory-by-trigger.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms_server import aip, errors
from hms_server.admin import directory_store as store
from hms_server.admin import entries, mapping
from hms_server.admin.directory import found_ids, look_up
from hms_server.admin.kinds import Kind
from hms_server.context import Call
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction

# Nobody needs to know of more.
_MOST = 1000
# Uses as statements call them: of one, of several.
_WORDS = {
    "appointments": ("appointment ahead", "appointments ahead"),
    "departments": ("department", "departments"),
    "encounters": ("open encounter", "open encounters"),
    "extra_sessions": ("extra session ahead", "extra sessions ahead"),
    "limited_roles": ("limited role of a user", "limited roles of users"),
    "locations": ("location", "locations"),
    "organizations": ("organization", "organizations"),
    "practitioners": ("practitioner", "practitioners"),
    "schedules": ("schedule", "schedules"),
    "users": ("user", "users"),
    "waiting_list_entries": ("entry of the waiting list", "entries of the waiting list"),
}


class Deletion:
    """Deletion of one kind of entries."""

    def __init__(self, kind: Kind, *, database: Database, request_ids: RequestIds) -> None:
        self._kind = kind
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def delete(self, request: Any, call: Call) -> Any:
        """Deletes an entry. Raises NotFound, Aborted, and FailedPrecondition: DIRECTORY_ENTRY_IN_USE with
        what uses it, DIRECTORY_ENTRY_DELETED where it is deleted already."""
        kind = self._kind
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            present = store.lock_to_delete(transaction, kind, request.id)
            used = store.in_use(transaction, kind, request.id, _MOST)
            transaction.flush()
            if probe.repeat() is not None:
                return self._repeated(transaction, request.id)
            row = self._found(present.first)
            aip.require_etag(request.etag, row.version)
            if row.delete_time is not None:
                raise errors.FailedPrecondition(
                    f"The {kind.table} is deleted already.", reason="DIRECTORY_ENTRY_DELETED"
                )
            require_unused(kind, used.rows)
            made = store.set_deletion(transaction, kind, row.id, True, call.caller.user_id)
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)
        return mapping.entry(kind, made.first)

    @on_conflict
    def undelete(self, request: Any, call: Call) -> Any:
        """Brings an entry back as it was. Raises NotFound, Aborted, and FailedPrecondition: WRONG_STATE where
        it is not deleted, DIRECTORY_ENTRY_DELETED where something that it names is deleted."""
        kind = self._kind
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            present = store.lock(transaction, kind, request.id)
            transaction.flush()
            if probe.repeat() is not None:
                return self._repeated(transaction, request.id)
            row = self._found(present.first)
            aip.require_etag(request.etag, row.version)
            if row.delete_time is None:
                raise errors.FailedPrecondition(f"The {kind.table} is not deleted.", reason="WRONG_STATE")
            self._require_above(transaction, row.document)
            made = store.set_deletion(transaction, kind, row.id, False, call.caller.user_id)
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            transaction.audit(entity_id=row.id, old_version=row.version, new_version=row.version + 1)
        return mapping.entry(kind, made.first)

    def _require_above(self, transaction: Transaction, document: dict[str, Any]) -> None:
        """What the entry names must not be deleted: one flush more, of entries that name any."""
        asked = entries.references(self._kind, self._kind.new(**document), self._kind.fields)
        if not asked:
            return
        found = look_up(transaction, asked)
        transaction.flush()
        existing = found_ids(found)
        missing = [each for each in asked if (each.kind, each.id) not in existing]
        if missing:
            raise errors.FailedPrecondition(
                f"{missing[0].path} names what is deleted, too: undelete that first.",
                reason="DIRECTORY_ENTRY_DELETED",
                metadata={"field": missing[0].path},
            )

    def _repeated(self, transaction: Transaction, entry_id: str) -> Any:
        pending = store.get(transaction, self._kind, entry_id)
        transaction.audit(action="READ", entity_id=entry_id)
        transaction.commit()
        return mapping.entry(self._kind, self._found(pending.first))

    def _found(self, row: Any) -> Any:
        if row is None:
            raise errors.NotFound(f"No such {self._kind.table}.")
        return row


def require_unused(kind: Kind, uses: Iterable[Any]) -> None:
    """Raises FailedPrecondition with what uses an entry: rows of `used_by` and `number`."""
    numbers = {row.used_by: row.number for row in uses if row.number}
    if not numbers:
        return
    told = ", ".join(_told(number, *_WORDS[name]) for name, number in numbers.items())
    raise errors.FailedPrecondition(
        f"The {kind.table} is in use by {told}: move or end these first, or set `active` to false.",
        reason="DIRECTORY_ENTRY_IN_USE",
        metadata={name: str(number) for name, number in numbers.items()},
    )


def _told(number: int, one: str, several: str) -> str:
    if number > _MOST:
        return f"more than {_MOST} {several}"
    return f"{number} {one if number == 1 else several}"
