"""The server's own parts on a test's database: Database objects, keys, tenants with a user."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hms_server import config, ids, keyring
from hms_server.context import Call, Principal
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.policy import load_policies
from tests.fix_stack import DatabaseUrls


@pytest.fixture(scope="session")
def settings() -> config.Settings:
    """Settings as the environment of a test run has them: defaults."""
    return config.load()


@pytest.fixture(scope="session")
def keys(keys_file: Path) -> keyring.Keyring:
    """The keyring that `hms keys create` made."""
    return keyring.load(keys_file)


@pytest.fixture(scope="module")
def owner(database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner, who sees every tenant."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def app_database(database: DatabaseUrls, settings: config.Settings) -> Iterator[Database]:
    """The database as the server has it."""
    pool = Pool(database.app, settings, "app")
    pool.open()
    yield Database(pool, settings.statement_timeout_seconds)
    pool.close()


@pytest.fixture(scope="module")
def worker_database(database: DatabaseUrls, settings: config.Settings) -> Iterator[Database]:
    """The database as the workers have it."""
    pool = Pool(database.worker, settings, "worker")
    pool.open()
    yield Database(pool, settings.statement_timeout_seconds)
    pool.close()


_EVERY_PERMISSION = frozenset(policy.permission for policy in load_policies().values()) - {""}


@dataclasses.dataclass(frozen=True)
class Tenant:
    """A hospital with one user."""

    id: str
    user_id: str
    # where the user holds permissions in these alone
    departments: frozenset[str] | None = None

    def call(self, method: str, **changes: Any) -> Call:
        """A call of this hospital's user that has passed the chain: "PatientService/GetPatient"."""
        policy = next(p for n, p in load_policies().items() if n.endswith(f".{method}"))
        made = Call(policy, {}, address="192.0.2.1")
        made.request_id = made.trace_id = ids.uuid7()
        values: dict[str, Any] = {
            "tenant_id": self.id,
            "user_id": self.user_id,
            "username": "asha",
            "session_id": ids.uuid7(),
            "permission_version": 2,
            # A method that needs no permission itself may need one for records of others.
            "permissions": frozenset({policy.permission}) if policy.permission else _EVERY_PERMISSION,
            "expire_time": 4e9,
        }
        made.principal = Principal(**{**values, **changes})
        made.departments = self.departments
        return made


@pytest.fixture
def new_tenant(make_tenant: Any) -> Any:
    """Makes hospitals."""
    return make_tenant


@pytest.fixture(scope="module")
def make_tenant(owner: psycopg.Connection[Any]) -> Any:
    """Makes hospitals, for fixtures of a module."""

    def make() -> Tenant:
        tenant = Tenant(ids.uuid7(), ids.uuid7())
        owner.execute(
            "INSERT INTO tenant (id, code, display_name) VALUES (%s, %s, 'Hospital')",
            [tenant.id, f"t{tenant.id[-12:]}"],
        )
        owner.execute("INSERT INTO tenant_setting (tenant_id) VALUES (%s)", [tenant.id])
        owner.execute("INSERT INTO uhid_counter (tenant_id) VALUES (%s)", [tenant.id])
        owner.execute(
            "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
            " VALUES (%s, %s, 'asha', 'asha', '-')",
            [tenant.id, tenant.user_id],
        )
        return tenant

    return make
