"""A front desk of a hospital: appointments that are checked in and tokens, straight in its database."""

from __future__ import annotations

import datetime
from typing import Any

import psycopg
import pytest

from hms_server import ids

_ENTRY = (
    "INSERT INTO {table} (tenant_id, id, document, name_key, active, actor_id)"
    " VALUES (%s, %s, '{{\"display_name\": \"Cardiology\"}}', 'cardiology', true, %s)"
)
_NAMED = (
    "INSERT INTO practitioner (tenant_id, id, document, name_key, active, actor_id)"
    ' VALUES (%s, %s, \'{"names": [{"text": "Dr Rao"}]}\', \'rao\', true, %s)'
)


class FrontDesk:
    """One hospital's desk, with one department, practitioner and location."""

    def __init__(self, owner: psycopg.Connection[Any], tenant_id: str, actor_id: str) -> None:
        self.owner, self.tenant_id, self.actor_id = owner, tenant_id, actor_id
        self.department_id, self.location_id = self._entry("department"), self._entry("location")
        self.practitioner_id = self.practitioner()
        self._seat = 0
        self._number = 0

    def _entry(self, table: str) -> str:
        made = ids.uuid7()
        self.owner.execute(_ENTRY.format(table=table), [self.tenant_id, made, self.actor_id])
        return made

    def practitioner(self) -> str:
        """Another practitioner."""
        made = ids.uuid7()
        self.owner.execute(_NAMED, [self.tenant_id, made, self.actor_id])
        return made

    def appointment(self, patient_id: str, state: str = "CHECKED_IN") -> str:
        """An appointment of the patient's; its id."""
        self._seat += 1
        start = datetime.datetime.now(datetime.UTC)
        row = {
            "patient_id": patient_id,
            "practitioner_id": self.practitioner_id,
            "department_id": self.department_id,
            "location_id": self.location_id,
            "state": state,
            "start_time": start,
            "end_time": start + datetime.timedelta(minutes=15),
            "seat": self._seat,
            "capacity": 30000,
        }
        return self._insert("appointment", ids.uuid7(), row)

    def token(
        self, patient_id: str, appointment_id: str | None = None, state: str = "CALLED", **columns: Any
    ) -> str:
        """A place in the queue; its id."""
        self._number += 1
        row = {
            "patient_id": patient_id,
            "practitioner_id": self.practitioner_id,
            "department_id": self.department_id,
            "session_start": "2026-11-24T09:00:00Z",
            "number": self._number,
            "token": f"CARD-{self._number:03}",
            "appointment_id": appointment_id,
            "state": state,
            "urgency": 3,
            "order_time": "2026-11-24T09:00:00Z",
        }
        return self._insert("queue_token", ids.uuid7(), row | columns)

    def _insert(self, table: str, row_id: str, row: dict[str, Any]) -> str:
        full = {"tenant_id": self.tenant_id, "id": row_id, "actor_id": self.actor_id, **row}
        marks = ", ".join(["%s"] * len(full))
        self.owner.execute(f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})", list(full.values()))
        return row_id

    def state(self, table: str, row_id: str) -> str:
        """In which state a row is."""
        query = f"SELECT state FROM {table} WHERE tenant_id = %s AND id = %s"
        (found,) = self.owner.execute(query, [self.tenant_id, row_id]).fetchone() or ("",)
        return str(found)


@pytest.fixture
def front_desk(owner: psycopg.Connection[Any], registry: Any) -> FrontDesk:
    """The desk of the registry's hospital."""
    return FrontDesk(owner, registry.tenant.id, registry.tenant.user_id)
