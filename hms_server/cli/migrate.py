"""`hms migrate`: brings the schema up to date and says what it did."""

from __future__ import annotations

import argparse

from hms_server import config
from hms_server.database import migrate


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    subparsers.add_parser("migrate", help="bring the schema up to date")


def run(arguments: argparse.Namespace) -> int:
    """Applies what is missing."""
    settings = config.load(serving=False)
    settings.require("database_url")
    for line in migrate.migrate(settings.database_url, migrate.read(migrate.folder())):
        print(line, flush=True)
    return 0
