"""Calls the SQL of retention. `audit` is the database of the events, `tenants` that of the tenants."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from hms_server.audit import process_record
from hms_server.audit.anchor import Anchor
from hms_server.audit.checkpoint import Checkpoint, Standing
from hms_server.database import audited
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database, Pending, Transaction

_SQL = load_queries("hms_server.audit", "retention.sql")
_TENANTS = load_queries("hms_server.audit", "retention_tenants.sql")

METHOD = "hms audit retention"
_PIECE = 500


class Month(NamedTuple):
    """A month of the audit: its first day, its end, and whether anything of it may go at all."""

    month: str
    month_end: str
    is_old: bool

    @property
    def month_begin(self) -> str:
        """The moment it begins."""
        return f"{self.month}T00:00:00.000000Z"

    @property
    def name(self) -> str:
        """2019-01."""
        return self.month[:7]


class LastEvent(NamedTuple):
    """A tenant with events in a month, and the last of these in its chain."""

    tenant_id: str
    sequence: int
    hash: bytes


class Past(NamedTuple):
    """A tenant whose retention has passed, and the moment before which its audit may go."""

    code: str
    keep_from: str


class Untold(NamedTuple):
    """A drop that the audit does not tell of yet."""

    tenant_id: str
    month: str
    event_id: str
    first_sequence: int
    sequence: int
    chains: int | None  # of the platform's: how many chains the month held


def oldest_month(audit: Database) -> Month | None:
    """The oldest month that stands."""
    with audit.platform_transaction() as transaction:
        found = transaction.queue(_SQL["oldest_month"])
    return Month(*found.first) if found.first is not None else None


def oldest_month_age(audit: Database) -> float:
    """Seconds since the oldest month that stands began; 0 where there is none."""
    with audit.platform_transaction() as transaction:
        found = transaction.queue(_SQL["oldest_month_age"])
    return found.rows[0].age_seconds or 0.0


def tenants_of_month(audit: Database, month: Month) -> list[LastEvent]:
    """Tenants with events in the month, by id."""
    with audit.platform_transaction() as transaction:
        found = transaction.queue(
            _SQL["tenants_of_month"], month_begin=month.month_begin, month_end=month.month_end
        )
    return [LastEvent(*row) for row in found.rows]


def past(tenants: Transaction, month: Month, *, lock: bool = False) -> Pending:
    """Tenants of which the month may go: tenant_id, code, keep_from. With `lock` it stays so until the
    transaction ends."""
    if lock:
        tenants.queue(_TENANTS["lock_retention"])
    return tenants.queue(_TENANTS["tenants_past"], month_end=month.month_end)


def by_tenant(found: Pending) -> dict[str, Past]:
    """What `past` found, by tenant."""
    return {row.tenant_id: Past(row.code, row.keep_from) for row in found.rows}


def checkpoints(audit: Database, tenant_id: str) -> list[Checkpoint]:
    """The tenant's checkpoints in the order of months."""
    with audit.tenant_transaction(tenant_id) as transaction:
        found = transaction.queue(_SQL["checkpoints"])
    return [
        Checkpoint(
            tenant_id,
            row.month,
            row.first_sequence,
            row.sequence,
            row.hash,
            _standing(row.standing),
            row.key_id,
            row.signature,
            row.dropped,
        )
        for row in found.rows
    ]


def _standing(listed: Any) -> tuple[Standing, ...]:
    """As it was signed; what was written into the column by hand may be anything, and no signature fits
    it."""
    try:
        return tuple(Standing(**each) for each in listed)
    except TypeError:
        return (Standing(0, "", "", ""),)


def add_checkpoint(audit: Database, made: Checkpoint) -> None:
    """Stores a checkpoint; one of the month that stands already stays."""
    with audit.tenant_transaction(made.tenant_id) as transaction:
        transaction.queue(
            _SQL["add_checkpoint"],
            month=made.month,
            first_sequence=made.first_sequence,
            sequence=made.sequence,
            hash=made.hash,
            standing=orjson.dumps([each._asdict() for each in made.standing]).decode(),
            event_id=audited.new_event_id(),
            key_id=made.key_id,
            signature=made.signature,
        )


def drop_month(audit: Transaction, month: Month, keep_from: dict[str, str]) -> None:
    """Drops the month's partitions. Raises DatabaseFault where the database refuses, ConcurrentChange where
    the audit was in use."""
    audit.queue(_SQL["drop_month"], month=month.month, keep_from=orjson.dumps(keep_from).decode())
    audit.flush()


def untold(audit: Database) -> list[Untold]:
    """Drops that the audit does not tell of yet, a bounded number."""
    with audit.platform_transaction() as transaction:
        found = transaction.queue(_SQL["untold"], limit=_PIECE)
    return [Untold(*row) for row in found.rows]


def is_told(tenants: Database, audit: Database, tenant_id: str, event_id: str) -> bool:
    """Whether the event stands, or waits in the outbox: asked in the order in which the drain moves it."""
    with tenants.tenant_transaction(tenant_id) as transaction:
        waiting = transaction.queue(_TENANTS["is_in_outbox"], id=event_id)
    if waiting.first is not None:
        return True
    with audit.tenant_transaction(tenant_id) as transaction:
        standing = transaction.queue(_SQL["is_event"], id=event_id)
    return standing.first is not None


def tell(tenants: Database, tenant_id: str, *, event_id: str, entity_id: str, reason: str) -> None:
    """Leaves the record of a drop in the tenant's outbox."""
    with tenants.tenant_transaction(tenant_id) as transaction:
        process_record.queue(
            transaction,
            event_id=event_id,
            action="DELETE",
            method=METHOD,
            entity_type="audit_event",
            entity_id=entity_id,
            actor_name="hms cron",
            reason=reason,
        )


def mark_audited(audit: Database, tenant_id: str, month: str) -> None:
    """The drop is in the tenant's audit."""
    with audit.tenant_transaction(tenant_id) as transaction:
        transaction.queue(_SQL["mark_audited"], month=month)


def anchors_of_piece(audit: Database, tenant_id: str, first: int, last: int) -> list[Anchor]:
    """The anchors that name an event of a piece of the chain."""
    with audit.tenant_transaction(tenant_id) as transaction:
        found = transaction.queue(_SQL["anchors_of_piece"], first_sequence=first, last_sequence=last)
    return [Anchor(tenant_id, *row) for row in found.rows]


def kept_from(audit: Transaction) -> Pending:
    """From when on the tenant's events are there: kept_from, null where nothing was dropped."""
    return audit.queue(_SQL["kept_from"])
