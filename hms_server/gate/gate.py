"""The gate: one Redis round trip decides whether a call goes on.

Identity fails closed, throttling fails open: a missing key is loaded from PostgreSQL, never passed;
with Redis away PostgreSQL decides and a local limiter counts; with both away the call is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import redis

from hms_server import clock
from hms_server.context import Principal
from hms_server.gate import keys
from hms_server.gate.allowances import Allowances
from hms_server.gate.answers import (
    COUNTS,
    MISS,
    REVOKED,
    STALE,
    SUSPENDED,
    Quota,
    RateLimited,
    judge,
    judge_wait,
    revoked,
    stale,
    suspended,
)
from hms_server.gate.bounds import WITHOUT_REDIS_SECONDS
from hms_server.gate.local import LocalLimiter, LocalStates
from hms_server.gate.publisher import GatePublisher, lua
from hms_server.gate.runner import ScriptRunner
from hms_server.gate.state import GateState
from hms_server.gate.strangers import Strangers
from hms_server.gate.switch import RedisSwitch
from hms_server.gate.tiers import DEFAULTS, TENANT_FACTOR, UNLIMITED, Limit
from hms_server.telemetry import metrics

__all__ = ["Gate", "Quota", "RateLimited"]


class Gate:
    """Checks permission version, session and rate limit of each call. `strangers` have no token."""

    def __init__(
        self,
        client: redis.Redis,
        publisher: GatePublisher,
        load: Callable[[str, str, str], GateState | None],
    ) -> None:
        self._gate = ScriptRunner(client, lua("counter.lua", "gate.lua"))
        self._publisher = publisher
        self._load = load
        self._states = LocalStates(load)
        self._limiter = LocalLimiter()
        self.allowances = Allowances()
        self._switch = RedisSwitch(self._states.clear)
        self.strangers = Strangers(client, self._switch, self._limiter)

    def check(self, principal: Principal, tier: str, weight: int = 1) -> Quota:
        """Lets the call pass, or raises PermissionDenied, Unauthenticated or RateLimited."""
        limit = DEFAULTS.get(tier, UNLIMITED)
        if self._switch.usable:
            try:
                answer = self._ask(principal, tier, limit, weight)
                self._switch.answered()
                self.allowances.heard(principal.tenant_id, answer)
                return judge(answer)
            except redis.RedisError as error:
                self._switch.failed(error)
        return self._check_locally(principal, tier, limit, weight)

    def _ask(self, principal: Principal, tier: str, limit: Limit, weight: int) -> list[int]:
        tenant_id, user_id = principal.tenant_id, principal.user_id
        names = [
            keys.tenant(tenant_id),
            keys.user(tenant_id, user_id),
            keys.session(tenant_id, principal.session_id),
            keys.counter(tenant_id, tier, user_id),
            keys.counter(tenant_id, tier),
        ]
        version = principal.permission_version
        arguments: list[int | str] = [version, tier, limit.calls, limit.seconds, TENANT_FACTOR, weight]
        answer = self._gate(names, arguments)
        if answer[0] == MISS:
            COUNTS[MISS].inc()
            self._fill(principal)
            answer = self._gate(names, arguments)
            if answer[0] == MISS:
                # Evicted between two trips: PostgreSQL decides.
                raise redis.RedisError("gate keys do not stay")
        return answer

    def _fill(self, principal: Principal) -> None:
        """Loads what is missing. A session that does not stand is published as revoked."""
        asked = clock.monotonic()
        state = self._load(principal.tenant_id, principal.user_id, principal.session_id)
        if state is None:
            self._publisher.session_revoked(principal.tenant_id, principal.session_id)
            COUNTS[REVOKED].inc()
            raise revoked()
        # The bound runs from before it was read.
        seconds = max(1, math.floor(WITHOUT_REDIS_SECONDS - (clock.monotonic() - asked)))
        self._publisher.tenant(
            principal.tenant_id,
            state.tenant_permission_version,
            state.tenant_row_version,
            state.rate_limits,
            state.tenant_state,
            state.call_limits,
            seconds,
        )
        self._publisher.publish(
            principal.tenant_id,
            user_id=principal.user_id,
            user_version=str(state.user_permission_version),
            session_id=principal.session_id,
            session_state="1" if state.session_active else "0",
            seconds=seconds,
        )

    def _check_locally(self, principal: Principal, tier: str, limit: Limit, weight: int) -> Quota:
        metrics.GATE_FALLBACK.labels("check").inc()
        state = self._states.get(principal.tenant_id, principal.user_id, principal.session_id)
        if state is not None and state.tenant_state != "ACTIVE":
            COUNTS[SUSPENDED].inc()
            raise suspended()
        if state is None or not state.session_active:
            COUNTS[REVOKED].inc()
            raise revoked()
        self.allowances.told(principal.tenant_id, state.call_limits)
        present = state.tenant_permission_version + state.user_permission_version
        if present != principal.permission_version:
            COUNTS[STALE].inc()
            raise stale()
        if limit is UNLIMITED:
            return Quota(0, 0, 0)
        own = Limit(*state.rate_limits[tier]) if tier in state.rate_limits else limit
        key = keys.counter(principal.tenant_id, tier, principal.user_id)
        wait = self._limiter.take(key, own, weight)
        return judge_wait(own.calls, max(0, own.calls - weight), own.seconds, wait)
