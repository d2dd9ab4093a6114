"""Who wins a slot: a hundred clients, each with a connection of its own, book the same slot at one moment.

Slots of one seat and of five, so many rounds of each, on several server processes. Winners are counted by the
answers and by the rows of the database: `over_booked` are seats too many, `under_booked` seats that stayed
free although somebody was refused.

Then who gets which number: the same clients take a token of one session at one moment, so many rounds,
each in a session of its own. `token_gaps` are numbers up to the last that nobody has, `token_doubles` those
that two have, both counted from the rows.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import threading
import time
from typing import Any

import grpc
import psycopg

from bench import hospitals
from bench.errors import BenchError
from bench.figures import percentile, shown
from bench.hospitals import Hospital, Metadata
from bench.system import System, fresh
from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from hms.scheduling.v1 import appointment_pb2, booking_pb2, queue_calls_pb2, scheduling_pb2_grpc
from hms_server import clock, ids

_PROCESSES = 2
_CLIENTS = 100
_CAPACITIES = (1, 5)
_SLOT_MINUTES = 15
_SEPARATE = [("grpc.use_local_subchannel_pool", 1)]


def run(outer: System) -> dict[str, float]:
    """Measures on a system of its own; raises BenchError where a call failed for another reason."""
    with fresh(outer.sizes, outer.say, servers=_PROCESSES) as system:
        target = system.stack.env["HMS_GRPC_TARGET"]
        channels = [grpc.insecure_channel(target, options=_SEPARATE) for _ in range(_CLIENTS)]
        try:
            return _measure(system, channels)
        finally:
            for channel in channels:
                channel.close()


def _measure(system: System, channels: list[grpc.Channel]) -> dict[str, float]:
    (hospital,) = system.empty_hospitals(1)
    metadata = hospitals.reception(system.channel, hospital).metadata
    patients = _register(channels[0], metadata)
    stubs = [scheduling_pb2_grpc.SchedulingServiceStub(channel) for channel in channels]
    over = under = 0
    delays: list[float] = []
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with concurrent.futures.ThreadPoolExecutor(_CLIENTS) as pool:
        for number, capacity in enumerate(_CAPACITIES):
            practitioner_id = _practitioner(system.owner_url, hospital, capacity)
            # One practitioner's slots after the other's: no patient is at two places.
            first = midnight + datetime.timedelta(days=1 + 30 * number)
            for turn in range(system.sizes.turns):
                start = first + datetime.timedelta(minutes=turn * _SLOT_MINUTES)
                together = threading.Barrier(_CLIENTS)

                def book(
                    client: int,
                    together: threading.Barrier = together,
                    start: datetime.datetime = start,
                    practitioner_id: str = practitioner_id,
                ) -> tuple[bool, float]:
                    together.wait()
                    begun = time.perf_counter()
                    won = _wins(stubs[client], metadata, patients[client], practitioner_id, start)
                    return won, (time.perf_counter() - begun) * 1000

                answers = list(pool.map(book, range(_CLIENTS)))
                delays += [taken for _, taken in answers]
                won = sum(1 for each, _ in answers if each)
                stored = _stored(system.owner_url, hospital, practitioner_id, start)
                if won != stored:
                    raise BenchError(f"booking: {won} were told that they won, {stored} are stored")
                over += max(0, stored - capacity)
                under += max(0, min(capacity, _CLIENTS) - stored)
        gaps, doubles, waits = _tokens(system, hospital, pool, stubs, metadata, patients)
    return {
        "clients": _CLIENTS,
        "rounds": system.sizes.turns,
        "calls": len(delays),
        "over_booked": over,
        "under_booked": under,
        "p50_ms": shown(percentile(delays, 0.5)),
        "p99_ms": shown(percentile(delays, 0.99)),
        "max_ms": shown(max(delays)),
        "token_calls": len(waits),
        "token_gaps": gaps,
        "token_doubles": doubles,
        "token_p99_ms": shown(percentile(waits, 0.99)),
    }


def _tokens(
    system: System,
    hospital: Hospital,
    pool: concurrent.futures.ThreadPoolExecutor,
    stubs: list[Any],
    metadata: Metadata,
    patients: list[str],
) -> tuple[int, int, list[float]]:
    """Numbers that nobody has, numbers that two have, and how long each call took."""
    gaps = doubles = 0
    waits: list[float] = []
    for _ in range(system.sizes.turns):
        practitioner_id = _practitioner(system.owner_url, hospital, _CLIENTS)
        together = threading.Barrier(_CLIENTS)

        def take(
            client: int, together: threading.Barrier = together, practitioner_id: str = practitioner_id
        ) -> float:
            request = queue_calls_pb2.IssueQueueTokenRequest(
                practitioner_id=practitioner_id, patient_id=patients[client]
            )
            together.wait()
            begun = time.perf_counter()
            stubs[client].IssueQueueToken(request, metadata=metadata, timeout=hospitals.DEADLINE_SECONDS)
            return (time.perf_counter() - begun) * 1000

        waits += pool.map(take, range(_CLIENTS))
        numbers = _numbers(system.owner_url, hospital, practitioner_id)
        if len(numbers) != _CLIENTS:
            raise BenchError(f"booking: {_CLIENTS} tokens were given, {len(numbers)} are stored")
        gaps += max(numbers) - len(set(numbers))
        doubles += len(numbers) - len(set(numbers))
    return gaps, doubles, waits


def _wins(
    stub: Any, metadata: Metadata, patient_id: str, practitioner_id: str, start: datetime.datetime
) -> bool:
    appointment = appointment_pb2.Appointment(patient_id=patient_id, practitioner_id=practitioner_id)
    appointment.start_time.FromDatetime(start)
    try:
        stub.BookAppointment(
            booking_pb2.BookAppointmentRequest(appointment=appointment),
            metadata=metadata,
            timeout=hospitals.DEADLINE_SECONDS,
        )
    except grpc.RpcError as error:
        failed: Any = error
        if failed.code() is grpc.StatusCode.FAILED_PRECONDITION:
            return False
        raise
    return True


def _register(channel: grpc.Channel, metadata: Metadata) -> list[str]:
    stub = patient_pb2_grpc.PatientServiceStub(channel)
    names = [patient_pb2.HumanName(given_names=[f"N{n}"], family_name="Rao") for n in range(_CLIENTS)]
    return [
        stub.CreatePatient(
            patient_pb2.CreatePatientRequest(patient=patient_pb2.Patient(names=[name])),
            metadata=metadata,
            timeout=hospitals.DEADLINE_SECONDS,
        ).id
        for name in names
    ]


def _practitioner(owner_url: str, hospital: Hospital, capacity: int) -> str:
    """A practitioner with slots around the clock."""
    practitioner, department, schedule = ids.uuid7(), ids.uuid7(), ids.uuid7()
    tenant = hospital.tenant_id
    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "INSERT INTO practitioner (tenant_id, id, document, name_key, active, actor_id)"
            " VALUES (%s, %s, '{}', 'bench', true, %s)",
            [tenant, practitioner, practitioner],
        )
        connection.execute(
            "INSERT INTO department (tenant_id, id, document, name_key, active, actor_id)"
            " VALUES (%s, %s, '{}', 'bench', true, %s)",
            [tenant, department, department],
        )
        connection.execute(
            "INSERT INTO schedule (tenant_id, id, practitioner_id, department_id, valid_from, actor_id)"
            " VALUES (%s, %s, %s, %s, current_date - 1, %s)",
            [tenant, schedule, practitioner, department, practitioner],
        )
        connection.execute(
            "INSERT INTO schedule_session (tenant_id, schedule_id, weekday, start_time, end_time,"
            " slot_minutes, capacity) SELECT %s, %s, weekday, '00:00', '24:00', %s, %s"
            " FROM generate_series(1, 7) AS weekday",
            [tenant, schedule, _SLOT_MINUTES, capacity],
        )
    return practitioner


def _stored(owner_url: str, hospital: Hospital, practitioner_id: str, start: datetime.datetime) -> int:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM appointment WHERE tenant_id = %s AND practitioner_id = %s"
            " AND start_time = %s AND state = 'BOOKED'",
            [hospital.tenant_id, practitioner_id, start],
        ).fetchone()
    return int(row[0]) if row is not None else 0


def _numbers(owner_url: str, hospital: Hospital, practitioner_id: str) -> list[int]:
    with psycopg.connect(owner_url) as connection:
        rows = connection.execute(
            "SELECT number FROM queue_token WHERE tenant_id = %s AND practitioner_id = %s",
            [hospital.tenant_id, practitioner_id],
        ).fetchall()
    return [int(row[0]) for row in rows]
