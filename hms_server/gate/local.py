"""What stands in for Redis while it is away: versions from PostgreSQL, kept 60 s; a local limiter."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable

from hms_server import clock
from hms_server.gate.bounds import WITHOUT_REDIS_SECONDS
from hms_server.gate.state import GateState
from hms_server.gate.tiers import Limit

_MOST_ENTRIES = 50_000
# Calls of one thousandth of a window are kept as one.
_GRAINS = 1000
_LEAST_WAIT = 0.001


class LocalStates:
    """Gate states loaded from PostgreSQL, each kept 60 s at most."""

    def __init__(self, load: Callable[[str, str, str], GateState | None]) -> None:
        self._load = load
        self._kept: dict[tuple[str, str, str], tuple[float, GateState]] = {}
        self._lock = threading.Lock()

    def get(self, tenant_id: str, user_id: str, session_id: str) -> GateState | None:
        """The state; raises Unavailable where PostgreSQL is away too."""
        key = (tenant_id, user_id, session_id)
        kept = self._kept.get(key)
        asked = clock.monotonic()
        if kept is not None and kept[0] > asked:
            return kept[1]
        # Its time runs from before it was read: reading may take long.
        state = self._load(tenant_id, user_id, session_id)
        if state is not None:
            with self._lock:
                if len(self._kept) >= _MOST_ENTRIES:
                    self._kept.clear()
                self._kept[key] = (asked + WITHOUT_REDIS_SECONDS, state)
        return state

    def clear(self) -> None:
        """Forgets everything: Redis is back."""
        with self._lock:
            self._kept.clear()


class LocalLimiter:
    """A sliding window over this process's own calls, in bounded memory whatever is called."""

    def __init__(self) -> None:
        # Time and number of calls, the latest time where several are kept as one.
        self._calls: dict[str, collections.deque[list[float]]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, limit: Limit, weight: int = 1) -> float:
        """Counts a call. Returns 0 where it is within the limit, else the seconds to wait."""
        now = clock.monotonic()
        weight = min(weight, limit.calls)
        with self._lock:
            wait = self._wait(key, limit, weight, now)
            if wait:
                return wait
            calls = self._calls.get(key)
            if calls is None:
                if len(self._calls) >= _MOST_ENTRIES:
                    # The oldest makes room.
                    del self._calls[next(iter(self._calls))]
                calls = self._calls[key] = collections.deque()
            grain = limit.seconds / _GRAINS
            if calls and calls[-1][0] // grain == now // grain:
                calls[-1] = [now, calls[-1][1] + weight]
            else:
                calls.append([now, weight])
            return 0.0

    def wait(self, key: str, limit: Limit) -> float:
        """What `take` would return; counts nothing."""
        with self._lock:
            return self._wait(key, limit, 1, clock.monotonic())

    def _wait(self, key: str, limit: Limit, weight: int, now: float) -> float:
        calls = self._calls.get(key)
        while calls and calls[0][0] <= now - limit.seconds:
            calls.popleft()
        over = sum(count for _, count in calls or ()) + weight - limit.calls
        for time, count in calls or ():
            if over <= 0:
                break
            over -= count
            if over <= 0:
                # Never 0, which floating point could make of very little: that would let the call pass.
                return max(time + limit.seconds - now, _LEAST_WAIT)
        return 0.0

    def give_back(self, key: str) -> None:
        """Takes the last call off the count."""
        with self._lock:
            calls = self._calls.get(key)
            if calls:
                calls[-1][1] -= 1

    def forget(self, key: str) -> None:
        """Starts anew."""
        with self._lock:
            self._calls.pop(key, None)


class RecentKeys:
    """Keys that were added lately; all are forgotten when there are too many."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def add(self, key: str) -> None:
        """Adds one."""
        if len(self._keys) >= _MOST_ENTRIES:
            self._keys.clear()
        self._keys.add(key)

    def __contains__(self, key: str) -> bool:
        """Whether it was added."""
        return key in self._keys
