"""Identity and admin on a test's database: hospitals made through the API, people who log in."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import argon2
import psycopg
import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import ids
from hms_server.admin.address_store import AddressRuleLoader
from hms_server.admin.servicer import AdminServicer
from hms_server.config import Settings
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.gate.addresses import AddressBook
from hms_server.gate.answers import judge_wait
from hms_server.gate.local import LocalLimiter
from hms_server.gate.publisher import GatePublisher
from hms_server.gate.tiers import DEFAULTS
from hms_server.identity import provision
from hms_server.identity.door import Door
from hms_server.identity.passwords import Passwords
from hms_server.identity.permissions import Catalogue
from hms_server.identity.servicer import IdentityServicer
from hms_server.identity.tokens import TokenIssuer, TokenVerifier
from hms_server.keyring import Keyring, KeySource
from hms_server.policy import load_policies

PASSWORD = "correct horse battery"
PLATFORM_ADMIN = "root-admin"
AUDIENCE = "https://hms.example.org/v1/auth:token"

_numbers = itertools.count(1)


class Publications(GatePublisher):
    """Remembers what was published instead of telling Redis."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def tenant(
        self,
        tenant_id: str,
        permission_version: int,
        row_version: int,
        rate_limits: Any,
        state: str = "ACTIVE",
        call_limits: Any = (),
        seconds: int = 0,
    ) -> None:
        self.seen.append(("tenant", tenant_id, permission_version, row_version, rate_limits))

    def user(self, tenant_id: str, user_id: str, permission_version: int) -> None:
        self.seen.append(("user", tenant_id, user_id, permission_version))

    def limits_changed(self, tenant_id: str) -> None:
        self.seen.append(("limits", tenant_id))

    def addresses_changed(self, tenant_id: str) -> None:
        self.seen.append(("addresses", tenant_id))

    def session_revoked(self, tenant_id: str, session_id: str) -> None:
        self.seen.append(("session", tenant_id, session_id))


class WrongTokens:
    """Counts them as the gate does, without Redis."""

    def __init__(self) -> None:
        self._limiter = LocalLimiter()

    def count(self, account: str, address: str) -> None:
        """Raises RateLimited where there are too many for the account."""
        limit = DEFAULTS["LOGIN"]
        judge_wait(limit.calls, 0, limit.seconds, self._limiter.take(account, limit))


