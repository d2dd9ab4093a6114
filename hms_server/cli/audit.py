"""`hms audit verify` and `verify-archive` recompute the audit chains (exit status 1 where one does not hold);
`hms audit export` writes the events out."""

from __future__ import annotations

import argparse
import datetime
import pathlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hms_server import config, errors, keyring
from hms_server.audit import anchor_file
from hms_server.audit.anchor import Anchor
from hms_server.audit.verify import Verdict, Verifier
from hms_server.cli import audit_archive, audit_export, audit_move
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database

# A piece is read within milliseconds; a server under load may take longer.
_STATEMENT_SECONDS = 120.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("audit", help="verify or export the audit, or verify its archive")
    actions = parser.add_subparsers(dest="action", required=True, metavar="verify|verify-archive|export|move")
    verify = actions.add_parser(
        "verify",
        help="recompute the chains",
        description="Follows each hospital's chain and names the first event that is wrong, and what was "
        "done: edit, deletion, insertion, reordering, truncation.",
        epilog="Exit status: 0 the audit holds, 1 it does not, 2 wrong configuration.",
    )
    verify.add_argument("--tenant", metavar="CODE_OR_ID", default="", help="one tenant only")
    verify.add_argument(
        "--from",
        dest="since",
        type=_date,
        metavar="DATE",
        help="begin at the last signed anchor before this day (YYYY-MM-DD, UTC)",
    )
    archived = actions.add_parser(
        "verify-archive",
        help="verify archived months",
        description="Verifies each file, each chain and how the archives join each other and, where"
        " HMS_WORKER_DATABASE_URL is set, the checkpoints of the database.",
        epilog="Exit status: 0 the archive holds, 1 it does not, 2 wrong configuration.",
    )
    archived.add_argument("folder", type=pathlib.Path, metavar="FOLDER", help="of all months, or of one")
    for each in (verify, archived):
        each.add_argument(
            "--anchors",
            type=pathlib.Path,
            metavar="FILE",
            help="a copy of the anchors from outside the database (HMS_ANCHOR_FILE if not given)",
        )
    export = actions.add_parser(
        "export",
        help="write events to standard output",
        description="The events of a hospital in the order of time, as FHIR R4 AuditEvent resources (NDJSON) "
        "or CSV. The export is recorded in the hospital's audit.",
    )
    export.add_argument("--tenant", metavar="CODE_OR_ID", required=True)
    export.add_argument(
        "--from", dest="since", type=_date, required=True, metavar="DATE", help="first day, UTC"
    )
    export.add_argument("--to", dest="until", type=_date, metavar="DATE", help="not included (all there is)")
    export.add_argument("--format", choices=audit_export.FORMATS, default="fhir")
    actions.add_parser(
        "move",
        help="move the audit into its own database",
        description="Moves what stands in the main database (HMS_DATABASE_URL) into the separate one for the"
        " audit (HMS_AUDIT_DATABASE_URL). Killed, it goes on when it is run again.",
    )


def _date(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError("a day as YYYY-MM-DD") from None


def run(arguments: argparse.Namespace) -> int:
    """Verifies every tenant, or one, and names the first event of each that is wrong; or verifies archives;
    or exports."""
    settings = config.load(serving=False)
    if arguments.action == "move":
        return audit_move.run(settings)
    if arguments.action == "export":
        settings.require("worker_database_url")
        end = f"{arguments.until}T00:00:00Z" if arguments.until else "infinity"
        with _databases(settings) as (main, audit):
            start = f"{arguments.since}T00:00:00Z"
            return audit_export.export(main, audit, arguments.tenant, start, end, arguments.format)
    archived = arguments.action == "verify-archive"
    settings.require("keys_file", *(() if archived else ("worker_database_url",)))
    if settings.keys_file is None:
        raise errors.ConfigError("set HMS_KEYS_FILE")
    keys = keyring.load(settings.keys_file)
    witnesses = _witnesses(arguments.anchors, settings.anchor_file)
    if archived and not settings.worker_database_url:
        return audit_archive.verify(arguments.folder, keys, witnesses, None)
    with _databases(settings) as (main, audit):
        if archived:
            return audit_archive.verify(arguments.folder, keys, witnesses, audit or main)
        verifier = Verifier(
            audit or main, keys, witnesses=witnesses, main=main if audit is not None else None
        )
        return _verify(verifier, arguments.tenant, arguments.since)


@contextmanager
def _databases(settings: config.Settings) -> Iterator[tuple[Database, Database | None]]:
    """The main and the separate audit database as the workers have them; a fault of one is one line."""
    urls = {"main": settings.worker_database_url, "audit": settings.audit_worker_database_url}
    pools = [Pool(url, settings, name=name, size=1) for name, url in urls.items() if url]
    for pool in pools:
        pool.open()
    try:
        main, *audit = (Database(pool, _STATEMENT_SECONDS) for pool in pools)
        yield main, audit[0] if audit else None
    except errors.HmsError as error:
        raise errors.ConfigError(f"the database cannot be read: {error}") from None
    finally:
        for pool in pools:
            pool.close()


def _witnesses(given: pathlib.Path | None, usual: pathlib.Path | None) -> list[Anchor]:
    if given is not None:
        return anchor_file.read(given)
    if usual is not None and usual.exists():
        return anchor_file.read(usual)
    where = f"{usual} is not there" if usual is not None else "no --anchors and no HMS_ANCHOR_FILE"
    print(f"without a witness from outside the database: {where}", file=sys.stderr)
    return []


def _verify(verifier: Verifier, wanted: str, since: str | None) -> int:
    tenants = [pair for pair in verifier.tenants() if not wanted or wanted in pair]
    if not tenants:
        raise errors.ConfigError(f"no tenant {wanted!r}")
    verdicts = []
    for tenant_id, code in tenants:
        verdict = verifier.verify(tenant_id, code, since)
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
