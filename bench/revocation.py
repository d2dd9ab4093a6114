"""How soon a withdrawn role is refused by every process: from the change's answer to the refusal.

Two server processes, eight connections spread over both. In each trial a role is withdrawn by one of
them, and at once the user's token, which still lists what the role gave, is tried on all. A call that is
served after the change was answered counts as `served_late`; its connection asks on until it is refused.
"""

from __future__ import annotations

import concurrent.futures
import functools
import time
from typing import Any

import grpc
import psutil  # type: ignore[import-untyped]
from google.protobuf.field_mask_pb2 import FieldMask

from bench import hospitals
from bench.errors import BenchError
from bench.figures import percentile, shown
from bench.hospitals import Metadata
from bench.system import System, fresh
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms.patient.v1 import patient_pb2, patient_pb2_grpc

_PROCESSES = 2
_CONNECTIONS = 8
_ROLE = "RECEPTIONIST"
_LONGEST_SECONDS = 10.0
_SEPARATE = [("grpc.use_local_subchannel_pool", 1)]


def run(outer: System) -> dict[str, float]:
    """Measures on a system of its own; raises BenchError where a process was not reached."""
    with fresh(outer.sizes, outer.say, servers=_PROCESSES) as system:
        target = system.stack.env["HMS_GRPC_TARGET"]
        channels = [grpc.insecure_channel(target, options=_SEPARATE) for _ in range(_CONNECTIONS)]
        try:
            return _measure(system, channels)
        finally:
            for channel in channels:
                channel.close()


def _measure(system: System, channels: list[grpc.Channel]) -> dict[str, float]:
    (hospital,) = system.empty_hospitals(1)
    admin = hospitals.administrator(system.channel, hospital)
    identity = identity_pb2_grpc.IdentityServiceStub(system.channel)
    username = "withdrawn"
    user = identity.CreateUser(
        identity_pb2.CreateUserRequest(
            user=identity_pb2.User(username=username, role_codes=[_ROLE], password=hospital.password)
        ),
        metadata=admin.metadata,
        timeout=hospitals.DEADLINE_SECONDS,
    )

    def sign_in() -> str:
        # Each time anew: refreshes are limited by address, right log-ins are not.
        return hospitals.sign_in(system.channel, hospital.code, username, hospital.password).token

    access = sign_in()
    stubs = [patient_pb2_grpc.PatientServiceStub(channel) for channel in channels]
    delays: list[float] = []
    late = 0

    def set_roles(*codes: str) -> None:
        identity.UpdateUser(
            identity_pb2.UpdateUserRequest(
                user=identity_pb2.User(id=user.id, role_codes=codes),
                update_mask=FieldMask(paths=["role_codes"]),
            ),
            metadata=admin.metadata,
            timeout=hospitals.DEADLINE_SECONDS,
        )

    with concurrent.futures.ThreadPoolExecutor(_CONNECTIONS) as pool:
        for number in range(system.sizes.trials):
            metadata: Metadata = (("authorization", f"Bearer {access}"),)
            if not all(_is_served(stub, metadata) for stub in stubs):
                raise BenchError("revocation: a token that is good was refused")
            if number == 0:
                _require_all_processes(system)
            set_roles()
            changed = time.perf_counter()
            refused = functools.partial(_until_refused, metadata=metadata, since=changed)
            for seconds, tries in pool.map(refused, stubs):
                delays.append(seconds * 1000)
                late += tries - 1
            set_roles(_ROLE)
            access = sign_in()
    return {
        "trials": system.sizes.trials,
        "calls": len(delays),
        "served_late": late,
        "p50_ms": shown(percentile(delays, 0.5)),
        "max_ms": shown(max(delays)),
    }


def _is_served(stub: Any, metadata: Metadata) -> bool:
    try:
        stub.ListPatients(
            patient_pb2.ListPatientsRequest(page_size=1),
            metadata=metadata,
            timeout=hospitals.DEADLINE_SECONDS,
        )
    except grpc.RpcError as error:
        failed: Any = error
        if failed.code() is grpc.StatusCode.UNAUTHENTICATED:
            return False
        raise
    return True


def _until_refused(stub: Any, metadata: Metadata, since: float) -> tuple[float, int]:
    """Seconds until a call is refused, and the number of calls that took."""
    tries = 1
    while _is_served(stub, metadata):
        tries += 1
        if time.perf_counter() - since > _LONGEST_SECONDS:
            raise BenchError(f"revocation: a withdrawn role still works after {_LONGEST_SECONDS:.0f} s")
    return time.perf_counter() - since, tries


def _require_all_processes(system: System) -> None:
    port = int(system.stack.env["HMS_GRPC_TARGET"].rpartition(":")[2])
    pids = dict(pair.split("=") for pair in system.stack.env["HMS_PIDS"].split())
    reached = [
        name
        for name, pid in pids.items()
        if name.startswith("server")
        and any(
            c.laddr and c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED
            for c in psutil.Process(int(pid)).net_connections("tcp")
        )
    ]
    if len(reached) < _PROCESSES:
        raise BenchError(f"revocation: only {', '.join(reached)} of {_PROCESSES} processes were reached")
