"""The parts of the development stack that need no server: files, ports, messages."""

import json
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from hms_server.devstack import env_file, welcome
from hms_server.devstack.binaries import explain_failure
from hms_server.devstack.done import Done
from hms_server.devstack.errors import StackError
from hms_server.devstack.layout import LARGEST_LOG, Layout, last_lines, write_private
from hms_server.devstack.passwords import load_or_make
from hms_server.devstack.ports import LOCALHOST, Ports, check_free, free_ports, is_free


def test_env_file_gives_a_shell_each_value_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "env"
    value = """it's $HOME "quoted" `date` \\ and spaces"""
    env_file.write(path, {"HMS_PASSWORD": value})
    command = f'. "{path}"; printf %s "$HMS_PASSWORD"'
    shown = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    assert shown.stdout == value
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_pids_are_pairs() -> None:
    assert env_file.render_pids({"redis": 7, "server-1": 9}) == "redis=7 server-1=9"


def test_private_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "file.new").write_text("left by an interrupted write")
    write_private(path, "first")
    write_private(path, "second")
    assert path.read_text() == "second"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_passwords_are_made_once_and_differ(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = load_or_make(layout)
    assert load_or_make(layout) == made
    values = list(json.loads(layout.passwords.read_text()).values())
    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 24


@pytest.mark.parametrize("text", ["", "{", "[]", '{"postgres": "x"}'])
def test_damaged_passwords_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    layout = Layout(tmp_path)
    layout.passwords.write_text(text)
    with pytest.raises(StackError, match="damaged"):
        load_or_make(layout)


def test_folder_is_made_ready_for_a_run(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    layout.make_folder()
    layout.prepare()
    (layout.metrics / "counter_1.db").touch()
    layout.log("kept").write_text("short")
    with layout.log("long").open("wb") as log:
        log.truncate(LARGEST_LOG + 1)
    layout.prepare()
    assert list(layout.metrics.iterdir()) == []
    assert {path.name: path.stat().st_size for path in layout.logs.iterdir()} == {
        "kept.log": 5,
        "long.log": 0,
        "long.log.1": LARGEST_LOG + 1,
    }
    assert stat.S_IMODE(layout.folder.stat().st_mode) == 0o700


def test_end_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == ""
    log.write_bytes(b"one\ntwo\n\xff three\n")
    assert last_lines(log, 2) == "two\n\ufffd three"


def test_steps_done_are_remembered_until_forgotten(tmp_path: Path) -> None:
    done = Done(tmp_path / "done.json")
    assert not done.has("demo")
    done.add("demo")
    assert Done(tmp_path / "done.json").has("demo")
    done.forget()
    assert not done.has("demo")


def test_ports_can_be_chosen_and_shifted() -> None:
    ports = Ports().shifted(100).chosen({"rest": 8099, "envoy-admin": 9999})
    assert (ports.rest, ports.grpc, ports.envoy_admin) == (8099, 50151, 9999)
    with pytest.raises(StackError, match="no port named http"):
        Ports().chosen({"http": 1})


def test_free_ports_are_free_and_differ() -> None:
    numbers = [port for _, port in free_ports().items()]
    assert len(set(numbers)) == len(numbers)
    assert all(map(is_free, numbers))


@pytest.mark.parametrize("shared", [False, True])
def test_taken_port_is_found_even_if_it_could_be_shared(shared: bool) -> None:
    ports = free_ports()
    with socket.socket() as holder:
        if shared:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((LOCALHOST, ports.grpc))
        holder.listen()
        with pytest.raises(StackError, match=f"Port {ports.grpc} \\(for grpc\\) is taken"):
            check_free(ports)
    check_free(ports)


@pytest.mark.parametrize("number", [0, -1, 65536])
def test_impossible_port_is_refused(number: int) -> None:
    with pytest.raises(StackError, match="no port number"):
        check_free(free_ports().chosen({"rest": number}))


def test_missing_library_is_named_with_its_package() -> None:
    printed = (
        "/x/bin/postgres: error while loading shared libraries: libz.so.1: "
        "cannot open shared object file: No such file or directory\n"
    )
    told = explain_failure("PostgreSQL", printed)
    assert "libz.so.1" in told
    assert "zlib1g" in told
    assert "\n" not in told


def test_other_failures_show_the_last_line() -> None:
    assert explain_failure("Envoy", "warning\nbad thing\n").endswith("bad thing.")
    assert "no reason" in explain_failure("Envoy", "")


def test_welcome_has_addresses_and_commands_a_shell_accepts(tmp_path: Path) -> None:
    env = {
        "HMS_REST_URL": "http://127.0.0.1:8080",
        "HMS_GRPC_TARGET": "127.0.0.1:50051",
        "HMS_METRICS_URL": "http://127.0.0.1:9464/metrics",
        "HMS_MAIL_FOLDER": "/somewhere/mail",
        "HMS_TENANT": "demo",
        "HMS_USER": "admin",
        "HMS_PASSWORD": "secret",
    }
    text = welcome.render(env, tmp_path / "env")
    assert all(value in text for value in env.values())
    commands = text[text.index(". ") : text.index("Ctrl-C")].replace("The same by stubs:", "")
    subprocess.run(["bash", "-n", "-c", commands], check=True)
    stub = commands[commands.index("-c '") + 4 : commands.rindex('\' "$TOKEN"')]
    compile(stub, "stub example", "exec")
