"""The threads that serve calls, shared out fairly: one hospital's burst waits in a queue of its own.

Calls wait in one queue for each hospital, and free threads go round the queues. While another hospital
has called within the last 10 seconds, one holds at most all threads but one, so that slow calls of the one do
not keep the other waiting. Whose a call is, is known by its token once that was verified here; calls without
such a token (logins, first calls) share one queue like a hospital, and in it their addresses take turns.

No queue grows without bound: who has too many calls under way is refused before anything of the call is
read (docs/decisions/0022-bounded-queues.md).
"""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from hms_server import clock
from hms_server.edge import refusal
from hms_server.edge.known import KnownTokens
from hms_server.edge.waiting import Queue, StrangersQueue
from hms_server.gate.allowances import Allowances, too_many
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)
_LATELY_SECONDS = 10.0
# Calls of one hospital under way in one process, the ones that wait among them.
MOST_CALLS = 1000
_STRANGERS = ""
_Work = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class CallThreads(concurrent.futures.ThreadPoolExecutor):
    """As grpcio wants it; a future tells that some call is done, which is all that grpcio counts."""

    def __init__(
        self,
        threads: int,
        *,
        known: KnownTokens | None = None,
        allowances: Allowances | None = None,
        address_of: Callable[[Any], str] = lambda _event: "",
        most_calls: int = MOST_CALLS,
        name: str = "hms-call",
    ) -> None:
        """`address_of` tells where an event of grpcio came from."""
        super().__init__(threads, thread_name_prefix=name)
        self.known = known or KnownTokens()
        self.known.listen(self._is_of)
        self._allowances = allowances or Allowances()
        self._address_of = address_of
        self._most_calls = most_calls
        self._threads_of_all = threads
        self._guard = threading.Lock()
        # Tenants with calls that wait, the one whose turn it is first.
        self._queues: OrderedDict[str, Queue[_Work] | StrangersQueue[_Work]] = OrderedDict()
        self._running: dict[str, int] = {}
        # Whose call each busy thread serves, by the thread's id.
        self._serving: dict[int, str] = {}
        # Threads that found every waiting call above its tenant's share: whoever ends goes on for them.
        self._put_off = 0
        # Tenants of which an upload was told to end, so that another tenant's has its turn.
        self._giving_way: set[str] = set()
        self._called: tuple[str, float] = ("", 0.0)
        self._called_before: tuple[str, float] = ("", 0.0)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Queues a call with its tenant's, or refuses it."""
        tenant = self._tenant_of(args)
        work = (fn, args, kwargs)
        if tenant:
            with self._guard:
                self._note(tenant)
                over = self._queued(tenant, work)
            refused = work if over else None
        else:
            refused, over = self._queue_stranger(work)
        if refused is None:
            return super().submit(self._serve)
        # Either this call, or one whose place it takes: that one's thread is on its way.
        try:
            refusal.refuse(refused[1], too_many(over))
        except Exception as error:  # noqa: BLE001 - this thread takes every call from the wire
            logs.event(_log, logging.ERROR, "a call could not be refused", error=type(error).__name__)
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        done.set_result(None)
        return done

    def must_give_way(self, tenant: str) -> bool:
        """Whether a call that waits for its client should end: all threads are its tenant's, and another
        tenant's calls wait. True for one call until that has ended."""
        with self._guard:
            holds_all = self._running.get(tenant, 0) >= self._threads_of_all
            if tenant in self._giving_way or not holds_all or not self._queues.keys() - {tenant}:
                return False
            self._giving_way.add(tenant)
            return True

    def _queued(self, tenant: str, work: _Work) -> int:
        """Queues a tenant's call; returns the limit where that is reached and nothing is queued."""
        queue = self._queues.get(tenant)
        limit = self._limit(tenant)
        waiting = 0 if queue is None else len(queue)
        if waiting + self._running.get(tenant, 0) >= limit and refusal.can_refuse(work[1]):
            return limit
        if queue is None:
            queue = self._queues[tenant] = Queue()
        assert isinstance(queue, Queue)
        queue.append(work)
        return 0

    def _limit(self, tenant: str) -> int:
        limits = self._allowances.of(tenant)
        own = limits.concurrent_calls if limits is not None else 0
        return min(own, self._most_calls) if own else self._most_calls

    def _queue_stranger(self, work: _Work) -> tuple[_Work | None, int]:
        """Queues a call of nobody known; returns the one that is refused for it, and the limit.

        Where the queue is full an address that has fewer calls in it takes the place of one with more.
        """
        args = work[1]
        address = self._address_of(args[1]) if len(args) > 1 else ""
        with self._guard:
            self._note(_STRANGERS)
            queue = self._queues.get(_STRANGERS)
            if queue is None:
                queue = self._queues[_STRANGERS] = StrangersQueue()
            assert isinstance(queue, StrangersQueue)
            refused = None
            if len(queue) >= self._most_calls and refusal.can_refuse(args):
                refused = queue.pop_of_the_longest(queue.of(address) + 1)
                if refused is None:
                    return work, self._most_calls
            queue.append_of(address, work)
        return refused, self._most_calls

    def _serve(self) -> None:
        """Serves whose turn it is, and what was put off meanwhile."""
        me = threading.get_ident()
        with self._guard:
            taken = self._take(me)
            if taken is None:
                self._put_off += 1
        while taken is not None:
            fn, args, kwargs = taken
            try:
                fn(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - grpcio lets none through; the next call is served
                logs.event(_log, logging.ERROR, "a call's thread failed", error=type(error).__name__)
            finally:
                # Nothing of the call stays here while the thread waits.
                del fn, args, kwargs
                with self._guard:
                    self._ended(self._serving.pop(me))
                    taken = self._take(me) if self._put_off else None
                    if taken is not None:
                        self._put_off -= 1

    def _take(self, me: int) -> _Work | None:
        for tenant, queue in self._queues.items():
            if self._running.get(tenant, 0) < self._share(tenant):
                work = queue.popleft()
                if queue:
                    self._queues.move_to_end(tenant)
                else:
                    del self._queues[tenant]
                self._running[tenant] = self._running.get(tenant, 0) + 1
                self._serving[me] = tenant
                return work
        return None

    def _ended(self, tenant: str) -> None:
        self._giving_way.discard(tenant)
        left = self._running[tenant] - 1
        if left:
            self._running[tenant] = left
        else:
            del self._running[tenant]

    def _is_of(self, tenant: str) -> None:
        """The stranger's call that this thread serves turned out to be of a tenant; raises OverAllowance."""
        me = threading.get_ident()
        with self._guard:
            if self._serving.get(me) != _STRANGERS:
                return
            queue = self._queues.get(tenant)
            limit = self._limit(tenant)
            if (0 if queue is None else len(queue)) + self._running.get(tenant, 0) < limit:
                self._ended(_STRANGERS)
                self._running[tenant] = self._running.get(tenant, 0) + 1
                self._serving[me] = tenant
                return
        raise too_many(limit)

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
                return self.known.tenant_of(value)
        return _STRANGERS
