"""Reads a chain from the database in pieces of bounded size, in the order of its sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from hms_server.audit import chain
from hms_server.audit.record import Event
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database

_SQL = load_queries("hms_server.audit", "verify.sql")

PIECE = 2000
# Of the lists in a piece's events, as they are stored.
PIECE_BYTES = 4 * 2**20
_EARLIEST = "-infinity"
_LOWEST = -(2**63)


class Read(NamedTuple):
    """An event, its stored hash, and to how many of its patients audit_event_patient links it."""

    event: Event
    hash: bytes
    links: int


class ChainReader:
    """Reads as hms_worker."""

    def __init__(self, database: Database, piece: int = PIECE, piece_bytes: int = PIECE_BYTES) -> None:
        self._database = database
        self._piece = piece
        self._piece_bytes = piece_bytes

    def events(self, tenant_id: str, after: int, last: int) -> Iterator[Read]:
        """Events behind the sequence `after`, up to `last`. With 0 it begins at the lowest number there is:
        nothing may stand before a chain's start either."""
        sequence, time = (after, "infinity") if after else (_LOWEST, _EARLIEST)
        while True:
            with self._database.tenant_transaction(tenant_id) as transaction:
                piece = transaction.queue(
                    _SQL["read_chain"],
                    after_sequence=sequence,
                    after_time=time,
                    last_sequence=last,
                    limit=self._piece,
                    most_bytes=self._piece_bytes,
                )
            for row in piece.rows:
                event = {name: getattr(row, name) for name in chain.FIELDS}
                event["entities"] = _stored_list(row.entities)
                event["entity_ids"] = row.entity_ids
                yield Read(event, row.hash, row.links)
            if not piece.rows or not piece.rows[-1].followed:
                return
            sequence, time = piece.rows[-1].sequence, piece.rows[-1].record_time


def _stored_list(text: str | None) -> Any:
    """The list that a JSON column holds. What no event of ours ever holds (JSON's own null, numbers beyond
    every bound, lists without end) comes back as its text: no hash fits that."""
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, list) else text
