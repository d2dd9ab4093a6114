"""What stands in for Redis while it is away: versions from PostgreSQL, kept 60 s; a local limiter."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable

from hms_server import clock
from hms_server.gate.state import GateState
from hms_server.gate.tiers import Limit

_KEEP_SECONDS = 60.0
_MOST_ENTRIES = 50_000


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
        if kept is not None and kept[0] > clock.monotonic():
            return kept[1]
        state = self._load(tenant_id, user_id, session_id)
        if state is not None:
            with self._lock:
                if len(self._kept) >= _MOST_ENTRIES:
                    self._kept.clear()
                self._kept[key] = (clock.monotonic() + _KEEP_SECONDS, state)
        return state

    def clear(self) -> None:
        """Forgets everything: Redis is back."""
        with self._lock:
            self._kept.clear()


class LocalLimiter:
    """A sliding window over this process's own calls."""

    def __init__(self) -> None:
        self._calls: dict[str, collections.deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, limit: Limit) -> float:
        """Counts a call. Returns 0 where it is within the limit, else the seconds to wait."""
        now = clock.monotonic()
        with self._lock:
            if key not in self._calls and len(self._calls) >= _MOST_ENTRIES:
                self._calls.clear()
            calls = self._calls.setdefault(key, collections.deque())
            while calls and calls[0] <= now - limit.seconds:
                calls.popleft()
            if len(calls) >= limit.calls:
                return calls[0] + limit.seconds - now
            calls.append(now)
            return 0.0
