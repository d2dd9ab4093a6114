"""The migration runner: forward-only SQL files, checksummed, one transaction each.

Safe to run from several processes at once: an advisory lock lets one in, the others wait and find the
work done. Lock and statement time-outs keep a migration from blocking a hospital at noon.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import re
import secrets
from collections.abc import Iterator

import psycopg

from hms_server import ids
from hms_server.errors import ConfigError

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x484D53  # "HMS"
_LOCK_TIMEOUT = "5s"
_STATEMENT_TIMEOUT = "15min"
_PARTITIONS_AHEAD = 3

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  apply_time timestamptz NOT NULL DEFAULT now()
)"""

# Temporary tables are nobody's but the owner's: one that is called like a table of ours would stand in for it
# wherever a search path is forgotten. With every run, since a restored or copied database has lost it.
CLOSE = """
DO $$
BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$"""


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, so that a changed file is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def folder() -> pathlib.Path:
    """Where the migrations stand: in the wheel beside the package, else in the checkout."""
    packaged = pathlib.Path(__file__).parents[1] / "migrations"
    return packaged if packaged.is_dir() else pathlib.Path(__file__).parents[2] / "migrations"


def read(path: pathlib.Path) -> list[Migration]:
    """All migrations in order; raises ConfigError for a gap, a repeat or a strange name."""
    found = []
    for file in sorted(path.glob("*.sql")):
        if file.name == "schema.sql":
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise ConfigError(f"{file.name} is not named NNNN_what.sql")
        found.append(Migration(int(match[1]), file.stem, file.read_text()))
    if [m.version for m in found] != list(range(1, len(found) + 1)):
        raise ConfigError(f"{path}: the migrations are not numbered 0001, 0002, ... without a gap")
    return found


def migrate(url: str, migrations: list[Migration], setting: str = "HMS_DATABASE_URL") -> Iterator[str]:
    """Applies what is missing and says so line by line; raises ConfigError where it must not go on.

    `setting` is what names the database, for messages.
    """
    try:
        with psycopg.connect(url, autocommit=True, application_name="hms-migrate") as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            connection.execute(_TABLE)
            connection.execute(CLOSE)
            yield from _apply(connection, migrations)
            made = connection.execute("SELECT make_audit_partitions(%s)", [_PARTITIONS_AHEAD])
            for (partition,) in made:
                yield f"made partition {partition}"
    except psycopg.Error as error:
        raise ConfigError(f"{setting}: {str(error).splitlines()[0]}") from error


def make_apart(audit_url: str) -> None:
    """Makes a migrated database the audit's own: no tenants live there, so that nothing there says how long
    theirs is kept (drop_audit_month() asks its caller then). Raises ConfigError."""
    try:
        with psycopg.connect(audit_url, autocommit=True, application_name="hms-migrate") as connection:
            connection.execute("DROP FUNCTION IF EXISTS audit_retention()")
    except psycopg.Error as error:
        raise ConfigError(f"HMS_AUDIT_DATABASE_URL: {str(error).splitlines()[0]}") from error


def check_apart(url: str, audit_url: str) -> None:
    """Refuses an audit database that is the main one under another name, or that of hospitals; raises
    ConfigError."""
    setting = "HMS_DATABASE_URL"
    try:
        with psycopg.connect(url, autocommit=True, application_name="hms-migrate") as main:
            setting = "HMS_AUDIT_DATABASE_URL"
            with psycopg.connect(audit_url, autocommit=True, application_name="hms-migrate") as audit:
                number = secrets.randbits(62)
                main.execute("SELECT pg_advisory_lock(%s)", [number])
                if audit.execute("SELECT NOT pg_try_advisory_lock(%s)", [number]).fetchone() == (True,):
                    raise ConfigError("HMS_AUDIT_DATABASE_URL names the main database")
                if audit.execute("SELECT to_regclass('public.tenant') IS NOT NULL").fetchone() == (
                    True,
                ) and audit.execute(
                    "SELECT EXISTS (SELECT FROM tenant WHERE id <> %s)", [ids.PLATFORM_TENANT]
                ).fetchone() == (True,):
                    raise ConfigError("HMS_AUDIT_DATABASE_URL names a database in which hospitals stand")
    except psycopg.Error as error:
        raise ConfigError(f"{setting}: {str(error).splitlines()[0]}") from error


def _apply(connection: psycopg.Connection, migrations: list[Migration]) -> Iterator[str]:
    rows = connection.execute("SELECT version, checksum FROM schema_migration").fetchall()
    applied: dict[int, str] = dict(rows)
    newest = migrations[-1].version if migrations else 0
    if any(version > newest for version in applied):
        raise ConfigError(f"the database is at version {max(applied)}, newer than this release ({newest})")
    for migration in migrations:
        checksum = applied.get(migration.version)
        if checksum is None:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
                connection.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
                connection.execute(migration.sql.encode())
                connection.execute(
                    "INSERT INTO schema_migration (version, name, checksum) VALUES (%s, %s, %s)",
                    [migration.version, migration.name, migration.checksum],
                )
            yield f"applied {migration.name}"
        elif checksum != migration.checksum:
            raise ConfigError(
                f"{migration.name} was changed after it was applied: put it back and write a new one"
            )
    if len(applied) == len(migrations):
        yield f"up to date at version {newest}"
