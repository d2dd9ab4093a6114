"""Named SQL. A room's statements stand in its `queries.sql`, loaded once at start.

A block begins with `-- name: get_patient`. Parameters are written `:name` and become `$n`. A block
marked `-- audited: id` leaves an audit record in the same statement: one record that names every
distinct value of column `id` it returned. It is added here, so that no room can forget it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.resources
import re
from collections.abc import Mapping

# Quoted text, casts and line comments are skipped; what is left is a parameter.
_TOKEN = re.compile(r"'(?:[^']|'')*'|::\w+|--[^\n]*|(?<![:\w]):([a-z_][a-z0-9_]*)")
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_LONGEST_NAME = 63
_named: dict[str, bytes] = {}
_AUDITED = re.compile(r"^-- audited: (\w+)$", re.MULTILINE)

# :audit_event_id and :audit_record are filled by the transaction. A statement that finds nothing is
# recorded too: as NOT_FOUND where :audit_must_find says that the method reads one record.
_AUDITED_SQL = """
WITH audited_rows AS MATERIALIZED (
{body}
), audit_record AS (
  INSERT INTO audit_outbox (tenant_id, event_id, record, patient_ids, outcome)
  SELECT :tenant_id::uuid, :audit_event_id::uuid, :audit_record::jsonb,
         coalesce((SELECT array_agg(DISTINCT {column}::uuid) FROM audited_rows
                   WHERE {column} IS NOT NULL), '{{}}'),
         CASE WHEN :audit_must_find::boolean AND NOT EXISTS (SELECT 1 FROM audited_rows)
              THEN 'NOT_FOUND' ELSE 'OK' END
)
SELECT * FROM audited_rows"""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One statement, ready to prepare."""

    name: str  # "patient.get_patient"; of a file of its own "patient.merge.lock_pair"
    sql: bytes
    parameters: tuple[str, ...]  # in the order of $1, $2, ...
    audited: bool
    prepared_name: bytes


def compile_query(name: str, body: str) -> Query:
    """Makes a Query of one block's text."""
    audited = _AUDITED.search(body)
    text = (
        "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("--"))
        .strip()
        .rstrip(";")
    )
    if audited:
        text = _AUDITED_SQL.format(body=text, column=audited[1])
    parameters: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        if match[1] not in parameters:
            parameters.append(match[1])
        return f"${parameters.index(match[1]) + 1}"

    sql = _TOKEN.sub(number, text).encode()
    # A connection prepares a name once: another statement of that name would run as this one.
    if _named.setdefault(name, sql) != sql:
        raise ValueError(f"{name}: the name of another statement")
    return Query(name, sql, tuple(parameters), audited is not None, _prepared_name(name))


def _prepared_name(name: str) -> bytes:
    """PostgreSQL tells names apart by their first 63 bytes."""
    if len(name) > _LONGEST_NAME:
        name = f"{name[:46]}.{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"
    return name.encode()


def load_queries(package: str, file: str = "queries.sql", **words: str) -> dict[str, Query]:
    """Every block of a package's SQL file by name. `package` is `hms_server.patient`.

    `words` stand in the file as `{word}`: for statements that differ by a table or a direction alone. A
    `table` goes into the names of the prepared statements, too.
    """
    scope = _scope(package, file)
    if "table" in words:
        scope += f".{words['table']}"
    return {n: compile_query(f"{scope}.{n}", b) for n, b in _blocks(package, file, words).items()}


def load_unaudited(package: str, file: str) -> dict[str, Query]:
    """The same blocks without their marks: for a database that holds no outbox. Whoever reads there records
    what was read in the one that does."""
    scope = f"{_scope(package, file)}.unaudited"
    return {
        n: compile_query(f"{scope}.{n}", _AUDITED.sub("", b)) for n, b in _blocks(package, file, {}).items()
    }


def _scope(package: str, file: str) -> str:
    """What the names of a file's statements begin with: two files of a room may name a block alike."""
    room, stem = package.rpartition(".")[2], file.removesuffix(".sql")
    return room if stem == "queries" else f"{room}.{stem}"


def _blocks(package: str, file: str, words: Mapping[str, str]) -> dict[str, str]:
    text = importlib.resources.files(package).joinpath(file).read_text()
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    parts = _NAME.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{file}: a query name stands twice")
    return dict(zip(names, bodies, strict=True))
