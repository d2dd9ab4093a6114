"""Where calls wait for a thread: a queue for each hospital, and one for all who are not known."""

from __future__ import annotations

import collections
from typing import Generic, TypeVar

W = TypeVar("W")


class Queue(Generic[W]):
    """Calls of one hospital, in the order of arrival."""

    def __init__(self) -> None:
        self._waiting: collections.deque[W] = collections.deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def append(self, work: W) -> None:
        """The last to be served."""
        self._waiting.append(work)

    def popleft(self) -> W:
        """The next to be served."""
        return self._waiting.popleft()


class StrangersQueue(Generic[W]):
    """Calls whose hospital is not known, of one address after another: a flood waits for itself alone."""

    def __init__(self) -> None:
        # Addresses with calls that wait, the one whose turn it is first.
        self._waiting: collections.OrderedDict[str, collections.deque[W]] = collections.OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, address: str) -> int:
        """How many calls of an address wait."""
        return len(self._waiting.get(address, ()))

    def append_of(self, address: str, work: W) -> None:
        """The last to be served of its address."""
        self._waiting.setdefault(address, collections.deque()).append(work)
        self._count += 1

    def popleft(self) -> W:
        """The next to be served."""
        address, waiting = next(iter(self._waiting.items()))
        work = waiting.popleft()
        self._count -= 1
        if waiting:
            self._waiting.move_to_end(address)
        else:
            del self._waiting[address]
        return work

    def pop_of_the_longest(self, than: int) -> W | None:
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
