"""Tries a mutation again when the database refused it because of a concurrent change."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import TypeVar

from hms_server import errors
from hms_server.context import Call

_ATTEMPTS = 4

S = TypeVar("S")
Q = TypeVar("Q")
R = TypeVar("R")


def on_conflict(method: Callable[[S, Q, Call], R]) -> Callable[[S, Q, Call], R]:
    """Wraps a servicer's mutation, which is safe to run again since its transaction was undone."""

    @functools.wraps(method)
    def attempt(self: S, request: Q, call: Call) -> R:
        for number in range(1, _ATTEMPTS):
            try:
                return method(self, request, call)
            except errors.ConcurrentChange:
                time.sleep(random.uniform(0, 0.01) * number)  # noqa: S311 - spreads, keeps no secret
        return method(self, request, call)

    return attempt
