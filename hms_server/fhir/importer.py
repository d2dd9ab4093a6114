"""An import: reads files one after another and brings their patients in by several threads.

A record goes to the thread that its source id decides, so that the same record, met twice, is dealt
with in order. Queues are short: reading waits for the server.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import queue
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hms_server.fhir.calls import Refusal, Stopped
from hms_server.fhir.element import Fault
from hms_server.fhir.patient import MappingError, source_id, to_patient
from hms_server.fhir.reader import Broken, File, Place, Resource, read
from hms_server.fhir.registry import Outcome, Registry

_QUEUE_LENGTH = 8
_LOOK_SECONDS = 0.2


class _Work(NamedTuple):
    id: str
    resource: Resource


@dataclasses.dataclass
class Report:
    """What an import did. `ended_by` is what made it stop before its end."""

    outcomes: Counter[Outcome] = dataclasses.field(default_factory=Counter)
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)  # by resource type
    left_out: Counter[str] = dataclasses.field(default_factory=Counter)  # by path, of records that came in
    rejected: int = 0
    files: int = 0
    ended_by: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything was taken over."""
        return not self.rejected and not self.ended_by


class Importer:
    """One run over some files."""

    def __init__(
        self,
        registry: Registry,
        stop: threading.Event,
        *,
        threads: int,
        on_progress: Callable[[Report], None],
        on_rejected: Callable[[str], None],
    ) -> None:
        """`on_progress` and `on_rejected` (one line) are called under a lock, by any thread."""
        self._registry = registry
        self._stop = stop
        self._queues: list[queue.Queue[_Work | None]] = [queue.Queue(_QUEUE_LENGTH) for _ in range(threads)]
        self._on_progress = on_progress
        self._on_rejected = on_rejected
        self._lock = threading.Lock()
        self._report = Report()

    def run(self, files: Sequence[File]) -> Report:
        """Imports the files."""
        with concurrent.futures.ThreadPoolExecutor(len(self._queues), "import") as pool:
            workers = [pool.submit(self._work, waiting) for waiting in self._queues]
            try:
                for file in files:
                    self._read(file)
                for waiting in self._queues:
                    self._put(waiting, None)
            except Stopped:
                pass
            except BaseException:  # the threads must end, whatever happened here
                self._stop.set()
                raise
            for worker in workers:
                worker.result()
        return self._report

    def _read(self, file: File) -> None:
        for item in read(file):
            if isinstance(item, Broken):
                self._reject(item.place, [Fault("", item.text)])
            elif item.type != "Patient":
                with self._lock:
                    self._report.skipped[item.type] += 1
            else:
                try:
                    known_as = source_id(item.content, item.full_url)
                except MappingError as error:
                    self._reject(item.place, error.faults)
                else:
                    mine = zlib.crc32(known_as.encode()) % len(self._queues)
                    self._put(self._queues[mine], _Work(known_as, item))
        with self._telling() as report:
            report.files += 1

    def _put(self, waiting: queue.Queue[_Work | None], work: _Work | None) -> None:
        while True:
            if self._stop.is_set():
                raise Stopped
            try:
                waiting.put(work, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return

    def _work(self, waiting: queue.Queue[_Work | None]) -> None:
        try:
            while not self._stop.is_set():
                try:
                    work = waiting.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    continue
                if work is None:
                    return
                self._bring(work)
        except Stopped:
            return
        except BaseException:  # the others must not wait for this thread
            self._stop.set()
            raise

    def _bring(self, work: _Work) -> None:
        place = work.resource.place
        try:
            mapped = to_patient(work.resource.content)
            outcome = self._registry.bring(work.id, mapped.patient)
        except MappingError as error:
            self._reject(place, error.faults)
        except Refusal as refusal:
            if refusal.ends_all:
                with self._telling() as report:
                    report.ended_by = str(refusal)
                self._stop.set()
            else:
                self._reject(place, refusal.faults or [Fault("", str(refusal))])
        else:
            with self._telling() as report:
                report.outcomes[outcome] += 1
                report.left_out.update(mapped.left_out)

    def _reject(self, place: Place, faults: Sequence[Fault]) -> None:
        with self._telling() as report:
            report.rejected += 1
            for fault in faults:
                self._on_rejected(f"{place.at(fault.path)}: {fault.text}")

    @contextlib.contextmanager
    def _telling(self) -> Iterator[Report]:
        """The report, to be changed; progress is told afterwards."""
        with self._lock:
            yield self._report
            self._on_progress(self._report)
