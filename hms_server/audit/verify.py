"""Proves the stored audit: recomputes every tenant's chain and compares the links with the events.

Reads in pieces of bounded size while the drain goes on: events that stand do not change, and what the
drain appends meanwhile is followed too. It finds every change that the key's owner did not make. A chain that
was cut together with its last link, or made anew, is found by the daily anchors: those of the database, and
those of the file, which nobody who owns the database can take back. Where old months were archived and
dropped, the chain begins behind the last of their signed checkpoints.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from hms_server import errors, ids
from hms_server.audit import anchor, checkpoint, retention_store
from hms_server.audit.anchor import Anchor
from hms_server.audit.checkpoint import Checkpoint
from hms_server.audit.diagnose import WINDOW, Stored, diagnose
from hms_server.audit.proof import (
    CHECKPOINT,
    DELETION,
    EDIT,
    FORGED_ANCHOR,
    FORGED_CHECKPOINT,
    HASH,
    INSERTION,
    LINKS,
    TRUNCATION,
    Fault,
    Proof,
    Start,
)
from hms_server.audit.reader import PIECE, PIECE_BYTES, ChainReader
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring

_SQL = load_queries("hms_server.audit", "verify.sql")

_EARLIEST = "-infinity"
_LOWEST = -(2**63)


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one tenant."""

    tenant_id: str
    code: str
    events: int
    fault: Fault | None


