"""What a read costs: GetPatient with the whole chain and its durable audit record, against a bare echo.

Both servers are one process with the same number of threads, take the same load from h2load in turns,
and are compared by the medians of several rounds. Workers and cron run on as in use, so their share of
this machine, and PostgreSQL's, Redis's and h2load's, is missing from the throughput of GetPatient: the
CPU time of the server process is the steadier of the two figures.
"""

from __future__ import annotations

import collections
import re
import time
import urllib.request
from collections.abc import Callable, Mapping

import psycopg

from bench import echo, h2load, hospitals
from bench.errors import BenchError
from bench.figures import median, shown
from bench.h2load import Load
from bench.hospitals import Hospital
from bench.processes import cpu_seconds
from bench.system import System
from hms.patient.v1 import patient_pb2
from hms_server.config import Settings
from hms_server.devstack.ports import free_ports

METHOD = "hms.patient.v1.PatientService/GetPatient"
_MICRO = 1e6
_SECONDS_TO_COUNT = 5.0
_AUDITED = "SELECT count(*) FROM audit_event WHERE tenant_id = %s AND method = %s AND outcome = 'OK'"


def run(system: System) -> dict[str, float]:
    """Measures; raises BenchError where a call failed or left no audit record."""
    h2load.check_installed()
    sizes = system.sizes
    hospital = system.hospital(sizes.small_rows)
    patients = hospital.registrations(sizes.messages)
    messages = [patient_pb2.GetPatientRequest(id=patient.id).SerializeToString() for patient in patients]
    token = hospitals.reception(system.channel, hospital).token
    threads = Settings.model_fields["threads"].default
    before = _audited(system, hospital)
    measured = _Rounds()
    port = free_ports().grpc
    with echo.running(port, threads) as pid:

        def ask_echo(calls: int) -> Load:
            return h2load.run(port, echo.PATH, messages, calls, token)

        def ask_hms(calls: int) -> Load:
            answered = _answered(system)
            load = h2load.run(system.stack.ports.grpc, f"/{METHOD}", messages, calls, token)
            if not _settles(lambda: _answered(system) - answered == load.calls):
                raise BenchError("GetPatient: not every call was answered OK")
            return load

        # To warm up both.
        ask_echo(sizes.calls // 10)
        sent = ask_hms(sizes.calls // 10).calls
        for number in range(sizes.rounds):
            system.drained()
            measured.take("echo", ask_echo, sizes.calls, {"echo": [pid]})
            sent += measured.take("get_patient", ask_hms, sizes.calls, _parts(system)).calls
            system.say(f"round {number + 1} of {sizes.rounds}: {measured.last()}")
    system.drained()
    if _audited(system, hospital) - before != sent:
        raise BenchError("GetPatient: not every call left one audit record")
    return measured.figures()


class _Rounds:
    """What the rounds gave, by figure."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = collections.defaultdict(list)

    def take(
        self, name: str, ask: Callable[[int], Load], calls: int, processes: Mapping[str, list[int]]
    ) -> Load:
        """One round of one server: throughput, and CPU time per call of every process looked at."""
        before = {part: cpu_seconds(pids) for part, pids in processes.items()}
        load = ask(calls)
        self._values[f"{name}_rps"].append(load.per_second)
        for part, pids in processes.items():
            used = cpu_seconds(pids) - before[part]
            self._values[f"{part}_cpu_us"].append(used / load.calls * _MICRO)
        return load

    def last(self) -> str:
        """The latest round in a few words."""
        value = {name: values[-1] for name, values in self._values.items()}
        return (
            f"echo {value['echo_rps']:,.0f}/s {value['echo_cpu_us']:.0f} us, "
            f"GetPatient {value['get_patient_rps']:,.0f}/s {value['get_patient_cpu_us']:.0f} us"
        )

    def figures(self) -> dict[str, float]:
        """Medians, and their ratios."""
        found = {name: median(values) for name, values in self._values.items()}
        found["ratio"] = found["get_patient_rps"] / found["echo_rps"]
        found["cpu_ratio"] = found["get_patient_cpu_us"] / found["echo_cpu_us"]
        return {name: shown(value) for name, value in found.items()}


def _parts(system: System) -> dict[str, list[int]]:
    """The processes that a call makes work for."""
    pids = dict(pair.split("=") for pair in system.stack.env["HMS_PIDS"].split())

    def of(kind: str) -> list[int]:
        return [int(pid) for name, pid in pids.items() if name.partition("-")[0] == kind]

    return {
        "get_patient": of("server"),
        "postgres": of("postgres"),
        "redis": of("redis"),
        "worker": of("worker"),
    }


def _settles(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold: a server hands its counts over twice a second."""
    deadline = time.monotonic() + _SECONDS_TO_COUNT
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _answered(system: System) -> int:
    """How many calls the servers counted as answered OK."""
    url = system.stack.env["HMS_METRICS_URL"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    total = 0.0
    for labels, value in re.findall(r"^hms_requests_total\{(.*?)\} (\S+)$", text, re.MULTILINE):
        if f'method="{METHOD}"' in labels and 'code="OK"' in labels:
            total += float(value)
    return round(total)


def _audited(system: System, hospital: Hospital) -> int:
    with psycopg.connect(system.owner_url) as connection:
        row = connection.execute(_AUDITED, [hospital.tenant_id, METHOD]).fetchone()
    return int(row[0]) if row else 0
