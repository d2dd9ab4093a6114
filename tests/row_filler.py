"""Puts a row of a tenant into every table that has none, made from the catalog, so that later ones join."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from hms_server import ids
from hms_server.offboarding import catalog

_COLUMNS = """
SELECT column_name, udt_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL
  AND is_identity = 'NO' ORDER BY ordinal_position
"""
_CHECKS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'
"""
_VALUES = {
    "uuid": ids.uuid7,
    "text": lambda: f"T{ids.uuid7()[-12:]}",
    "jsonb": lambda: "{}",
    "bytea": lambda: b"\1",
    "timestamptz": lambda: "2026-11-24T10:00:00Z",
    "date": lambda: "2026-11-24",
    "time": lambda: "10:00",
    "bool": lambda: False,
    "int2": lambda: 1,
    "int4": lambda: 1,
    "int8": lambda: 1,
    "float8": lambda: 1.0,
    "inet": lambda: "192.0.2.1",
    "cidr": lambda: "192.0.2.0/24",
    "interval": lambda: "1 hour",
    "_text": list,
    "_uuid": list,
}


def fill(owner: psycopg.Connection[Any], tenant_id: str) -> None:
    """Fills the tables that are empty, those that others point to first; the audit has rows by itself.

    A table that it cannot make a row for must be taught here, or filled by the test's fixture.
    """
    keys = catalog.references(owner)
    for table in reversed(catalog.erased_in_order(catalog.tables(owner), keys)):
        has = owner.execute(f"SELECT 1 FROM {table.name} WHERE tenant_id = %s LIMIT 1", [tenant_id])
        if has.fetchone() is None:
            _insert(owner, table.name, tenant_id, keys)


def _insert(
    owner: psycopg.Connection[Any], table: str, tenant_id: str, keys: list[catalog.Reference]
) -> None:
    checks = " ".join(row[0] for row in owner.execute(_CHECKS, [table]))
    row: dict[str, Any] = {"tenant_id": tenant_id}
    columns = owner.execute(_COLUMNS, [table]).fetchall()
    for name, kind in columns:
        allowed = re.search(rf"\({name} = ANY \(ARRAY\['(\w+)'", checks)
        row.setdefault(name, allowed[1] if allowed else _VALUES[kind]())
        if name == "end_time" and "start_time" in row:
            row[name] = row["start_time"].replace("10:00", "11:00")
    for key in keys:
        if key.child == table and key.parent not in ("tenant", table) and set(key.columns) <= set(row):
            parent = owner.execute(
                f"SELECT {', '.join(key.parent_columns)} FROM {key.parent} WHERE tenant_id = %s LIMIT 1",
                [tenant_id],
            ).fetchone()
            assert parent is not None, f"{key.parent} is empty"
            row.update(zip(key.columns, parent, strict=True))
    marks = ", ".join(["%s"] * len(row))
    owner.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
