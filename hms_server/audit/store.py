"""Calls the named SQL of the drain and the sweep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from hms_server.audit.anchor import Anchor
from hms_server.audit.record import Event, Taken
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database, Pending, Transaction

_SQL = load_queries("hms_server.audit")


class Link(NamedTuple):
    """The last link of a chain."""

    sequence: int
    hash: bytes
    elsewhere: bool  # the chain stands in the audit database; this is what was last known of it


class Batch(NamedTuple):
    """Records taken, and whether more stood behind them."""

    records: list[Taken]
    more: bool


class Written(NamedTuple):
    """Rows that a batch wrote: events inserted, records deleted, chains moved."""

    events: int
    records: int
    chains: int


class ChainEnd(NamedTuple):
    """The end of a chain that has no anchor of today yet, and the last sequence that was anchored."""

    tenant_id: str
    sequence: int
    hash: bytes
    date: str
    anchored: int


class OutboxState(NamedTuple):
    """How much waits in the outbox of all tenants, and for how long."""

    records: int
    age_seconds: float


def lock_chain(transaction: Transaction) -> Link | None:
    """Locks the tenant's chain; None where it is locked or not there."""
    found = transaction.queue(_SQL["lock_chain"])
    transaction.flush()
    return Link(*found.first) if found.first is not None else None


def open_chain(transaction: Transaction, *, elsewhere: bool = False) -> tuple[Link | None, bool]:
    """Begins the tenant's chain where no event stands, and locks it. Also says whether it stands now."""
    transaction.queue(_SQL["open_chain"], elsewhere=elsewhere)
    found = transaction.queue(_SQL["lock_chain"])
    stands = transaction.queue(_SQL["chain_stands"])
    transaction.flush()
    return Link(*found.first) if found.first is not None else None, stands.first is not None


def take(transaction: Transaction, limit: int, most_bytes: int) -> Batch:
    """The tenant's oldest records, in order: at most `limit`, and `most_bytes` unless the first has more."""
    taken = transaction.queue(_SQL["take_records"], limit=limit, most_bytes=most_bytes)
    transaction.flush()
    rows = taken.rows
    return Batch([Taken(*row[:-1]) for row in rows], bool(rows) and rows[-1].followed)


def append(transaction: Transaction, records: list[Taken], events: list[Event], last: bytes) -> Written:
    """Inserts events, deletes their records and moves the chain; the caller commits."""
    inserted = _insert(transaction, events)
    deleted = transaction.queue(_SQL["delete_records"], positions=[record.position for record in records])
    moved = _move_chain(transaction, events[-1]["sequence"], last)
    transaction.flush()
    return Written(inserted.affected, deleted.affected, moved.affected)


def append_apart(transaction: Transaction, events: list[Event], last: bytes) -> Written:
    """The first half of that, in the audit database: inserts events and moves the chain."""
    inserted = _insert(transaction, events)
    moved = _move_chain(transaction, events[-1]["sequence"], last)
    transaction.flush()
    return Written(inserted.affected, 0, moved.affected)


def leave(transaction: Transaction, records: list[Taken], sequence: int, last: bytes) -> Written:
    """The second half, in the main database: deletes the records and notes where the chain now ends."""
    deleted = transaction.queue(_SQL["delete_records"], positions=[record.position for record in records])
    moved = _move_chain(transaction, sequence, last, elsewhere=True)
    transaction.flush()
    return Written(0, deleted.affected, moved.affected)


def stored(transaction: Transaction, records: list[Taken]) -> set[str]:
    """Ids of those records that are events already."""
    keys = [{"id": record.event_id, "record_time": record.record_time} for record in records]
    found = transaction.queue(_SQL["stored_events"], keys=orjson.dumps(keys).decode())
    transaction.flush()
    return {row.id for row in found.rows}


def _move_chain(transaction: Transaction, sequence: int, last: bytes, *, elsewhere: bool = False) -> Pending:
    return transaction.queue(_SQL["move_chain"], sequence=sequence, hash=last, elsewhere=elsewhere)


def _insert(transaction: Transaction, events: list[Event]) -> Pending:
    links = [
        {"patient_id": each, "record_time": event["record_time"], "sequence": event["sequence"]}
        for event in events
        for each in event["patient_ids"]
    ]
    inserted = transaction.queue(_SQL["append_events"], events=orjson.dumps(events).decode())
    if links:
        transaction.queue(_SQL["append_links"], links=orjson.dumps(links).decode())
    return inserted


def make_partitions_of(database: Database, moments: Iterable[str]) -> list[str]:
    """Makes the partitions of the months that hold `moments`; returns the names of those made."""
    with database.platform_transaction() as transaction:
        made = [transaction.queue(_SQL["make_partition"], moment=moment) for moment in moments]
    return [row.name for each in made for row in each.rows]


def make_partitions_ahead(database: Database, months_ahead: int) -> list[str]:
    """Makes the partitions of this month and the next ones; returns the names of those made."""
    with database.platform_transaction() as transaction:
        made = transaction.queue(_SQL["make_partitions"], months_ahead=months_ahead)
    return [row.name for row in made.rows]


def waiting_tenants(database: Database, limit: int) -> list[str]:
    """Tenants that have records in the outbox, `limit` at most."""
    with database.platform_transaction() as transaction:
        waiting = transaction.queue(_SQL["waiting_tenants"], limit=limit)
    return [row.tenant_id for row in waiting.rows]


def outbox_state(database: Database, ceiling: int) -> OutboxState:
    """Depth of the outbox (counted up to `ceiling`) and age of its oldest record."""
    with database.platform_transaction() as transaction:
        state = transaction.queue(_SQL["outbox_state"], ceiling=ceiling)
    row = state.rows[0]
    return OutboxState(row.records, max(row.age_seconds or 0.0, 0.0))


def unanchored(database: Database, after_tenant: str | None, limit: int) -> list[ChainEnd]:
    """Chains without an anchor of today (UTC, by the database's clock), in the order of their tenants."""
    with database.platform_transaction() as transaction:
        found = transaction.queue(_SQL["unanchored"], after_tenant=after_tenant, limit=limit)
    return [ChainEnd(*row) for row in found.rows]


def add_anchors(database: Database, anchors: Iterable[Anchor]) -> int:
    """Stores anchors; returns how many stand anew: the first of a day stays."""
    rows = [
        {
            "tenant_id": anchor.tenant_id,
            "anchor_date": anchor.date,
            "sequence": anchor.sequence,
            "hash": anchor.hash.hex(),
            "key_id": anchor.key_id,
            "signature": anchor.signature.hex(),
        }
        for anchor in anchors
    ]
    with database.platform_transaction() as transaction:
        added = transaction.queue(_SQL["add_anchors"], anchors=orjson.dumps(rows).decode())
    return added.affected
