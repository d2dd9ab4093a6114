"""Sends bundles to the server: waits where it asks to, tries again what may pass, says why one failed.

To send a bundle twice does no harm: what the server has of it already is left alone.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import grpc
from google.api import httpbody_pb2
from google.rpc import error_details_pb2, status_pb2

from hms.fhir.v1 import fhir_pb2 as pb
from hms_server import clock
from hms_server.fhir.reader import Parcel

# As long as the server works on one bundle.
DEADLINE_SECONDS = 300.0
_DETAILS_KEY = "grpc-status-details-bin"
# A server that is started anew is back within this.
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# Over a limit of how often or how many: told when to try again, as often as it takes.
_WAITS = ("RATE_LIMITED", "TOO_MANY_CALLS_AT_ONCE")
_MAY_PASS = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
_TOKEN_RENEWED = ("TOKEN_EXPIRED", "PERMISSIONS_STALE")
# What the next bundle would meet too.
_NO_USE_TO_GO_ON = (*_MAY_PASS, "UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED")


class Stopped(Exception):
    """The import is being stopped; the bundle was given up."""


class Fault(NamedTuple):
    """What is wrong with a bundle, and where in it."""

    path: str
    text: str


class Refusal(Exception):
    """A bundle that the server refused, with its faults where it named some."""

    def __init__(self, code: str, reason: str, message: str, faults: list[Fault]) -> None:
        super().__init__(f"{code}: {message}" if reason in ("", code) else f"{code} {reason}: {message}")
        self.reason = reason
        self.message = message
        self.faults = faults
        self.ends_all = code in _NO_USE_TO_GO_ON


class _Failure(NamedTuple):
    code: str
    reason: str
    message: str
    faults: list[Fault]
    retry_seconds: float


class Uploader:
    """One for all threads, which wait together: a limit counts per user, not per thread."""

    def __init__(
        self, stub: Any, source: str, stop: threading.Event, on_wait: Callable[[float], None]
    ) -> None:
        """`source` keeps the ids of several systems apart. `on_wait` is told when the server asked for a
        pause of so many seconds."""
        self._stub = stub
        self._source = source
        self._stop = stop
        self._on_wait = on_wait
        self._lock = threading.Lock()
        self._not_before = 0.0  # on clock.monotonic()

    def send(self, parcel: Parcel) -> pb.ImportBundleResponse:
        """What became of the bundle. Raises Refusal, or Stopped."""
        tries = iter(_BACKOFF_SECONDS)
        while True:
            self._pause(self._not_before - clock.monotonic())
            try:
                answer: pb.ImportBundleResponse = self._stub.ImportBundle(
                    self._requests(parcel), timeout=DEADLINE_SECONDS
                )
            except grpc.RpcError as error:
                failure = _read(error)
            except ValueError:
                # The channel was closed, as it is to stop.
                raise Stopped from None
            else:
                return answer
            if self._stop.is_set():
                raise Stopped
            if failure.reason in _WAITS:
                self._limited(failure.retry_seconds)
                continue
            wait = next(tries, None)
            if wait is None or not _may_pass(failure):
                raise Refusal(failure.code, failure.reason, failure.message, failure.faults)
            # A renewed token need not be waited for.
            self._pause(0.0 if failure.reason in _TOKEN_RENEWED else wait)

    def _requests(self, parcel: Parcel) -> Iterator[pb.ImportBundleRequest]:
        source = self._source
        for piece in parcel.pieces or [b""]:
            yield pb.ImportBundleRequest(source=source, bundle=httpbody_pb2.HttpBody(data=piece))
            source = ""

    def _limited(self, seconds: float) -> None:
        until = clock.monotonic() + max(seconds, 0.05)
        with self._lock:
            is_longer = until > self._not_before + 0.5
            self._not_before = max(until, self._not_before)
        if is_longer:
            self._on_wait(seconds)

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            # Not all at the same moment
            self._stop.wait(seconds + random.uniform(0, 0.1))  # noqa: S311
        if self._stop.is_set():
            raise Stopped


def _may_pass(failure: _Failure) -> bool:
    return (
        failure.code in _MAY_PASS
        or failure.reason == "CONCURRENT_CHANGE"
        or (failure.code == "UNAUTHENTICATED" and failure.reason in _TOKEN_RENEWED)
    )


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
                faults = [Fault(v.field, v.description) for v in bad.field_violations]
            elif detail.Unpack(retry):
                retry_seconds = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return _Failure(error.code().name, reason, str(error.details()), faults, retry_seconds)
