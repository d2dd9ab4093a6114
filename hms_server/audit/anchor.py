"""Anchors: what a tenant's chain came to on a day, signed with Ed25519. Pure: no I/O, no clock.

An anchor stands in the database and, where HMS_ANCHOR_FILE is set, as one line of JSON in that file, which
whoever owns the database does not own: the file is the witness against them.
"""

from __future__ import annotations

import dataclasses
import datetime

import orjson

from hms_server import ids
from hms_server.audit import signatures
from hms_server.keyring import Keyring

# What is signed with these keys begins so: a signature of an anchor is one of nothing else.
_PREFIX = b"hms audit anchor 1\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Anchor:
    """The end of a chain on a day: its last sequence and that event's hash."""

    tenant_id: str
    date: str  # ISO 8601, UTC
    sequence: int
    hash: bytes
    key_id: str = ""
    signature: bytes = b""
    source: str = "the database"  # where it was found, for messages

    @property
    def name(self) -> str:
        """The anchor in a message."""
        return f"the anchor of {self.date} ({self.source})"


def _signed(anchor: Anchor) -> bytes:
    fields = {
        "tenant_id": anchor.tenant_id,
        "date": anchor.date,
        "sequence": anchor.sequence,
        "hash": anchor.hash.hex(),
        "key_id": anchor.key_id,
    }
    return _PREFIX + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def sign(anchor: Anchor, keyring: Keyring) -> Anchor:
    """The anchor, signed with the first anchor key."""
    key = keyring.anchor[0]
    named = dataclasses.replace(anchor, key_id=key.key_id)
    return dataclasses.replace(named, signature=key.private.sign(_signed(named)))


def fault(anchor: Anchor, keyring: Keyring) -> str:
    """What is wrong with the anchor itself; empty where its signature holds."""
    return signatures.fault(anchor.key_id, anchor.signature, _signed(anchor), keyring.anchor)


def to_line(anchor: Anchor) -> bytes:
    """The anchor as a line of a file."""
    fields = {
        "tenant_id": anchor.tenant_id,
        "date": anchor.date,
        "sequence": anchor.sequence,
        "hash": anchor.hash.hex(),
        "key_id": anchor.key_id,
        "signature": anchor.signature.hex(),
    }
    return orjson.dumps(fields) + b"\n"


def from_line(line: bytes, source: str) -> Anchor | None:
    """The anchor of a file's line; None where the line is none."""
    try:
        fields = orjson.loads(line)
        anchor = Anchor(
            tenant_id=fields["tenant_id"],
            date=datetime.date.fromisoformat(fields["date"]).isoformat(),
            sequence=fields["sequence"],
            hash=bytes.fromhex(fields["hash"]),
            key_id=fields["key_id"],
            signature=bytes.fromhex(fields["signature"]),
            source=source,
        )
    except (ValueError, KeyError, TypeError):
        return None
    whole = isinstance(anchor.key_id, str) and type(anchor.sequence) is int and anchor.sequence > 0
    return anchor if whole and isinstance(anchor.tenant_id, str) and ids.is_uuid(anchor.tenant_id) else None
