"""The directory's statements (directory.sql), for each of its tables. Each is queued; the caller flushes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from hms_server import ids
from hms_server.admin.kinds import KINDS, Kind
from hms_server.database.pages import Page
from hms_server.database.queries import Query, load_queries
from hms_server.database.transaction import Pending, Transaction

# What lists of one kind can be narrowed by beside what all can.
_FILTERS = {
    "location": """
  AND (:part_of_id::uuid IS NULL OR part_of_id = :part_of_id::uuid)
  AND (:department_id::uuid IS NULL OR department_id = :department_id::uuid)
  AND (:type::text = '' OR document ->> 'type' = :type::text)"""
}


def queries(kind: Kind) -> dict[str, Query]:
    """The statements of one kind's table."""
    return load_queries(
        "hms_server.admin",
        "directory.sql",
        columns=kind.columns,
        filter=_FILTERS.get(kind.table, ""),
        require_tree="require_location_tree("
        if kind.table == "location"
        else f"require_tree('{kind.table}', ",
        table=kind.table,
    )


_SQL = {kind.table: queries(kind) for kind in KINDS.values()}
_IN_USE = load_queries("hms_server.admin", "in_use.sql")
# Before the first and beyond the last: keys of names are words of a-z and 0-9.
_FIRST, _LAST = ("", ids.NIL), ("{", ids.MAX)


def get(transaction: Transaction, kind: Kind, entry_id: str) -> Pending:
    """One entry."""
    return transaction.queue(_SQL[kind.table]["get"], id=entry_id)


def lock(transaction: Transaction, kind: Kind, entry_id: str) -> Pending:
    """One entry, locked until the end of the transaction."""
    return transaction.queue(_SQL[kind.table]["lock"], id=entry_id)


def lock_each(transaction: Transaction, kind: Kind, entry_ids: Collection[str]) -> Pending:
    """Those of the ids that exist, locked: id, version, document."""
    return transaction.queue(_SQL[kind.table]["lock_each"], ids=list(entry_ids))


def existing(transaction: Transaction, kind: Kind, entry_ids: Collection[str]) -> Pending:
    """Those of the ids that exist and are not deleted: id. They stay so until the transaction ends."""
    return transaction.queue(_SQL[kind.table]["existing"], ids=list(entry_ids))


def list_entries(
    transaction: Transaction,
    kind: Kind,
    page: Page,
    *,
    parent_id: str,
    code: str,
    patterns: list[str],
    **filters: Any,
) -> Pending:
    """Rows of a page in reading order. Empty text: not asked for. `filters`: show_inactive, show_deleted, and
    of locations part_of_id, department_id (None: not asked for) and type."""
    filters["patterns"] = patterns
    if code:
        return transaction.queue(
            _SQL[kind.table]["list_by_code"], code=code, parent_id=parent_id or None, **filters
        )
    key, entry_id = page.key or (_LAST if page.backward else _FIRST)
    filters |= {"key": key, "id": entry_id, "limit": page.limit}
    direction = "descending" if page.backward else "ascending"
    if parent_id:
        query = _SQL[kind.table][f"list_parts_{direction}"]
        return transaction.queue(query, parent_id=parent_id, **filters)
    return transaction.queue(_SQL[kind.table][f"list_{direction}"], **filters)


def lock_to_delete(transaction: Transaction, kind: Kind, entry_id: str) -> Pending:
    """One entry, locked against whoever would begin to point to it."""
    return transaction.queue(_SQL[kind.table]["lock_to_delete"], id=entry_id)


def in_use(transaction: Transaction, kind: Kind, entry_id: str, most: int) -> Pending:
    """By what the entry is used, and how often (counted up to `most` and one): used_by, number."""
    return transaction.queue(_IN_USE[kind.table], id=entry_id, most=most)


def set_deletion(
    transaction: Transaction, kind: Kind, entry_id: str, deleted: bool, actor_id: str
) -> Pending:
    """The locked entry's next version, deleted or not; the present one is kept."""
    return transaction.queue(
        _SQL[kind.table]["set_deletion"], id=entry_id, deleted=deleted, actor_id=actor_id
    )


def get_each(transaction: Transaction, kind: Kind, entry_ids: Collection[str]) -> Pending:
    """Those of the ids that exist, whole, in no order."""
    return transaction.queue(_SQL[kind.table]["get_each"], ids=list(entry_ids))


def taken_codes(transaction: Transaction, kind: Kind, codes: Collection[str]) -> Pending:
    """Those of the codes that an entry has: code."""
    return transaction.queue(_SQL[kind.table]["taken_codes"], codes=list(codes))


def insert_batch(transaction: Transaction, kind: Kind, rows: list[dict[str, Any]], actor_id: str) -> Pending:
    """New entries of rows of `id` and what entries.derive made: all, whole, in no order."""
    return transaction.queue(
        _SQL[kind.table]["insert_batch"], rows=orjson.dumps(rows).decode(), actor_id=actor_id
    )


def insert(
    transaction: Transaction, kind: Kind, entry_id: str, columns: dict[str, Any], actor_id: str
) -> Pending:
    """A new entry of the columns that entries.derive made."""
    return _write(transaction, kind, "insert", entry_id, columns, actor_id)


def update(
    transaction: Transaction, kind: Kind, entry_id: str, columns: dict[str, Any], actor_id: str
) -> Pending:
    """The locked entry's next version; the present one is kept."""
    return _write(transaction, kind, "update", entry_id, columns, actor_id)


def _write(
    transaction: Transaction,
    kind: Kind,
    query: str,
    entry_id: str,
    columns: dict[str, Any],
    actor_id: str,
) -> Pending:
    document = orjson.dumps(columns["document"]).decode()
    return transaction.queue(
        _SQL[kind.table][query], **{**columns, "document": document}, id=entry_id, actor_id=actor_id
    )


def write_many(
    transaction: Transaction, kind: Kind, query: str, rows: list[dict[str, Any]], actor_id: str
) -> None:
    """Many rows by one statement, "insert_many" or "update_many"."""
    transaction.queue(
        _SQL[kind.table][query],
        rows=orjson.dumps(rows).decode(),
        code_field=kind.code,
        actor_id=actor_id,
    )


def require_tree(transaction: Transaction, kind: Kind, entry_ids: Collection[str]) -> None:
    """Behind a change of what these are parts of: fails with ForeignKeyViolation (`<table>_tree`)
    where one is above itself. Changes of the same tree wait here for each other."""
    transaction.queue(_SQL[kind.table]["require_tree"], ids=list(entry_ids))
