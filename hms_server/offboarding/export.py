"""Everything of a tenant as NDJSON, a file for each table, with a manifest of what they hold.

One snapshot of the database for all tables. Rows are streamed by COPY, one at a time, so that memory
stays flat however many there are. The manifest is written last: a folder without one is unfinished.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Any

import orjson
import psycopg
from psycopg import sql

from hms_server import ids
from hms_server.errors import ConfigError
from hms_server.offboarding import catalog, tenant
from hms_server.offboarding.catalog import Table
from hms_server.offboarding.tenant import LeavingTenant

COMMAND = "hms tenant export"
MANIFEST = "manifest.json"
_FORMAT = "hms.tenant-export/1"
_SCHEMA_VERSION = "SELECT max(version) FROM schema_migration"
_PLACE = "SELECT elsewhere FROM audit_chain WHERE tenant_id = %s AND sequence > 0"
_NOW = """SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@dataclasses.dataclass(frozen=True, slots=True)
class Exported:
    """A finished export."""

    manifest: dict[str, Any]
    sha256: str  # of the manifest's bytes

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table["rows"] for table in self.manifest["tables"])


def export(
    connection: psycopg.Connection[Any],
    code: str,
    folder: pathlib.Path,
    *,
    operator: str,
    tell: Callable[[str], None],
    audit: psycopg.Connection[Any] | None = None,
) -> Exported:
    """Writes the tenant's export into a new or empty folder.

    `connection` is the owner's, in autocommit; `audit` is that of the separate audit database, where there is
    one. That data leaves is recorded before the first row does. Raises ConfigError where there is no such
    tenant or the folder is not empty, OSError where it cannot be written.
    """
    _check_place(connection, tenant.find(connection, code), apart=audit is not None)
    _make_empty(folder)
    with connection.transaction():
        leaving = tenant.find(connection, code)
        tenant.record(
            connection, leaving, command=COMMAND, action="READ", operator=operator, reason="EXPORT_BEGUN"
        )
    with connection.transaction():
        _begin_snapshot(connection)
        manifest = _head(connection, code, operator)
        leaving_id = manifest["tenant"]["id"]
        with audit.transaction() if audit is not None else contextlib.nullcontext():
            if audit is not None:
                # The later snapshot: what left the outbox in between is in both, and nothing is in neither.
                _begin_snapshot(audit)
                manifest["audit_snapshot_time"] = _one(audit, _NOW)
            for table in catalog.tables(connection):
                source = audit if audit is not None and table.may_stand_apart else connection
                manifest["tables"].append(_write(source, table, leaving_id, folder))
                tell(f"{table.name}: {manifest['tables'][-1]['rows']} rows")
    done = _finish(folder, manifest)
    with connection.transaction():
        tenant.record(
            connection,
            leaving,
            command=COMMAND,
            action="READ",
            operator=operator,
            reason=f"EXPORTED {done.sha256}",
        )
    return done


def _begin_snapshot(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    connection.execute("SET LOCAL statement_timeout = 0")


def _check_place(connection: psycopg.Connection[Any], leaving: LeavingTenant, *, apart: bool) -> None:
    row = connection.execute(_PLACE, [leaving.id]).fetchone()
    if row is not None and row[0] != apart:
        raise ConfigError(
            f"the audit of {leaving.code} stands in "
            + (
                "the main database: move it before HMS_AUDIT_DATABASE_URL is set"
                if apart
                else "a separate database: set HMS_AUDIT_DATABASE_URL"
            )
        )


def _make_empty(folder: pathlib.Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: an export needs a folder of its own")


def _head(connection: psycopg.Connection[Any], code: str, operator: str) -> dict[str, Any]:
    leaving = tenant.find(connection, code)
    return {
        "format": _FORMAT,
        "export_id": ids.uuid7(),
        "tenant": {
            "id": leaving.id,
            "code": leaving.code,
            "display_name": leaving.display_name,
            "state": leaving.state,
            "version": leaving.version,
        },
        "schema_version": _one(connection, _SCHEMA_VERSION),
        "snapshot_time": _one(connection, _NOW),
        "operator": operator,
        "tables": [],
    }


def _one(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    return None if row is None else row[0]


def _write(
    connection: psycopg.Connection[Any], table: Table, tenant_id: str, folder: pathlib.Path
) -> dict[str, Any]:
    """One table's file; returns its entry in the manifest."""
    name = f"{table.name}.ndjson"
    columns = [column for column in table.columns if column not in table.secrets]
    order = (
        sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(map(sql.Identifier, table.key)))
        if table.key
        else sql.SQL("")
    )
    statement = sql.SQL(
        "COPY (SELECT row_to_json(one)::text FROM (SELECT {} FROM {} WHERE tenant_id = {}{}) AS one)"
        " TO STDOUT"
    ).format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table.name),
        sql.Literal(tenant_id),
        order,
    )
    digest, rows, size = hashlib.sha256(), 0, 0
    with (
        _private(folder / name) as file,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for (text,) in copy.rows():
            # row_to_json leaves line breaks of texts escaped: a row is a line.
            line = text.encode() + b"\n"
            file.write(line)
            digest.update(line)
            rows += 1
            size += len(line)
        file.flush()
        os.fsync(file.fileno())
    return {
        "table": table.name,
        "file": name,
        "rows": rows,
        "bytes": size,
        "sha256": digest.hexdigest(),
        "left_out": table.secrets,
    }


def _finish(folder: pathlib.Path, manifest: dict[str, Any]) -> Exported:
    text = orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
    unfinished = folder / f"{MANIFEST}.part"
    with _private(unfinished) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / MANIFEST)
    return Exported(manifest, hashlib.sha256(text).hexdigest())


def _private(path: pathlib.Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def read_back(connection: psycopg.Connection[Any], folder: pathlib.Path, leaving: LeavingTenant) -> Exported:
    """An export of the tenant as it stands, every file of it whole; raises ConfigError where it is not.

    The tenant's version tells whether the export was taken since it was suspended.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = orjson.loads(text)
        entries = [(entry["file"], entry["sha256"]) for entry in manifest["tables"]]
        exported = manifest["format"], manifest["tenant"]["id"]
        version, schema_version = manifest["tenant"]["version"], manifest["schema_version"]
    except OSError as error:
        raise ConfigError(f"no finished export in {folder}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{folder / MANIFEST} is not the manifest of an export") from None
    if exported != (_FORMAT, leaving.id):
        raise ConfigError(f"{folder} does not hold an export of {leaving.code}")
    if version != leaving.version:
        raise ConfigError(f"{folder} was exported before {leaving.code} was suspended: export it again")
    if schema_version != _one(connection, _SCHEMA_VERSION):
        raise ConfigError(f"{folder} was exported by another release, which has other tables: export again")
    for name, sha256 in entries:
        if _digest(folder / pathlib.PurePath(name).name) != sha256:
            raise ConfigError(f"{folder / name} is not as it was exported: export again")
    return Exported(manifest, hashlib.sha256(text).hexdigest())


def _digest(path: pathlib.Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
