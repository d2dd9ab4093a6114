"""One stack for each data folder, and none of the processes of a killed one.

Children end with their supervisor (see launcher.py), where the kernel can see to it; PostgreSQL
takes a moment for that. So each run notes its processes, and the next one on the same folder first
ends those that are still there. A process counts as ours only if its start time is the noted one:
process ids are used again.
"""

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Mapping
from typing import TextIO

import psutil  # type: ignore[import-untyped]

from hms_server.devstack.errors import StackError
from hms_server.devstack.layout import Layout, write_private

SECONDS_TO_END = 60


def lock_folder(layout: Layout) -> TextIO:
    """Claim the data folder until the answered file is closed, or this process ends."""
    try:
        file = open(layout.lock, "a+", encoding="utf-8")
    except PermissionError as error:
        raise StackError(
            f"{layout.folder} belongs to another user: start as that user, or give the folder to "
            "this one with chown."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise StackError(
            f"HMS runs on {layout.folder} already (process {holder}): its addresses are in "
            f"{layout.environment}, and Ctrl-C there stops it."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def note_processes(layout: Layout, pids: Mapping[str, int]) -> None:
    """Write down which processes run, with their start times."""
    noted = {}
    for name, pid in pids.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            noted[name] = [pid, psutil.Process(pid).create_time()]
    write_private(layout.processes, json.dumps(noted))


def end_leftovers(layout: Layout) -> list[str]:
    """End what a killed run on this folder left behind; answers the names."""
    try:
        noted = json.loads(layout.processes.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    found: dict[str, psutil.Process] = {}
    for name, (pid, create_time) in noted.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if process.create_time() == create_time and process.status() != psutil.STATUS_ZOMBIE:
                found[name] = process
    everything: list[psutil.Process] = []
    for name, process in found.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            if name.startswith("postgres"):
                # It ends its own processes, and leaves its data clean.
                process.send_signal(signal.SIGINT)
                everything.append(process)
            else:
                for each in [*process.children(recursive=True), process]:
                    each.kill()
                    everything.append(each)
    _, alive = psutil.wait_procs(everything, timeout=SECONDS_TO_END)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    layout.processes.unlink(missing_ok=True)
    return sorted(found)
