"""Merges the metric files of all processes of one host (prometheus_client's multiprocess mode).

Each process keeps files of its own in HMS_METRICS_DIR. What a dead process counted must stay counted,
or sums would fall and every rate would jump; but its files must not pile up. So they are added to one
set of files that belongs to no process (number 0), and its gauges are dropped.
"""

from __future__ import annotations

import os
import pathlib
import re
import struct
import threading
import time
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

_FILE = re.compile(r"(?P<kind>counter|histogram|summary|gauge_[a-z]+)_(?P<process>\d+)\.db")
_NOBODY = 0
_TRIES, _PAUSE_SECONDS = 10, 0.02


class MergingCollector:
    """Collects what all processes of `folder` counted. One process of a host has one."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._merged = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]

    def describe(self) -> Iterable[Metric]:
        """Nothing: else the registry would collect once when this is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The sums over all processes, the dead ones included."""
        with self._lock:
            for _ in range(_TRIES):
                try:
                    self.fold()
                    return list(self._merged.collect())  # type: ignore[no-untyped-call]
                except (struct.error, FileNotFoundError):
                    # A file that was made this very moment is still empty.
                    time.sleep(_PAUSE_SECONDS)
            return list(self._merged.collect())  # type: ignore[no-untyped-call]

    def fold(self) -> None:
        """Adds the files of dead processes to those of process 0."""
        for path in sorted(self._folder.glob("*.db")):
            name = _FILE.fullmatch(path.name)
            if name is None or int(name["process"]) == _NOBODY or _lives(int(name["process"])):
                continue
            if not name["kind"].startswith("gauge"):
                _add(path, path.with_name(f"{name['kind']}_{_NOBODY}.db"))
            path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _add(dead: pathlib.Path, total: pathlib.Path) -> None:
    values = MmapedDict.read_all_values_from_file(str(dead))  # type: ignore[no-untyped-call]
    sums = MmapedDict(str(total))  # type: ignore[no-untyped-call]
    try:
        for key, value, _, _ in values:
            before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
            sums.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        sums.close()  # type: ignore[no-untyped-call]
