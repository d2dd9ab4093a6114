"""What every call counts, kept in memory by thread and handed to Prometheus by the sampler.

A value of prometheus_client's multiprocess mode takes one lock of the whole process, asks the kernel for
the process id and writes to a file; a call makes nine such steps. Here each thread adds to cells of its own,
which takes no lock and loses nothing; what was added since the last time is handed over twice a second. A
process that is killed takes the counts of its last half second along.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram


class _Cells:
    """Numbers that each thread adds to alone; their sums over all threads."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._mine = threading.local()
        self._all: list[list[float]] = []

    def mine(self) -> list[float]:
        """The calling thread's cells."""
        try:
            cells: list[float] = self._mine.cells
        except AttributeError:
            cells = self._mine.cells = [0.0] * self._width
            self._all.append(cells)
        return cells

    def sums(self) -> list[float]:
        """Of every thread that ever added."""
        return [sum(column) for column in zip(*tuple(self._all), strict=True)] or [0.0] * self._width


class Tally:
    """Counts for a counter. `inc` as the counter's own."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._cells = _Cells(1)
        self._handed = 0.0

    def inc(self) -> None:
        """One more."""
        self._cells.mine()[0] += 1

    def hand_over(self) -> None:
        """Adds what is new to the counter; one thread at a time."""
        (total,) = self._cells.sums()
        if total != self._handed:
            self._counter.inc(total - self._handed)
            self._handed = total


class LevelTally:
    """What goes up and down, for a gauge."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._cells = _Cells(1)

    def inc(self) -> None:
        """One more."""
        self._cells.mine()[0] += 1

    def dec(self) -> None:
        """One less."""
        self._cells.mine()[0] -= 1

    def hand_over(self) -> None:
        """Sets the gauge; one thread at a time."""
        self._gauge.set(self._cells.sums()[0])


class TimeTally:
    """Observations for a histogram whose upper bounds are `bounds`. `observe` as the histogram's own."""

    def __init__(self, histogram: Histogram, bounds: Sequence[float]) -> None:
        self._histogram = histogram
        self._bounds = tuple(bounds)
        # one for each bound, one for what is above them all, the sum
        self._cells = _Cells(len(self._bounds) + 2)
        self._handed = [0.0] * (len(self._bounds) + 2)

    def observe(self, seconds: float) -> None:
        """One observation."""
        cells = self._cells.mine()
        cells[bisect.bisect_left(self._bounds, seconds)] += 1
        cells[-1] += seconds

    def hand_over(self) -> None:
        """Adds what is new to the histogram; one thread at a time."""
        sums = self._cells.sums()
        if sums == self._handed:
            return
        new = [total - before for total, before in zip(sums, self._handed, strict=True)]
        # prometheus_client has no public way to add many observations; tests/unit/test_tally.py compares.
        for bucket, count in zip(self._histogram._buckets, new, strict=False):
            if count:
                bucket.inc(count)
        self._histogram._sum.inc(new[-1])
        self._handed = sums
