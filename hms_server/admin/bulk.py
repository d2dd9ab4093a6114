"""Directory entries by the thousand, for imports: one statement for all rows of a kind.

Order: ORGANIZATION and DEPARTMENT come before LOCATION and PRACTITIONER, which point to them, and new
rows before changes that point to them. Rows of one call may point to each other in any order.

An import does not fail because of a code. A code (of a practitioner the registration number) that
another entry of the hospital has already, or that stands on an earlier row of the same call, is left
out of the row, document and all: who has it keeps it, whatever else the call changes. Numbers that
systems gave belong into `identifiers`, where they may repeat. An import sets no code that its fields
do not hold.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hms_server import errors, validation
from hms_server.admin import directory_store as store
from hms_server.admin import entries
from hms_server.admin.kinds import KINDS
from hms_server.database.transaction import Pending, Transaction


def prepare(kind: str, fields: dict[str, Any], record_id: str) -> dict[str, Any]:
    """The row of an entry with these fields of its API message, whose references are ids. Pure.

    `kind` is a key of KINDS: "PRACTITIONER". Raises InvalidArgument with every violation, by paths
    such as "practitioner.names[0].use". That references exist is for the caller to know.
    """
    described = KINDS[kind]
    entry = described.new(**fields)
    found = validation.violations(entry, described.table)
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
        )
    return {"id": record_id, **entries.derive(described, entries.new_document(described, entry))}


def load(transaction: Transaction, kind: str, ids: Collection[str]) -> Pending:
    """Those of the ids that exist, locked until the end of the transaction: id, version, document."""
    return store.lock_each(transaction, KINDS[kind], ids)


def insert(transaction: Transaction, kind: str, rows: list[dict[str, Any]], actor_id: str) -> None:
    """Queues new entries of rows that `prepare` made.

    The flush raises ForeignKeyViolation where a row points to nothing, or parts are in a circle, and
    UniqueViolation where somebody else's uncommitted entry turned out to have one of the codes: then
    the import is to be tried again.
    """
    _write(transaction, kind, "insert_many", rows, actor_id)


def update(transaction: Transaction, kind: str, rows: list[dict[str, Any]], actor_id: str) -> None:
    """Queues the next version of entries that exist, each at most once in `rows`; the present ones are
    kept. The flush raises as that of `insert` does. An id that does not exist is passed by."""
    _write(transaction, kind, "update_many", rows, actor_id)


def _write(
    transaction: Transaction, kind: str, query: str, rows: list[dict[str, Any]], actor_id: str
) -> None:
    if not rows:
        return
    described = KINDS[kind]
    store.write_many(transaction, described, query, rows, actor_id)
    parts = [row["id"] for row in rows if described.nests and row["document"].get(described.nests)]
    if parts:
        store.require_tree(transaction, described, parts)
