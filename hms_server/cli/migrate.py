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
    migrations = migrate.read(migrate.folder())
    audit_url = settings.audit_database_url
    if audit_url:
        migrate.check_apart(settings.database_url, audit_url)
    for line in migrate.migrate(settings.database_url, migrations):
        print(line, flush=True)
    if audit_url:
        # The same tables, of which the audit's are used (docs/decisions/0019-separate-audit-database.md).
        for line in migrate.migrate(audit_url, migrations, "HMS_AUDIT_DATABASE_URL"):
            print(f"audit database: {line}", flush=True)
        migrate.make_apart(audit_url)
    return 0
