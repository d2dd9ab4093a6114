"""`hms audit verify`: recomputes the audit chains; exit status 1 where one does not hold."""

from __future__ import annotations

import argparse

from hms_server import config, errors, keyring
from hms_server.audit.verify import Verdict, Verifier
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database

# A piece is read within milliseconds; a server under load may take longer.
_STATEMENT_SECONDS = 120.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("audit", help="verify the audit chain")
    parser.add_argument("action", choices=["verify"])
    parser.add_argument("--tenant", metavar="CODE_OR_ID", default="", help="one tenant only")


def run(arguments: argparse.Namespace) -> int:
    """Verifies every tenant, or one; names the first event of each that is wrong."""
    settings = config.load()
    settings.require("worker_database_url", "keys_file")
    if settings.keys_file is None:
        raise errors.ConfigError("set HMS_KEYS_FILE")
    keys = keyring.load(settings.keys_file)
    pool = Pool(settings.worker_database_url, settings, name="verify", size=1)
    pool.open()
    try:
        return _verify(Verifier(Database(pool, _STATEMENT_SECONDS), keys), arguments.tenant)
    except errors.HmsError as error:
        raise errors.ConfigError(f"the database cannot be read: {error}") from None
    finally:
        pool.close()


def _verify(verifier: Verifier, wanted: str) -> int:
    tenants = [pair for pair in verifier.tenants() if not wanted or wanted in pair]
    if not tenants:
        raise errors.ConfigError(f"no tenant {wanted!r}")
    verdicts = []
    for tenant_id, code in tenants:
        verdict = verifier.verify(tenant_id, code)
        verdicts.append(verdict)
        if verdict.fault is not None:
            print(f"{_name(verdict)}: {verdict.fault}", flush=True)
    broken = sum(verdict.fault is not None for verdict in verdicts)
    events = sum(verdict.events for verdict in verdicts)
    if broken:
        print(f"the audit of {broken} of {len(verdicts)} tenants does not hold")
        return 1
    print(f"the audit holds: {events} events of {len(verdicts)} tenants")
    return 0


def _name(verdict: Verdict) -> str:
    return f"tenant {verdict.code} ({verdict.tenant_id})" if verdict.code else f"tenant {verdict.tenant_id}"
