"""The drain: moves a tenant's audit records from the outbox into the chain, each exactly once.

A batch is one transaction: it locks the tenant's chain row, takes the oldest records, chains them,
inserts the events and deletes those very records. A crash at any point leaves all of it or nothing.
Two drains of one tenant never work at once: the second finds the row locked and goes away.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
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


class Drain:
    """Drains one tenant after another with the newest audit key."""

    def __init__(
        self, database: Database, keys: KeySource, batch: int = BATCH, batch_bytes: int = BATCH_BYTES
    ) -> None:
        self._database = database
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
        made = store.make_partitions_of(self._database, sorted(months))
        logs.event(_log, logging.WARNING, "audit records of months without partitions", made=sorted(made))
        return self._move_batch(tenant_id, months)

    def _move_batch(self, tenant_id: str, months: set[str]) -> _Moved | None:
        """Moves one batch; None where another drain is at work. Fills `months` with what it holds."""
        with self._database.tenant_transaction(tenant_id) as transaction:
            link = self._lock(transaction)
            if link is None:
                return None
            records, more = store.take(transaction, self._batch, self._batch_bytes)
            if not records:
                return _Moved(0, more=False)
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
            self._store(transaction, records, events, last)
            return _Moved(len(events), more)

    def _lock(self, transaction: Transaction) -> store.Link | None:
        link = store.lock_chain(transaction)
        if link is not None:
            return link
        link, stands = store.open_chain(transaction)
        if link is None and not stands:
            raise ChainBroken("events stand but the chain's last link is gone: run `hms audit verify`")
        return link

    def _store(
        self, transaction: Transaction, records: list[Taken], events: list[Event], last: bytes
    ) -> None:
        written = store.append(transaction, records, events, last)
        if written != store.Written(len(events), len(records), 1):
            raise ChainBroken(f"of {len(records)} records, {written} were written")
