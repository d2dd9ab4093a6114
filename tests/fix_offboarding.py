"""Hospitals that leave: full ones, their suspension, and the command line that exports and erases them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hms_server import __main__ as command_line
from hms_server import ids
from hms_server.audit.drain import Drain
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring
from tests.contract.strangers import Hospital, Refused, directly, methods
from tests.fix_database import Tenant
from tests.fix_stack import DatabaseUrls
from tests.row_filler import fill

# Two hours ago: no call of before can still be at work.
_SUSPEND = """
UPDATE tenant SET state = 'SUSPENDED', version = version + 1, update_time = now() - interval '2 hours',
  permission_version = permission_version + 1
WHERE id = %s
"""


class Leaving:
    """What tests do to a hospital that leaves, as the owner of its database."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self.owner = owner

    def suspend(self, tenant_id: str) -> str:
        """Suspends it, two hours ago; returns its code."""
        self.owner.execute(_SUSPEND, [tenant_id])
        return str(self.one("SELECT code FROM tenant WHERE id = %s", tenant_id))

    def one(self, statement: str, *values: Any) -> Any:
        """The first column of the first row."""
        row = self.owner.execute(statement.encode(), values).fetchone()
        return None if row is None else row[0]

    def tables(self) -> list[str]:
        """Every table with the column tenant_id, as the test itself finds them."""
        rows = self.owner.execute(
            "SELECT table_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND column_name = 'tenant_id'"
            " AND table_name !~ '_\\d{6}$' ORDER BY 1"
        )
        return [row[0] for row in rows]

    def erased_tables(self) -> set[str]:
        """Every table that must be empty after an erasure: all but the audit, its holds, and the record of
        the erasure."""
        about_it = ("tenant_erasure", "legal_hold")
        return {t for t in self.tables() if not t.startswith("audit_") and t not in about_it}

    def rows(self, tenant_id: str) -> dict[str, int]:
        """How many rows it has, by table; empty ones are left out."""
        counts = {
            table: self.one(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", tenant_id)
            for table in self.tables()
        }
        return {table: count for table, count in counts.items() if count}

    def digests(self, tenant_id: str) -> dict[str, tuple[int, Any]]:
        """A digest of its rows, by table."""
        found = {}
        for table in self.tables():
            row = self.owner.execute(
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
                " WHERE tenant_id = %s",
                [tenant_id],
            ).fetchone()
            assert row is not None
            found[table] = row
        return found


@pytest.fixture(scope="module")
def leaving(owner: psycopg.Connection[Any]) -> Leaving:
    """The module's database, for hospitals that leave."""
    return Leaving(owner)


@pytest.fixture
def full_hospital(
    make_tenant: Callable[[], Tenant],
    servicers: dict[str, Any],
    worker_database: Database,
    keys: Keyring,
    owner: psycopg.Connection[Any],
) -> Callable[[], Tenant]:
    """Makes hospitals with rows in every table, and audit in outbox and chain."""

    def make() -> Tenant:
        tenant = make_tenant()
        hospital = Hospital(directly(servicers, tenant))
        # Every change of a record there is, so that earlier versions, used request ids and so on stand too.
        for method in methods():
            if method.policy.audit_action in ("UPDATE", "EXECUTE") and not method.policy.platform_only:
                try:
                    hospital.answered(method)
                except Refused:
                    continue
        for name in ("department", "organization"):
            first, second = hospital.made[name][:2]
            owner.execute(
                f"UPDATE {name} SET parent_id = %s WHERE tenant_id = %s AND id = %s",
                [first, tenant.id, second],
            )
        fill(owner, tenant.id)
        # Nothing of a hospital goes while one stands.
        owner.execute(
            "UPDATE legal_hold SET release_time = now(), release_user_id = user_id WHERE tenant_id = %s",
            [tenant.id],
        )
        Drain(worker_database, keys).run(tenant.id)
        owner.execute(
            "INSERT INTO audit_outbox (tenant_id, event_id, record, outcome) VALUES (%s, %s, '{}', 'OK')",
            [tenant.id, ids.uuid7()],
        )
        return tenant

    return make


@pytest.fixture
def hms_tenant(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database: DatabaseUrls,
    redis_url: str,
    keys_file: Path,
) -> Callable[..., tuple[int, str]]:
    """Runs `hms tenant` on the module's database; returns the status and what it printed."""
    monkeypatch.setenv("HMS_DATABASE_URL", database.owner)
    monkeypatch.setenv("HMS_REDIS_URL", redis_url)
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))

    def run(*arguments: Any) -> tuple[int, str]:
        status = command_line.main(["tenant", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, (captured.out + captured.err).strip()

    return run
