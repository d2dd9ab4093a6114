"""Samples this process's gauges every few seconds, since multiprocess gauges have no call-back."""

from __future__ import annotations

import threading

from hms_server.telemetry import metrics

_SECONDS = 2.0


def start() -> None:
    """Starts the sampling thread; it ends with the process."""

    def run() -> None:
        pause = threading.Event()
        while True:
            metrics.sample()
            pause.wait(_SECONDS)

    threading.Thread(target=run, name="hms-sampler", daemon=True).start()
