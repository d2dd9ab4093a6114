"""Moves the audit out of the main database into its own (`hms audit move`), tenant by tenant, as the owner.

A tenant's audit is copied and committed there first; then, in one transaction, the main database marks that
it stands elsewhere and deletes it. Killed in between, the tenant's copy is made anew by the next run. The
drain keeps away meanwhile: the chain's row is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import sql

from hms_server.errors import ConfigError
from hms_server.offboarding import catalog
from hms_server.offboarding.catalog import Table

_VERSION = "SELECT max(version) FROM schema_migration"
_HERE = "SELECT tenant_id::text FROM audit_chain WHERE NOT elsewhere AND sequence > 0 ORDER BY tenant_id"
_LOCK = """
SELECT sequence, hash FROM audit_chain
WHERE tenant_id = %s AND NOT elsewhere AND sequence > 0 FOR UPDATE
"""
_CHAIN = "audit_chain"
_THERE = "SELECT sequence FROM audit_chain WHERE tenant_id = %s FOR UPDATE"
_PUT_CHAIN = """
INSERT INTO audit_chain (tenant_id, sequence, hash) VALUES (%s, %s, %s)
ON CONFLICT (tenant_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
"""
_MARK = "UPDATE audit_chain SET elsewhere = true WHERE tenant_id = %s"
_LEFT = "SELECT EXISTS (SELECT FROM audit_event)"


def move(main: psycopg.Connection[Any], audit: psycopg.Connection[Any], tell: Callable[[str], None]) -> int:
    """Moves every chain that stands in the main database; returns how many. Both connections are the owner's,
    in autocommit. Raises ConfigError where one cannot be moved, and psycopg.Error: then it is run again."""
    if main.execute(_VERSION).fetchone() != audit.execute(_VERSION).fetchone():
        raise ConfigError("the two databases are not at one version: run hms migrate")
    tables = [t for t in catalog.tables(main) if t.may_stand_apart and t.name != _CHAIN]
    tenants = [tenant_id for (tenant_id,) in main.execute(_HERE)]
    moved = 0
    for tenant_id in tenants:
        events = _move(main, audit, tables, tenant_id)
        if events is not None:
            moved += 1
            tell(f"tenant {tenant_id}: {events} events")
    if main.execute(_LEFT).fetchone() == (True,):
        raise ConfigError("events whose chain is gone are left in the main database: they are not moved")
    return moved


def _move(
    main: psycopg.Connection[Any], audit: psycopg.Connection[Any], tables: Sequence[Table], tenant_id: str
) -> int | None:
    """How many events were moved; None where the chain is not here any more."""
    events = 0
    with main.transaction():
        main.execute("SET LOCAL statement_timeout = 0")
        link = main.execute(_LOCK, [tenant_id]).fetchone()
        if link is None:
            return None
        with audit.transaction():
            audit.execute("SET LOCAL statement_timeout = 0")
            there = audit.execute(_THERE, [tenant_id]).fetchone()
            if there is not None and there[0] > link[0]:
                raise ConfigError(
                    f"tenant {tenant_id} has {there[0]} events in the audit database and {link[0]} in the"
                    " main one"
                )
            for table in tables:
                audit.execute(_delete(table), [tenant_id])
                copied = sum(_copy(main, audit, table, leaf, tenant_id) for leaf in table.leaves)
                if table.name == "audit_event":
                    events = copied
            audit.execute(_PUT_CHAIN, [tenant_id, *link])
        main.execute(_MARK, [tenant_id])
        for table in tables:
            main.execute(_delete(table), [tenant_id])
    return events


def _delete(table: Table) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier(table.name))


def _copy(
    main: psycopg.Connection[Any],
    audit: psycopg.Connection[Any],
    table: Table,
    leaf: str,
    tenant_id: str,
) -> int:
    """Copies a table's rows, or those of one partition; returns how many."""
    if leaf != table.name:
        oldest = sql.SQL("SELECT min(record_time) FROM {} WHERE tenant_id = %s").format(sql.Identifier(leaf))
        row = main.execute(oldest, [tenant_id]).fetchone()
        if row is None or row[0] is None:
            return 0
        audit.execute("SELECT make_audit_partition(%s)", [row[0]])
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    names: dict[str, sql.Composable] = {
        "columns": columns,
        "leaf": sql.Identifier(leaf),
        "table": sql.Identifier(table.name),
    }
    # COPY into a table with row-level security is refused: by way of a table of our own.
    stage = sql.SQL("CREATE TEMPORARY TABLE moving AS SELECT {columns} FROM {table} LIMIT 0")
    audit.execute(stage.format(**names))
    read = sql.SQL("COPY (SELECT {columns} FROM {leaf} WHERE tenant_id = {tenant}) TO STDOUT").format(
        **names, tenant=sql.Literal(tenant_id)
    )
    with (
        main.cursor().copy(read) as taken,
        audit.cursor().copy(sql.SQL("COPY moving ({columns}) FROM STDIN").format(**names)) as put,
    ):
        for data in taken:
            put.write(data)
    insert = sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM moving").format(**names)
    copied = audit.execute(insert).rowcount
    audit.execute("DROP TABLE moving")
    return copied
