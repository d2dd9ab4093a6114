"""The only reader of the clock, so that tests can hold it still."""

from __future__ import annotations

import datetime
import time


def now() -> datetime.datetime:
    """The present time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def unix_seconds() -> float:
    """Seconds since 1970-01-01T00:00:00Z."""
    return time.time()


def monotonic() -> float:
    """Seconds on a clock that never goes back; for durations and deadlines."""
    return time.monotonic()


def date_of(seconds: float) -> str:
    """The UTC date of a Unix time: "2026-11-24"."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
