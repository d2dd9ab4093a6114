"""Tells the person at the keyboard what is being done, how long it took, and what went on since."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

WIDTH = 46


class Progress:
    """One line for each step. With no stream it says nothing (tests)."""

    def __init__(self, stream: TextIO | None = sys.stdout) -> None:
        self._stream = stream
        self._open_line = False

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Name a step before it begins, and its seconds once it has held."""
        begun = time.monotonic()
        self.end_line()
        self._write(f"  {title:<{WIDTH}}")
        self._open_line = True
        yield
        if self._open_line:
            self._write(f"{time.monotonic() - begun:6.1f} s\n")
            self._open_line = False

    def say(self, text: str) -> None:
        """A line of its own, also in the middle of a step."""
        self.end_line()
        self._write(text + "\n")

    def end_line(self) -> None:
        """Leave the line of a step that did not hold."""
        if self._open_line:
            self._write("\n")
            self._open_line = False

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        # Whoever read the output may have gone (`scripts/run | head`): the system runs on.
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()
