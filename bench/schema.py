"""Takes indexes, constraints and locks off tables for a bulk load, and puts the very same ones back.

A million rows enter a bare table several times as fast as one with indexes, and an index that is built
at once is denser than one that grew. What is put back is what the catalog said was there, so that no
list of indexes stands here that could differ from the migrations.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

_FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype = 'f' AND (conrelid = ANY (%(tables)s::regclass[]) OR confrelid = ANY (%(tables)s::regclass[]))
ORDER BY conname
"""
_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype IN ('p', 'u', 'x') AND conrelid = ANY (%(tables)s::regclass[])
ORDER BY contype, conname
"""
_INDEXES = """
SELECT i.indrelid::regclass::text, c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%(tables)s::regclass[])
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k
                  WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY c.relname
"""
_FORCED = """
SELECT oid::regclass::text FROM pg_class WHERE oid = ANY (%(tables)s::regclass[]) AND relforcerowsecurity
"""
_BUILD_SETTINGS = ("SET maintenance_work_mem = '512MB'", "SET synchronous_commit = off")


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    table: str
    name: str
    definition: str

    @property
    def drop_constraint(self) -> sql.Composed:
        return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
            sql.Identifier(self.table), sql.Identifier(self.name)
        )

    @property
    def add_constraint(self) -> sql.Composed:
        return sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            sql.Identifier(self.table), sql.Identifier(self.name), _as_is(self.definition)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Stripped:
    """What was taken off."""

    foreign_keys: tuple[_Part, ...]
    keys: tuple[_Part, ...]
    indexes: tuple[_Part, ...]


@contextlib.contextmanager
def open_to_copy(url: str, tables: Sequence[str]) -> Iterator[None]:
    """Lets the owner COPY, refused where row-level security is forced; all others stay locked out."""
    with psycopg.connect(url) as connection:
        forced = [row[0] for row in connection.execute(_FORCED, {"tables": list(tables)})]

    def alter(words: str) -> None:
        with psycopg.connect(url) as connection:
            for table in forced:
                connection.execute(
                    sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY").format(
                        sql.Identifier(table), _as_is(words)
                    )
                )

    alter("NO FORCE")
    try:
        yield
    finally:
        alter("FORCE")


def strip(url: str, tables: Sequence[str]) -> Stripped:
    """Takes every key, index and foreign key off `tables`, in one transaction."""
    with psycopg.connect(url) as connection:

        def read(query: str) -> tuple[_Part, ...]:
            return tuple(_Part(*row) for row in connection.execute(query, {"tables": list(tables)}))

        stripped = Stripped(read(_FOREIGN_KEYS), read(_KEYS), read(_INDEXES))
        for part in (*stripped.foreign_keys, *stripped.keys):
            connection.execute(part.drop_constraint)
        for part in stripped.indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(part.name)))
    return stripped


def restore(url: str, stripped: Stripped) -> None:
    """Puts back what was taken off, table beside table; raises where the rows break a constraint."""
    builds: dict[str, list[sql.SQL | sql.Composed]] = {}
    for part in stripped.keys:
        builds.setdefault(part.table, []).append(part.add_constraint)
    for part in stripped.indexes:
        builds.setdefault(part.table, []).append(_as_is(part.definition))
    with concurrent.futures.ThreadPoolExecutor(max(1, len(builds))) as pool:
        for done in [pool.submit(_run, url, statements) for statements in builds.values()]:
            done.result()
    # Last, since they lean on the keys of both tables.
    _run(url, [part.add_constraint for part in stripped.foreign_keys])


def _run(url: str, statements: Sequence[sql.SQL | sql.Composed]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in _BUILD_SETTINGS:
            connection.execute(setting)
        for statement in statements:
            connection.execute(statement)


def _as_is(definition: str) -> sql.SQL:
    """SQL that the catalog gave."""
    return sql.SQL(definition)
