"""The directory: departments, practitioners, organizations and locations, by one way of working.

What a kind is called and what sets it apart stands in kinds.py. Reads are one round trip to the
database, writes two. What is not in use is told by `active`; how one is deleted stands in deletion.py, and
what is of one kind alone in practitioners.py, accounts.py and department_tree.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from hms_server import aip, errors, ids
from hms_server.admin import directory_store as store
from hms_server.admin import entries, mapping
from hms_server.admin.entries import Reference
from hms_server.admin.kinds import KINDS, Kind
from hms_server.context import Call
from hms_server.database.faults import ForeignKeyViolation, UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction


class Directory:
    """One kind's part of the admin service."""

    def __init__(self, kind: Kind, *, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._kind = kind
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    @on_conflict
    def create(self, request: Any, call: Call) -> Any:
        """A new entry. Raises AlreadyExists where its code is taken, InvalidArgument for what is not
        right and for references to nothing."""
        kind = self._kind
        entry = getattr(request, kind.table)
        document = entries.new_document(kind, entry)
        asked = entries.references(kind, entry, kind.fields)
        entry_id = ids.uuid7()
        with told(kind), self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            found = look_up(transaction, asked)
            if found or request.request_id:
                transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return self._repeated(transaction, earlier)
            entries.require_existing(asked, found_ids(found))
            columns = entries.derive(kind, document)
            made = store.insert(transaction, kind, entry_id, columns, call.caller.user_id)
            self._request_ids.remember(transaction, call, probe, entry_id, 1)
            transaction.audit(entity_id=entry_id, new_version=1)
        return mapping.entry(kind, made.first)

    def get(self, request: Any, call: Call) -> Any:
        """One entry, in use or not; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get(transaction, self._kind, request.id)
        return mapping.entry(self._kind, self._found(pending))

    def list_entries(self, request: Any, call: Call, answer: type[Any]) -> Any:
        """A page in order of name, both ways."""
        kind = self._kind
        parent_id: str = getattr(request, kind.parent).lower()
        code: str = getattr(request, kind.code).strip()
        patterns = entries.patterns(request.query)
        filters: dict[str, Any] = {
            "show_inactive": request.show_inactive,
            "show_deleted": request.show_deleted,
        }
        if kind.table == "location":
            filters |= {
                "part_of_id": request.part_of_id.lower() or None,
                "department_id": request.department_id.lower() or None,
                "type": request.type,
            }
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(parent_id, code, *filters.values(), *patterns),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_entries(
                transaction,
                kind,
                page,
                parent_id=parent_id,
                code=code,
                patterns=patterns,
                **filters,
            )
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.name_key, row.id))
        return answer(
            **{kind.plural: [mapping.entry(kind, row) for row in rows]},
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def update(self, request: Any, call: Call) -> Any:
        """Changes the fields that the mask names; a change that changes nothing makes no version.

        Raises as `create` does, and InvalidArgument for a part that would be above itself.
        """
        kind = self._kind
        entry = getattr(request, kind.table)
        aip.require_id(f"{kind.table}.id", entry.id)
        selected = aip.selected(entry, request.update_mask, kind.fields)
        asked = entries.references(kind, entry, selected)
        with told(kind), self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            present = store.lock(transaction, kind, entry.id)
            found = look_up(transaction, asked)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return self._repeated(transaction, earlier)
            row = self._found(present)
            if row.delete_time is not None:
                raise errors.FailedPrecondition(
                    f"The {kind.table} is deleted: undelete it to change it.",
                    reason="DIRECTORY_ENTRY_DELETED",
                )
            aip.require_etag(entry.etag, row.version)
            entries.require_existing(asked, found_ids(found))
            document = entries.changed_document(kind, row.document, entry, selected)
            version, made = row.version, present
            if document != row.document:
                columns = entries.derive(kind, document)
                version = row.version + 1
                made = store.update(transaction, kind, row.id, columns, call.caller.user_id)
                if kind.nests and document.get(kind.nests) not in (None, row.document.get(kind.nests)):
                    store.require_tree(transaction, kind, [row.id])
            self._request_ids.remember(transaction, call, probe, row.id, version)
            transaction.audit(entity_id=row.id, old_version=row.version, new_version=version)
        return mapping.entry(kind, made.first)

    def _repeated(self, transaction: Transaction, entry_id: str) -> Any:
        """The present state, for a request that was answered before: audited as what it now is, a read."""
        pending = store.get(transaction, self._kind, entry_id)
        transaction.audit(action="READ", entity_id=entry_id)
        transaction.commit()
        return mapping.entry(self._kind, self._found(pending))

    def _found(self, pending: Pending) -> Any:
        if pending.first is None:
            raise errors.NotFound(f"No such {self._kind.table}.")
        return pending.first


def look_up(transaction: Transaction, asked: list[Reference]) -> dict[str, Pending]:
    """What exists of the entries named, by kind."""
    return {
        name: store.existing(transaction, KINDS[name], {r.id for r in asked if r.kind == name})
        for name in dict.fromkeys(reference.kind for reference in asked)
    }


def found_ids(found: dict[str, Pending]) -> set[tuple[str, str]]:
    """What was found, as pairs of kind and id."""
    return {(name, row.id) for name, pending in found.items() for row in pending.rows}


@contextlib.contextmanager
def told(kind: Kind) -> Iterator[None]:
    """Says what a constraint refused in the words of the API."""
    try:
        yield
    except UniqueViolation as refused:
        if refused.constraint != f"{kind.table}_by_code":
            raise
        field = f"{kind.table}.{kind.code}"
        raise errors.AlreadyExists(
            f"{field}: {entries.taken(kind)}",
            violations=(errors.FieldViolation(field, entries.taken(kind)),),
        ) from None
    except ForeignKeyViolation as refused:
        if refused.constraint != f"{kind.table}_tree":
            raise
        raise errors.invalid_field(
            f"{kind.table}.{kind.nests}", f"must not be the {kind.table} itself, nor one of its parts"
        ) from None
