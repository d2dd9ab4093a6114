"""Rate-limit tiers: how many calls in how many seconds. A tenant may have its own."""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """`calls` per `seconds`, for one user (or one address where nobody is logged in)."""

    calls: int
    seconds: int


DEFAULTS: dict[str, Limit] = {
    "LOGIN": Limit(5, 15 * 60),
    "SEARCH": Limit(30, 60),
    "BULK": Limit(5, 5 * 60),
    "IMPORT": Limit(300, 60),
    "DEFAULT": Limit(100, 60),
}
# A tenant as a whole may call this many times as often as one user.
TENANT_FACTOR = 10
# An address that fails this often to prove who it is, is blocked for a while.
FAILURES = Limit(100, 5 * 60)
BLOCK_SECONDS = 15 * 60
