"""An import's run over some files: reads them one after another and sends their bundles by several threads.

Files of one rank are sent together; the next rank waits for the end of those before it, since it may
refer to what they hold.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from hms.fhir.v1 import fhir_pb2 as pb
from hms_server.fhir.reader import Broken, File, Group, Parcel, read
from hms_server.fhir.upload import Refusal, Stopped, Uploader


@dataclasses.dataclass
class Report:
    """What an import did. `ended_by` is what made it stop before its end."""

    # By FHIR type and what became of it: "created", "updated", "unchanged"
    counts: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)  # by resource type
    left_out: Counter[str] = dataclasses.field(default_factory=Counter)  # by path
    rejected: int = 0  # bundles, files and lines
    files: int = 0
    ended_by: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything was taken over."""
        return not self.rejected and not self.ended_by

    @property
    def resources(self) -> int:
        """How many were taken over, or were there already."""
        return sum(self.counts.values())

    def add(self, answer: pb.ImportBundleResponse) -> None:
        """Adds what became of one bundle."""
        for count in answer.counts:
            for outcome in ("created", "updated", "unchanged"):
                self.counts[count.type, outcome] += getattr(count, outcome)
        self.skipped.update(dict(answer.skipped))
        self.left_out.update(dict(answer.left_out))


class Courier:
    """One run. `stop` ends it."""

    def __init__(
        self,
        uploader: Uploader,
        stop: threading.Event,
        *,
        workers: int,
        on_progress: Callable[[Report], None],
        on_rejected: Callable[[str], None],
        on_stop: Callable[[], None],
    ) -> None:
        """`on_progress` and `on_rejected` (one line) are called under a lock, by any thread; `on_stop`
        ends the calls under way where the run is interrupted."""
        self._uploader = uploader
        self._stop = stop
        self._workers = workers
        # One bundle waits for each thread: reading waits for the server.
        self._room = threading.Semaphore(2 * workers)
        self._on_progress = on_progress
        self._on_rejected = on_rejected
        self._on_stop = on_stop
        self._lock = threading.Lock()
        self.report = Report()

    def run(self, files: Sequence[File]) -> Report:
        """Imports the files, which are in order of their ranks."""
        with concurrent.futures.ThreadPoolExecutor(self._workers, "import") as pool:
            try:
                for _, of_rank in itertools.groupby(files, lambda file: file.rank):
                    waiting = [one for file in of_rank for one in self._file(pool, file)]
                    for future in waiting:
                        future.result()
            except Stopped:
                pass
            except BaseException:  # the threads must end, whatever happened here
                self._stop.set()
                self._on_stop()
                raise
        return self.report

    def _file(
        self, pool: concurrent.futures.ThreadPoolExecutor, file: File
    ) -> list[concurrent.futures.Future[None]]:
        sent = []
        for item in read(file):
            if isinstance(item, Broken):
                self._reject([f"{item.place}: {item.text}"])
                continue
            self._room.acquire()
            if self._stop.is_set():
                raise Stopped
            sent.append(pool.submit(self._send, item))
        with self._telling() as report:
            report.files += 1
        return sent

    def _send(self, parcel: Parcel) -> None:
        try:
            rest: Parcel | None = parcel
            while rest is not None:
                rest = self._try(rest)
        except Stopped:
            return
        finally:
            self._room.release()

    def _try(self, parcel: Parcel) -> Parcel | None:
        """Sends a bundle; gives what is worth another try: the good lines of a group with bad ones."""
        try:
            answer = self._uploader.send(parcel)
        except Refusal as refusal:
            if refusal.ends_all:
                with self._telling() as report:
                    report.ended_by = report.ended_by or str(refusal)
                self._stop.set()
                return None
            bad: set[int | None] = set()
            if isinstance(parcel, Group):
                bad = {parcel.entry(fault.path) for fault in refusal.faults} - {None}
            self._reject(
                [f"{parcel.place(fault.path)}: {fault.text}" for fault in refusal.faults]
                or [f"{parcel.name}: {refusal}"],
                len(bad) or 1,
            )
            return parcel.without(bad) if isinstance(parcel, Group) and bad else None
        with self._telling() as report:
            report.add(answer)
        return None

    def _reject(self, lines: Sequence[str], number: int = 1) -> None:
        with self._telling() as report:
            report.rejected += number
            for line in lines:
                self._on_rejected(line)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[Report]:
        """The report, to be changed; progress is told afterwards."""
        with self._lock:
            yield self.report
            self._on_progress(self.report)
