"""Which tables hold a tenant's rows, found from the catalog, so that a later table joins by itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import psycopg

from hms_server.errors import ConfigError

# Secrets and what was made from secrets are not exported: digests of passwords, tokens and requests, keys.
_SECRET = re.compile(r"_hash$|(^|_)(password|passphrase|secret|token|salt|private_key|otp)$")
# What stays when a tenant is erased, and why: docs/decisions/0016-erasure-keeps-the-audit.md.
_AUDIT = "audit_"
_ABOUT_IT = ("tenant_erasure", "legal_hold")
_OUTBOX = "audit_outbox"

_TABLES = """
SELECT c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       -- a flag, a number or a time is no secret, whatever its name
       ARRAY(SELECT a.attname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND t.typcategory NOT IN ('B', 'N', 'D', 'T') ORDER BY a.attnum),
       ARRAY(SELECT a.attname::text FROM pg_index x, unnest(x.indkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attnum = k.attnum
             WHERE x.indrelid = c.oid AND x.indisprimary AND a.attrelid = c.oid ORDER BY k.place),
       CASE c.relkind WHEN 'r' THEN ARRAY[c.relname::text] ELSE
         ARRAY(SELECT leaf.relname::text FROM pg_partition_tree(c.oid) AS p
               JOIN pg_class leaf ON leaf.oid = p.relid WHERE p.isleaf
               ORDER BY 1) END
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
              AND NOT a.attisdropped)
ORDER BY c.relname
"""

_FOREIGN_KEYS = """
SELECT child.relname, parent.relname,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum ORDER BY k.place),
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum ORDER BY k.place)
FROM pg_constraint f
JOIN pg_class child ON child.oid = f.conrelid
JOIN pg_class parent ON parent.oid = f.confrelid
WHERE f.contype = 'f' AND f.conparentid = 0 AND child.relnamespace = 'public'::regnamespace
  AND NOT child.relispartition
ORDER BY 1, 2, 3
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table with a column `tenant_id`."""

    name: str
    columns: Sequence[str]
    words: Sequence[str]  # the columns that can hold a secret
    key: Sequence[str]  # the primary key's columns
    leaves: Sequence[str]  # itself, or its partitions

    @property
    def secrets(self) -> list[str]:
        """Columns that an export leaves out."""
        return [name for name in self.words if is_secret(name)]

    @property
    def is_kept(self) -> bool:
        """Whether an erasure leaves the tenant's rows here."""
        return self.name.startswith(_AUDIT) or self.name in _ABOUT_IT

    @property
    def may_stand_apart(self) -> bool:
        """Whether a separate audit database, where there is one, holds the tenant's rows of this table."""
        return self.name.startswith(_AUDIT) and self.name != _OUTBOX


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key."""

    child: str
    parent: str
    columns: Sequence[str]
    parent_columns: Sequence[str]


def is_secret(column: str) -> bool:
    """Whether a column of this name holds a secret, or what was made from one."""
    return _SECRET.search(column) is not None


def tables(connection: psycopg.Connection[Any]) -> list[Table]:
    """Every table that has a tenant's rows, by name."""
    return [Table(*row) for row in connection.execute(_TABLES)]


def references(connection: psycopg.Connection[Any]) -> list[Reference]:
    """Every foreign key."""
    return [Reference(*row) for row in connection.execute(_FOREIGN_KEYS)]


def erased_in_order(found: Sequence[Table], keys: Sequence[Reference]) -> list[Table]:
    """The tables that an erasure empties: each before those that it points to.

    Raises ConfigError where tables point to each other in a ring, or a kept one points to an erased one:
    then no order would do.
    """
    left = {table.name: table for table in found if not table.is_kept}
    kept = {table.name for table in found if table.is_kept}
    held = sorted({f"{key.child} > {key.parent}" for key in keys if key.child in kept and key.parent in left})
    if held:
        raise ConfigError(f"tables that are kept point to tables that are erased: {', '.join(held)}")
    ordered: list[Table] = []
    while left:
        pointed_to = {key.parent for key in keys if key.child in left and key.parent != key.child}
        free = [name for name in left if name not in pointed_to]
        if not free:
            raise ConfigError(f"foreign keys in a ring: {', '.join(sorted(left))}")
        ordered += [left.pop(name) for name in free]
    return ordered
