"""Tells Redis, after a commit, what every process must know at once.

Never raises: with Redis away the keys cannot be read either, and what is kept in a process lives
60 seconds at most (docs/security.md).
"""

from __future__ import annotations

import importlib.resources
import logging

import redis

from hms_server.context import NO_LIMITS, CallLimits
from hms_server.gate import keys
from hms_server.gate.allowances import to_text
from hms_server.gate.bounds import WITHOUT_REDIS_SECONDS
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

# A revocation outlives every access token of its session (60 minutes at most, config.py).
REVOKED_SECONDS = 3600 + 60


def lua(*names: str) -> str:
    """The text of the gate's scripts, joined."""
    folder = importlib.resources.files("hms_server.gate")
    return "\n".join(folder.joinpath(name).read_text() for name in names)


class GatePublisher:
    """Writes versions, sessions and limits into Redis. Versions only move forward."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._script = client.register_script(lua("publish.lua"))

    def tenant(
        self,
        tenant_id: str,
        permission_version: int,
        row_version: int,
        rate_limits: dict[str, tuple[int, int]],
        state: str = "ACTIVE",
        call_limits: CallLimits = NO_LIMITS,
        seconds: int = WITHOUT_REDIS_SECONDS,
    ) -> None:
        """A tenant's permission version, limits, and whether it is barred. The sum of the versions orders
        publications: both only grow. What was read a while ago stands for fewer `seconds`."""
        limits = [
            text for tier, (calls, seconds) in rate_limits.items() for text in (tier, f"{calls}:{seconds}")
        ]
        if state != "ACTIVE":
            # beside the limits in the tenant's hash: gate.lua refuses where the field stands
            limits += ["barred", "1"]
        if text := to_text(call_limits):
            limits += ["calls", text]
        self.publish(
            tenant_id,
            tenant_version=str(permission_version),
            tenant_order=str(permission_version + row_version),
            limits=limits,
            seconds=seconds,
        )

    def user(self, tenant_id: str, user_id: str, permission_version: int) -> None:
        """A user's permission version."""
        self.publish(tenant_id, user_id=user_id, user_version=str(permission_version))

    def session_revoked(self, tenant_id: str, session_id: str) -> None:
        """A session is over."""
        self.publish(tenant_id, session_id=session_id, session_state="0")

    def addresses_changed(self, tenant_id: str) -> None:
        """A tenant's rules of addresses are others now: every process reads them anew."""
        try:
            self._client.publish(keys.ADDRESS_CHANNEL, tenant_id)
        except redis.RedisError as error:
            _lost(error)

    def limits_changed(self, tenant_id: str) -> None:
        """A tenant's limits of calls are others now. The gate's answers tell which; a process that refuses
        for the limits of before hears it here."""
        try:
            self._client.publish(keys.LIMITS_CHANNEL, tenant_id)
        except redis.RedisError as error:
            _lost(error)

    def publish(
        self,
        tenant_id: str,
        *,
        tenant_version: str = "",
        tenant_order: str = "",
        user_id: str = "",
        user_version: str = "",
        session_id: str = "",
        session_state: str = "",
        limits: list[str] | None = None,
        seconds: int = WITHOUT_REDIS_SECONDS,
    ) -> None:
        """One trip for whatever is given, which stands for so many `seconds`; a revocation for longer."""
        try:
            self._script(
                keys=[
                    keys.tenant(tenant_id),
                    keys.user(tenant_id, user_id),
                    keys.session(tenant_id, session_id),
                ],
                args=[
                    seconds,
                    tenant_version,
                    tenant_order,
                    user_version,
                    session_state,
                    REVOKED_SECONDS,
                    *(limits or []),
                ],
            )
        except redis.RedisError as error:
            _lost(error)


def _lost(error: redis.RedisError) -> None:
    metrics.GATE_FALLBACK.labels("publish").inc()
    logs.event(_log, logging.WARNING, "gate publication lost", error=type(error).__name__)
