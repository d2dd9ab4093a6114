"""`hms serve`: the gRPC server; with `--workers N` that many processes on one port, and metrics."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading

from hms_server import bootstrap, config
from hms_server.edge import certificates
from hms_server.edge.server import probe_port
from hms_server.supervise import ChildSpec, Supervisor
from hms_server.telemetry import logs, sampler


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("serve", help="run the gRPC server")
    parser.add_argument("--workers", type=int, default=1, help="server processes (default 1)")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT, then finishes the calls in flight."""
    settings = config.load()
    if arguments.workers > 1:
        # What would stop every child stops this one, with one line.
        probe_port(settings.grpc_listen)
        certificates.from_settings(settings)
        return _supervise(arguments.workers, with_metrics=settings.metrics_dir is not None)
    logs.configure(settings.log_level)
    application = bootstrap.application(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # What stands now (descriptors, modules, chains) stays: no garbage collection need look at it.
    gc.collect()
    gc.freeze()
    application.start()
    sampler.start()
    stop.wait()
    application.stop()
    return 0


def _supervise(workers: int, *, with_metrics: bool) -> int:
    supervisor = Supervisor()
    hms = (sys.executable, "-m", "hms_server")
    commands = {"metrics": (*hms, "metrics")} if with_metrics else {}
    commands |= {f"server-{number}": (*hms, "serve") for number in range(1, workers + 1)}
    for name, command in commands.items():
        supervisor.start(ChildSpec(name=name, argv=command, environment=dict(os.environ)))
    supervisor.run_until_signal()
    return 0
