"""The supervisor keeps children running, restarts them with patience, stops them in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hms_server.supervise import ChildSpec, Supervisor, bound_log, restart_delay

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
# Writes its name when asked to stop, so that the order of stops can be read.
NOTE_STOP = """
import pathlib, signal, sys, time
def stop(*_):
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[3]).touch()
time.sleep(600)
"""
DEAF = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


def spec(name: str, argv: tuple[str, ...] = SLEEP, **more: object) -> ChildSpec:
    """A child with this process's environment."""
    return ChildSpec(name=name, argv=argv, environment=dict(os.environ), **more)  # type: ignore[arg-type]


def wait_until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for a condition, and fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the awaited state did not come"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that ended but was not collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def starts() -> list[tuple[str, int]]:
    """Every start the supervisor told of."""
    return []


@pytest.fixture
def supervisor(starts: list[tuple[str, int]]) -> Iterator[Supervisor]:
    """A supervisor that is stopped at the end."""
    made = Supervisor(on_start=lambda name, pid: starts.append((name, pid)))
    yield made
    made.stop()


def test_killed_child_comes_back_within_a_second(
    supervisor: Supervisor, starts: list[tuple[str, int]]
) -> None:
    supervisor.start(spec("child"))
    killed = supervisor.kill("child")
    begun = time.monotonic()
    wait_until(lambda: len(starts) == 2)
    assert time.monotonic() - begun < 1.0
    assert supervisor.pid("child") == starts[1][1] != killed
    assert supervisor.ends("child") == 1
    assert not is_running(killed)


def test_child_that_always_fails_is_restarted_with_growing_patience() -> None:
    assert [restart_delay(number) for number in range(1, 9)] == [0, 0.25, 0.5, 1, 2, 4, 5, 5]


def test_failing_child_does_not_spin(supervisor: Supervisor) -> None:
    supervisor.start(spec("failing", (sys.executable, "-c", "raise SystemExit(3)")))
    time.sleep(1.5)
    assert 2 <= supervisor.ends("failing") <= 5


def test_child_that_need_not_run_for_ever_is_left_alone(supervisor: Supervisor) -> None:
    supervisor.start(spec("once", (sys.executable, "-c", ""), restart=False))
    wait_until(lambda: supervisor.ends("once") == 1)
    time.sleep(0.3)
    assert supervisor.pids() == {}
    assert supervisor.names() == ["once"]
    with pytest.raises(LookupError):
        supervisor.pid("once")


def test_stop_goes_from_the_highest_rank_down(tmp_path: Path) -> None:
    supervisor = Supervisor()
    order = tmp_path / "order"
    for name, rank in (("database", 0), ("server", 2), ("gateway", 3), ("cache", 1)):
        up = tmp_path / name
        argv = (sys.executable, "-c", NOTE_STOP, str(order), name, str(up))
        supervisor.start(spec(name, argv, rank=rank))
        wait_until(up.exists)
    supervisor.stop()
    assert order.read_text().split() == ["gateway", "server", "cache", "database"]


def test_child_that_does_not_stop_is_killed_after_its_time(tmp_path: Path) -> None:
    supervisor = Supervisor()
    up = tmp_path / "up"
    argv = (sys.executable, "-c", DEAF, str(up))
    pid = supervisor.start(spec("deaf", argv, stop_timeout=0.3))
    wait_until(up.exists)
    begun = time.monotonic()
    supervisor.stop()
    assert 0.3 <= time.monotonic() - begun < 5.0
    assert not is_running(pid)


def test_stopping_twice_is_the_same_as_once(supervisor: Supervisor) -> None:
    pid = supervisor.start(spec("child"))
    supervisor.stop()
    supervisor.stop()
    assert not is_running(pid)
    with pytest.raises(RuntimeError):
        supervisor.start(spec("another"))


def test_name_is_used_once(supervisor: Supervisor) -> None:
    supervisor.start(spec("child"))
    with pytest.raises(ValueError, match="child"):
        supervisor.start(spec("child"))


def test_output_goes_to_the_log(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    argv = (sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)")
    supervisor.start(spec("child", argv, log_path=log, restart=False))
    wait_until(lambda: supervisor.ends("child") == 1)
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_log_that_grew_too_large_is_set_aside_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"early\n")
        bound_log(log, largest=100)
        assert log.read_bytes() == b"early\n"
        writer.write(b"x" * 100)
        bound_log(log, largest=100)
        writer.write(b"late\n")
    assert log.read_bytes() == b"late\n"
    assert (tmp_path / "child.log.1").read_bytes() == b"early\n" + b"x" * 100


def test_program_that_is_missing_is_named_in_the_log(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    supervisor.start(spec("child", ("/no/such/program",), log_path=log, restart=False))
    wait_until(lambda: supervisor.ends("child") == 1)
    assert "cannot start" in log.read_text()


def test_log_that_cannot_be_written_is_refused_at_once(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        supervisor.start(spec("child", log_path=tmp_path / "missing" / "child.log"))
    assert supervisor.names() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_children_end_with_a_killed_supervisor() -> None:
    program = (
        "import os, sys, time\n"
        "from hms_server.supervise import ChildSpec, Supervisor\n"
        f"spec = ChildSpec(name='child', argv={SLEEP!r}, environment=dict(os.environ))\n"
        "print(Supervisor().start(spec), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    wait_until(lambda: not is_running(child))


def test_signal_stops_everything(tmp_path: Path) -> None:
    program = (
        "import os\n"
        "from hms_server.supervise import ChildSpec, Supervisor\n"
        "supervisor = Supervisor()\n"
        f"spec = ChildSpec(name='child', argv={SLEEP!r}, environment=dict(os.environ))\n"
        "print(supervisor.start(spec), flush=True)\n"
        "raise SystemExit(supervisor.run_until_signal())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.terminate()
        assert parent.wait(10) == signal.SIGTERM
    assert not is_running(child)
