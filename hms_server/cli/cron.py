"""`hms cron`: runs the periodic jobs until it is told to stop; one is enough, more do no harm."""

from __future__ import annotations

import argparse

from hms_server import config
from hms_server.telemetry import logs, sampler
from hms_server.workers import cron, parts

# Tasks that use the database at one time: sweep, partitions, anchors, retention, purge.
_CONNECTIONS = 5


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    subparsers.add_parser("cron", help="run the periodic jobs")


def run(arguments: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT; what is under way is finished first."""
    settings = config.load()
    logs.configure(settings.log_level)
    opened = parts.open_parts(settings, _CONNECTIONS)
    sampler.start()
    cron.Cron(cron.tasks(opened)).run_until_signal()
    opened.close()
    return 0
