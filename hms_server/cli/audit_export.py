"""`hms audit export`: a hospital's audit events as FHIR AuditEvent resources (NDJSON) or CSV."""

from __future__ import annotations

import getpass
import socket
import sys
from collections.abc import Callable
from typing import Any

import orjson

from hms_server import errors
from hms_server.audit import fhir_event, table
from hms_server.audit.export import Exporter
from hms_server.database.transaction import Database

FORMATS = ("fhir", "csv")
_LINES: dict[str, Callable[[Any], bytes]] = {
    "fhir": lambda row: orjson.dumps(fhir_event.to_resource(row)) + b"\n",
    "csv": lambda row: table.event_line(row).encode(),
}


def export(
    database: Database, audit: Database | None, tenant: str, start: str, end: str, format_name: str
) -> int:
    """Writes the events to standard output, one by one; raises ConfigError for an unknown tenant."""
    exporter = Exporter(database, audit=audit)
    known = exporter.find(tenant)
    if known is None:
        raise errors.ConfigError(f"no tenant {tenant!r}")
    kept_from = exporter.kept_from(known.id)
    if kept_from is not None and start < kept_from:
        print(f"events before {kept_from} were archived: they are not in this export", file=sys.stderr)
    rows = exporter.export(known.id, start, end, actor_name=_user(), address=socket.gethostname())
    write, out, count = _LINES[format_name], sys.stdout.buffer, 0
    if format_name == "csv":
        out.write(table.header().encode())
    for row in rows:
        out.write(write(row))
        count += 1
    out.flush()
    print(f"{count} events of {known.code} exported; the export is in the audit", file=sys.stderr)
    return 0


def _user() -> str:
    """Who runs the command, as the machine knows them."""
    try:
        return f"{getpass.getuser()} (hms audit export)"
    except (KeyError, OSError):
        return "hms audit export"
