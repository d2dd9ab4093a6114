"""The scheduling room on a test's database: a hospital with a doctor and a patient."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hms.scheduling.v1 import scheduling_pb2
from hms_server import ids

SERVICE = scheduling_pb2.DESCRIPTOR.services_by_name["SchedulingService"]
UTC = datetime.UTC


class Roster:
    """SchedulingService as one hospital's user sees it."""

    def __init__(self, servicer: Any, owner: Any, tenant: Any) -> None:
        self.servicer, self.owner, self.tenant = servicer, owner, tenant
        self.department = self.add("department")
        self.doctor = self.add("practitioner")
        self.patient = ids.uuid7()
        owner.execute(
            "INSERT INTO patient (tenant_id, id, uhid, document, name_key, search_text, actor_id)"
            " VALUES (%s, %s, %s, %s, 'x', 'x', %s)",
            [tenant.id, self.patient, f"H{self.patient[-9:]}", '{"names": [{"text": "X"}]}', tenant.user_id],
        )

    def __getattr__(self, method: str) -> Any:
        """The RPC of that name: takes the fields of its request."""
        if method not in SERVICE.methods_by_name:
            raise AttributeError(method)
        request_class = SERVICE.methods_by_name[method].input_type._concrete_class
        return lambda **fields: getattr(self.servicer, method)(
            request_class(**fields), self.tenant.call(f"SchedulingService/{method}")
        )

    def add(self, table: str) -> str:
        """An entry of the directory."""
        made = ids.uuid7()
        document = '{"names": [{"text": "X"}]}' if table == "practitioner" else '{"display_name": "X"}'
        self.owner.execute(
            f"INSERT INTO {table} (tenant_id, id, name_key, active, document, actor_id)"
            " VALUES (%s, %s, 'x', true, %s, %s)",
            [self.tenant.id, made, document, self.tenant.user_id],
        )
        return made

    def zone(self, name: str, holidays: str = "[]") -> None:
        """Sets the hospital's time zone and holidays."""
        self.owner.execute(
            "UPDATE tenant_setting SET time_zone = %s, holidays = %s WHERE tenant_id = %s",
            [name, holidays, self.tenant.id],
        )

    def template(self, **fields: Any) -> dict[str, Any]:
        """A schedule of every day from 09:00 to 11:00."""
        session = {"weekdays": range(1, 8), "start_time": "09:00", "end_time": "11:00", "capacity": 1}
        session |= fields.pop("session", {})
        return {
            "practitioner_id": self.doctor,
            "department_id": self.department,
            "valid_from": "2025-01-01",
            "sessions": [session],
            **fields,
        }

    def book(self, start: datetime.datetime, seat: int = 1, state: str = "BOOKED", **columns: Any) -> str:
        """An appointment of a quarter of an hour."""
        made = ids.uuid7()
        row = {
            "tenant_id": self.tenant.id,
            "id": made,
            "patient_id": self.patient,
            "practitioner_id": self.doctor,
            "department_id": self.department,
            "state": state,
            "start_time": start,
            "end_time": start + datetime.timedelta(minutes=15),
            "seat": seat,
            "capacity": 9,
            "actor_id": self.tenant.user_id,
            **columns,
        }
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        self.owner.execute(f"INSERT INTO appointment ({names}) VALUES ({marks})", list(row.values()))
        return made

    def slots(self, start: datetime.datetime, end: datetime.datetime) -> list[Any]:
        """What slots_between gives: start, end, seats, walk-in seats."""
        rows = self.owner.execute(
            "SELECT start_time, end_time, seats, walk_in_seats FROM slots_between(%s, %s::uuid[], %s, %s)"
            " ORDER BY 1",
            [self.tenant.id, [self.doctor], start, end],
        ).fetchall()
        return [(first.astimezone(UTC), last.astimezone(UTC), *rest) for first, last, *rest in rows]


@pytest.fixture
def roster(servicers: Any, owner: Any, make_tenant: Any) -> Roster:
    """A hospital with one doctor in one department."""
    return Roster(servicers["hms.scheduling.v1.SchedulingService"], owner, make_tenant())
