"""A bounded store in the process whose hits cost a dictionary look-up and take no lock.

Two generations stand in for an LRU list: new entries go into the young one; when it is full it
becomes the old one, and what was not used since then is dropped with the next. An entry that is used
in the old generation moves to the young one.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LocalStore(Generic[K, V]):
    """Values with an end of life, on whichever clock the caller uses."""

    __slots__ = ("_half", "_lock", "_old", "_young")

    def __init__(self, most: int) -> None:
        """Holds `most` entries at the utmost."""
        self._half = max(1, most // 2)
        self._young: dict[K, tuple[float, V]] = {}
        self._old: dict[K, tuple[float, V]] = {}
        self._lock = threading.Lock()

    def get(self, key: K, now: float) -> V | None:
        """The value, None where there is none or its end of life has come."""
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None:
                return None
            self._insert(key, entry)
        if entry[0] <= now:
            return None
        return entry[1]

    def put(self, key: K, value: V, until: float) -> None:
        """Keeps `value` until then."""
        self._insert(key, (until, value))

    def __len__(self) -> int:
        """Entries held, those of both generations counted once."""
        return len(self._young.keys() | self._old.keys())

    def _insert(self, key: K, entry: tuple[float, V]) -> None:
        with self._lock:
            if len(self._young) >= self._half and key not in self._young:
                self._old = self._young
                self._young = {}
            self._young[key] = entry
