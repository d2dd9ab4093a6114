"""Whose tokens were verified in this process: so a call's hospital is known before its token is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hms_server import clock

_MOST_TOKENS = 50_000


class KnownTokens:
    """Headers by their hash, which is keyed anew in each process; the headers themselves are not kept.

    Only what was verified gets in, and the oldest makes room: nobody fills it with what he made up.
    """

    def __init__(self) -> None:
        self._tenants: dict[int, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Who is told, on the thread of the call, of the first call with each token."""
        self._listeners.append(listener)

    def tenant_of(self, authorization: str) -> str:
        """The hospital whose token this is; empty where that is not known, or the token has expired."""
        known = self._tenants.get(hash(authorization))
        return known[0] if known is not None and known[1] > clock.unix_seconds() else ""

    def learn(self, authorization: str, tenant_id: str, expire_time: float = float("inf")) -> None:
        """A header that was verified. Raises what a listener raises."""
        key = hash(authorization)
        if key in self._tenants:
            return
        with self._lock:
            if len(self._tenants) >= _MOST_TOKENS:
                del self._tenants[next(iter(self._tenants))]
            self._tenants[key] = (tenant_id, expire_time)
        for listener in self._listeners:
            listener(tenant_id)

    def forget(self, authorization: str) -> None:
        """Its session has ended, or its permissions are others: it is nobody's any more."""
        with self._lock:
            self._tenants.pop(hash(authorization), None)
