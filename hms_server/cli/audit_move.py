"""`hms audit move`: the audit that stands in the main database goes into its own."""

from __future__ import annotations

import contextlib

import psycopg

from hms_server import errors
from hms_server.config import Settings
from hms_server.database.migrate import check_apart
from hms_server.offboarding.audit_move import move


def run(settings: Settings) -> int:
    """Moves it; raises ConfigError with one line."""
    settings.require("database_url", "audit_database_url")
    check_apart(settings.database_url, settings.audit_database_url)
    urls = (settings.database_url, settings.audit_database_url)
    try:
        with contextlib.ExitStack() as opened:
            main, audit = (
                opened.enter_context(psycopg.connect(url, autocommit=True, application_name="hms-audit"))
                for url in urls
            )
            moved = move(main, audit, lambda line: print(line, flush=True))
    except psycopg.Error as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise errors.ConfigError(f"{line}: run it again") from None
    print(f"moved the audit of {moved} tenants: now run `hms audit verify`")
    return 0
