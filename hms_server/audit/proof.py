"""Whether a tenant's chain holds, event by event. Pure: fed with rows in order, keeps only the last link."""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Iterable
from typing import NamedTuple

from hms_server.audit import chain
from hms_server.audit.anchor import Anchor
from hms_server.audit.record import Event
from hms_server.keyring import Keyring

# What was done.
EDIT = "EDIT"
DELETION = "DELETION"
INSERTION = "INSERTION"
REORDERING = "REORDERING"
TRUNCATION = "TRUNCATION"
REWRITING = "REWRITING"
FORGED_ANCHOR = "FORGED_ANCHOR"
CHECKPOINT = "CHECKPOINT"  # months are gone without one
FORGED_CHECKPOINT = "FORGED_CHECKPOINT"
LINKS = "LINKS"  # the table that links events to patients
KEY = "KEY"  # a key is not there, nothing can be said
HASH = "HASH"  # the hash does not hold; which of the first four it is, the events behind it tell


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: where in the chain, and what."""

    sequence: int
    event_id: str  # empty where there is no such event
    kind: str
    reason: str

    def __str__(self) -> str:
        name = f"event {self.sequence}" + (f" ({self.event_id})" if self.event_id else "")
        return f"{name}: {self.reason}"


class Start(NamedTuple):
    """The event that a proof begins behind: a signed anchor's, or a checkpoint's; the chain's start by
    itself."""

    sequence: int = 0
    hash: bytes = chain.START


class Proof:
    """Follows one chain from where it starts."""

    def __init__(self, keyring: Keyring, anchors: Iterable[Anchor] = (), start: Start | None = None) -> None:
        self._keys = dict(keyring.audit)
        self._anchors = sorted(anchors, key=lambda anchor: anchor.sequence, reverse=True)  # the next one last
        self.sequence, self.hash = self._start = start or Start()
        self._anchored_to = self.sequence
        while self._anchors and self._anchors[-1].sequence < self.sequence:
            self._anchors.pop()

    def begin(self) -> Fault | None:
        """Checks that all anchors of the start say the same."""
        return self._anchored("")

    def follow(self, event: Event, stored_hash: bytes, links: int) -> Fault | None:
        """Checks the next event; `links` is how many of its patients audit_event_patient links to it."""
        expected = self.sequence + 1
        sequence, event_id = event["sequence"], event["id"]
        if sequence > expected:
            return Fault(expected, "", DELETION, self._gone(expected, sequence - 1))
        if sequence < expected:
            return Fault(
                sequence, event_id, INSERTION, "was inserted: it stands twice, or before the chain's start"
            )
        if event["key_id"] not in self._keys:
            return Fault(sequence, event_id, KEY, f"its key {event['key_id']!r} is not in HMS_KEYS_FILE")
        if not self.holds(event, stored_hash, self.hash):
            return Fault(
                sequence,
                event_id,
                HASH,
                "was edited or replaced: neither its hash holds nor that of any event behind it",
            )
        if links != len(event["patient_ids"]):
            return Fault(
                sequence,
                event_id,
                LINKS,
                f"audit_event_patient links {links} of its {len(event['patient_ids'])} patients",
            )
        self.sequence, self.hash = sequence, stored_hash
        return self._anchored(event_id)

    def _gone(self, first: int, last: int) -> str:
        if first < last and first == self._start.sequence + 1:
            # A dropped month looks like this, one that nobody may drop.
            return f"events {first} to {last} are gone, and no checkpoint tells of their archive"
        return "was deleted: there is no event of this number"

    def holds(self, event: Event, stored_hash: bytes, previous: bytes) -> bool:
        """Whether the hash is that of the event behind the event whose hash is `previous`."""
        key = self.key(event)
        return key is not None and hmac.compare_digest(self.made(event, key, previous), stored_hash)

    def key(self, event: Event) -> bytes | None:
        """The key of the event's hash."""
        return self._keys.get(event["key_id"])

    def made(self, event: Event, key: bytes, previous: bytes) -> bytes:
        """The hash that the event has behind that one; none where it holds what no event of ours holds."""
        try:
            return chain.link(key, previous, event)
        except TypeError:
            # A number or an array that no event of ours ever holds.
            return b""

    def _anchored(self, event_id: str) -> Fault | None:
        if not self._anchors or self._anchors[-1].sequence != self.sequence:
            return None
        while self._anchors and self._anchors[-1].sequence == self.sequence:
            anchor = self._anchors.pop()
            if not hmac.compare_digest(anchor.hash, self.hash):
                return Fault(
                    self.sequence,
                    event_id,
                    REWRITING,
                    f"events {self._anchored_to + 1} to {self.sequence} are not those that were anchored: "
                    f"{anchor.name} has another hash",
                )
        self._anchored_to = self.sequence
        return None

    def end(self, sequence: int, last_hash: bytes) -> Fault | None:
        """Checks that the chain ends where its last link says."""
        if self.sequence < sequence:
            return Fault(
                self.sequence + 1, "", TRUNCATION, f"was cut off at the end: the chain has {sequence} events"
            )
        if self.sequence > sequence:
            return self._short(sequence)
        if not hmac.compare_digest(self.hash, last_hash):
            return Fault(sequence, "", EDIT, "the chain's last link was edited: its hash is not this event's")
        return None

    def beyond(self) -> Fault | None:
        """Checks, at the end of the chain, that no anchor names an event behind it."""
        return self._short(self.sequence) if self._anchors else None

    def _short(self, sequence: int) -> Fault:
        witness = (
            f"{self._anchors[0].name} names event {self._anchors[0].sequence}"
            if self._anchors
            else f"there were {self.sequence}"
        )
        return Fault(
            sequence + 1,
            "",
            TRUNCATION,
            f"was cut off, with the chain's last link set back to {sequence}: {witness}",
        )
