"""The processes of a stack while they run, and the two files that name them.

`processes.json` lets the next run find what a killed one left; `env` is for people and tools, and
is there only while the whole system serves.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from hms_server.devstack import env_file
from hms_server.devstack.errors import StackError
from hms_server.devstack.layout import Layout, last_lines
from hms_server.devstack.leftovers import note_processes
from hms_server.devstack.progress import Progress
from hms_server.supervise import ChildSpec, Supervisor

# Stops go from the highest rank down: nothing is stopped before what uses it.
RANKS = {
    "postgres": 0,
    "redis": 1,
    "mailbox": 1,
    "metrics": 2,
    "cron": 3,
    "worker": 4,
    "server": 5,
    "envoy": 6,
}

SECONDS_TO_START = 90.0
LOOK_EVERY = 0.05
# A server that ends while it starts is tried again: what a killed run held may take a moment to go.
ENDS_ALLOWED = 2


def kind_of(name: str) -> str:
    """What `worker-2` is: a worker."""
    return name.partition("-")[0]


class Running:
    """Starts processes and keeps them running until `stop`."""

    def __init__(self, layout: Layout, progress: Progress) -> None:
        self._layout = layout
        self._progress = progress
        self._published: Mapping[str, str] | None = None
        self._pids: dict[str, int] = {}
        # Starts are noted by the supervisor's thread, everything else is asked by others.
        self._lock = threading.Lock()
        self._supervisor = Supervisor(on_start=self._note_start, on_end=self._note_end)

    def start(self, spec: ChildSpec) -> None:
        """Start a process; it is started again whenever it ends."""
        self._supervisor.start(replace(spec, rank=RANKS[kind_of(spec.name)]))

    def wait_for(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Wait for a process that was started; shows the end of its log if it does not come up."""
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_ready():
            if time.monotonic() > deadline:
                raise self._failure(name)
            self.check_steady()
            time.sleep(LOOK_EVERY)

    def check_steady(self) -> None:
        """Refuse to go on with a process that ends again and again."""
        for name in self._supervisor.names():
            if self._supervisor.ends(name) > ENDS_ALLOWED:
                raise self._failure(name)

    def names(self) -> list[str]:
        """Everything that was started."""
        return self._supervisor.names()

    def is_up(self, name: str) -> bool:
        """Whether a process runs at this moment."""
        with contextlib.suppress(LookupError):
            return self._supervisor.pid(name) > 0
        return False

    def pid(self, name: str) -> int:
        """The process id of one that runs at this moment, else LookupError."""
        return self._supervisor.pid(name)

    def kill(self, name: str, number: signal.Signals) -> int:
        """Send a process a signal; answers its process id."""
        return self._supervisor.kill(name, number)

    def variable(self) -> dict[str, str]:
        """The process ids, as `.hms/env` has them."""
        return {"HMS_PIDS": env_file.render_pids(self._pids)}

    def publish(self, variables: Mapping[str, str]) -> None:
        """Write the env file, and from now on again at each restart of a process."""
        with self._lock:
            self._published = variables
            self._write_files()

    def stop(self) -> None:
        """Take the env file away and stop every process, the gateway first, PostgreSQL last."""
        with self._lock:
            self._published = None
        self._layout.environment.unlink(missing_ok=True)
        self._supervisor.stop()
        self._layout.processes.unlink(missing_ok=True)

    def _failure(self, name: str) -> StackError:
        log = self._layout.log(name)
        return StackError(f"{name} does not start; the end of {log}:\n{last_lines(log)}")

    def _note_start(self, name: str, pid: int) -> None:
        with self._lock:
            restarted = name in self._pids
            self._pids[name] = pid
            self._write_files()
            serving = self._published is not None
        if restarted and serving:
            self._progress.say(f"  {name} was started again as process {pid}")

    def _note_end(self, name: str, status: int, delay: float) -> None:
        if self._published is None:
            return
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        when = f" in {delay:.1f} s" if delay else ""
        self._progress.say(f"  {name} {how}: starting it again{when}")

    def _write_files(self) -> None:
        # A full disk must not end the supervisor's thread.
        with contextlib.suppress(OSError):
            note_processes(self._layout, self._pids)
            if self._published is not None:
                env_file.write(self._layout.environment, {**self._published, **self.variable()})
