"""Identifiers made by the application: UUIDv7 (RFC 9562), which sort by time in a B-tree."""

from __future__ import annotations

import random
import re
import time

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

NIL = "00000000-0000-0000-0000-000000000000"
MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
# Users of this tenant run the platform; it holds no patients (migrations/0001).
PLATFORM_TENANT = NIL


def uuid7() -> str:
    """A new UUIDv7 as text: 48 bits of milliseconds, then 74 random bits."""
    # Not from os.urandom: an id is no secret, and each system call lets another thread in.
    value = time.time_ns() // 1_000_000 << 80 | random.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its canonical lower-case form."""
    return _UUID.fullmatch(text) is not None
