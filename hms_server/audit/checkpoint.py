"""Checkpoints: where a tenant's chain begins after its oldest month was archived and dropped. Pure.

Signed with the anchor key, which lies outside the database: whoever owns the database cannot cut a chain at
its beginning and say that it was archived.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import orjson

from hms_server.audit import signatures
from hms_server.keyring import Keyring

# A signature of a checkpoint is one of nothing else.
_PREFIX = b"hms audit checkpoint 1\n"


class Standing(NamedTuple):
    """An event of a later month within the archived piece: it stands on, without the events around it."""

    sequence: int
    record_time: str
    previous: str  # the hash before it, hexadecimal
    hash: str


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """The end of the piece of a chain that was archived with a month."""

    tenant_id: str
    month: str  # ISO 8601, its first day
    first_sequence: int
    sequence: int
    hash: bytes
    standing: tuple[Standing, ...] = ()
    key_id: str = ""
    signature: bytes = b""
    dropped: bool = False

    @property
    def name(self) -> str:
        """The checkpoint in a message."""
        return f"the checkpoint of {self.month[:7]}"

    def says(self) -> tuple[object, ...]:
        """What two checkpoints of one month must have in common, whichever key signed them."""
        return self.tenant_id, self.month, self.first_sequence, self.sequence, self.hash, self.standing


def _signed(made: Checkpoint) -> bytes:
    fields = {
        "tenant_id": made.tenant_id,
        "month": made.month,
        "first_sequence": made.first_sequence,
        "sequence": made.sequence,
        "hash": made.hash.hex(),
        "standing": [each._asdict() for each in made.standing],
        "key_id": made.key_id,
    }
    return _PREFIX + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def sign(made: Checkpoint, keyring: Keyring) -> Checkpoint:
    """The checkpoint, signed with the first anchor key."""
    key = keyring.anchor[0]
    named = dataclasses.replace(made, key_id=key.key_id)
    return dataclasses.replace(named, signature=key.private.sign(_signed(named)))


def fault(made: Checkpoint, keyring: Keyring) -> str:
    """What is wrong with the checkpoint itself; empty where its signature holds."""
    return signatures.fault(made.key_id, made.signature, _signed(made), keyring.anchor)


def order_fault(checkpoints: list[Checkpoint]) -> tuple[int, str] | None:
    """Where dropped months leave a gap (a sequence, and what is wrong); they are in the order of months."""
    expected = 1
    for each in checkpoints:
        if each.first_sequence != expected:
            until = max(each.first_sequence - 1, expected)
            return (
                expected,
                f"events {expected} to {until} are gone, and no checkpoint tells of their archive",
            )
        expected = each.sequence + 1
    return None
