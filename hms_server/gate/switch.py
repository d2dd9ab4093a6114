"""Whether Redis is asked: after a failure not for a second, so that calls do not wait for it in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable

import redis

from hms_server import clock
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)
_SKIP_REDIS_SECONDS = 1.0


class RedisSwitch:
    """Shared by all that ask Redis for the gate. Logs once when Redis goes and once when it is back."""

    def __init__(self, on_return: Callable[[], None]) -> None:
        self._on_return = on_return
        self._skip_until = 0.0
        self._away = False

    @property
    def usable(self) -> bool:
        """Whether it is worth asking."""
        return clock.monotonic() >= self._skip_until

    def answered(self) -> None:
        """Redis answered."""
        if self._away:
            self._away = False
            self._on_return()
            logs.event(_log, logging.WARNING, "Redis is back")

    def failed(self, error: redis.RedisError) -> None:
        """Redis did not."""
        self._skip_until = clock.monotonic() + _SKIP_REDIS_SECONDS
        if not self._away:
            self._away = True
            logs.event(_log, logging.WARNING, "Redis is away, PostgreSQL decides", error=type(error).__name__)
