"""CPU time and memory of processes, as the kernel counted them (/proc/PID)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class _Stat(NamedTuple):
    parent: int
    own_ticks: int
    ended_children_ticks: int


def _stat(pid: int) -> _Stat | None:
    """What the kernel says of a process; None where it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may hold blanks and brackets of its own.
    fields = text.rpartition(")")[2].split()
    return _Stat(int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14]))


def family(pids: Iterable[int]) -> set[int]:
    """The processes and all that descend from them, at this moment."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None:
            children.setdefault(stat.parent, []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of processes and their descendants, those that ended included."""
    ticks = 0
    for pid in family(pids):
        stat = _stat(pid)
        if stat is not None:
            ticks += stat.own_ticks + stat.ended_children_ticks
    return ticks / _TICKS


def reset_peak_memory(pids: Iterable[int]) -> None:
    """Lets the peaks begin anew from what the processes hold at this moment."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak_memory(pids: Iterable[int]) -> int:
    """The most bytes of memory that one of the processes held since its peak was reset."""
    return max(_peak(pid) for pid in pids)


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
