"""A cache of two levels: this process, then Redis, then the loader.

A key carries the version of what it holds (for permissions: the permission version), so an entry
never becomes wrong and nothing has to be dropped: a change makes another key. Redis away is slower,
never wrong. Calls that miss the same key at once are collapsed to one load.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import orjson
import redis

from hms_server import clock
from hms_server.cache.local import LocalStore
from hms_server.telemetry import logs, metrics

# What a cache is shared through; None where there is no Redis at all.
Client = redis.Redis | None

_log = logging.getLogger(__name__)

V = TypeVar("V")

# How long Redis is left alone after a failure: no call waits for it meanwhile.
_SKIP_SECONDS = 1.0
# How long a call waits for another's load before it loads for itself.
_FLIGHT_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A kind of cached value, declared once. `name` is its label in the metrics."""

    name: str
    local_seconds: float
    shared_seconds: float
    most_local: int = 10_000


class _Flight(Generic[V]):
    """A load that is under way."""

    __slots__ = ("done", "value")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: V | None = None


class Cache(Generic[V]):
    """One kind of values. Redis holds them as JSON; the process as what `decode` makes of it."""

    def __init__(self, entry: Entry, client: Client, decode: Callable[[str, Any], V]) -> None:
        """`decode` gets the tenant's id and what the loader returned."""
        self._entry = entry
        self._client = client
        self._decode = decode
        self._local: LocalStore[tuple[str, str], V] = LocalStore(entry.most_local)
        self._flights: dict[tuple[str, str], _Flight[V]] = {}
        self._lock = threading.Lock()
        self._skip_until = 0.0
        self._local_hit, self._shared_hit, self._miss, self._away = (
            metrics.CACHE.labels(entry.name, result)
            for result in ("local_hit", "shared_hit", "miss", "redis_away")
        )

    def get(self, tenant_id: str, key: str, load: Callable[[], Any]) -> V:
        """The value; where neither level has it, `load` gives what is kept as JSON (not None)."""
        place = (tenant_id, key)
        value = self._local.get(place, clock.monotonic())
        if value is not None:
            self._local_hit.inc()
            return value
        with self._lock:
            flight = self._flights.get(place)
            leads = flight is None
            if flight is None:
                flight = self._flights[place] = _Flight[V]()
        if not leads:
            flight.done.wait(_FLIGHT_SECONDS)
            if flight.value is not None:
                self._local_hit.inc()
                return flight.value
            # The other call failed, or takes long: this one must not fail with it.
            return self._fetch(place, load)
        try:
            flight.value = self._fetch(place, load)
            return flight.value
        finally:
            with self._lock:
                del self._flights[place]
            flight.done.set()

    def _fetch(self, place: tuple[str, str], load: Callable[[], Any]) -> V:
        stored = self._ask_redis(place)
        if stored is not None:
            self._shared_hit.inc()
        else:
            self._miss.inc()
            stored = load()
            self._tell_redis(place, stored)
        value = self._decode(place[0], stored)
        self._local.put(place, value, clock.monotonic() + self._entry.local_seconds)
        return value

    def _name(self, place: tuple[str, str]) -> str:
        # The tenant is the hash tag, as in the gate's keys.
        return f"hms:{{{place[0]}}}:cache:{self._entry.name}:{place[1]}"

    def _ask_redis(self, place: tuple[str, str]) -> Any:
        if self._client is None or clock.monotonic() < self._skip_until:
            return None
        try:
            stored: Any = self._client.get(self._name(place))
            return None if stored is None else orjson.loads(stored)
        except redis.RedisError as error:
            self._failed(error)
        except orjson.JSONDecodeError:
            logs.event(_log, logging.WARNING, "damaged cache entry", cache=self._entry.name)
        return None

    def _tell_redis(self, place: tuple[str, str], value: Any) -> None:
        if self._client is None or clock.monotonic() < self._skip_until:
            return
        try:
            self._client.set(
                self._name(place), orjson.dumps(value), px=int(self._entry.shared_seconds * 1000)
            )
        except redis.RedisError as error:
            self._failed(error)

    def _failed(self, error: redis.RedisError) -> None:
        self._skip_until = clock.monotonic() + _SKIP_SECONDS
        self._away.inc()
        logs.event(
            _log,
            logging.WARNING,
            "cache without Redis",
            cache=self._entry.name,
            error=type(error).__name__,
        )
