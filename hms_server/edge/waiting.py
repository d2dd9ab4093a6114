"""Where calls wait for a thread: a queue for each hospital, and one for all who are not known."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any, NamedTuple


class Done:
    """What grpcio asks of a future: to be told when the call is done. A real one costs a condition a call."""

    __slots__ = ("_callbacks", "_finished")

    def __init__(self) -> None:
        self._finished = False
        self._callbacks: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Called once; at once where the call is done already."""
        self._callbacks.append(callback)
        if self._finished:
            self._tell()

    def finished(self) -> None:
        """The call is done."""
        self._finished = True
        self._tell()

    def _tell(self) -> None:
        # Each is popped once, whichever thread comes first.
        while self._callbacks:
            try:
                callback = self._callbacks.pop()
            except IndexError:
                return
            callback(self)


class Work(NamedTuple):
    """A call as grpcio submits it."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    done: Done


class Queue:
    """Calls of one hospital, in the order of arrival."""

    def __init__(self) -> None:
        self._waiting: collections.deque[Work] = collections.deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def append(self, work: Work) -> None:
        """The last to be served."""
        self._waiting.append(work)

    def popleft(self) -> Work:
        """The next to be served."""
        return self._waiting.popleft()


class StrangersQueue:
    """Calls whose hospital is not known, of one address after another: a flood waits for itself alone."""

    def __init__(self) -> None:
        # Addresses with calls that wait, the one whose turn it is first.
        self._waiting: collections.OrderedDict[str, collections.deque[Work]] = collections.OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, address: str) -> int:
        """How many calls of an address wait."""
        return len(self._waiting.get(address, ()))

    def append_of(self, address: str, work: Work) -> None:
        """The last to be served of its address."""
        self._waiting.setdefault(address, collections.deque()).append(work)
        self._count += 1

    def popleft(self) -> Work:
        """The next to be served."""
        address, waiting = next(iter(self._waiting.items()))
        work = waiting.popleft()
        self._count -= 1
        if waiting:
            self._waiting.move_to_end(address)
        else:
            del self._waiting[address]
        return work

    def pop_of_the_longest(self, than: int) -> Work | None:
        """Takes the last call of the address with the most, where that has more than `than`."""
        address = max(self._waiting, key=lambda each: len(self._waiting[each]), default=None)
        if address is None or len(self._waiting[address]) <= than:
            return None
        waiting = self._waiting[address]
        work = waiting.pop()
        self._count -= 1
        if not waiting:
            del self._waiting[address]
        return work
