"""What the gate's scripts answer, and the errors that become of it."""

from __future__ import annotations

import math
from typing import NamedTuple

from hms_server import errors
from hms_server.telemetry import metrics

PASS, MISS, STALE, REVOKED, LIMITED, BLOCKED, SUSPENDED = range(7)
_OUTCOMES = ("pass", "miss", "stale", "revoked", "limited", "blocked", "suspended")
COUNTS = [metrics.tally(metrics.GATE.labels(name)) for name in _OUTCOMES]


class Quota(NamedTuple):
    """What is left: for the x-ratelimit headers. A limit of 0 means that nothing was counted."""

    limit: int
    remaining: int
    reset_seconds: int


class RateLimited(errors.ResourceExhausted):
    """Over a limit. `first` marks the refusal that is worth an audit record."""

    def __init__(self, message: str, reason: str, quota: Quota, wait: float, first: bool) -> None:
        super().__init__(message, reason=reason, retry_seconds=wait)
        self.quota = quota
        self.first = first


def judge(answer: list[int]) -> Quota:
    """The quota of a call that passes; raises PermissionDenied, Unauthenticated or RateLimited for
    another."""
    outcome, limit, remaining, reset_ms, first = answer
    COUNTS[outcome].inc()
    if outcome == PASS:
        return Quota(limit, remaining, math.ceil(reset_ms / 1000))
    if outcome == STALE:
        raise stale()
    if outcome == REVOKED:
        raise revoked()
    if outcome == SUSPENDED:
        raise suspended()
    raise limited(outcome, limit, reset_ms / 1000, bool(first))


def judge_wait(limit: int, remaining: int, seconds: int, wait: float) -> Quota:
    """The same of a local limiter's answer, which is how long to wait."""
    if wait:
        COUNTS[LIMITED].inc()
        raise limited(LIMITED, limit, wait, False)
    COUNTS[PASS].inc()
    return Quota(limit, remaining, seconds)


def stale() -> errors.Unauthenticated:
    """The token's permission version is not the present one."""
    return errors.Unauthenticated(
        "Roles or permissions changed: refresh the token and go on.", reason="PERMISSIONS_STALE"
    )


def revoked() -> errors.Unauthenticated:
    """The session does not stand."""
    return errors.Unauthenticated("The session has ended: log in again.", reason="SESSION_REVOKED")


def suspended() -> errors.PermissionDenied:
    """The tenant is served nothing."""
    return errors.PermissionDenied(
        "The tenant is suspended: ask the platform's operator.", reason="TENANT_SUSPENDED"
    )


def limited(outcome: int, limit: int, wait: float, first: bool) -> RateLimited:
    """Over a limit, or blocked."""
    quota = Quota(limit, 0, math.ceil(wait))
    if outcome == BLOCKED:
        message = "Too many failures from this address: it is blocked for a while."
        return RateLimited(message, "ADDRESS_BLOCKED", quota, wait, first)
    return RateLimited("Too many calls: wait and try again.", "RATE_LIMITED", quota, wait, first)
