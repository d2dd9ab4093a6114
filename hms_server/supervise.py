"""Keeps a set of processes running: starts them, restarts what ends, stops all in order.

Used by `hms serve --workers N` and by the development stack. Standard library only, so that a
production install needs nothing more.

One thread of the supervisor starts, watches and restarts every child. It has to be one thread that
lives as long as they do: the kernel's "signal me when my parent ends" (see launcher.py) means the
thread that started the child, not its process.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launcher.py")

# How often ended children are looked for, in seconds.
LOOK_EVERY = 0.1
# A child that ran this long has started well: its next end is restarted at once.
STEADY_AFTER = 5.0
FIRST_DELAY = 0.25
LONGEST_DELAY = 5.0

# A log that grows beyond this is set aside as `.log.1`, in place of the one before.
LARGEST_LOG = 64 * 1024 * 1024
LOGS_EVERY = 15.0


def bound_log(path: Path, largest: int = LARGEST_LOG) -> None:
    """Set a log aside that has grown too large; whoever writes it goes on writing.

    Copied and emptied, not renamed: the child holds the file open. It appends, so it goes on at the
    new end; a line written in between may be lost.
    """
    try:
        if path.stat().st_size > largest:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
    except OSError:
        # A full disk: at least the log takes no more of it.
        with contextlib.suppress(OSError):
            os.truncate(path, 0)


@dataclass(frozen=True)
class ChildSpec:
    """One process: what to run, and how to stop it."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    # Children of the highest rank stop first, those of one rank together.
    rank: int = 0
    # None: the child writes where the supervisor writes.
    log_path: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # After this many seconds a child that does not stop is killed.
    stop_timeout: float = 30.0
    restart: bool = True
    # What the kernel sends should the supervisor itself be killed.
    death_signal: signal.Signals = signal.SIGKILL
    # Options for launcher.py beside those of the supervisor.
    launcher_options: tuple[str, ...] = ()


@dataclass
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float | None = 0.0
    quick_ends: int = 0
    ends: int = 0
    ready: threading.Event = field(default_factory=threading.Event)
    failure: OSError | None = None


def launch_command(
    argv: Iterable[str],
    options: Iterable[str] = (),
    death_signal: signal.Signals = signal.SIGKILL,
) -> list[str]:
    """The command line that runs `argv` so that it ends with this process."""
    return [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCHER),
        *options,
        f"--parent={os.getpid()}",
        f"--death-signal={int(death_signal)}",
        "--",
        *argv,
    ]


def restart_delay(quick_ends: int) -> float:
    """Seconds to wait before the next start: none at first, then doubling up to a limit."""
    if quick_ends <= 1:
        return 0.0
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** (quick_ends - 2)))


