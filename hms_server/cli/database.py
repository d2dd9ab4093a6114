"""`hms database create`: roles and database, with a superuser's address."""

from __future__ import annotations

import argparse

from hms_server import config
from hms_server.config import Settings
from hms_server.database.create import create, password_of, same_server
from hms_server.errors import ConfigError


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
    if settings.audit_database_url:
        made += create_audit(settings)
    print("\n".join(f"created {what}" for what in made) or "roles and database stand")
    return 0


def create_audit(settings: Settings) -> list[str]:
    """The same for the separate audit database; on one server the two share their roles."""
    pairs = [
        (settings.database_url, settings.audit_database_url),
        (settings.app_database_url, settings.audit_app_database_url),
        (settings.worker_database_url, settings.audit_worker_database_url),
    ]
    admin_url = settings.audit_admin_database_url or settings.admin_database_url
    if not same_server(admin_url, settings.audit_database_url):
        raise ConfigError("HMS_AUDIT_DATABASE_URL is on another server: set HMS_AUDIT_ADMIN_DATABASE_URL")
    if any(same_server(main, audit) and password_of(main) != password_of(audit) for main, audit in pairs):
        raise ConfigError(
            "the audit database is on the main database's server, where the roles are the same: "
            "give both addresses of a role the same password"
        )
    made = create(
        admin_url,
        settings.audit_database_url,
        settings.audit_app_database_url,
        settings.audit_worker_database_url,
        "HMS_AUDIT_ADMIN_DATABASE_URL",
    )
    return [f"{what} (audit)" for what in made]
