"""Makes the Redis client of gate and cache: short time-outs, one new try, nothing that waits."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hms_server.config import Settings
from hms_server.errors import ConfigError

# A pooled connection that Redis closed (a restart) is replaced at once; a time-out is not tried
# again, since the call has waited already.
_RETRY = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))


def connect(url: str, settings: Settings) -> redis.Redis:
    """A client with a pool of its own; connects when it is first used. Raises ConfigError."""
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=settings.redis_timeout_seconds,
            socket_connect_timeout=settings.redis_timeout_seconds,
            socket_keepalive=True,
            retry=_RETRY,
            # RESP2 and no client information: a new connection costs no round trip but AUTH
            protocol=2,
            driver_info=None,
        )
    except ValueError:
        # The text of the error may hold the password.
        raise ConfigError("HMS_REDIS_URL is not a redis:// or rediss:// URL") from None