class Verifier:
    """Verifies tenants one by one."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        piece: int = PIECE,
        piece_bytes: int = PIECE_BYTES,
        witnesses: Sequence[Anchor] = (),
        main: Database | None = None,
    ) -> None:
        """`database` is the one in which the audit stands, `main` the other where that is a separate one;
        `witnesses` are anchors from outside the database."""
        self._database = database
        self._main = main
        self._keyring = keyring
        self._piece = piece
        self._reader = ChainReader(database, piece, piece_bytes)
        self._witnesses: dict[str, list[Anchor]] = {}
        for each in witnesses:
            self._witnesses.setdefault(each.tenant_id, []).append(each)

    def tenants(self) -> list[tuple[str, str]]:
        """Id and code of every tenant that the audit or a witness knows."""
        with self._database.platform_transaction() as transaction:
            known = transaction.queue(_SQL["known_tenants"])
        with (self._main or self._database).platform_transaction() as transaction:
            named = transaction.queue(_SQL["named_tenants"])
        codes = {row.tenant_id: row.code for row in named.rows}
        found = (*self._witnesses, *(row.tenant_id for row in known.rows))
        return sorted({**dict.fromkeys(found, ""), **codes}.items())

    def verify(self, tenant_id: str, code: str = "", since: str | None = None) -> Verdict:
        """Follows the tenant's chain to its end; stops at the first fault.

        `since` (ISO date, UTC): begins at the last anchor before that day, or, where there is none, at the
        chain's start, which is the last checkpoint where months were dropped.
        """
        checkpoints = retention_store.checkpoints(self._database, tenant_id)
        wrong = self._of_checkpoints(checkpoints)
        if wrong is not None:
            return Verdict(tenant_id, code, 0, wrong)
        last = next((each for each in reversed(checkpoints) if each.dropped), None)
        anchors, forged = self._true_anchors(tenant_id)
        begun = Start(last.sequence, last.hash) if last is not None else Start()
        for each in anchors:
            if since is not None and each.date < since and each.sequence > begun.sequence:
                begun = Start(each.sequence, each.hash)
        anchors += self._last_known(tenant_id)
        whole = since is None or (last is not None and begun.sequence == last.sequence)
        proof = Proof(self._keyring, anchors, begun)
        fault = (
            (self._standing(tenant_id, last, proof) if last is not None and whole else None)
            or proof.begin()
            or self._chain(tenant_id, proof)
            or proof.beyond()
            # Behind a checkpoint every link is looked at: those of the dropped months are gone with them.
            or self._links(tenant_id, 0 if whole else begun.sequence)
            or forged
        )
        return Verdict(tenant_id, code, proof.sequence - begun.sequence, fault)

    def _of_checkpoints(self, checkpoints: list[Checkpoint]) -> Fault | None:
        for each in checkpoints:
            wrong = checkpoint.fault(each, self._keyring)
            if wrong:
                return Fault(each.sequence, "", FORGED_CHECKPOINT, f"{each.name} was changed: {wrong}")
        gap = checkpoint.order_fault([each for each in checkpoints if each.dropped])
        return None if gap is None else Fault(gap[0], "", CHECKPOINT, gap[1])

    def _standing(self, tenant_id: str, last: Checkpoint, proof: Proof) -> Fault | None:
        """Events of later months within the archived piece: exactly those that the checkpoint names."""
        expected = {each.sequence: each for each in last.standing}
        for event, stored_hash, links in self._reader.events(tenant_id, 0, last.sequence):
            sequence, event_id = event["sequence"], event["id"]
            entry = expected.pop(sequence, None)
            if entry is None:
                reason = f"was inserted: {last.name} names no event of this number that stands"
                return Fault(sequence, event_id, INSERTION, reason)
            same = stored_hash.hex() == entry.hash
            if not same or not proof.holds(event, stored_hash, bytes.fromhex(entry.previous)):
                return Fault(
                    sequence, event_id, EDIT, f"was edited: it is not the one that {last.name} names"
                )
            if links != len(event["patient_ids"]):
                reason = f"audit_event_patient links {links} of its {len(event['patient_ids'])} patients"
                return Fault(sequence, event_id, LINKS, reason)
        if expected:
            return Fault(min(expected), "", DELETION, f"was deleted: {last.name} says that it stands")
        return None

    def _true_anchors(self, tenant_id: str) -> tuple[list[Anchor], Fault | None]:
        """The anchors whose signatures hold, and the first one whose does not."""
        forged: Fault | None = None
        anchors = []
        for each in (*self._anchors(tenant_id), *self._witnesses.get(tenant_id, ())):
            wrong = anchor.fault(each, self._keyring)
            if not wrong:
                anchors.append(each)
            elif forged is None:
                forged = Fault(each.sequence, "", FORGED_ANCHOR, f"{each.name} is forged: {wrong}")
        return anchors, forged

    def _anchors(self, tenant_id: str) -> Iterator[Anchor]:
        """The anchors of the database."""
        after = _EARLIEST
        while True:
            with self._database.tenant_transaction(tenant_id) as transaction:
                piece = transaction.queue(_SQL["read_anchors"], after_date=after, limit=self._piece)
            for row in piece.rows:
                yield Anchor(tenant_id, *row)
            if len(piece.rows) < self._piece:
                return
            after = piece.rows[-1].date

    def _last_known(self, tenant_id: str) -> Iterator[Anchor]:
        """What the main database knows of a chain that stands in the audit database: as good as an anchor,
        since whoever owns the one need not own the other. Raises ConfigError where the chain does not stand
        where it was looked for."""
        with (self._main or self._database).tenant_transaction(tenant_id) as transaction:
            found = transaction.queue(_SQL["last_known"])
        known = found.first
        if known is None or not known.sequence:
            return
        if known.elsewhere != (self._main is not None):
            raise errors.ConfigError(
                f"the audit of tenant {tenant_id} stands in "
                + (
                    "a separate database: set HMS_AUDIT_WORKER_DATABASE_URL"
                    if known.elsewhere
                    else "the main database: move it before HMS_AUDIT_WORKER_DATABASE_URL is set"
                )
            )
        if known.elsewhere:
            yield Anchor(
                tenant_id, known.date, known.sequence, known.hash, source="the main database's last link"
            )

    def _chain(self, tenant_id: str, proof: Proof) -> Fault | None:
        end = self._end(tenant_id)
        if end.sequence is None:
            return (
                None
                if end.beyond is None
                else Fault(end.beyond, "", TRUNCATION, "the chain's last link was deleted")
            )
        while True:
            for event, stored_hash, links in self._reader.events(tenant_id, proof.sequence, end.sequence):
                fault = proof.follow(event, stored_hash, links)
                if fault is not None:
                    return self._diagnosed(tenant_id, proof, fault, end)
            fault = proof.end(end.sequence, end.hash)
            if fault is not None:
                return fault
            seen, end = end.sequence, self._end(tenant_id)
            if end.sequence is None or end.sequence < seen:
                return Fault(seen, "", TRUNCATION, "the chain's last link was deleted or set back meanwhile")
            if end.beyond is not None:
                return Fault(
                    end.beyond, "", INSERTION, "was inserted: it stands beyond the chain's last link"
                )
            if end.sequence - seen < self._piece:
                # A drain at work would be followed for ever.
                return None

    def _diagnosed(self, tenant_id: str, proof: Proof, fault: Fault, end: Any) -> Fault:
        if fault.kind != HASH:
            return fault
        events = self._reader.events(tenant_id, proof.sequence, end.sequence)
        found = [Stored(event, stored) for event, stored, _ in itertools.islice(events, WINDOW)]
        whole = bool(found) and found[-1].event["sequence"] >= end.sequence
        return diagnose(fault, proof, found, end.hash if whole else None)

    def _end(self, tenant_id: str) -> Any:
        with self._database.tenant_transaction(tenant_id) as transaction:
            end = transaction.queue(_SQL["chain_end"])
        return end.rows[0]

    def _links(self, tenant_id: str, begun: int) -> Fault | None:
        """A link that no event made."""
        patient, time, sequence = ids.NIL, _EARLIEST, _LOWEST
        while True:
            with self._database.tenant_transaction(tenant_id) as transaction:
                piece = transaction.queue(
                    _SQL["read_links"],
                    after_patient=patient,
                    after_time=time,
                    after_sequence=sequence,
                    begun_sequence=begun or _LOWEST,
                    limit=self._piece,
                )
            for row in piece.rows:
                if not row.named:
                    reason = "audit_event_patient links a patient whom no event names"
                    return Fault(row.sequence, "", LINKS, reason)
            if len(piece.rows) < self._piece:
                return None
            patient, time, sequence = piece.rows[-1][:3]
