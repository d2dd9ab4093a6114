"""Whether a patient's record costs more where the store is large: 10^4 encounters against 10^6.

GetEncounter (with all that belongs to it), GetPatientSummary and the first page of GetPatientTimeline through
the API, for patients and encounters from all over the history. Two systems run side by side and are asked in
turns, so that whatever else this machine does slows both alike. PostgreSQL's own log tells how many
statements the server sends for a call, apart from those that begin and end its transaction.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import time
from collections.abc import Iterator
from typing import Any

from bench import charts, hospitals
from bench.charts import Filled
from bench.errors import BenchError
from bench.figures import Figures, median, shown
from bench.hospitals import Metadata
from bench.system import System, fresh
from hms.clinical.v1 import clinical_pb2_grpc, encounter_pb2, record_pb2

METHODS = {"encounter": "GetEncounter", "summary": "GetPatientSummary", "timeline": "GetPatientTimeline"}
PERMISSIONS = ("clinical.read",)
_WARMING = 20
_COUNTED_CALLS = 10
_SECONDS_FOR_LOG = 10.0
# A statement that begins on the next line has no word here.
_EXECUTED = re.compile(r" hms_app@\S+ LOG:  execute [^:]+: (\w*)")
# What a transaction consists of beside what it is for.
_FRAME = ("BEGIN", "SET", "COMMIT")


@dataclasses.dataclass(slots=True)
class Place:
    """A hospital that is asked, and how long each answer took, in milliseconds by method."""

    stub: Any
    metadata: Metadata
    filled: Filled
    times: dict[str, list[float]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))

    def ask(self, method: str, number: int, *, heavy: bool = False) -> None:
        """One call, about the `number`th of the samples."""
        request = self._request(method, number, heavy=heavy)
        call = getattr(self.stub, METHODS[method])
        started = time.perf_counter()
        call(request, metadata=self.metadata, timeout=hospitals.DEADLINE_SECONDS)
        self.times[f"heavy_{method}" if heavy else method].append((time.perf_counter() - started) * 1000)

    def _request(self, method: str, number: int, *, heavy: bool) -> Any:
        if method == "encounter":
            ids = self.filled.heavy_encounter_ids if heavy else self.filled.encounter_ids
            return encounter_pb2.GetEncounterRequest(id=ids[number % len(ids)])
        ids = self.filled.heavy_patient_ids if heavy else self.filled.patient_ids
        patient_id = ids[number % len(ids)]
        if method == "summary":
            return record_pb2.GetPatientSummaryRequest(patient_id=patient_id)
        return record_pb2.GetPatientTimelineRequest(patient_id=patient_id)

    def checked(self) -> None:
        """Raises BenchError unless the answers hold what was filled in."""
        encounter = self._answer("encounter")
        summary = self._answer("summary")
        timeline = self._answer("timeline")
        records = len(encounter.observations), len(encounter.conditions) + len(encounter.prescriptions)
        parts = (summary.vital_signs, summary.results, summary.problems, summary.prescriptions)
        if records != (2, 1) or not all(parts) or not summary.encounters or not timeline.records:
            raise BenchError("record: an answer lacks what was filled in")

    def _answer(self, method: str) -> Any:
        request = self._request(method, 0, heavy=False)
        call = getattr(self.stub, METHODS[method])
        return call(request, metadata=self.metadata, timeout=hospitals.DEADLINE_SECONDS)


def run(system: System) -> Figures:
    """Measures; `ratio` is the worse one of GetEncounter and GetPatientSummary."""
    sizes = system.sizes
    with fresh(sizes, system.say) as other:
        small = _place(other, sizes.small_encounters)
        large = _place(system, sizes.encounters)
        places = (small, large)
        for place in places:
            place.checked()
        for number in range(-_WARMING, sizes.charts):
            if number == 0:
                for place in places:
                    place.times.clear()
            for method in METHODS:
                for place in places:
                    place.ask(method, number)
                    if number % 4 == 0:
                        place.ask(method, number // 4, heavy=True)
        statements = _statements(system, large)
    figures: dict[str, float | dict[str, float]] = {
        "encounters": sizes.encounters,
        "records": large.filled.records,
    }
    ratios = {}
    for method in METHODS:
        ratios[method], of_method = _compared(small, large, method)
        figures[method] = {**of_method, **_heavy(small, large, method)}
    figures["ratio"] = shown(max(ratios["encounter"], ratios["summary"]))
    figures["statements"] = statements
    return figures


def _compared(small: Place, large: Place, method: str) -> tuple[float, dict[str, float]]:
    low, high = median(small.times[method]), median(large.times[method])
    return high / low, {
        "small_p50_ms": shown(low),
        "large_p50_ms": shown(high),
        "ratio": shown(high / low),
    }


def _heavy(small: Place, large: Place, method: str) -> dict[str, float]:
    """Beside it, the same about patients with a thousand encounters."""
    name = f"heavy_{method}"
    return {
        "heavy_small_p50_ms": shown(median(small.times[name])),
        "heavy_large_p50_ms": shown(median(large.times[name])),
    }


def _place(system: System, encounters: int) -> Place:
    hospital = system.hospital(charts.patients(encounters))
    signed_in = hospitals.with_permissions(system.channel, hospital, PERMISSIONS)
    filled = charts.fill(
        system.owner_url,
        hospital.tenant_id,
        signed_in.user_id,
        encounters,
        samples=system.sizes.charts,
        processes=system.sizes.processes,
        say=system.say,
    )
    system.settle()
    return Place(clinical_pb2_grpc.ClinicalServiceStub(system.channel), signed_in.metadata, filled)


def _statements(system: System, place: Place) -> float:
    """Most statements that one of the methods sends for a call."""
    counts = []
    log = system.stack.layout.log("postgres")

    def executed(since: int) -> Iterator[str]:
        with log.open("rb") as file:
            file.seek(since)
            for line in file:
                if found := _EXECUTED.search(line.decode(errors="replace")):
                    yield found[1].upper()

    with system.logged_statements():
        deadline = time.monotonic() + _SECONDS_FOR_LOG
        since = log.stat().st_size
        while "COMMIT" not in executed(since):
            if time.monotonic() > deadline:
                raise BenchError("record: PostgreSQL does not log the server's statements")
            place.ask("summary", 0)
        for method in METHODS:
            since = log.stat().st_size
            for number in range(_COUNTED_CALLS):
                place.ask(method, number)
            words = [word for word in executed(since) if word not in _FRAME]
            counts.append(len(words) / _COUNTED_CALLS)
    return max(counts)
