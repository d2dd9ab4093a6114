"""`hms database create`: roles and database, with a superuser's address."""

from __future__ import annotations

import argparse

from hms_server import config
from hms_server.database.create import create


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("database", help="create the roles and the database")
    parser.add_argument("action", choices=["create"])


def run(arguments: argparse.Namespace) -> int:
    """Creates what is missing and says what it made."""
    settings = config.load(serving=False)
    settings.require("admin_database_url", "database_url", "app_database_url", "worker_database_url")
    made = create(
        settings.admin_database_url,
        settings.database_url,
        settings.app_database_url,
        settings.worker_database_url,
    )
    print("\n".join(f"created {what}" for what in made) or "roles and database stand")
    return 0
