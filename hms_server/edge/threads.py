"""The threads that serve calls, shared out fairly: one hospital's burst waits in a queue of its own.

Calls wait in one queue for each hospital, and free threads go round the queues. While another hospital
has called within the last 10 seconds, one holds at most all threads but one, so that slow calls of the one do
not keep the other waiting. Whose a call is, is known by its token once that was verified here; calls without
such a token (logins, first calls) share one queue like a hospital.
"""

from __future__ import annotations

import collections
import concurrent.futures
import logging
import threading
from collections.abc import Callable
from typing import Any

from hms_server import clock
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)
_LATELY_SECONDS = 10.0
_MOST_TOKENS = 50_000
_Work = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class CallThreads(concurrent.futures.ThreadPoolExecutor):
    """As grpcio wants it; a future tells that some call is done, which is all that grpcio counts."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, thread_name_prefix="hms-call")
        self._threads_of_all = threads
        self._guard = threading.Lock()
        # Tenants with calls that wait, the one whose turn it is first.
        self._queues: collections.OrderedDict[str, collections.deque[_Work]] = collections.OrderedDict()
        self._running: dict[str, int] = {}
        # Threads that found every waiting call above its tenant's share: whoever ends goes on for them.
        self._put_off = 0
        self._called: tuple[str, float] = ("", 0.0)
        self._called_before: tuple[str, float] = ("", 0.0)
        self._tenants: dict[int, str] = {}

    def learn(self, authorization: str, tenant_id: str) -> None:
        """A header that was verified, and whose it is. The header itself is not kept."""
        if len(self._tenants) >= _MOST_TOKENS:
            self._tenants.clear()
        self._tenants[hash(authorization)] = tenant_id

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Queues a call with its tenant's."""
        tenant = self._tenant_of(args)
        with self._guard:
            self._note(tenant)
            queue = self._queues.get(tenant)
            if queue is None:
                queue = self._queues[tenant] = collections.deque()
            queue.append((fn, args, kwargs))
        return super().submit(self._serve)

    def _serve(self) -> None:
        """Serves whose turn it is, and what was put off meanwhile."""
        with self._guard:
            taken = self._take()
            if taken is None:
                self._put_off += 1
        while taken is not None:
            tenant, (fn, args, kwargs) = taken
            try:
                fn(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - grpcio lets none through; the next call is served
                logs.event(_log, logging.ERROR, "a call's thread failed", error=type(error).__name__)
            finally:
                # Nothing of the call stays here while the thread waits.
                del fn, args, kwargs
                with self._guard:
                    self._ended(tenant)
                    taken = self._take() if self._put_off else None
                    if taken is not None:
                        self._put_off -= 1

    def _take(self) -> tuple[str, _Work] | None:
        for tenant, queue in self._queues.items():
            if self._running.get(tenant, 0) < self._share(tenant):
                work = queue.popleft()
                if queue:
                    self._queues.move_to_end(tenant)
                else:
                    del self._queues[tenant]
                self._running[tenant] = self._running.get(tenant, 0) + 1
                return tenant, work
        return None

    def _ended(self, tenant: str) -> None:
        left = self._running[tenant] - 1
        if left:
            self._running[tenant] = left
        else:
            del self._running[tenant]

    def _share(self, tenant: str) -> int:
        latest, when = self._called if self._called[0] != tenant else self._called_before
        alone = latest == tenant or when <= clock.monotonic() - _LATELY_SECONDS
        return self._threads_of_all if alone else max(1, self._threads_of_all - 1)

    def _note(self, tenant: str) -> None:
        if self._called[0] != tenant:
            self._called_before = self._called
        self._called = (tenant, clock.monotonic())

    def _tenant_of(self, args: tuple[Any, ...]) -> str:
        """By the call's event, which grpcio hands over as the second argument."""
        event = args[1] if len(args) > 1 else None
        for key, value in getattr(event, "invocation_metadata", None) or ():
            if key == "authorization":
                return self._tenants.get(hash(value), "")
        return ""
