"""The gate: one Redis round trip decides whether a call goes on.

Identity fails closed, throttling fails open: a missing key is loaded from PostgreSQL, never passed;
with Redis away PostgreSQL decides and a local limiter counts; with both away the call is refused.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import NamedTuple

import redis

from hms_server import clock, errors
from hms_server.context import Principal
from hms_server.gate import keys
from hms_server.gate.local import LocalLimiter, LocalStates
from hms_server.gate.publisher import GatePublisher, lua
from hms_server.gate.runner import ScriptRunner
from hms_server.gate.state import GateState
from hms_server.gate.tiers import BLOCK_SECONDS, DEFAULTS, FAILURES, TENANT_FACTOR, Limit
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)
_PASS, _MISS, _STALE, _REVOKED, _LIMITED, _BLOCKED, _SUSPENDED = range(7)
_OUTCOMES = ("pass", "miss", "stale", "revoked", "limited", "blocked", "suspended")
_UNLIMITED = Limit(0, 1)
_SKIP_REDIS_SECONDS = 1.0


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


class Gate:
    """Checks permission version, session and rate limit of each call."""

    def __init__(
        self,
        client: redis.Redis,
        publisher: GatePublisher,
        load: Callable[[str, str, str], GateState | None],
    ) -> None:
        self._gate = ScriptRunner(client, lua("counter.lua", "gate.lua"))
        self._address = ScriptRunner(client, lua("counter.lua", "address.lua"))
        self._client = client
        self._publisher = publisher
        self._load = load
        self._states = LocalStates(load)
        self._limiter = LocalLimiter()
        self._skip_until = 0.0
        self._away = False
        self._counts = [metrics.GATE.labels(name) for name in _OUTCOMES]

    def check(self, principal: Principal, tier: str) -> Quota:
        """Lets the call pass, or raises PermissionDenied, Unauthenticated or RateLimited."""
        limit = DEFAULTS.get(tier, _UNLIMITED)
        if clock.monotonic() >= self._skip_until:
            try:
                answer = self._ask(principal, tier, limit)
                if self._away:
                    self._redis_is_back()
                return self._judge(answer)
            except redis.RedisError as error:
                self._redis_failed(error)
        return self._check_locally(principal, tier, limit)

    def _ask(self, principal: Principal, tier: str, limit: Limit) -> list[int]:
        tenant_id, user_id = principal.tenant_id, principal.user_id
        names = [
            keys.tenant(tenant_id),
            keys.user(tenant_id, user_id),
            keys.session(tenant_id, principal.session_id),
            keys.counter(tenant_id, tier, user_id),
            keys.counter(tenant_id, tier),
        ]
        version = principal.permission_version
        arguments: list[int | str] = [version, tier, limit.calls, limit.seconds, TENANT_FACTOR]
        answer = self._gate(names, arguments)
        if answer[0] == _MISS:
            self._counts[_MISS].inc()
            self._fill(principal)
            answer = self._gate(names, arguments)
            if answer[0] == _MISS:
                # Evicted between two trips: PostgreSQL decides.
                raise redis.RedisError("gate keys do not stay")
        return answer

    def _fill(self, principal: Principal) -> None:
        """Loads what is missing. A session that does not stand is published as revoked."""
        state = self._load(principal.tenant_id, principal.user_id, principal.session_id)
        if state is None:
            self._publisher.session_revoked(principal.tenant_id, principal.session_id)
            self._counts[_REVOKED].inc()
            raise _revoked()
        self._publisher.tenant(
            principal.tenant_id,
            state.tenant_permission_version,
            state.tenant_row_version,
            state.rate_limits,
            state.tenant_state,
        )
        self._publisher.publish(
            principal.tenant_id,
            user_id=principal.user_id,
            user_version=str(state.user_permission_version),
            session_id=principal.session_id,
            session_state="1" if state.session_active else "0",
        )

    def _judge(self, answer: list[int]) -> Quota:
        outcome, limit, remaining, reset_ms, first = answer
        self._counts[outcome].inc()
        if outcome == _PASS:
            return Quota(limit, remaining, math.ceil(reset_ms / 1000))
        if outcome == _STALE:
            raise _stale()
        if outcome == _REVOKED:
            raise _revoked()
        if outcome == _SUSPENDED:
            raise _suspended()
        raise _limited(outcome, Quota(limit, 0, math.ceil(reset_ms / 1000)), reset_ms, bool(first))

    def _check_locally(self, principal: Principal, tier: str, limit: Limit) -> Quota:
        metrics.GATE_FALLBACK.labels("check").inc()
        state = self._states.get(principal.tenant_id, principal.user_id, principal.session_id)
        if state is not None and state.tenant_state != "ACTIVE":
            self._counts[_SUSPENDED].inc()
            raise _suspended()
        if state is None or not state.session_active:
            self._counts[_REVOKED].inc()
            raise _revoked()
        present = state.tenant_permission_version + state.user_permission_version
        if present != principal.permission_version:
            self._counts[_STALE].inc()
            raise _stale()
        if limit is _UNLIMITED:
            return Quota(0, 0, 0)
        own = Limit(*state.rate_limits[tier]) if tier in state.rate_limits else limit
        wait = self._limiter.take(keys.counter(principal.tenant_id, tier, principal.user_id), own)
        if wait:
            self._counts[_LIMITED].inc()
            raise _limited(_LIMITED, Quota(own.calls, 0, math.ceil(wait)), int(wait * 1000), False)
        self._counts[_PASS].inc()
        return Quota(own.calls, own.calls - 1, own.seconds)

    def check_address(self, tier: str, address: str, account: str = "") -> Quota:
        """The gate of methods that need no token; raises RateLimited."""
        return self._count_address(tier, DEFAULTS.get(tier, _UNLIMITED), address, account, 0)

    def report_failure(self, address: str) -> None:
        """Counts a failure to prove who one is; too many block the address. Raises RateLimited."""
        self._count_address("FAILURES", FAILURES, address, "", BLOCK_SECONDS)

    def forgive(self, tier: str, address: str, account: str) -> None:
        """Clears what was counted: a right password ends the count of wrong ones."""
        try:
            self._client.delete(keys.address_counter(tier, address, account))
        except redis.RedisError as error:
            self._redis_failed(error)

    def _count_address(self, tier: str, limit: Limit, address: str, account: str, block: int) -> Quota:
        name = keys.address_counter(tier, address, account)
        if limit is _UNLIMITED:
            return Quota(0, 0, 0)
        if clock.monotonic() >= self._skip_until:
            try:
                answer = self._address(
                    [name, keys.address_block(address)], [limit.calls, limit.seconds, block]
                )
                return self._judge(answer)
            except redis.RedisError as error:
                self._redis_failed(error)
        metrics.GATE_FALLBACK.labels("address").inc()
        wait = self._limiter.take(name, limit)
        if wait:
            raise _limited(_LIMITED, Quota(limit.calls, 0, math.ceil(wait)), int(wait * 1000), False)
        return Quota(limit.calls, limit.calls - 1, limit.seconds)

    def _redis_failed(self, error: redis.RedisError) -> None:
        self._skip_until = clock.monotonic() + _SKIP_REDIS_SECONDS
        if not self._away:
            self._away = True
            logs.event(_log, logging.WARNING, "Redis is away, PostgreSQL decides", error=type(error).__name__)

    def _redis_is_back(self) -> None:
        self._away = False
        self._states.clear()
        logs.event(_log, logging.WARNING, "Redis is back")


def _stale() -> errors.Unauthenticated:
    return errors.Unauthenticated(
        "Roles or permissions changed: refresh the token and go on.", reason="PERMISSIONS_STALE"
    )


def _suspended() -> errors.PermissionDenied:
    return errors.PermissionDenied(
        "The tenant is suspended: ask the platform's operator.", reason="TENANT_SUSPENDED"
    )


def _revoked() -> errors.Unauthenticated:
    return errors.Unauthenticated("The session has ended: log in again.", reason="SESSION_REVOKED")


def _limited(outcome: int, quota: Quota, wait_ms: float, first: bool) -> RateLimited:
    wait = wait_ms / 1000
    if outcome == _BLOCKED:
        return RateLimited(
            "Too many failures from this address: it is blocked for a while.",
            "ADDRESS_BLOCKED",
            quota,
            wait,
            first,
        )
    return RateLimited("Too many calls: wait and try again.", "RATE_LIMITED", quota, wait, first)
