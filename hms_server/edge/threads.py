"""The threads that serve calls, shared out fairly: one hospital's burst waits in a queue of its own.

Calls wait in one queue for each hospital, and free threads go round the queues. One hospital never holds the
last thread while another calls, so that slow calls of the one do not keep the other waiting
(docs/decisions/0017-fair-call-threads.md). Whose a call is, is known by its token once that was verified
here; calls without such a token (logins, first calls) share one queue like a hospital, and in it their
addresses take turns.

No queue grows without bound: who has too many calls under way is refused before anything of the call is
read (docs/decisions/0022-bounded-queues.md).
"""

from __future__ import annotations

import concurrent.futures
import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from hms_server import clock
from hms_server.edge import refusal
from hms_server.edge.known import KnownTokens
from hms_server.edge.waiting import Done, Queue, StrangersQueue, Work
from hms_server.gate.allowances import Allowances, too_many
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)
_LATELY_SECONDS = 10.0
# Calls of one hospital under way in one process, the ones that wait among them.
MOST_CALLS = 1000
_STRANGERS = ""


class CallThreads(concurrent.futures.ThreadPoolExecutor):
    """As grpcio wants it, which looks for that class. Its own futures, queue and threads are not used: a call
    is handed to a thread that is free and may take it, and no thread wakes for nothing."""

    def __init__(
        self,
        threads: int,
        *,
        spare: int = 0,
        known: KnownTokens | None = None,
        allowances: Allowances | None = None,
        address_of: Callable[[Any], str] = lambda _event: "",
        most_calls: int = MOST_CALLS,
        name: str = "hms-call",
    ) -> None:
        """`threads` for one hospital, and `spare` more of which one alone holds none.

        Without spare ones a hospital may have all threads, and all but one while another has called within
        the last 10 seconds. `address_of` tells where an event of grpcio came from.
        """
        super().__init__(threads + spare, thread_name_prefix=name)
        self.known = known or KnownTokens()
        self.known.listen(self._is_of)
        self._allowances = allowances or Allowances()
        self._address_of = address_of
        self._most_calls = most_calls
        self._threads_of_one = threads
        self._spare = spare
        self._guard = threading.Lock()
        # Tenants with calls that wait, the one whose turn it is first. Nothing that may be served now waits
        # while a thread is idle.
        self._queues: OrderedDict[str, Queue | StrangersQueue] = OrderedDict()
        self._running: dict[str, int] = {}
        # Whose call each busy thread serves, by the thread's id.
        self._serving: dict[int, str] = {}
        # Tenants of which an upload was told to end, so that another tenant's has its turn.
        self._giving_way: set[str] = set()
        self._called: tuple[str, float] = ("", 0.0)
        self._called_before: tuple[str, float] = ("", 0.0)
        self._idle = threads + spare
        self._handed: queue.SimpleQueue[tuple[str, Work] | None] = queue.SimpleQueue()
        self._started = [
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True)
            for number in range(threads + spare)
        ]
        for thread in self._started:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Hands a call to a thread, queues it with its tenant's, or refuses it. Returns a Done."""
        tenant = self._tenant_of(args)
        work = Work(fn, args, kwargs, Done())
        limit = self._limit(tenant) if tenant else self._most_calls
        with self._guard:
            refused = self._place(tenant, work, limit)
        if refused is not None:
            refusal.refuse(refused.args, too_many(limit))
            refused.done.finished()
        return work.done

    def must_give_way(self, tenant: str) -> bool:
        """Whether a call that waits for its client should end: all threads are its tenant's, and another
        tenant's calls wait. True for one call until that has ended."""
        with self._guard:
            holds_all = self._running.get(tenant, 0) >= self._threads_of_one + self._spare
            if tenant in self._giving_way or not holds_all or not self._queues.keys() - {tenant}:
                return False
            self._giving_way.add(tenant)
            return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the threads once they have served what they were given."""
        for _ in self._started:
            self._handed.put(None)
        if wait:
            for thread in self._started:
                thread.join()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _place(self, tenant: str, work: Work, limit: int) -> Work | None:
        """Hands it on, or queues it; returns the call that is refused, this one or a stranger's for it."""
        if not self._spare:
            self._note(tenant)
        if tenant and self._under_way(tenant) >= limit and refusal.can_refuse(work.args):
            return work
        if self._idle and self._running.get(tenant, 0) < self._share(tenant):
            self._hand(tenant, work)
            return None
        if tenant:
            self._queue_of(tenant).append(work)
            return None
        return self._queue_stranger(work)

    def _queue_of(self, tenant: str) -> Queue:
        found = self._queues.get(tenant)
        if found is None:
            found = self._queues[tenant] = Queue()
        assert isinstance(found, Queue)
        return found

    def _under_way(self, tenant: str) -> int:
        waiting = self._queues.get(tenant)
        return self._running.get(tenant, 0) + (0 if waiting is None else len(waiting))

    def _limit(self, tenant: str) -> int:
        limits = self._allowances.of(tenant)
        own = limits.concurrent_calls if limits is not None else 0
        return min(own, self._most_calls) if own else self._most_calls

    def _queue_stranger(self, work: Work) -> Work | None:
        """Queues a call of nobody known; returns the one that is refused for it.

        Where the queue is full an address that has fewer calls in it takes the place of one with more.
        """
        address = self._address_of(work.args[1]) if len(work.args) > 1 else ""
        waiting = self._queues.get(_STRANGERS)
        if waiting is None:
            waiting = self._queues[_STRANGERS] = StrangersQueue()
        assert isinstance(waiting, StrangersQueue)
        refused = None
        if len(waiting) >= self._most_calls and refusal.can_refuse(work.args):
            refused = waiting.pop_of_the_longest(waiting.of(address) + 1)
            if refused is None:
                return work
        waiting.append_of(address, work)
        return refused

    def _hand(self, tenant: str, work: Work) -> None:
        self._idle -= 1
        self._running[tenant] = self._running.get(tenant, 0) + 1
        self._handed.put((tenant, work))

    def _serve(self) -> None:
        """What a thread does: serves what it is handed, then whose turn it is, while something may be."""
        me = threading.get_ident()
        taken = self._handed.get()
        while taken is not None:
            self._serving[me], work = taken
            done = work.done
            try:
                work.fn(*work.args, **work.kwargs)
            except BaseException as error:  # noqa: BLE001 - grpcio lets none through; the next call is served
                logs.event(_log, logging.ERROR, "a call's thread failed", error=type(error).__name__)
            # Nothing of the call stays here while the thread waits.
            del work, taken
            with self._guard:
                self._ended(self._serving.pop(me))
                taken = self._take()
                if taken is None:
                    self._idle += 1
            # Outside the guard: it takes a lock of grpcio's, which is held where calls are submitted.
            done.finished()
            if taken is None:
                taken = self._handed.get()

    def _take(self) -> tuple[str, Work] | None:
        for tenant, waiting in self._queues.items():
            if self._running.get(tenant, 0) < self._share(tenant):
                work = waiting.popleft()
                if waiting:
                    self._queues.move_to_end(tenant)
                else:
                    del self._queues[tenant]
                self._running[tenant] = self._running.get(tenant, 0) + 1
                return tenant, work
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
            limit = self._limit(tenant)
            if self._under_way(tenant) < limit:
                self._ended(_STRANGERS)
                self._running[tenant] = self._running.get(tenant, 0) + 1
                self._serving[me] = tenant
                # One more of the strangers may be served now.
                taken = self._take() if self._idle else None
                if taken is not None:
                    self._idle -= 1
                    self._handed.put(taken)
                return
        raise too_many(limit)

    def _share(self, tenant: str) -> int:
        if self._spare:
            return self._threads_of_one
        latest, when = self._called if self._called[0] != tenant else self._called_before
        alone = latest == tenant or when <= clock.monotonic() - _LATELY_SECONDS
        return self._threads_of_one if alone else max(1, self._threads_of_one - 1)

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
