"""Proves the stored audit: recomputes every tenant's chain and compares the links with the events.

Reads in pieces of bounded size while the drain goes on: events that stand do not change, and what the
drain appends meanwhile is followed too. It finds every change that the key's owner did not make. A chain that
was cut together with its last link, or made anew, is found by the daily anchors: those of the database, and
those of the file, which nobody who owns the database can take back.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from hms_server import errors, ids
from hms_server.audit import anchor, chain
from hms_server.audit.anchor import Anchor
from hms_server.audit.diagnose import WINDOW, Stored, diagnose
from hms_server.audit.proof import FORGED_ANCHOR, HASH, INSERTION, LINKS, TRUNCATION, Fault, Proof
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring

_SQL = load_queries("hms_server.audit", "verify.sql")

PIECE = 2000
# Of the lists in a piece's events, as they are stored.
PIECE_BYTES = 4 * 2**20
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
        self._piece_bytes = piece_bytes
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
        chain's start.
        """
        forged: Fault | None = None
        anchors = []
        for each in (*self._anchors(tenant_id), *self._witnesses.get(tenant_id, ())):
            wrong = anchor.fault(each, self._keyring)
            if not wrong:
                anchors.append(each)
            elif forged is None:
                forged = Fault(each.sequence, "", FORGED_ANCHOR, f"{each.name} is forged: {wrong}")
        earlier = [each for each in anchors if since is not None and each.date < since]
        start = max(earlier, key=lambda each: each.sequence, default=None)
        anchors += self._last_known(tenant_id)
        begun = start.sequence if start is not None else 0
        proof = Proof(self._keyring, anchors, start)
        fault = (
            proof.begin()
            or self._chain(tenant_id, proof)
            or proof.beyond()
            or self._links(tenant_id, begun)
            or forged
        )
        return Verdict(tenant_id, code, proof.sequence - begun, fault)

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
            for event, stored_hash, links in self._events(tenant_id, proof.sequence, end.sequence):
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
        events = self._events(tenant_id, proof.sequence, end.sequence)
        found = [Stored(event, stored) for event, stored, _ in itertools.islice(events, WINDOW)]
        whole = bool(found) and found[-1].event["sequence"] >= end.sequence
        return diagnose(fault, proof, found, end.hash if whole else None)

    def _end(self, tenant_id: str) -> Any:
        with self._database.tenant_transaction(tenant_id) as transaction:
            end = transaction.queue(_SQL["chain_end"])
        return end.rows[0]

    def _events(self, tenant_id: str, after: int, last: int) -> Iterator[tuple[dict[str, Any], bytes, int]]:
        # From the lowest number there is: nothing may stand before the chain's start either.
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
                yield event, row.hash, row.links
            if not piece.rows or not piece.rows[-1].followed:
                return
            sequence, time = piece.rows[-1].sequence, piece.rows[-1].record_time

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
