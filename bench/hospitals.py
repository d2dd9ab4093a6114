"""Hospitals to measure in: made and signed in to through the API, then filled by the generator.

Their rate limits are raised as an operator would raise them. No call goes round the gate.
"""

from __future__ import annotations

import dataclasses
import random
import secrets
from collections.abc import Sequence

import grpc

from bench import people
from bench.people import Registration
from hms.admin.v1 import admin_pb2, admin_pb2_grpc
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms.policy.v1 import policy_pb2

DEADLINE_SECONDS = 60.0
_RAISED = (
    policy_pb2.RATE_TIER_DEFAULT,
    policy_pb2.RATE_TIER_SEARCH,
    policy_pb2.RATE_TIER_BULK,
    policy_pb2.RATE_TIER_IMPORT,
    policy_pb2.RATE_TIER_BOOKING,
)
_LIMIT, _WINDOW_SECONDS = 100_000_000, 60
# The user who measures holds a role of its own kind of work: an administrator's token lists no
# permissions, and every call of one would look them up.
_ADMIN, _USER, _ROLE = "admin", "reception", "RECEPTIONIST"

Metadata = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SignIn:
    """An open session."""

    token: str
    tenant_id: str
    user_id: str

    @property
    def metadata(self) -> Metadata:
        """What to send with each call."""
        return (("authorization", f"Bearer {self.token}"),)


@dataclasses.dataclass(frozen=True, slots=True)
class Hospital:
    """A hospital with its generated patients."""

    tenant_id: str
    code: str
    password: str
    size: int
    seed: int
    number: int
    pieces: int

    def registrations(self, count: int) -> list[Registration]:
        """Some of its patients, from all over its history; the same ones each time."""
        chance = random.Random(f"sample/{self.seed}/{self.number}/{count}")
        wanted = min(count, self.size)
        chosen = sorted(chance.sample(range(self.pieces), min(self.pieces, 20)))
        found = [
            registration
            for number in chosen
            for registration in people.piece(self.seed, self.number, number, self.pieces, self.size)
        ]
        return chance.sample(found, min(wanted, len(found)))


def sign_in(channel: grpc.Channel, tenant: str, username: str, password: str) -> SignIn:
    """Opens a session; raises grpc.RpcError."""
    answer = identity_pb2_grpc.IdentityServiceStub(channel).Login(
        identity_pb2.LoginRequest(tenant=tenant, username=username, password=password),
        timeout=DEADLINE_SECONDS,
    )
    return SignIn(answer.access_token, answer.tenant_id, answer.user_id)


def reception(channel: grpc.Channel, hospital: Hospital) -> SignIn:
    """Signs in to a hospital as the user who measures."""
    return sign_in(channel, hospital.code, _USER, hospital.password)


def administrator(channel: grpc.Channel, hospital: Hospital) -> SignIn:
    """Signs in to a hospital as its administrator."""
    return sign_in(channel, hospital.code, _ADMIN, hospital.password)


def sign_in_variables(hospital: Hospital) -> dict[str, str]:
    """What lets `hms` commands sign in to a hospital as its administrator."""
    return {"HMS_TENANT": hospital.code, "HMS_USER": _ADMIN, "HMS_PASSWORD": hospital.password}


def with_permissions(channel: grpc.Channel, hospital: Hospital, permissions: Sequence[str]) -> SignIn:
    """Signs in to a hospital as a new user who holds a role of just these permissions."""
    admin = administrator(channel, hospital)
    stub = identity_pb2_grpc.IdentityServiceStub(channel)
    mark = secrets.token_hex(4)
    role = identity_pb2.Role(code=f"BENCH_{mark.upper()}", display_name="Bench", permissions=permissions)
    user = identity_pb2.User(username=f"bench-{mark}", role_codes=[role.code], password=hospital.password)
    stub.CreateRole(
        identity_pb2.CreateRoleRequest(role=role), metadata=admin.metadata, timeout=DEADLINE_SECONDS
    )
    stub.CreateUser(
        identity_pb2.CreateUserRequest(user=user), metadata=admin.metadata, timeout=DEADLINE_SECONDS
    )
    return sign_in(channel, hospital.code, user.username, hospital.password)


def create(channel: grpc.Channel, platform: SignIn, code: str) -> tuple[str, str, str]:
    """Makes a hospital with raised limits and a receptionist; its id, her id and the password of both."""
    first, password = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    limits = [
        admin_pb2.RateLimit(tier=tier, limit=_LIMIT, window_seconds=_WINDOW_SECONDS) for tier in _RAISED
    ]
    tenant = admin_pb2_grpc.AdminServiceStub(channel).CreateTenant(
        admin_pb2.CreateTenantRequest(
            tenant=admin_pb2.Tenant(code=code, display_name=f"Hospital {code}", rate_limits=limits),
            admin_username=_ADMIN,
            admin_password=first,
        ),
        metadata=platform.metadata,
        timeout=DEADLINE_SECONDS,
    )
    identity_pb2_grpc.IdentityServiceStub(channel).ChangePassword(
        identity_pb2.ChangePasswordRequest(present_password=first, new_password=password),
        metadata=sign_in(channel, code, _ADMIN, first).metadata,
        timeout=DEADLINE_SECONDS,
    )
    admin = sign_in(channel, code, _ADMIN, password)
    user = identity_pb2_grpc.IdentityServiceStub(channel).CreateUser(
        identity_pb2.CreateUserRequest(
            user=identity_pb2.User(username=_USER, role_codes=[_ROLE], password=password)
        ),
        metadata=admin.metadata,
        timeout=DEADLINE_SECONDS,
    )
    return tenant.id, user.id, password
