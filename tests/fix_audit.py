"""Audit records in the outbox, and what became of them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from hms_server import ids
from hms_server.audit.drain import Drain
from hms_server.audit.verify import Verifier
from hms_server.database.transaction import Database
from hms_server.keyring import Keyring


def read_event(**changes: Any) -> dict[str, Any]:
    """The record of a read, as database/audited.py makes it."""
    record = {
        "action": "READ",
        "method": "hms.patient.v1.PatientService/GetPatient",
        "entity_type": "patient",
        "entity_id": ids.uuid7(),
        "actor_id": ids.uuid7(),
        "actor_name": "asha",
        "request_id": ids.uuid7(),
        "address": "192.0.2.1",
    }
    return {**record, **changes}


class Outbox:
    """Puts records into the outbox as the owner, and reads what became of them."""

    def __init__(
        self, owner: psycopg.Connection[Any], audit_owner: psycopg.Connection[Any] | None = None
    ) -> None:
        """`audit_owner` is the owner's connection to a separate audit database."""
        self._owner = owner
        self._audit_owner = audit_owner or owner

    def put(self, tenant_id: str, count: int = 1, **columns: Any) -> list[str]:
        """Stores records; returns the ids of their events. `columns` replaces what they hold."""
        made = [ids.uuid7() for _ in range(count)]
        time = columns.get("record_time")
        with self._owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO audit_outbox (tenant_id, event_id, record_time, record, patient_ids, outcome)"
                " VALUES (%s, %s, coalesce(%s, clock_timestamp()), %s, %s::uuid[], 'OK')",
                [
                    (
                        tenant_id,
                        event_id,
                        time,
                        Jsonb(columns.get("record") or read_event()),
                        columns.get("patient_ids", [ids.uuid7()]),
                    )
                    for event_id in made
                ],
            )
        return made

    def waiting(self, tenant_id: str) -> int:
        """How many records wait."""
        rows = self._owner.execute("SELECT 1 FROM audit_outbox WHERE tenant_id = %s", [tenant_id])
        return len(rows.fetchall())

    def events(self, tenant_id: str) -> list[str]:
        """Ids of the events, in the order of the chain."""
        rows = self._audit_owner.execute(
            "SELECT id::text FROM audit_event WHERE tenant_id = %s ORDER BY sequence", [tenant_id]
        )
        return [row[0] for row in rows]


@pytest.fixture(scope="module")
def outbox(owner: psycopg.Connection[Any]) -> Outbox:
    """The outbox of the module's database."""
    return Outbox(owner)


@pytest.fixture(scope="module")
def drain(worker_database: Database, keys: Keyring) -> Drain:
    """A drain with small batches."""
    return Drain(worker_database, keys, batch=10)


@pytest.fixture(scope="module")
def verifier(worker_database: Database, keys: Keyring) -> Verifier:
    """A verifier that reads small pieces."""
    return Verifier(worker_database, keys, piece=7)