class Supervisor:
    """Runs children until stopped. All methods may be called from any thread."""

    def __init__(
        self,
        on_start: Callable[[str, int], None] | None = None,
        on_end: Callable[[str, int, float], None] | None = None,
    ) -> None:
        """`on_start(name, pid)` and `on_end(name, exit_status, seconds_to_restart)` run in the
        supervisor's own thread: they must be quick and must not raise. They may call `pids`."""
        self._on_start = on_start
        self._on_end = on_end
        self._children: dict[str, _Child] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = False
        self._finished = False
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, spec: ChildSpec) -> int:
        """Start a child and answer its process id."""
        child = _Child(spec)
        with self._lock:
            if self._stopping:
                raise RuntimeError("the supervisor is stopping")
            if spec.name in self._children:
                raise ValueError(f"{spec.name} is running already")
            self._children[spec.name] = child
        self._wake.set()
        child.ready.wait()
        if child.failure is not None or child.process is None:
            with self._lock:
                self._children.pop(spec.name, None)
            raise child.failure or RuntimeError("the supervisor is stopping")
        return child.process.pid

    def pid(self, name: str) -> int:
        """The process id of a running child; LookupError when it is down at the moment."""
        process = self._children[name].process
        if process is None or process.poll() is not None:
            raise LookupError(f"{name} is not running")
        return process.pid

    def pids(self) -> dict[str, int]:
        """The process ids of the children that run at the moment."""
        with self._lock:
            return {
                name: child.process.pid
                for name, child in self._children.items()
                if child.process is not None and child.process.poll() is None
            }

    def names(self) -> list[str]:
        """All children, in the order of their start, whether they run at the moment or not."""
        with self._lock:
            return list(self._children)

    def ends(self, name: str) -> int:
        """How often a child has ended since it was first started."""
        return self._children[name].ends

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a running child a signal, as a test or an operator would; answers its process id.

        A killed child is gone when this returns: whoever then waits for it waits for the next one.
        """
        process = self._children[name].process
        if process is None or process.poll() is not None:
            raise LookupError(f"{name} is not running")
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()
        return process.pid

    def stop(self) -> None:
        """Stop every child, the highest rank first, and wait for them."""
        with self._lock:
            already = self._stopping
            self._stopping = True
            children = list(self._children.values())
        if not already:
            for rank in sorted({child.spec.rank for child in children}, reverse=True):
                self._stop_together([child for child in children if child.spec.rank == rank])
            self._finished = True
        self._wake.set()
        self._thread.join()

    def run_until_signal(self, signals: Iterable[signal.Signals] = (signal.SIGINT, signal.SIGTERM)) -> int:
        """Wait in the main thread for a signal, then stop every child; answers the signal."""
        received: list[int] = []
        asked = threading.Event()

        def note(number: int, _frame: object) -> None:
            received.append(number)
            asked.set()

        for number in signals:
            signal.signal(number, note)
        asked.wait()
        self.stop()
        return received[0]

    def _stop_together(self, children: list[_Child]) -> None:
        for child in children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(child.spec.stop_signal)
        begun = time.monotonic()
        for child in children:
            if child.process is None:
                continue
            left = child.spec.stop_timeout - (time.monotonic() - begun)
            try:
                child.process.wait(max(left, 0.0))
            except subprocess.TimeoutExpired:
                # The child leads a session of its own: this takes what it started, too.
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()

    def _watch(self) -> None:
        logs_due = time.monotonic() + LOGS_EVERY
        while not self._finished:
            with self._lock:
                children = list(self._children.values())
                for child in children:
                    self._tend(child)
            if time.monotonic() >= logs_due:
                logs_due = time.monotonic() + LOGS_EVERY
                for child in children:
                    if child.spec.log_path is not None:
                        bound_log(child.spec.log_path)
            self._wake.wait(LOOK_EVERY)
            self._wake.clear()

    def _tend(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.due_at is None:
            status = child.process.poll()
            if status is None or self._stopping:
                return
            self._note_end(child, status, now)
        if self._stopping:
            child.ready.set()
        elif child.due_at is not None and now >= child.due_at:
            self._spawn(child)

    def _note_end(self, child: _Child, status: int, now: float) -> None:
        child.ends += 1
        lasted = now - child.started_at
        child.quick_ends = 1 if lasted >= STEADY_AFTER else child.quick_ends + 1
        delay = restart_delay(child.quick_ends)
        child.due_at = now + delay if child.spec.restart else None
        child.process = None
        if self._on_end is not None:
            self._on_end(child.spec.name, status, delay)

    def _spawn(self, child: _Child) -> None:
        spec = child.spec
        log: IO[bytes] | None = None
        try:
            log = open(spec.log_path, "ab") if spec.log_path is not None else None
            child.process = subprocess.Popen(
                launch_command(spec.argv, spec.launcher_options, spec.death_signal),
                env=dict(spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log is not None else None,
                # Ctrl-C in a terminal reaches the supervisor only, which stops children in order.
                start_new_session=True,
            )
        except OSError as error:
            child.failure = error
            child.quick_ends += 1
            child.due_at = time.monotonic() + max(restart_delay(child.quick_ends), FIRST_DELAY)
        else:
            child.failure = None
            child.started_at = time.monotonic()
            child.due_at = None
            if self._on_start is not None:
                self._on_start(spec.name, child.process.pid)
        finally:
            if log is not None:
                log.close()
            child.ready.set()
