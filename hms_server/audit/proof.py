"""Whether a tenant's chain holds, event by event. Pure: fed with rows in order, keeps only the last link."""

from __future__ import annotations

import dataclasses
import hmac

from hms_server.audit import chain
from hms_server.audit.record import Event
from hms_server.keyring import Keyring


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: where in the chain, and what."""

    sequence: int
    event_id: str  # empty where there is no such event
    reason: str

    def __str__(self) -> str:
        name = f"event {self.sequence}" + (f" ({self.event_id})" if self.event_id else "")
        return f"{name}: {self.reason}"


class Proof:
    """Follows one chain from its start."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = dict(keyring.audit)
        self.sequence = 0
        self.hash = chain.START

    def follow(self, event: Event, stored_hash: bytes, links: int) -> Fault | None:
        """Checks the next event; `links` is how many of its patients audit_event_patient links to it."""
        expected = self.sequence + 1
        sequence, event_id = event["sequence"], event["id"]
        if sequence > expected:
            return Fault(expected, "", "is missing")
        if sequence < expected:
            return Fault(sequence, event_id, "stands twice, or before the chain's start")
        key = self._keys.get(event["key_id"])
        if key is None:
            return Fault(sequence, event_id, f"its key {event['key_id']!r} is not in HMS_KEYS_FILE")
        try:
            made = chain.link(key, self.hash, event)
        except TypeError:
            # A number or an array that no event of ours ever holds.
            made = b""
        if not hmac.compare_digest(made, stored_hash):
            return Fault(sequence, event_id, "was edited, moved or inserted: its hash does not hold")
        if links != len(event["patient_ids"]):
            return Fault(
                sequence,
                event_id,
                f"audit_event_patient links {links} of its {len(event['patient_ids'])} patients",
            )
        self.sequence, self.hash = sequence, stored_hash
        return None

    def end(self, sequence: int, last_hash: bytes) -> Fault | None:
        """Checks that the chain ends where its last link says."""
        if self.sequence < sequence:
            return Fault(self.sequence + 1, "", f"was removed at the end: the chain has {sequence} events")
        if not hmac.compare_digest(self.hash, last_hash):
            return Fault(sequence, "", "the chain's last link was edited: its hash is not this event's")
        return None
