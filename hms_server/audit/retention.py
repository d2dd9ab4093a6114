"""Archives and drops the oldest months of the audit, when no tenant has to keep them any more.

Each step can be killed and is taken again by the next run: the archive's folder gets its name when it is
whole; checkpoints stand before anything goes; the database drops both partitions in one transaction, after
it has looked itself (drop_audit_month); and a drop that the audit does not tell of yet is marked so beside
the checkpoint.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import pathlib
import time
from collections.abc import Iterable, Iterator

from hms_server import errors, ids
from hms_server.audit import archive, archive_proof, chain, checkpoint, retention_store
from hms_server.audit.anchor import Anchor
from hms_server.audit.archive import Archive, ArchiveFault, Piece, PieceWriter
from hms_server.audit.checkpoint import Checkpoint, Standing
from hms_server.audit.proof import Proof, Start
from hms_server.audit.reader import PIECE, ChainReader, Read
from hms_server.audit.retention_store import LastEvent, Month, Past
from hms_server.database.faults import DatabaseFault
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring, KeySource
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

# Events of later months within one piece. A few stand at each turn of a month; thousands mean that the
# database's clock was wrong when they were written.
MOST_STANDING = 10_000
# drop_audit_month() refused.
_REFUSED = "HMS01"
_TRIES = 20
_PAUSE_SECONDS = 0.5


class Retention:
    """Runs as hms_worker. `tenants` and `audit` may be two databases."""

    def __init__(
        self,
        tenants: Database,
        audit: Database,
        keys: KeySource,
        root: pathlib.Path | None,
        piece: int = PIECE,
    ) -> None:
        """`root` is the folder of archives; without one nothing is ever dropped."""
        self._tenants = tenants
        self._audit = audit
        self._keys = keys
        self._root = root
        self._reader = ChainReader(audit, piece)
        self._told = False

    def run(self) -> int:
        """Drops what may go, month after month; returns how many months. Raises ArchiveFault, OSError and
        what the database raises: then nothing is lost, and the next run goes on."""
        if self._root is None:
            if not self._told:
                self._told = True
                logs.event(
                    _log,
                    logging.WARNING,
                    "HMS_AUDIT_ARCHIVE_DIR is not set: no month of the audit is ever dropped",
                )
            return 0
        months = 0
        with _alone(self._root) as alone:
            if alone:
                self._tell()
            while alone and self._drop_oldest(self._root):
                months += 1
        return months

    def _drop_oldest(self, root: pathlib.Path) -> bool:
        """Archives and drops the oldest month; False where it stays."""
        month = retention_store.oldest_month(self._audit)
        if month is None or not month.is_old:
            return False
        ends = {end.tenant_id: end for end in retention_store.tenants_of_month(self._audit, month)}
        with self._tenants.platform_transaction() as transaction:
            found = retention_store.past(transaction, month)
        past = retention_store.by_tenant(found)
        if not ends.keys() <= past.keys():
            return False
        # The platform's chain tells of every drop, and begins anew with each like those of the others.
        ends.setdefault(ids.PLATFORM_TENANT, LastEvent(ids.PLATFORM_TENANT, 0, chain.START))
        keys = self._keys.current()
        folder = root / month.name
        if not folder.exists():
            self._write(root, month, ends, past, keys)
        found_archive = self._check(folder, month, ends, keys)
        for piece in found_archive.pieces.values():
            self._stand(piece.checkpoint(month.month), keys)
        self._drop(month, ends)
        self._tell()
        metrics.AUDIT_MONTHS_DROPPED.inc()
        logs.event(
            _log,
            logging.WARNING,
            "a month of the audit was archived and dropped",
            month=month.name,
            folder=str(folder),
            events=sum(piece.events for piece in found_archive.pieces.values()),
        )
        return True

    def _write(
        self,
        root: pathlib.Path,
        month: Month,
        ends: dict[str, LastEvent],
        past: dict[str, Past],
        keys: Keyring,
    ) -> None:
        folder = archive.begin(root, month.name)
        pieces = []
        for end in sorted(ends.values()):
            code = past[end.tenant_id].code if end.tenant_id in past else ""
            pieces.append(self._write_piece(folder, month, end, code, keys))
        archive.finish(folder, month.month, pieces, keys)

    def _write_piece(
        self, folder: pathlib.Path, month: Month, end: LastEvent, code: str, keys: Keyring
    ) -> Piece:
        """Everything of the tenant's chain up to its last event of the month, verified on its way."""
        before = self._before(end.tenant_id, month)
        start = Start(before.sequence, before.hash) if before else Start()
        # What stood on so far, and is of a later month than this one as well.
        standing = [
            each for each in (before.standing if before else ()) if each.record_time >= month.month_end
        ]
        proof = Proof(keys, start=start)
        writer = PieceWriter(folder, end.tenant_id)
        try:
            for event, stored_hash, links in self._events(end, start):
                previous = proof.hash
                fault = proof.follow(event, stored_hash, links)
                if fault is not None:
                    raise ArchiveFault(f"tenant {end.tenant_id}: {fault}: run `hms audit verify`")
                writer.add(event, stored_hash)
                if event["record_time"] >= month.month_end:
                    standing.append(
                        Standing(event["sequence"], event["record_time"], previous.hex(), stored_hash.hex())
                    )
                    if len(standing) > MOST_STANDING:
                        raise ArchiveFault(
                            f"tenant {end.tenant_id}: its events of {month.name} stand amid more than"
                            f" {MOST_STANDING} of later months: the database's clock was wrong"
                        )
            size, sha256 = writer.close()
        except BaseException:
            writer.abandon()
            raise
        return Piece(
            tenant_id=end.tenant_id,
            code=code,
            file=writer.path.name,
            bytes=size,
            sha256=sha256,
            events=writer.events,
            first_sequence=start.sequence + 1,
            last_sequence=proof.sequence,
            previous_hash=start.hash.hex(),
            first_hash=writer.first_hash,
            last_hash=proof.hash.hex(),
            standing=tuple(standing),
        )

    def _events(self, end: LastEvent, start: Start) -> Iterable[Read]:
        if end.sequence <= start.sequence:
            # All of the month's events stood in the piece of an earlier one.
            return ()
        return self._reader.events(end.tenant_id, start.sequence, end.sequence)

    def _before(self, tenant_id: str, month: Month) -> Checkpoint | None:
        """The tenant's last checkpoint of a month that was dropped; raises ArchiveFault where it does not
        hold."""
        dropped = [each for each in retention_store.checkpoints(self._audit, tenant_id) if each.dropped]
        gap = checkpoint.order_fault(dropped)
        wrong = gap[1] if gap else ""
        for each in dropped:
            wrong = wrong or checkpoint.fault(each, self._keys.current())
            if each.month >= month.month:
                wrong = wrong or f"{month.name} was dropped before: events came into it since"
        if wrong:
            raise ArchiveFault(f"tenant {tenant_id}: {wrong}: run `hms audit verify`")
        return dropped[-1] if dropped else None

    def _check(
        self, folder: pathlib.Path, month: Month, ends: dict[str, LastEvent], keys: Keyring
    ) -> Archive:
        """The archive, read again from its files: whole, and all of what stands."""

        def anchors(tenant_id: str, first: int, last: int) -> list[Anchor]:
            return retention_store.anchors_of_piece(self._audit, tenant_id, first, last)

        try:
            found = archive_proof.prove(folder, keys, anchors)
            if found.month != month.month or found.pieces.keys() != ends.keys():
                raise ArchiveFault(f"{folder}: it is of other tenants or of another month")
            for tenant_id, piece in found.pieces.items():
                before = self._before(tenant_id, month)
                start = Start(before.sequence, before.hash) if before else Start()
                last = max(ends[tenant_id][1:], start)
                began = (piece.first_sequence - 1, bytes.fromhex(piece.previous_hash))
                ended = (piece.last_sequence, bytes.fromhex(piece.last_hash))
                if began != start or ended != last:
                    raise ArchiveFault(f"{folder}: of tenant {tenant_id} it holds another piece than stands")
        except ArchiveFault as fault:
            raise ArchiveFault(f"{fault} (move the folder away, and the next run makes it anew)") from None
        return found

    def _stand(self, made: Checkpoint, keys: Keyring) -> None:
        """Puts up the checkpoint, unless it stands by now."""
        retention_store.add_checkpoint(self._audit, checkpoint.sign(made, keys))
        for each in retention_store.checkpoints(self._audit, made.tenant_id):
            if each.month == made.month and (each.says() != made.says() or checkpoint.fault(each, keys)):
                raise ArchiveFault(
                    f"tenant {made.tenant_id}: {each.name} in the database is not that of the archive"
                )

    def _drop(self, month: Month, ends: dict[str, LastEvent]) -> None:
        """Has the database drop the month. Readers of the audit go first: it waits for a moment at a time."""
        for tries in range(_TRIES, -1, -1):
            try:
                self._drop_now(month, ends)
            except errors.ConcurrentChange:
                if not tries:
                    raise
                time.sleep(_PAUSE_SECONDS)
            except DatabaseFault as fault:
                if fault.state == _REFUSED:
                    raise ArchiveFault(
                        f"the database refused to drop {month.name}: a hold or a longer retention came, or"
                        " its audit changed meanwhile"
                    ) from None
                raise
            else:
                return

    def _drop_now(self, month: Month, ends: dict[str, LastEvent]) -> None:
        # Holds wait until the month is gone, wherever it lies: see docs/decisions/0018-audit-retention.md.
        with self._tenants.platform_transaction() as transaction:
            found = retention_store.past(transaction, month, lock=True)
            transaction.flush()
            past = retention_store.by_tenant(found)
            keep_from = {each: past[each].keep_from for each in ends if each in past}
            if self._audit is self._tenants:
                retention_store.drop_month(transaction, month, keep_from)
            else:
                with self._audit.platform_transaction() as other:
                    retention_store.drop_month(other, month, keep_from)

    def _tell(self) -> None:
        """Leaves an event of each drop in the chains of those concerned, each once."""
        while untold := retention_store.untold(self._audit):
            for each in untold:
                if not retention_store.is_told(self._tenants, self._audit, each.tenant_id, each.event_id):
                    retention_store.tell(
                        self._tenants,
                        each.tenant_id,
                        event_id=each.event_id,
                        entity_id=each.month[:7],
                        reason=_reason(each),
                    )
                retention_store.mark_audited(self._audit, each.tenant_id, each.month)


def _reason(drop: retention_store.Untold) -> str:
    events = (
        f"events {drop.first_sequence} to {drop.sequence}"
        if drop.sequence >= drop.first_sequence
        else "no events"
    )
    of_all = f", {drop.chains} chains in all" if drop.chains is not None else ""
    return f"ARCHIVED_AND_DROPPED {drop.month[:7]}: {events}{of_all}"


@contextlib.contextmanager
def _alone(root: pathlib.Path) -> Iterator[bool]:
    """Whether no other cron process is at work on these archives."""
    try:
        descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        # Not made here: where its disk is not mounted, archives would go somewhere else.
        raise ArchiveFault(f"HMS_AUDIT_ARCHIVE_DIR: {root} cannot be written: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
