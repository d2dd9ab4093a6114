"""Runs background work: measured, logged, and with failures that may be shown.

What a job raises is kept in Redis for the operator. Its text is replaced unless it is known to hold nothing
of a patient: a KeyError quotes the key it did not find.
"""

from __future__ import annotations

import logging
import pathlib
import traceback
from collections.abc import Callable
from typing import TypeVar

from hms_server import clock
from hms_server.audit.drain import ChainBroken
from hms_server.errors import HmsError
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

R = TypeVar("R")


class JobFailed(Exception):
    """A job failed; the text says where and how, without values."""


def describe(error: BaseException) -> str:
    """One line about `error` that is safe to keep and to show."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {pathlib.Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    what = f": {error}" if isinstance(error, HmsError | ChainBroken) else ""
    return f"{type(error).__name__}{where}{what}"


def measured(name: str, work: Callable[[], R], log_failures: bool = True) -> R:
    """Runs `work` as the job `name`; raises JobFailed in place of what it raises."""
    started = clock.monotonic()
    result = "ok"
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - told apart by `describe`, raised again
        result = "error"
        failure = describe(error)
        if log_failures:
            logs.event(_log, logging.ERROR, "a job failed", job=name, failure=failure)
        raise JobFailed(failure) from None
    finally:
        metrics.JOB_SECONDS.labels(name, result).observe(clock.monotonic() - started)
