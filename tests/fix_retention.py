"""Months of audit long ago, and what archives and drops them."""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hms_server.audit.drain import Drain
from hms_server.audit.retention import Retention
from hms_server.audit.verify import Verifier
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring
from tests.fix_audit import Outbox

NOW = datetime.datetime.now(datetime.UTC)


def month(years: int, number: int = 1) -> datetime.datetime:
    """The middle of a month so many years ago."""
    return datetime.datetime(NOW.year - years, number, 15, 12, tzinfo=datetime.UTC)


LONG_AGO, LATER = month(8), month(7)


def lines(root: Path, month_name: str, tenant_id: str) -> list[dict[str, Any]]:
    """What the archive of a month holds of a tenant."""
    with gzip.open(root / month_name / f"{tenant_id}.ndjson.gz") as file:
        return [json.loads(line) for line in file]


class OldAudit:
    """Plants events of long ago through the drain, and looks at what is left of them, as the owner."""

    def __init__(self, owner: psycopg.Connection[Any], outbox: Outbox, drain: Drain) -> None:
        self.owner = owner
        self._outbox = outbox
        self._drain = drain

    def plant(self, tenant_id: str, time: datetime.datetime, count: int = 5) -> None:
        """Events of that time, behind those that stand."""
        self._outbox.put(tenant_id, count, record_time=time)
        while not self._drain.run(tenant_id).finished:
            pass

    def months(self) -> list[str]:
        """The months of events that stand, "201801"."""
        rows = self.owner.execute(
            "SELECT right(c.relname, 6) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'audit_event'::regclass ORDER BY 1"
        )
        return [row[0] for row in rows]

    def old_months(self) -> list[str]:
        """Those of them that are older than six years."""
        return [each for each in self.months() if each < f"{NOW.year - 6}{NOW.month:02}"]

    def count(self, tenant_id: str) -> int:
        """How many events of the tenant stand."""
        return self.one("SELECT count(*) FROM audit_event WHERE tenant_id = %s", tenant_id)

    def told(self, tenant_id: str) -> list[str]:
        """What the tenant's outbox and chain say of drops."""
        self._drain.run(tenant_id)
        rows = self.owner.execute(
            "SELECT reason FROM audit_event WHERE tenant_id = %s AND method = 'hms audit retention'"
            " ORDER BY sequence",
            [tenant_id],
        )
        return [row[0] for row in rows]

    def hold(self, tenant_id: str) -> None:
        """Places a hold."""
        self.owner.execute(
            "INSERT INTO legal_hold (tenant_id, id, reason, of_platform, user_id, username)"
            " VALUES (%s, gen_random_uuid(), 'a matter', false, gen_random_uuid(), 'vera')",
            [tenant_id],
        )

    def release(self, tenant_id: str | None = None) -> None:
        """Releases every hold, of a tenant or of all."""
        self.owner.execute(
            "UPDATE legal_hold SET release_time = now(), release_user_id = user_id"
            " WHERE release_time IS NULL AND (%(t)s::uuid IS NULL OR tenant_id = %(t)s::uuid)",
            {"t": tenant_id},
        )

    def keep(self, tenant_id: str, years: int | None) -> None:
        """Sets the tenant's retention."""
        self.owner.execute(
            "UPDATE tenant_setting SET audit_retention_years = %s WHERE tenant_id = %s", [years, tenant_id]
        )

    def one(self, statement: str, *values: Any) -> Any:
        """The first column of the first row."""
        row = self.owner.execute(statement.encode(), values).fetchone()
        return None if row is None else row[0]


@pytest.fixture
def old(owner: psycopg.Connection[Any], outbox: Outbox, drain: Drain) -> Iterator[OldAudit]:
    """Old audit, of which nothing is left when the test is over."""
    made = OldAudit(owner, outbox, drain)
    yield made
    made.release()
    for each in made.old_months():
        owner.execute(f"DROP TABLE IF EXISTS audit_event_{each}, audit_event_patient_{each}")
    for table in ("checkpoint", "anchor", "chain", "event", "event_patient", "outbox"):
        owner.execute(f"DELETE FROM audit_{table}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of archives."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def retention(worker_database: Database, keys: Keyring, root: Path) -> Retention:
    """Retention that reads small pieces."""
    return Retention(worker_database, worker_database, keys, root, piece=3)


@pytest.fixture
def fault_of(worker_database: Database, keys: Keyring) -> Callable[..., Any]:
    """What `hms audit verify` finds of a tenant."""

    def verify(tenant_id: str, since: str | None = None) -> Any:
        return Verifier(worker_database, keys, piece=4).verify(tenant_id, since=since).fault

    return verify