@dataclasses.dataclass
class House:
    """The two servicers, and short ways to use them as the edge would."""

    database: Database
    owner: psycopg.Connection[Any]
    keys: KeySource
    settings: Settings
    publisher: GatePublisher

    def __post_init__(self) -> None:
        self.passwords = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.catalogue = Catalogue(load_policies())
        self.verifier = TokenVerifier(self.keys)
        self.addresses = AddressBook(AddressRuleLoader(self.database).load)
        self.wrong_tokens = WrongTokens()
        shared = {
            "database": self.database,
            "pages": Pages(self.keys.current().page_token),
            "request_ids": RequestIds(self.keys.current().request_hash),
            "passwords": self.passwords,
            "publisher": self.publisher,
        }
        self.identity = IdentityServicer(
            **shared,
            keys=self.keys,
            issuer=TokenIssuer(self.keys, 900),
            catalogue=self.catalogue,
            door=Door(self.addresses.check, self.wrong_tokens.count),
            session_seconds=3600,
            assertion_audience=AUDIENCE,
        )
        self.admin = AdminServicer(**shared)
        with self.database.tenant_transaction(ids.PLATFORM_TENANT) as transaction:
            provision.add_system_roles(transaction, ids.PLATFORM_TENANT)
            provision.add_administrator(
                transaction,
                ids.PLATFORM_TENANT,
                user_id=ids.uuid7(),
                username=PLATFORM_ADMIN,
                password_hash=self.passwords.hash(PASSWORD),
            )

    def call(self, method: str, token: str = "", address: str = "192.0.2.7") -> Call:
        """A call that has passed the chain: "IdentityService/GetUser"."""
        policy = next(p for n, p in load_policies().items() if n.endswith(f".{method}"))
        made = Call(policy, {}, address=address)
        made.request_id = ids.uuid7()
        if token:
            made.principal = self.verifier.verify(token)
        return made

    def do(self, method: str, request: Any, token: str = "", **about: str) -> Any:
        """Calls "IdentityService/GetUser"."""
        service, name = method.split("/")
        servicer = self.identity if service == "IdentityService" else self.admin
        return getattr(servicer, name)(request, self.call(method, token, **about))

    def login(self, tenant: str, username: str, password: str = PASSWORD) -> pb.LoginResponse:
        """A session."""
        request = pb.LoginRequest(tenant=tenant, username=username, password=password)
        return self.identity.Login(request, self.call("IdentityService/Login"))

    def platform(self) -> str:
        """The access token of the platform's administrator."""
        return self.login("platform", PLATFORM_ADMIN).access_token

    def hospital(self) -> Hospital:
        """A new hospital whose administrator is logged in."""
        tenant = self.do(
            "AdminService/CreateTenant",
            admin_pb2.CreateTenantRequest(
                tenant=admin_pb2.Tenant(code=f"hospital-{next(_numbers)}", display_name="Hospital"),
                admin_username="admin",
                admin_password=PASSWORD,
            ),
            self.platform(),
        )
        # As if the administrator had chosen a password of his own.
        self.owner.execute(
            "UPDATE user_account SET must_change_password = false WHERE tenant_id = %s", [tenant.id]
        )
        return Hospital(self, tenant.id, tenant.code, self.login(tenant.code, "admin"))

    def outbox(self, tenant_id: str) -> list[dict[str, Any]]:
        """Audit records of a tenant, in order, with outcome."""
        rows = self.owner.execute(
            "SELECT record || jsonb_build_object('outcome', outcome) FROM audit_outbox"
            " WHERE tenant_id = %s ORDER BY position",
            [tenant_id],
        )
        return [row[0] for row in rows]

    def published(self) -> list[tuple[Any, ...]]:
        """What was published since this was last asked."""
        assert isinstance(self.publisher, Publications)
        seen, self.publisher.seen = self.publisher.seen, []
        return seen


@dataclasses.dataclass
class Hospital:
    """A tenant and its administrator's session."""

    house: House
    id: str
    code: str
    session: pb.LoginResponse

    def do(self, method: str, request: Any, token: str = "") -> Any:
        """Calls a method, as the administrator where no token is given."""
        return self.house.do(method, request, token or self.session.access_token)

    def user(self, username: str, *roles: str, password: str = PASSWORD) -> pb.User:
        """A new user."""
        user = pb.User(username=username, password=password, role_codes=roles)
        return self.do("IdentityService/CreateUser", pb.CreateUserRequest(user=user))

    def change(self, user_id: str, token: str = "", mask: tuple[str, ...] = (), **fields: Any) -> pb.User:
        """Changes a user."""
        request = pb.UpdateUserRequest(user=pb.User(id=user_id, **fields))
        request.update_mask.paths.extend(mask)
        return self.do("IdentityService/UpdateUser", request, token)

    def role(self, code: str, *permissions: str) -> pb.Role:
        """A new role."""
        role = pb.Role(code=code, permissions=permissions)
        return self.do("IdentityService/CreateRole", pb.CreateRoleRequest(role=role))

    def login(self, username: str, password: str = PASSWORD) -> pb.LoginResponse:
        """A user's session."""
        return self.house.login(self.code, username, password)

    def outbox(self) -> list[dict[str, Any]]:
        """The hospital's audit records."""
        return self.house.outbox(self.id)


@pytest.fixture(scope="module")
def house(app_database: Database, owner: psycopg.Connection[Any], keys: Keyring, settings: Settings) -> House:
    """Identity and admin on the module's database; publications are remembered."""
    return House(app_database, owner, keys, settings, Publications())


@pytest.fixture
def hospital(house: House) -> Hospital:
    """A new hospital; nothing is published yet."""
    made = house.hospital()
    house.published()
    return made
