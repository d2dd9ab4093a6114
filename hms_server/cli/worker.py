"""`hms worker`: runs background jobs until it is told to stop; any number may run."""

from __future__ import annotations

import argparse

from hms_server import config
from hms_server.jobs import queues
from hms_server.telemetry import logs, sampler
from hms_server.workers import parts, worker

# The job at hand needs one.
_CONNECTIONS = 2


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("worker", help="run a queue worker")
    parser.add_argument(
        "--queue",
        action="append",
        choices=queues.QUEUES,
        help="work on this queue alone (may be given several times; default: on all, in this order)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Works until SIGTERM or SIGINT; the job at hand is finished first."""
    settings = config.load()
    logs.configure(settings.log_level)
    opened = parts.open_parts(settings, _CONNECTIONS)
    parts.install(opened)
    sampler.start()
    names = tuple(name for name in queues.QUEUES if name in (arguments.queue or queues.QUEUES))
    worker.run(queues.connect(settings, worker.ANSWER_SECONDS), names)
    opened.close()
    return 0
