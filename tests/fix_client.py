"""Callers of a whole running system: hospitals with an administrator, over stubs and REST."""

from __future__ import annotations

import dataclasses
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from hms.admin.v1 import admin_pb2, admin_pb2_grpc
from hms.audit.v1 import audit_pb2_grpc
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from hms.policy.v1 import policy_pb2
from hms_server import ids
from hms_server.devstack.stack import Stack

PASSWORD = "correct-horse-battery"
# Of a new hospital's administrator, until he chose his own.
FIRST_PASSWORD = "correct-horse-at-first"
# Tests call more often than people do; the limits have tests of their own.
GENEROUS = [
    admin_pb2.RateLimit(tier=tier, limit=1_000_000, window_seconds=60)
    for tier in (
        policy_pb2.RATE_TIER_DEFAULT,
        policy_pb2.RATE_TIER_SEARCH,
        policy_pb2.RATE_TIER_BULK,
        policy_pb2.RATE_TIER_BOOKING,
    )
]


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def http(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One HTTP request; an error status is an answer too."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


class Caller:
    """A signed-in user with stubs of every service and REST."""

    def __init__(self, stack_env: dict[str, str], tenant: str, username: str, password: str) -> None:
        self.tenant, self.username = tenant, username
        self.rest_url = stack_env["HMS_REST_URL"]
        self.channel = grpc.insecure_channel(stack_env["HMS_GRPC_TARGET"])
        self.identity = identity_pb2_grpc.IdentityServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.channel)
        self.patients = patient_pb2_grpc.PatientServiceStub(self.channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(self.channel)
        self.login = self.identity.Login(
            identity_pb2.LoginRequest(tenant=tenant, username=username, password=password), timeout=20
        )
        self.token = self.login.access_token
        self.tenant_id, self.user_id = self.login.tenant_id, self.login.user_id

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)

    def call(self, full_name: str, request: Any, response: Any, timeout: float = 15.0) -> Any:
        """Any unary method by its full name."""
        return self.channel.unary_unary(
            f"/{full_name}",
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=response.FromString,
        )(request, metadata=self.metadata, timeout=timeout)

    def rest(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One REST call with the token."""
        sent = {"authorization": f"Bearer {self.token}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        return http(method, self.rest_url + path, body, sent)

    def create_patient(self, **fields: Any) -> patient_pb2.Patient:
        """A new patient."""
        fields = {"given_name": "Asha", "family_name": "Rao", **fields}
        request = patient_pb2.CreatePatientRequest(
            patient=patient_pb2.Patient(**fields), request_id=ids.uuid7()
        )
        return self.patients.CreatePatient(request, metadata=self.metadata, timeout=15)

    def events(self, **filters: Any) -> list[Any]:
        """Audit events, newest first."""
        from hms.audit.v1 import audit_pb2

        request = audit_pb2.ListAuditEventsRequest(**{"page_size": 200, **filters})
        return list(self.audit.ListAuditEvents(request, metadata=self.metadata, timeout=15).audit_events)

    def close(self) -> None:
        self.channel.close()


def platform(stack: Stack) -> Caller:
    """The platform's administrator."""
    sign_in = stack.environment.platform_sign_in()
    return Caller(stack.env, sign_in["HMS_TENANT"], sign_in["HMS_USER"], sign_in["HMS_PASSWORD"])


def hospital(stack: Stack) -> Caller:
    """A new hospital with generous limits, and its administrator signed in."""
    code = f"h{ids.uuid7()[-12:]}"
    administrator = platform(stack)
    administrator.admin.CreateTenant(
        admin_pb2.CreateTenantRequest(
            tenant=admin_pb2.Tenant(code=code, display_name=code, rate_limits=GENEROUS),
            admin_username="admin",
            admin_password=FIRST_PASSWORD,
        ),
        metadata=administrator.metadata,
        timeout=15,
    )
    administrator.close()
    newcomer = Caller(stack.env, code, "admin", FIRST_PASSWORD)
    newcomer.identity.ChangePassword(
        identity_pb2.ChangePasswordRequest(present_password=FIRST_PASSWORD, new_password=PASSWORD),
        metadata=newcomer.metadata,
        timeout=15,
    )
    newcomer.close()
    return Caller(stack.env, code, "admin", PASSWORD)


def colleague(caller: Caller, *roles: str) -> Caller:
    """Another user of the caller's hospital, with these roles."""
    username = f"u{ids.uuid7()[-12:]}"
    caller.identity.CreateUser(
        identity_pb2.CreateUserRequest(
            user=identity_pb2.User(username=username, password=PASSWORD, role_codes=roles)
        ),
        metadata=caller.metadata,
        timeout=15,
    )
    env = {
        "HMS_REST_URL": caller.rest_url,
        "HMS_GRPC_TARGET": caller.channel._channel.target().decode().removeprefix("dns:///"),
    }
    return Caller(env, caller.tenant, username, PASSWORD)


@pytest.fixture(scope="module")
def ours(stack: Stack) -> Iterator[Caller]:
    """A hospital's administrator."""
    made = hospital(stack)
    yield made
    made.close()


@pytest.fixture(scope="module")
def theirs(stack: Stack) -> Iterator[Caller]:
    """Another hospital's administrator."""
    made = hospital(stack)
    yield made
    made.close()


def reason(error: grpc.RpcError) -> tuple[str, str]:
    """Status code and ErrorInfo reason of a failed call."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    for detail in status_pb2.Status.FromString(details).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return error.code().name, info.reason
    return error.code().name, ""


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and reason with which a call is refused; fails where it is served."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return reason(caught.value)


def eventually(look: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `look` gives once it gives something; fails after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)
