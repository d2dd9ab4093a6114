"""Fills a hospital with clinical records by SQL, as the owner of the tables: a million encounters in minutes.

Each encounter has vital signs and results, every second one a condition, the others a prescription. Most
patients have 20 to 100 encounters; a few have been there a thousand times, with ten observations each. Rows
lie on disk in the order of their time, so that those of one patient are as far apart as in use.
Deterministic but for the ids of the directory.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from bench import schema
from hms_server.database.queries import load_queries

TABLES = ("encounter", "clinical_record")
# Encounters that are made and committed at once.
PIECE = 25_000
# Smaller loads leave the indexes in place.
BARE_FROM = 50_000
# So many patients hold a number of encounters, with some to spare.
ENCOUNTERS_PER_PATIENT = 50
HEAVY_ENCOUNTERS = 1000
_ENCOUNTERS_PER_HEAVY = 200_000
_DIRECTORY = {"practitioner": 40, "department": 8, "organization": 2, "location": 6}

_DIRECTORY_ROW = """
INSERT INTO {table} (tenant_id, id, name_key, active, document, actor_id)
SELECT %(tenant)s, id, 'bench ' || n, true, {document}, %(actor)s
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS new (id, n)
"""
_DOCUMENTS = {
    "practitioner": "jsonb_build_object('names', jsonb_build_array(jsonb_build_object("
    "'given_names', jsonb_build_array('A' || n), 'family_name', 'Sharma')), 'active', true)"
}
_NAMED = "jsonb_build_object('display_name', 'Bench ' || n, 'active', true)"
_QUERIES = load_queries("bench", "charts.sql", **{table: str(count) for table, count in _DIRECTORY.items()})


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    """Some of what is there: ids that answer much alike, and the patients with a thousand encounters."""

    records: int
    encounter_ids: list[str]
    patient_ids: list[str]
    heavy_patient_ids: list[str]
    heavy_encounter_ids: list[str]


def patients(encounters: int) -> int:
    """How many patients a hospital needs for so many encounters."""
    return max(4, encounters // ENCOUNTERS_PER_PATIENT)


def fill(
    url: str,
    tenant_id: str,
    actor_id: str,
    encounters: int,
    *,
    samples: int,
    processes: int = 2,
    say: Callable[[str], None] = lambda _: None,
) -> Filled:
    """Makes `encounters` encounters and their records for the patients that the hospital has."""
    started = time.monotonic()
    known: dict[str, Any] = {"tenant": tenant_id, "actor": actor_id, "encounters": encounters}
    with _connect(url) as connection:
        _plan(connection, known)
    stripped = schema.strip(url, TABLES) if encounters >= BARE_FROM else None
    pieces = range(0, encounters, PIECE)
    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        records = sum(pool.map(lambda after: _fill_piece(url, known, after), pieces))
    say(f"{encounters:,} encounters, {records:,} records made in {time.monotonic() - started:.0f} s")
    if stripped is not None:
        schema.restore(url, stripped)
        say(f"their indexes stand after {time.monotonic() - started:.0f} s")
    with _connect(url) as connection:
        filled = _samples(connection, records, samples)
        connection.execute("DROP TABLE bench_visit")
        connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}".encode())
    say(f"vacuumed after {time.monotonic() - started:.0f} s")
    return filled


def _plan(connection: psycopg.Connection, known: dict[str, Any]) -> None:
    """The directory, and who comes when."""
    parts: dict[str, Any] = {}
    for table, count in _DIRECTORY.items():
        parts[f"{table}s"] = ids = [str(uuid.uuid4()) for _ in range(count)]
        statement = _DIRECTORY_ROW.format(table=table, document=_DOCUMENTS.get(table, _NAMED))
        connection.execute(statement.encode(), {**known, "ids": ids})
    encounters = known["encounters"]
    heavies = {
        "heavies": max(1, encounters // _ENCOUNTERS_PER_HEAVY),
        "heavy_visits": min(HEAVY_ENCOUNTERS, encounters // 5),
    }
    _run(connection, "visits", {**known, **parts, **heavies})
    connection.execute("CREATE INDEX bench_visit_n ON bench_visit (n)")
    connection.execute("ANALYZE bench_visit")


def _fill_piece(url: str, known: dict[str, Any], after: int) -> int:
    """Makes a piece and commits it; answers how many records that were."""
    bounds = {**known, "after": after, "upto": after + PIECE}
    with _connect(url) as connection:
        for name in ("id_function", "concept_function", "quantity_function"):
            _run(connection, name, {})
        with connection.transaction():
            _run(connection, "encounters", bounds)
            return _run(connection, "records", bounds)


def _run(connection: psycopg.Connection, name: str, values: Mapping[str, Any]) -> int:
    """Runs a statement of charts.sql; answers how many rows it made."""
    query = _QUERIES[name]
    given = [values[parameter] for parameter in query.parameters]
    return psycopg.RawCursor(connection).execute(query.sql, given or None).rowcount


def _samples(connection: psycopg.Connection, records: int, samples: int) -> Filled:
    _run(connection, "id_function", {})

    def read(query: str) -> list[str]:
        rows = connection.execute(query.encode(), {"samples": samples}).fetchall()
        return [row[0] for row in rows]

    encounter = "SELECT pg_temp.id_of(at, 'encounter ' || n)::text FROM bench_visit"
    # Spread over all of the history; the same ones each time.
    spread = "ORDER BY md5(n::text) LIMIT %(samples)s"
    return Filled(
        records,
        read(f"{encounter} WHERE NOT heavy {spread}"),
        read(
            "SELECT patient_id::text FROM (SELECT patient_id FROM bench_visit WHERE NOT heavy"
            " GROUP BY patient_id) p ORDER BY md5(patient_id::text) LIMIT %(samples)s"
        ),
        read("SELECT DISTINCT patient_id::text FROM bench_visit WHERE heavy"),
        read(f"{encounter} WHERE heavy {spread}"),
    )


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC -c synchronous_commit=off")
