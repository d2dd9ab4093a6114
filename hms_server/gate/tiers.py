"""Rate-limit tiers: how many calls in how many seconds. A tenant may have its own."""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """`calls` per `seconds`, for one user (or one address where nobody is logged in)."""

    calls: int
    seconds: int


class Block(NamedTuple):
    """Seconds of the first block, of the longest one, and of quiet after which all are forgiven.

    Each further block lasts twice as long as the one before.
    """

    first: int
    bound: int
    quiet: int


DEFAULTS: dict[str, Limit] = {
    # Tries of one account, not of one user (login.lua). The block is no shorter than the window.
    "LOGIN": Limit(5, 15 * 60),
    "SEARCH": Limit(30, 60),
    "BULK": Limit(5, 5 * 60),
    "IMPORT": Limit(300, 60),
    "BOOKING": Limit(10, 60),
    "DEFAULT": Limit(100, 60),
}
UNLIMITED = Limit(0, 1)
# A tenant as a whole may call this many times as often as one user.
TENANT_FACTOR = 10
# An address that fails this often to prove who it is, is blocked for a while.
FAILURES = Limit(100, 5 * 60)
# One-time tokens, right or wrong, that one address may show.
TOKENS = Limit(20, 60)
BLOCK = Block(15 * 60, 4 * 3600, 24 * 3600)
# How long an address is known to an account after its user logged in from there.
KNOWN_SECONDS = 30 * 24 * 3600
