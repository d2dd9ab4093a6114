"""Brings this process's numbers to Prometheus: tallies twice a second, gauges every two seconds, since gauges
of several processes have no call-back.
"""

from __future__ import annotations

import atexit
import threading

from hms_server.telemetry import metrics

_SECONDS = 0.5
_GAUGES_EVERY = 4


def start() -> None:
    """Starts the sampling thread; it ends with the process, whose last counts are handed over."""
    guard = threading.Lock()

    def hand_over() -> None:
        with guard:
            metrics.hand_over()

    def run() -> None:
        pause = threading.Event()
        turn = 0
        while True:
            if turn % _GAUGES_EVERY == 0:
                metrics.sample()
            hand_over()
            turn += 1
            pause.wait(_SECONDS)

    atexit.register(hand_over)
    threading.Thread(target=run, name="hms-sampler", daemon=True).start()
