"""Many records in a few statements, for whoever brings in a whole history.

The same rules as for one record; what a record points to is the caller's to have looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from hms_server import errors, validation
from hms_server.clinical import rules
from hms_server.clinical.kinds import COLUMNS, Kind
from hms_server.clinical.rules import Row
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Transaction

_QUERIES = load_queries("hms_server.clinical", "bulk.sql")
# Of JSON in one statement.
_MOST_BYTES = 1 << 20


def prepare(kind: Kind, fields: dict[str, Any], record_id: str, now: str) -> Row:
    """The row of a record with these fields (by the message's names, pointers already looked up).

    Raises InvalidArgument with every violation: "observation.effective_time". `fields` is used up.
    """
    message = kind.message(**fields)
    rules.with_defaults(kind, message, now)
    found = [
        errors.FieldViolation(f"{kind.field}.{v.field}", v.description)
        for v in validation.violations(message)
    ]
    found += rules.violations(kind, message)
    if found:
        raise errors.InvalidArgument(f"{found[0].field}: {found[0].description}", violations=tuple(found))
    # What the defaults added
    for name in (kind.state, kind.verification, kind.times[-1], "encounter_class", "intent"):
        if name and name not in fields and (value := getattr(message, name, "")):
            fields[name] = value
    document = {name: value for name, value in fields.items() if name not in COLUMNS}
    return rules.row_of(kind, message, record_id, document)


def insert(transaction: Transaction, rows: Iterable[Row], actor_id: str) -> None:
    """Queues new records of any types, encounters first."""
    for is_encounter, chunk in _chunks(rows):
        query = _QUERIES["insert_encounters" if is_encounter else "insert_records"]
        transaction.queue(query, rows=chunk, actor_id=actor_id)


def update(transaction: Transaction, rows: Iterable[Row], actor_id: str) -> None:
    """Queues the next versions of records of any types; those that stood are kept."""
    kept = list(rows)
    for name, is_encounter in (("encounters", True), ("records", False)):
        ids = sorted(row["id"] for row in kept if (row["type"] == "ENCOUNTER") == is_encounter)
        if ids:
            transaction.queue(_QUERIES[f"lock_{name}"], ids=ids)
    for is_encounter, chunk in _chunks(kept):
        query = _QUERIES["update_encounters" if is_encounter else "update_records"]
        transaction.queue(query, rows=chunk, actor_id=actor_id)


def _chunks(rows: Iterable[Row]) -> Iterator[tuple[bool, str]]:
    """JSON arrays of rows, encounters first, each of a size that travels well."""
    texts: dict[bool, list[bytes]] = {True: [], False: []}
    for row in rows:
        texts[row["type"] == "ENCOUNTER"].append(orjson.dumps(row))
    for is_encounter, of_table in texts.items():
        chunk: list[bytes] = []
        size = 0
        for text in of_table:
            if size + len(text) > _MOST_BYTES and chunk:
                yield is_encounter, _array(chunk)
                chunk, size = [], 0
            chunk.append(text)
            size += len(text)
        if chunk:
            yield is_encounter, _array(chunk)


def _array(texts: list[bytes]) -> str:
    return f"[{b','.join(texts).decode()}]"
