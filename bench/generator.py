"""Fills hospitals of unequal size with patients, by COPY, as the owner of the tables.

Deterministic by seed: the same seed and sizes make the same patients, however many processes take part.
The hospitals' rows lie mixed on disk in the order of their registration, as they would in use.
"""

from __future__ import annotations

import dataclasses
import heapq
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence

import psycopg

from bench import people, rows, schema

TABLES = ("patient", "patient_key")
# Patients that are made, sent and committed at once.
PIECE = 4000
# Smaller loads leave the indexes in place.
BARE_FROM = 50_000

_SAY_EVERY = 10.0

_PATIENTS = f"COPY patient ({rows.PATIENT_COLUMNS}) FROM STDIN"
_KEYS = f"COPY patient_key ({rows.KEY_COLUMNS}) FROM STDIN"
_COUNTER = """
INSERT INTO uhid_counter AS c (tenant_id, next_number) VALUES (%s, %s)
ON CONFLICT (tenant_id) DO UPDATE SET next_number = greatest(c.next_number, EXCLUDED.next_number)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A hospital to fill. `number` is what its patients are made from, beside the seed."""

    number: int
    owner: rows.Owner
    size: int


def sizes(largest: int, hospitals: int, exponent: float = 2.0) -> list[int]:
    """Sizes of hospitals: the second has a quarter of the largest, the third a ninth (Zipf's law)."""
    return [max(1, round(largest / place**exponent)) for place in range(1, hospitals + 1)]


def fill(
    url: str,
    targets: Sequence[Target],
    *,
    seed: int,
    processes: int = 2,
    say: Callable[[str], None] = lambda _: None,
) -> float:
    """Makes every target's patients; returns the seconds it took, index building and ANALYZE included."""
    started = time.monotonic()
    total = sum(target.size for target in targets)
    stripped = schema.strip(url, TABLES) if total >= BARE_FROM else None
    with schema.open_to_copy(url, TABLES):
        _copy_all(url, targets, seed=seed, processes=processes, say=say)
    say(f"{total:,} patients copied in {time.monotonic() - started:.0f} s")
    if stripped is not None:
        schema.restore(url, stripped)
        say(f"their indexes stand after {time.monotonic() - started:.0f} s")
    with psycopg.connect(url, autocommit=True) as connection:
        for target in targets:
            connection.execute(_COUNTER, [target.owner.tenant_id, target.size + 1])
        connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}".encode())
    return time.monotonic() - started


def _copy_all(
    url: str, targets: Sequence[Target], *, seed: int, processes: int, say: Callable[[str], None]
) -> None:
    count = pieces(sum(target.size for target in targets))
    tasks = [_Task(seed, tuple(targets), number, count) for number in range(count)]
    with multiprocessing.get_context("spawn").Pool(processes, _connect, (url,)) as pool:
        started = shown = time.monotonic()
        done = 0
        for copied in pool.imap_unordered(_copy, tasks):
            done += copied
            if time.monotonic() - shown > _SAY_EVERY:
                shown = time.monotonic()
                say(f"{done:,} patients copied, {done / (shown - started):,.0f} a second")
        pool.close()
        pool.join()


def pieces(total: int) -> int:
    """How many pieces a load of `total` patients is made in."""
    return max(1, -(-total // PIECE))


def piece(
    seed: int, targets: Sequence[Target], number: int, of: int
) -> Iterator[tuple[rows.Owner, str, people.Registration]]:
    """One piece of all hospitals, in the order of registration."""
    made = [
        [
            (target.owner, rows.uhid(registration.number), registration)
            for registration in people.piece(seed, target.number, number, of, target.size)
        ]
        for target in targets
    ]
    return heapq.merge(*made, key=lambda each: each[2].time)


@dataclasses.dataclass(frozen=True, slots=True)
class _Task:
    """One piece, for a process of its own."""

    seed: int
    targets: tuple[Target, ...]
    number: int
    of: int


class _Worker:
    """What a process keeps from one task to the next."""

    connection: psycopg.Connection


def _connect(url: str) -> None:
    _Worker.connection = psycopg.connect(url)
    _Worker.connection.execute("SET synchronous_commit = off")
    _Worker.connection.commit()


def _copy(task: _Task) -> int:
    """Makes a piece and commits it; answers how many patients that were."""
    made = list(piece(task.seed, task.targets, task.number, task.of))
    lines = rows.lines(made)
    with _Worker.connection.cursor() as cursor:
        for statement, data in ((_PATIENTS, lines.patients), (_KEYS, lines.keys)):
            with cursor.copy(statement) as copy:
                copy.write(data)
    _Worker.connection.commit()
    return len(made)
