"""Proves the stored audit: recomputes every tenant's chain and compares the links with the events.

Reads in pieces of bounded size while the drain goes on: events that stand do not change, and what the
drain appends meanwhile is followed too. It finds every change that the key's owner did not make, but
for one: a chain that was cut together with its last link, back to an earlier true state.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import orjson

from hms_server import ids
from hms_server.audit import chain
from hms_server.audit.proof import Fault, Proof
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
        self, database: Database, keyring: Keyring, piece: int = PIECE, piece_bytes: int = PIECE_BYTES
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._piece = piece
        self._piece_bytes = piece_bytes

    def tenants(self) -> list[tuple[str, str]]:
        """Id and code of every tenant that the audit knows."""
        with self._database.platform_transaction() as transaction:
            known = transaction.queue(_SQL["known_tenants"])
        return [(row.tenant_id, row.code) for row in known.rows]

    def verify(self, tenant_id: str, code: str = "") -> Verdict:
        """Follows the tenant's chain to its end; stops at the first fault."""
        proof = Proof(self._keyring)
        fault = self._chain(tenant_id, proof) or self._links(tenant_id)
        return Verdict(tenant_id, code, proof.sequence, fault)

    def _chain(self, tenant_id: str, proof: Proof) -> Fault | None:
        end = self._end(tenant_id)
        if end.sequence is None:
            return None if end.beyond is None else Fault(end.beyond, "", "the chain's last link is gone")
        while True:
            for event, stored_hash, links in self._events(tenant_id, proof.sequence, end.sequence):
                fault = proof.follow(event, stored_hash, links)
                if fault is not None:
                    return fault
            fault = proof.end(end.sequence, end.hash)
            if fault is not None:
                return fault
            seen, end = end.sequence, self._end(tenant_id)
            if end.sequence is None or end.sequence < seen:
                return Fault(seen, "", "the chain's last link was taken away or set back meanwhile")
            if end.beyond is not None:
                return Fault(end.beyond, "", "stands beyond the chain's last link")
            if end.sequence - seen < self._piece:
                # A drain at work would be followed for ever.
                return None

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

    def _links(self, tenant_id: str) -> Fault | None:
        """A link that no event made."""
        patient, time, sequence = ids.NIL, _EARLIEST, _LOWEST
        while True:
            with self._database.tenant_transaction(tenant_id) as transaction:
                piece = transaction.queue(
                    _SQL["read_links"],
                    after_patient=patient,
                    after_time=time,
                    after_sequence=sequence,
                    limit=self._piece,
                )
            for row in piece.rows:
                if not row.named:
                    return Fault(row.sequence, "", "audit_event_patient links a patient whom no event names")
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
