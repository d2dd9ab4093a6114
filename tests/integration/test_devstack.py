"""The development stack on real servers: keeps data, repairs itself, leaves nothing running."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from hms_server.devstack.errors import StackError
from hms_server.devstack.ports import answers, free_ports
from hms_server.devstack.stack import Stack


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition, and fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the awaited state did not come"
        time.sleep(0.05)


def ask(stack: Stack, query: str) -> str:
    """One value from PostgreSQL, asked by its superuser."""
    password = stack.environment.passwords.postgres
    with psycopg.connect(stack.postgres.url("postgres", password, "postgres")) as connection:
        row = connection.execute(query.encode()).fetchone()
    return str(row[0]) if row is not None else ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder in a place only its owner may enter."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    return private / "data"


@pytest.fixture
def database_stack(folder: Path) -> Iterator[Stack]:
    """PostgreSQL alone."""
    with Stack(folder) as stack:
        stack.start_postgres()
        yield stack


def test_postgres_is_set_as_in_use(database_stack: Stack) -> None:
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "unix_socket_directories": "",
        "listen_addresses": "127.0.0.1",
        "password_encryption": "scram-sha-256",
    }
    found = {name: ask(database_stack, f"SELECT current_setting('{name}')") for name in wanted}
    assert found == wanted
    assert ask(database_stack, "SELECT datlocprovider FROM pg_database LIMIT 1") == "b"
    assert ask(database_stack, "SELECT lower('ÀÉ')") == "àé"


def test_postgres_asks_for_the_password(database_stack: Stack) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database_stack.postgres.url("postgres", "wrong", "postgres"))


def test_postgres_log_holds_no_data(database_stack: Stack) -> None:
    ask(database_stack, "SELECT 1")
    for query in (
        "CREATE TABLE person (name text PRIMARY KEY); INSERT INTO person VALUES ('Asha')",
        "INSERT INTO person SELECT 'Asha' FROM generate_series(1, 2)",
    ):
        with pytest.raises(psycopg.Error):
            ask(database_stack, query + "; SELECT 1/0")
    log = database_stack.layout.log("postgres").read_text()
    assert "ERROR" in log
    assert "Asha" not in log


def test_data_is_kept_and_its_files_are_private(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.start_postgres()
        password = stack.environment.passwords.postgres
        with psycopg.connect(stack.postgres.url("postgres", password, "postgres")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        mode = stat.S_IMODE(stack.layout.passwords.stat().st_mode)
        assert mode == 0o600
    with Stack(folder) as stack:
        stack.start_postgres()
        assert ask(stack, "SELECT answer FROM kept") == "42"


def test_interrupted_first_start_is_repaired(folder: Path) -> None:
    (folder / "postgres.new" / "data").mkdir(parents=True)
    (folder / "postgres.new" / "data" / "PG_VERSION").write_text("18\n")
    (folder / "postgres").mkdir()
    (folder / "secrets.json").unlink(missing_ok=True)
    with pytest.raises(StackError, match=r"secrets\.json is missing"):
        Stack(folder)
    (folder / "postgres").rmdir()
    with Stack(folder) as stack:
        stack.start_postgres()
        assert ask(stack, "SELECT 1") == "1"
    assert not (folder / "postgres.new").exists()


def test_incomplete_data_folder_is_refused_in_one_line(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.start_postgres()
    (folder / "postgres" / "global" / "pg_control").unlink()
    with (
        Stack(folder) as stack,
        pytest.raises(StackError, match="delete it to begin anew") as refused,
    ):
        stack.start_postgres()
    assert "\n" not in str(refused.value)


def test_data_without_its_keys_is_refused(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.start_postgres()
    with Stack(folder) as stack, pytest.raises(StackError, match="put it back"):
        stack.make_keys()


def test_killed_postgres_and_redis_come_back(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.start_postgres()
        stack.start_redis()
        for name in ("postgres", "redis"):
            before = stack.kill(name)
            stack.wait_healthy(15)
            assert stack.pid(name) != before
        assert ask(stack, "SELECT 1") == "1"


def test_one_stack_at_a_time(database_stack: Stack) -> None:
    with pytest.raises(StackError, match="already") as refused:
        Stack(database_stack.layout.folder)
    assert str(os.getpid()) in str(refused.value)


def test_taken_port_is_named(folder: Path, database_stack: Stack) -> None:
    ports = free_ports().chosen({"rest": database_stack.ports.postgres})
    taken = str(database_stack.ports.postgres)
    with pytest.raises(StackError, match=f"{taken} \\(for rest\\).*--port rest="):
        Stack(folder.with_name("other"), ports=ports)


def test_stop_leaves_nothing_behind(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.start_postgres()
        stack.start_redis()
        ports = stack.ports
        assert answers(ports.postgres)
        assert answers(ports.redis)
    assert not answers(ports.postgres)
    assert not answers(ports.redis)
    assert not (folder / "processes.json").exists()


def test_run_that_was_killed_leaves_nothing_in_the_way(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from hms_server.devstack.stack import Stack\n"
        "stack = Stack(Path(sys.argv[1])); stack.start_postgres(); stack.start_redis()\n"
        "print(stack.ports.postgres, stack.ports.redis, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        ports = [int(port) for port in killed.stdout.readline().split()]
        killed.kill()
    with Stack(folder) as stack:
        assert not any(answers(port) for port in ports)
        stack.start_postgres()
        assert ask(stack, "SELECT 1") == "1"


def test_whole_system_comes_back_and_says_where(fresh_stack: Stack) -> None:
    env_file = fresh_stack.layout.environment
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600

    def noted() -> dict[str, int]:
        shell = f'. "{env_file}"; printf %s "$HMS_PIDS"'
        pids = subprocess.run(["sh", "-c", shell], check=True, capture_output=True, text=True)
        return {name: int(pid) for name, pid in re.findall(r"(\S+)=(\d+)", pids.stdout)}

    first = noted()
    assert set(first) == {
        "postgres", "redis", "mailbox", "metrics", "cron", "worker-1", "server-1", "server-2", "envoy",
    }  # fmt: skip
    for name in ("server-1", "worker-1", "redis", "postgres", "envoy"):
        assert fresh_stack.kill(name, signal.SIGKILL) == first[name]
        wait_until(lambda name=name: noted()[name] != first[name], 3.0)  # type: ignore[misc]
    fresh_stack.wait_healthy()
    fresh_stack.stop()
    assert not env_file.exists()
    for pid in first.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
