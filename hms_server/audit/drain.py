"""The drain: moves a tenant's audit records from the outbox into the chain, each exactly once.

A batch is one transaction: it locks the tenant's chain row, takes the oldest records, chains them,
inserts the events and deletes those very records. A crash at any point leaves all of it or nothing.
Two drains of one tenant never work at once: the second finds the row locked and goes away.

With a separate audit database (docs/decisions/0019-separate-audit-database.md) a batch is two: the events
are committed there first, then the records are deleted. A crash in between repeats the batch, and what is an
event already is left out. A drain that lost the outbox, and its lock with it, may still be about to commit
there when the next one comes: each therefore also holds the lock of the chain there, and only then looks
which events stand.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hms_server import clock
from hms_server.audit import chain, store
from hms_server.audit.record import Event, Taken
from hms_server.database.faults import DatabaseFault
from hms_server.database.transaction import Database, Transaction
from hms_server.keyring import KeySource
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

BATCH = 1000
# Of the records of a batch as they are stored, ids compressed to about a half: an event that lists thousands
# of entities has hundreds of kilobytes.
BATCH_BYTES = 4 * 2**20
# PostgreSQL's check_violation: also what a row of a month without a partition meets.
_NO_PARTITION = "23514"
# A drain that meets another one looks again after this time, as the other may just have had its last look.
_BUSY_LOOKS = 3
_BUSY_SECONDS = 0.03


class ChainBroken(Exception):
    """The outbox or the chain is not what the drain itself left: somebody has to look."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did: how many events, and whether records are left to do."""

    events: int
    finished: bool


class _Moved(NamedTuple):
    """What one batch did."""

    events: int
    more: bool  # records are left


class _Appended(NamedTuple):
    """What stands in the audit database after a batch: how many events it made, and the chain's end."""

    events: int
    sequence: int
    hash: bytes


class Drain:
    """Drains one tenant after another with the newest audit key."""

    def __init__(
        self,
        database: Database,
        keys: KeySource,
        batch: int = BATCH,
        batch_bytes: int = BATCH_BYTES,
        audit: Database | None = None,
    ) -> None:
        """`audit` is the separate audit database, None where the events stand beside the outbox."""
        self._database = database
        self._audit = audit
        self._keys = keys
        self._batch = batch
        self._batch_bytes = batch_bytes

    def run(
        self, tenant_id: str, seconds: float = 2.0, before_look: Callable[[], None] | None = None
    ) -> Drained:
        """Drains until the outbox of the tenant is empty, or for `seconds`, so that others get their turn.

        `before_look` runs before each look into the outbox (it clears the nudge flag: a record whose
        nudge found the flag set is seen by the look that follows).
        """
        end = clock.monotonic() + seconds
        events = busy = 0
        while True:
            if before_look is not None:
                before_look()
            moved = self._move(tenant_id)
            if moved is None:
                busy += 1
                if busy >= _BUSY_LOOKS:
                    return Drained(events, finished=True)
                time.sleep(_BUSY_SECONDS)
                continue
            events += moved.events
            metrics.DRAINED.inc(moved.events)
            if not moved.more:
                return Drained(events, finished=True)
            if clock.monotonic() > end:
                return Drained(events, finished=False)

    def _move(self, tenant_id: str) -> _Moved | None:
        """One batch; makes the partitions that it lacks, so that no record waits for ever."""
        months: set[str] = set()
        try:
            return self._move_batch(tenant_id, months)
        except DatabaseFault as fault:
            if fault.state != _NO_PARTITION or not months:
                raise
        made = store.make_partitions_of(self._audit or self._database, sorted(months))
        logs.event(_log, logging.WARNING, "audit records of months without partitions", made=sorted(made))
        return self._move_batch(tenant_id, months)

    def _move_batch(self, tenant_id: str, months: set[str]) -> _Moved | None:
        """Moves one batch; None where another drain is at work. Fills `months` with what it holds."""
        with self._database.tenant_transaction(tenant_id) as transaction:
            link = self._lock(transaction, elsewhere=self._audit is not None)
            if link is None:
                return None
            _check_place(link, apart=self._audit is not None)
            records, more = store.take(transaction, self._batch, self._batch_bytes)
            if not records:
                return _Moved(0, more=False)
            if self._audit is not None:
                made = self._append_apart(self._audit, tenant_id, records, link, months)
                if made is None:
                    return None
                count, sequence, last = made
                _check(store.leave(transaction, records, sequence, last), 0, records)
                return _Moved(count, more)
            events, last = self._chain(tenant_id, records, link, months)
            _check(store.append(transaction, records, events, last), len(events), records)
            return _Moved(len(events), more)

    def _append_apart(
        self, audit: Database, tenant_id: str, records: list[Taken], known: store.Link, months: set[str]
    ) -> _Appended | None:
        """Commits a batch in the audit database; None where another drain has not ended there yet."""
        with audit.tenant_transaction(tenant_id) as transaction:
            link = self._lock(transaction, elsewhere=False)
            if link is None:
                return None
            if link.sequence < known.sequence or (
                link.sequence == known.sequence and link.hash != known.hash
            ):
                raise ChainBroken(
                    f"the chain in the audit database ends at event {link.sequence}, it had come to"
                    f" {known.sequence} and is not the one of then: see docs/operations.md"
                )
            there = store.stored(transaction, records)
            fresh = [record for record in records if record.event_id not in there]
            metrics.REPEATED.inc(len(there))
            if not fresh:
                return _Appended(0, link.sequence, link.hash)
            events, last = self._chain(tenant_id, fresh, link, months)
            _check(store.append_apart(transaction, events, last), len(events), ())
        return _Appended(len(events), events[-1]["sequence"], last)

    def _chain(
        self, tenant_id: str, records: list[Taken], link: store.Link, months: set[str]
    ) -> tuple[list[Event], bytes]:
        key_id, key = self._keys.current().audit[0]
        events, last = chain.extend(
            records,
            tenant_id=tenant_id,
            sequence=link.sequence,
            previous=link.hash,
            key_id=key_id,
            key=key,
        )
        months.update(f"{event['record_time'][:7]}-01T00:00:00Z" for event in events)
        return events, last

    def _lock(self, transaction: Transaction, *, elsewhere: bool) -> store.Link | None:
        link = store.lock_chain(transaction)
        if link is not None:
            return link
        link, stands = store.open_chain(transaction, elsewhere=elsewhere)
        if link is None and not stands:
            raise ChainBroken("events stand but the chain's last link is gone: run `hms audit verify`")
        return link


def _check_place(link: store.Link, *, apart: bool) -> None:
    """Whether the chain stands where this drain would go on with it."""
    if link.sequence and link.elsewhere != apart:
        raise ChainBroken(
            "the chain stands in the main database: move it before a separate audit database is set"
            if apart
            else "the chain stands in a separate audit database: set HMS_AUDIT_WORKER_DATABASE_URL"
        )


def _check(written: store.Written, events: int, records: Sequence[Taken]) -> None:
    if written != store.Written(events, len(records), 1):
        raise ChainBroken(f"of {len(records)} records, {written} were written")
