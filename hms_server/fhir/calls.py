"""Calls to the server: waits where it asks to, tries again what may pass, says why one failed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2

from hms_server import clock
from hms_server.fhir.datatypes import fhir_path
from hms_server.fhir.element import Fault

_DETAILS_KEY = "grpc-status-details-bin"
# A server that is started anew is back within this.
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_MAY_PASS = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
# What the next record would meet too.
_NO_USE_TO_GO_ON = (*_MAY_PASS, "UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED")


class Stopped(Exception):
    """The import is being stopped; the call was given up while it waited."""


class Refusal(Exception):
    """A call that the server refused: `reason` is ErrorInfo's, `faults` name FHIR paths."""

    def __init__(self, code: str, reason: str, message: str, faults: list[Fault]) -> None:
        super().__init__(f"{code}: {message}" if reason in ("", code) else f"{code} {reason}: {message}")
        self.reason = reason
        self.faults = faults
        self.ends_all = code in _NO_USE_TO_GO_ON


class _Failure(NamedTuple):
    code: str
    reason: str
    message: str
    faults: list[Fault]
    retry_seconds: float


class Calls:
    """One for all threads, which wait together: a limit counts per user, not per thread."""

    def __init__(self, stop: threading.Event, on_wait: Callable[[float], None]) -> None:
        """`on_wait` is told when the server asked for a pause of so many seconds."""
        self._stop = stop
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._not_before: dict[str, float] = {}  # by tier, on clock.monotonic()

    def make(self, tier: str, method: Callable[[Any], Any], request: Any) -> Any:
        """The answer. Raises Refusal, or Stopped."""
        tries = iter(_BACKOFF_SECONDS)
        while True:
            self._pause(self._not_before.get(tier, 0.0) - clock.monotonic())
            try:
                return method(request)
            except grpc.RpcError as error:
                failure = _read(error)
            if failure.reason == "RATE_LIMITED":
                self._limited(tier, failure.retry_seconds)
                continue
            wait = next(tries, None)
            if wait is None or not (failure.code in _MAY_PASS or failure.reason == "CONCURRENT_CHANGE"):
                raise Refusal(failure.code, failure.reason, failure.message, failure.faults)
            self._pause(wait)

    def _limited(self, tier: str, seconds: float) -> None:
        until = clock.monotonic() + max(seconds, 0.05)
        with self._lock:
            is_longer = until > self._not_before.get(tier, 0.0) + 0.5
            self._not_before[tier] = max(until, self._not_before.get(tier, 0.0))
        if is_longer:
            self._on_wait(seconds)

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            # Not all at the same moment
            self._stop.wait(seconds + random.uniform(0, 0.1))  # noqa: S311
        if self._stop.is_set():
            raise Stopped


def _read(error: Any) -> _Failure:
    reason, faults, retry_seconds = "", [], 1.0
    for key, value in error.trailing_metadata() or ():
        if key != _DETAILS_KEY:
            continue
        info, bad, retry = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.BadRequest(),
            error_details_pb2.RetryInfo(),
        )
        for detail in status_pb2.Status.FromString(value).details:
            if detail.Unpack(info):
                reason = str(info.reason)
            elif detail.Unpack(bad):
                faults = [Fault(fhir_path(v.field), str(v.description)) for v in bad.field_violations]
            elif detail.Unpack(retry):
                retry_seconds = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return _Failure(error.code().name, reason, str(error.details()), faults, retry_seconds)
