"""What was done where a hash does not hold, told from the events behind it. Pure.

An event's hash covers its number and the hash before it, so each event shows behind which one it belongs:
what still fits together tells an edit, an insertion, a deletion whose gap was closed, and a change of places
apart. Where several were done at once, the first that fits is named.
"""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from hms_server.audit.proof import DELETION, EDIT, HASH, INSERTION, REORDERING, Fault, Proof
from hms_server.audit.record import Event

# How many events behind the fault are looked at.
WINDOW = 500


class Stored(NamedTuple):
    """An event and the hash that stands with it."""

    event: Event
    hash: bytes


def diagnose(fault: Fault, proof: Proof, found: Sequence[Stored], end_hash: bytes | None) -> Fault:
    """The fault by its true name. `proof` stands before the event at fault and `found` begins with it;
    `end_hash` is the last link's where `found` reaches the end of the chain."""
    if fault.kind != HASH or not found:
        return fault
    looker = _Looker(proof, found, end_hash)
    for kind, reason in (looker.edit(), looker.belongs(), looker.closed_gap()):
        if kind:
            return dataclasses.replace(fault, kind=kind, reason=reason)
    # Nothing behind it fits either: edited along with the event that follows.
    return dataclasses.replace(fault, kind=EDIT)


_NOTHING = ("", "")


class _Looker:
    def __init__(self, proof: Proof, found: Sequence[Stored], end_hash: bytes | None) -> None:
        self._proof = proof
        self._found = found
        self._end = end_hash
        self._at = proof.sequence + 1

    def _as(self, place: int, sequence: int, previous: bytes) -> bool:
        """Whether the event at `place` was the one of that number, behind that hash."""
        event, stored = self._found[place]
        return self._proof.holds({**event, "sequence": sequence}, stored, previous)

    def edit(self) -> tuple[str, str]:
        event, stored = self._found[0]
        key = self._proof.key(event)
        made = self._proof.made(event, key, self._proof.hash) if key is not None else b""
        for hash_before, reason in (
            (stored, "was edited: its hash does not hold, that of the event after it does"),
            (made, "its hash was edited"),
        ):
            if len(self._found) > 1:
                if self._as(1, self._at + 1, hash_before):
                    return EDIT, reason
            elif self._end is not None and hmac.compare_digest(hash_before, self._end):
                # The last event: nothing behind it tells whether it moved up.
                return EDIT, f"{reason.partition(':')[0]}, or what stood before it was deleted"
        return _NOTHING

    def belongs(self) -> tuple[str, str]:
        """The event that belongs here stands further on."""
        previous = self._proof.hash
        place = next((n for n in range(1, len(self._found)) if self._as(n, self._at, previous)), 0)
        if not place:
            return _NOTHING
        # As far as what follows it fits: where that ends, does the event at fault fit?
        last, sequence = place, self._at
        while last + 1 < len(self._found) and self._as(last + 1, sequence + 1, self._found[last].hash):
            last, sequence = last + 1, sequence + 1
        if self._as(0, sequence + 1, self._found[last].hash):
            return REORDERING, f"was moved here: {self._name(place)} belongs here"
        return INSERTION, f"was inserted: {self._name(place)} belongs here"

    def _name(self, place: int) -> str:
        event = self._found[place].event
        return f"the event that stands at {event['sequence']} ({event['id']})"

    def closed_gap(self) -> tuple[str, str]:
        """What follows fits under a higher number: as many events are gone, and the rest moved up."""
        if len(self._found) < 2:
            return _NOTHING
        follower = self._found[1].event["sequence"]
        for gone in range(1, WINDOW + 1):
            if self._as(1, follower + gone, self._found[0].hash):
                count = "1 event was" if gone == 1 else f"{gone} events were"
                return DELETION, f"{count} deleted before this one, and those behind moved up"
        return _NOTHING
