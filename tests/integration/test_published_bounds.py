"""The bounds that docs/security.md publishes, as numbers: how soon a change is in force on every process.

With Redis: two processes of `hms serve`. Without: two whole servers with clocks of the test's, so that a
minute passes at once.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms.admin.v1 import address_pb2, admin_pb2, admin_pb2_grpc, directory_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms.identity.v1 import identity_pb2_grpc
from hms.policy.v1 import policy_pb2
from hms_server import bootstrap, clock, config
from hms_server.devstack.ports import free_ports
from hms_server.gate import addresses, bounds, local, publisher
from hms_server.policy import load_policies
from tests.fix_client import reason
from tests.fix_identity import PASSWORD

ROOT = pathlib.Path(__file__).resolve().parents[2]
PERMISSION = load_policies()["hms.admin.v1.AdminService/ListDepartments"].permission
FAR = "198.51.100.9"


def test_the_published_numbers():
    assert (bounds.IN_FORCE_SECONDS, bounds.WITHOUT_REDIS_SECONDS, bounds.ADDRESS_RULES_SECONDS) == (
        1,
        60,
        30,
    )
    text = (ROOT / "docs" / "security.md").read_text()
    told = re.search(r"in force on every process within (\d+) s.*?(\d+) s.*?(\d+) s", text, re.DOTALL)
    assert told is not None
    assert [int(number) for number in told.groups()] == [1, 60, 30]
    # Nothing in the gate keeps for a time of its own.
    for module in (addresses, local, publisher):
        assert not re.search(r"(KEEP|LIFE)_SECONDS = \d", pathlib.Path(module.__file__).read_text())


class Server:
    """One process, and stubs to it."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
        grpc.channel_ready_future(self.channel).result(30)
        self.identity = identity_pb2_grpc.IdentityServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.channel)

    def try_(self, token: str, address: str = FAR) -> str:
        """What a clerk is told: OK or a reason."""
        metadata = (("authorization", f"Bearer {token}"), ("x-forwarded-for", address))
        try:
            self.admin.ListDepartments(directory_pb2.ListDepartmentsRequest(), metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            return reason(error)[1]
        return "OK"

    def login(self, tenant: str, username: str) -> pb.LoginResponse:
        request = pb.LoginRequest(tenant=tenant, username=username, password=PASSWORD)
        return self.identity.Login(request, timeout=20)


@dataclasses.dataclass
class Scene:
    """A hospital's clerk, whose calls the second process has just served, and who may change what about him.
    Changes are made at the first."""

    first: Server
    second: Server
    house: Any
    hospital: Any
    clerk: pb.User
    role: pb.Role
    session: pb.LoginResponse

    def told(self) -> list[str]:
        return [server.try_(self.session.access_token) for server in (self.first, self.second)]

    def _do(self, stub: Any, request: Any, token: str = "") -> None:
        token = token or self.hospital.session.access_token
        stub(request, metadata=(("authorization", f"Bearer {token}"),), timeout=10)

    def withdraw_role(self) -> None:
        request = pb.UpdateUserRequest(user=pb.User(id=self.clerk.id))
        request.update_mask.paths.append("role_codes")
        self._do(self.first.identity.UpdateUser, request)

    def change_role(self) -> None:
        request = pb.UpdateRoleRequest(role=pb.Role(id=self.role.id))
        request.update_mask.paths.append("permissions")
        self._do(self.first.identity.UpdateRole, request)

    def disable_user(self) -> None:
        user = pb.User(id=self.clerk.id, state=pb.USER_STATE_DISABLED)
        self._do(self.first.identity.UpdateUser, pb.UpdateUserRequest(user=user))

    def revoke_session(self) -> None:
        session_id = self.house.verifier.verify(self.session.access_token).session_id
        self._do(self.first.identity.RevokeSession, pb.RevokeSessionRequest(id=session_id))

    def log_out(self) -> None:
        self._do(self.first.identity.Logout, pb.LogoutRequest(), self.session.access_token)

    def suspend_hospital(self) -> None:
        self._change_tenant(state=admin_pb2.TENANT_STATE_SUSPENDED)

    def lower_limit(self) -> None:
        limit = admin_pb2.RateLimit(tier=policy_pb2.RATE_TIER_DEFAULT, limit=1, window_seconds=60)
        self._change_tenant(rate_limits=[limit])

    def _change_tenant(self, **fields: Any) -> None:
        request = admin_pb2.UpdateTenantRequest(tenant=admin_pb2.Tenant(id=self.hospital.id, **fields))
        self._do(self.first.admin.UpdateTenant, request, self.house.platform())

    def deny_address(self) -> None:
        rule = address_pb2.AddressRule(action=address_pb2.ADDRESS_ACTION_DENY, network="198.51.100.0/24")
        self._do(self.first.admin.CreateAddressRule, address_pb2.CreateAddressRuleRequest(address_rule=rule))


# What is changed, what the clerk is told from then on, and after how long without Redis.
CHANGES: dict[str, tuple[Callable[[Scene], None], str, float]] = {
    "a role is withdrawn": (Scene.withdraw_role, "PERMISSIONS_STALE", bounds.WITHOUT_REDIS_SECONDS),
    "a role gives less": (Scene.change_role, "PERMISSIONS_STALE", bounds.WITHOUT_REDIS_SECONDS),
    "a user is disabled": (Scene.disable_user, "SESSION_REVOKED", bounds.WITHOUT_REDIS_SECONDS),
    "a session is revoked": (Scene.revoke_session, "SESSION_REVOKED", bounds.WITHOUT_REDIS_SECONDS),
    "somebody logs out": (Scene.log_out, "SESSION_REVOKED", bounds.WITHOUT_REDIS_SECONDS),
    "a hospital is suspended": (Scene.suspend_hospital, "TENANT_SUSPENDED", bounds.WITHOUT_REDIS_SECONDS),
    "a limit is lowered": (Scene.lower_limit, "RATE_LIMITED", bounds.WITHOUT_REDIS_SECONDS),
    "an address is denied": (Scene.deny_address, "ADDRESS_DENIED", bounds.ADDRESS_RULES_SECONDS),
}


def scene(house: Any, first: Server, second: Server) -> Scene:
    made = house.hospital()
    role = made.role("CLERK", PERMISSION)
    clerk = made.user("clerk", "CLERK")
    # At the edge as well, since sessions that were opened beside it are what a process has to find out.
    session = first.login(made.code, "clerk")
    made.session = first.login(made.code, "admin")
    return Scene(first, second, house, made, clerk, role, session)


@pytest.fixture(scope="module")
def processes(parts, database):
    """Two processes of `hms serve`, each with a port of its own."""
    with contextlib.ExitStack() as stack:
        ports = free_ports()
        for port in (ports.grpc, ports.metrics):
            environment = {
                **parts.environment.server(),
                "HMS_APP_DATABASE_URL": database.app,
                "HMS_GRPC_LISTEN": f"127.0.0.1:{port}",
            }
            del environment["HMS_METRICS_DIR"]
            process = subprocess.Popen(
                [sys.executable, "-m", "hms_server", "serve"], env=environment, cwd=os.fspath(ROOT)
            )
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        yield [Server(port) for port in (ports.grpc, ports.metrics)]


@pytest.mark.parametrize("name", CHANGES)
def test_with_redis_both_processes_refuse_the_next_call(house, processes, name):
    change, expected, _ = CHANGES[name]
    met = scene(house, *processes)
    assert met.told() == met.told() == ["OK", "OK"]
    change(met)
    answered = time.monotonic()
    told = met.told()
    if name == "an address is denied":
        # Pushed, not asked for: on its way to the processes when the answer arrives.
        while told != [expected] * 2 and time.monotonic() < answered + bounds.IN_FORCE_SECONDS:
            told = met.told()
    assert told == [expected] * 2
    assert time.monotonic() - answered < bounds.IN_FORCE_SECONDS


def test_two_processes_that_refresh_at_once_make_one_pair(house, processes):
    met = scene(house, *processes)
    request = pb.RefreshRequest(refresh_token=met.session.refresh_token)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pairs = list(pool.map(lambda server: server.identity.Refresh(request, timeout=10), processes))
    assert len({pair.refresh_token for pair in pairs}) == 1
    assert [server.try_(pair.access_token) for server, pair in zip(processes, pairs, strict=True)] == [
        "OK"
    ] * 2
    after = pb.RefreshRequest(refresh_token=pairs[0].refresh_token)
    assert met.second.identity.Refresh(after, timeout=10).access_token


class Clock:
    """The clock of durations of every process of the test: real, and moved on by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def moved(monkeypatch):
    made = Clock()
    monkeypatch.setattr(clock, "monotonic", made.monotonic)
    return made


@pytest.fixture(scope="module")
def servers_without_redis(parts, database):
    """Two whole servers, which find no Redis."""
    with contextlib.ExitStack() as stack:
        ports = free_ports()
        for port in (ports.grpc, ports.metrics):
            settings = config.Settings(
                app_database_url=database.app,
                redis_url="redis://127.0.0.1:1/0",
                queue_redis_url="redis://127.0.0.1:1/0",
                keys_file=parts.layout.keys,
                grpc_listen=f"127.0.0.1:{port}",
                drain_seconds=1,
                public_url="https://hms.example.org/",
            )
            application = bootstrap.application(settings)
            application.start()
            stack.callback(application.stop)
        met = [Server(port) for port in (ports.grpc, ports.metrics)]
        for server in met:
            stack.callback(server.channel.close)
        yield met


@pytest.mark.parametrize("name", CHANGES)
def test_without_redis_a_change_is_in_force_within_the_published_time(
    house, servers_without_redis, moved, name
):
    change, expected, bound = CHANGES[name]
    met = scene(house, *servers_without_redis)
    # What the second process knows of the clerk is as fresh as can be.
    moved.ahead += bounds.WITHOUT_REDIS_SECONDS
    assert met.second.try_(met.session.access_token) == "OK"
    change(met)
    # The bound is one: it goes on with what it knows, and not a second longer than is published.
    assert met.second.try_(met.session.access_token) == "OK"
    moved.ahead += bound
    if expected == "RATE_LIMITED":
        # The one call that the new limit leaves.
        met.told()
    assert met.told() == [expected] * 2


def test_without_redis_an_assertion_still_works_once_on_all_processes(house, servers_without_redis):
    """What was used stands in PostgreSQL: no process takes it again."""
    first, second = servers_without_redis
    hospital, private = house.hospital(), ed25519.Ed25519PrivateKey.generate()
    account = hospital.do(
        "IdentityService/CreateServiceAccount",
        pb.CreateServiceAccountRequest(service_account=pb.ServiceAccount(name="lab"), without_secret=True),
    )
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    key = pb.ServiceAccountKey(kid="one", public_key=private.public_key().public_bytes(*form).decode())
    hospital.do(
        "IdentityService/AddServiceAccountKey", pb.AddServiceAccountKeyRequest(id=account.id, key=key)
    )
    now = int(time.time())
    claims = {"iss": account.id, "sub": account.id, "aud": "https://hms.example.org/v1/auth:token"}
    claims |= {"iat": now, "exp": now + 60, "jti": "one"}
    request = pb.IssueServiceTokenRequest(
        tenant=hospital.code,
        client_id=account.id,
        client_assertion=jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": "one"}),
    )
    assert first.identity.IssueServiceToken(request, timeout=10).access_token
    for server in (second, first):
        with pytest.raises(grpc.RpcError) as caught:
            server.identity.IssueServiceToken(request, timeout=10)
        assert reason(caught.value)[1] == "BAD_CREDENTIALS"


def test_without_redis_a_rotated_secret_and_what_it_opened_are_void_within_the_published_time(
    house, servers_without_redis, moved
):
    first, second = servers_without_redis
    met = scene(house, first, second)
    account = met.hospital.do(
        "IdentityService/CreateServiceAccount",
        pb.CreateServiceAccountRequest(
            service_account=pb.ServiceAccount(name="lab", permissions=[PERMISSION])
        ),
    )
    request = pb.IssueServiceTokenRequest(
        tenant=met.hospital.code, client_id=account.id, client_secret=account.client_secret
    )
    token = first.identity.IssueServiceToken(request, timeout=10).access_token
    assert second.try_(token) == "OK"
    rotated = pb.RotateServiceAccountSecretRequest(id=account.id)
    met._do(first.identity.RotateServiceAccountSecret, rotated)
    assert second.try_(token) == "OK"
    moved.ahead += bounds.WITHOUT_REDIS_SECONDS
    assert second.try_(token) == "SESSION_REVOKED"
    # A new log-in is refused at once: it asks PostgreSQL.
    with pytest.raises(grpc.RpcError) as caught:
        second.identity.IssueServiceToken(request, timeout=10)
    assert reason(caught.value)[1] == "BAD_CREDENTIALS"
