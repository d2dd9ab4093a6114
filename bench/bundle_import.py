"""How fast FHIR bundles come in: `hms import-fhir`, as an operator runs it, against a server of one process.

The bundles are made (bundles.py), or those of the folder HMS_BENCH_FHIR. The clock runs from the start of
the command to its end, which comes after the last answer: the command's own start, reading and unpacking are
in it. Each bundle's audit record commits with it; the workers drain it into the audit trail beside the
import, and how long they went on after its end is told. Every resource that HMS keeps is looked for in the
database afterwards. The memory of the server process is looked at while the largest bundle comes in alone,
before the others.
"""

from __future__ import annotations

import dataclasses
import gzip
import os
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
import psycopg

from bench import bundles, hospitals
from bench.errors import BenchError
from bench.figures import Figures, shown
from bench.hospitals import Hospital
from bench.processes import family, peak_memory, reset_peak_memory
from bench.system import System
from hms_server.devstack.errors import StackError
from hms_server.fhir.translate import TYPES

FOLDER_VARIABLE = "HMS_BENCH_FHIR"
_MEGABYTE = 1 << 20
_ENDINGS = (".json", ".json.gz")
_KNOWN = "SELECT type, source_id FROM source_record WHERE tenant_id = %s"


@dataclasses.dataclass(frozen=True, slots=True)
class Bundles:
    """Files of bundles and what they hold. The first is the largest."""

    files: list[Path]
    resources: int
    modelled: int
    largest_resources: int
    largest_bytes: int
    # Type and id of each record that HMS keeps
    ids: frozenset[tuple[str, str]]


def run(system: System) -> Figures:
    """Measures; raises BenchError where a bundle was rejected. `lost` counts records that are not there."""
    given = os.environ.get(FOLDER_VARIABLE)
    folder = Path(given) if given else _make(system)
    found = read(folder)
    system.say(f"{len(found.files)} bundles with {found.resources:,} resources")
    warm, alone, every = system.empty_hospitals(3)
    smallest = min(found.files, key=lambda file: file.stat().st_size)
    _import(system, warm, [smallest])
    peak, largest_seconds = _largest(system, alone, found)
    system.settle()
    seconds = _import(system, every, found.files)
    ended = time.monotonic()
    system.drained()
    drained = time.monotonic() - ended
    lost = len(found.ids - _there(system, every))
    second = _import(system, every, found.files)
    figures = {
        "bundles": len(found.files),
        "resources": found.resources,
        "resources_per_s": shown(found.resources / seconds),
        "modelled_per_s": shown(found.modelled / seconds),
        "second_run_per_s": shown(found.resources / second),
        "audit_drained_after_s": shown(drained),
        "largest_mb": shown(found.largest_bytes / _MEGABYTE),
        "largest_resources": found.largest_resources,
        "largest_per_s": shown(found.largest_resources / largest_seconds),
        "lost": lost,
    }
    return {**figures, **{name: shown(value / _MEGABYTE) for name, value in peak.items()}}


def read(folder: Path) -> Bundles:
    """The bundles of a folder; raises BenchError where there is none."""
    files = [path for path in sorted(folder.iterdir()) if path.name.endswith(_ENDINGS)]
    if not files:
        raise BenchError(f"import: {folder} holds no file that ends in {' or '.join(_ENDINGS)}")
    files.sort(key=lambda path: path.stat().st_size, reverse=True)
    counts, ids, largest_bytes = [], set(), 0
    modelled = 0
    for file in files:
        text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        largest_bytes = largest_bytes or len(text)
        resources = [entry["resource"] for entry in orjson.loads(text)["entry"]]
        kept = [(each["resourceType"], each["id"]) for each in resources if each["resourceType"] in TYPES]
        counts.append(len(resources))
        modelled += len(kept)
        ids.update(kept)
    return Bundles(files, sum(counts), modelled, counts[0], largest_bytes, frozenset(ids))


def _make(system: System) -> Path:
    folder = system.stack.layout.folder / "bundles"
    folder.mkdir()
    sizes = bundles.sizes(system.sizes.bundles, system.sizes.entries, system.sizes.seed)
    for number, entries in enumerate(sizes):
        made = orjson.dumps(bundles.bundle(system.sizes.seed, number, entries))
        (folder / f"bundle-{number:03d}.json.gz").write_bytes(gzip.compress(made, compresslevel=6, mtime=0))
    return folder


def _largest(system: System, hospital: Hospital, found: Bundles) -> tuple[dict[str, float], float]:
    """Memory of the server process before and at its peak, in bytes, and the seconds it took."""
    pids = family([system.stack.pid("server-1")])
    reset_peak_memory(pids)
    before = peak_memory(pids)
    seconds = _import(system, hospital, found.files[:1])
    peak = peak_memory(pids)
    return {"rss_before_mb": before, "peak_rss_mb": peak}, seconds


def _import(system: System, hospital: Hospital, files: Sequence[Path]) -> float:
    """Runs the command to its end; the seconds it took."""
    started = time.monotonic()
    try:
        system.stack.commands.run(
            "import-fhir", *map(str, files), extra=hospitals.sign_in_variables(hospital)
        )
    except StackError as error:
        raise BenchError(f"import: {error}") from None
    return time.monotonic() - started


def _there(system: System, hospital: Hospital) -> set[tuple[str, str]]:
    """Type and id of each record that came in. The ids of a source may have a prefix of their own."""
    with psycopg.connect(system.owner_url) as connection:
        rows = connection.execute(_KNOWN, [hospital.tenant_id]).fetchall()
    return {(type_, source_id.rpartition("/")[2].rpartition(":")[2]) for type_, source_id in rows}
