"""Deletes a tenant's rows of one table, a bounded number at a time; each batch commits with its count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from hms_server.offboarding.catalog import Reference, Table

_COUNT = """
UPDATE tenant_erasure
SET removed = removed || jsonb_build_object(%(table)s::text,
                                            coalesce((removed ->> %(table)s::text)::bigint, 0) + %(gone)s)
WHERE tenant_id = %(tenant)s
"""
# Whatever the statistics say, the tenant's rows are found by the key, which the tenant leads: other tenants'
# rows are never read, nor the dead ones of earlier batches again and again.
_SETTINGS = "SET LOCAL enable_seqscan = off"


def exist(connection: psycopg.Connection[Any], table: Table, tenant_id: str) -> bool:
    """Whether the tenant has a row left in the table."""
    statement = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE tenant_id = %s)").format(
        sql.Identifier(table.name)
    )
    row = connection.execute(statement, [tenant_id]).fetchone()
    return row is not None and bool(row[0])


def delete(
    connection: psycopg.Connection[Any],
    table: Table,
    keys: Sequence[Reference],
    tenant_id: str,
    batch: int,
) -> int:
    """Deletes them all; returns how many those were. Each batch is a transaction of its own.

    A row that another one of the table points to goes after it: first those that point to one and that
    nothing points to, round after round; what then still points is a ring, and goes at once.
    """
    own = [key for key in keys if key.child == key.parent == table.name]
    deleted = 0
    if own:
        pointing = sql.SQL("({})").format(sql.SQL(" OR ").join(map(_points, own)))
        pointed_to = sql.SQL(" AND ").join(_not_pointed_to(table, key) for key in own)
        leaf = sql.SQL(" AND {} AND {}").format(pointing, pointed_to)
        deleted += _in_batches(connection, table, tenant_id, leaf, batch)
        ring = sql.SQL(" AND {}").format(pointing)
        deleted += _in_batches(connection, table, tenant_id, ring, None)
    return deleted + _in_batches(connection, table, tenant_id, sql.SQL(""), batch)


def _points(key: Reference) -> sql.Composable:
    names = [name for name in key.columns if name != "tenant_id"]
    return sql.SQL("({})").format(
        sql.SQL(" AND ").join(sql.SQL("x.{} IS NOT NULL").format(sql.Identifier(name)) for name in names)
    )


def _not_pointed_to(table: Table, key: Reference) -> sql.Composable:
    pairs = [
        sql.SQL("other.{} = x.{}").format(sql.Identifier(column), sql.Identifier(parent))
        for column, parent in zip(key.columns, key.parent_columns, strict=True)
    ]
    return sql.SQL("NOT EXISTS (SELECT FROM {} AS other WHERE {} AND other.ctid <> x.ctid)").format(
        sql.Identifier(table.name), sql.SQL(" AND ").join(pairs)
    )


def _in_batches(
    connection: psycopg.Connection[Any],
    table: Table,
    tenant_id: str,
    condition: sql.Composable,
    batch: int | None,
) -> int:
    """Partition by partition, since a row's place is unique within one alone."""
    limit = sql.SQL("") if batch is None else sql.SQL(" LIMIT {}").format(sql.Literal(batch))
    total = 0
    for leaf in table.leaves:
        statement = sql.SQL(
            "DELETE FROM ONLY {leaf} WHERE tenant_id = %(tenant)s AND ctid = ANY (ARRAY("
            "SELECT x.ctid FROM ONLY {leaf} AS x WHERE x.tenant_id = %(tenant)s{condition}{limit}))"
        ).format(leaf=sql.Identifier(leaf), condition=condition, limit=limit)
        while True:
            with connection.transaction():
                connection.execute(_SETTINGS)
                gone = connection.execute(statement, {"tenant": tenant_id}).rowcount
                if gone:
                    connection.execute(_COUNT, {"table": table.name, "gone": gone, "tenant": tenant_id})
            if not gone:
                break
            total += gone
    return total
