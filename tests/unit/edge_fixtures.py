"""What the edge's unit tests share: a policy, a call, a chain whose parts are given."""

from __future__ import annotations

from typing import Any

from hms.patient.v1 import patient_pb2 as pb
from hms_server.context import Call, MethodPolicy, Principal
from hms_server.edge.bound import BoundMethod

TENANT = "01890000-0000-7000-8000-000000000001"
USER = "01890000-0000-7000-8000-000000000002"
SESSION = "01890000-0000-7000-8000-000000000003"


def policy(**changes: Any) -> MethodPolicy:
    values: dict[str, Any] = {
        "full_name": "hms.patient.v1.PatientService/GetPatient",
        "access": "PERMISSION",
        "permission": "patient.read",
        "rate_tier": "DEFAULT",
        "audit_action": "READ",
        "replica_ok": False,
        "entity_type": "patient",
        "platform_only": False,
    }
    return MethodPolicy(**{**values, **changes})


def method(**changes: Any) -> BoundMethod:
    return BoundMethod(policy(**changes), pb.GetPatientRequest, 1000)


def principal(**changes: Any) -> Principal:
    values: dict[str, Any] = {
        "tenant_id": TENANT,
        "user_id": USER,
        "username": "asha",
        "session_id": SESSION,
        "permission_version": 2,
        "permissions": frozenset({"patient.read"}),
        "expire_time": 4e9,
    }
    return Principal(**{**values, **changes})


def call(metadata: dict[str, str] | None = None, **changes: Any) -> Call:
    made = Call(policy(**changes), metadata or {}, pb.GetPatientRequest(id=USER), "192.0.2.7")
    return made
