"""A hospital's front desk: practitioners with schedules, and SchedulingService as its user sees it."""

from __future__ import annotations

import datetime
from typing import Any

import psycopg
import pytest

from hms.scheduling.v1 import scheduling_pb2
from hms_server import clock, ids, keyring
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling.servicer import SchedulingServicer
from tests.fix_database import Tenant

SERVICE = scheduling_pb2.DESCRIPTOR.services_by_name["SchedulingService"]
SEATED = ("HELD", "BOOKED", "CONFIRMED", "ARRIVED", "CHECKED_IN", "FULFILLED")


def tomorrow(hour: int = 9, minute: int = 0, days: int = 1) -> datetime.datetime:
    """A time of a day ahead, by UTC."""
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=days)
    return day + datetime.timedelta(hours=hour, minutes=minute)


def add_practitioner(owner: psycopg.Connection[Any], tenant_id: str, *, active: bool = True) -> str:
    """A practitioner."""
    made = ids.uuid7()
    owner.execute(
        "INSERT INTO practitioner (tenant_id, id, document, name_key, active, actor_id)"
        ' VALUES (%s, %s, \'{"names": [{"text": "Dr Rao"}]}\', \'rao\', %s, %s)',
        [tenant_id, made, active, made],
    )
    return made


def add_department(owner: psycopg.Connection[Any], tenant_id: str) -> str:
    """A department."""
    made = ids.uuid7()
    owner.execute(
        "INSERT INTO department (tenant_id, id, document, name_key, active, actor_id)"
        " VALUES (%s, %s, '{\"display_name\": \"Cardiology\"}', 'cardiology', true, %s)",
        [tenant_id, made, made],
    )
    return made


def add_slots(
    owner: psycopg.Connection[Any],
    tenant_id: str,
    practitioner_id: str,
    department_id: str,
    *,
    capacity: int = 1,
    minutes: int = 15,
    service: str = "",
    walk_in_share: int = 0,
) -> str:
    """A schedule with slots from 00:00 to 24:00 of every day, by the hospital's clock."""
    made = ids.uuid7()
    owner.execute(
        "INSERT INTO schedule (tenant_id, id, practitioner_id, department_id, service, valid_from, actor_id)"
        " VALUES (%s, %s, %s, %s, %s, current_date - 8, %s)",
        [tenant_id, made, practitioner_id, department_id, service, made],
    )
    owner.execute(
        "INSERT INTO schedule_session (tenant_id, schedule_id, weekday, start_time, end_time, slot_minutes,"
        " capacity, walk_in_share) SELECT %s, %s, weekday, '00:00', '24:00', %s, %s, %s"
        " FROM generate_series(1, 7) AS weekday",
        [tenant_id, made, minutes, capacity, walk_in_share],
    )
    return made


class Desk:
    """SchedulingService as one hospital's user sees it."""

    def __init__(
        self, servicer: SchedulingServicer, owner: psycopg.Connection[Any], registry: Any, tenant: Tenant
    ) -> None:
        self.servicer = servicer
        self.owner = owner
        self.registry = registry
        self.tenant = tenant

    def __getattr__(self, method: str) -> Any:
        """The RPC of that name: takes the fields of its request."""
        if method not in SERVICE.methods_by_name:
            raise AttributeError(method)
        request_class = SERVICE.methods_by_name[method].input_type._concrete_class
        rpc = getattr(self.servicer, method)
        return lambda **fields: rpc(request_class(**fields), self.tenant.call(f"SchedulingService/{method}"))

    def patient(self) -> str:
        """A new patient."""
        return str(self.registry.create().id)

    def practitioner(self, department_id: str = "", **slots: Any) -> str:
        """A practitioner with slots all day."""
        made = add_practitioner(self.owner, self.tenant.id)
        add_slots(self.owner, self.tenant.id, made, department_id or self.department(), **slots)
        return made

    def department(self) -> str:
        """A department."""
        return add_department(self.owner, self.tenant.id)

    def book(
        self, practitioner_id: str, start: datetime.datetime, patient_id: str = "", **fields: Any
    ) -> Any:
        """Books directly, for a new patient where none is named."""
        outer = {name: fields.pop(name) for name in ("allow_overlap", "request_id") if name in fields}
        return self.BookAppointment(
            appointment={
                "patient_id": patient_id or self.patient(),
                "practitioner_id": practitioner_id,
                "start_time": start,
                **fields,
            },
            **outer,
        )

    def run_out(self, *appointment_ids: str) -> None:
        """The time of holds is over."""
        self.owner.execute(
            "UPDATE appointment SET hold_expire_time = now() - interval '1 second'"
            " WHERE tenant_id = %s AND id = ANY (%s::uuid[])",
            [self.tenant.id, list(appointment_ids)],
        )

    def state_of(self, appointment_id: str) -> str:
        """As the row has it."""
        row = self.owner.execute(
            "SELECT state FROM appointment WHERE tenant_id = %s AND id = %s", [self.tenant.id, appointment_id]
        ).fetchone()
        assert row is not None
        return str(row[0])

    def seats(self, practitioner_id: str, start: datetime.datetime) -> list[int]:
        """Seats that count, of what begins then."""
        rows = self.owner.execute(
            "SELECT seat FROM appointment WHERE tenant_id = %s AND practitioner_id = %s AND start_time = %s"
            " AND state = ANY (%s) ORDER BY seat",
            [self.tenant.id, practitioner_id, start, list(SEATED)],
        )
        return [row[0] for row in rows]


@pytest.fixture
def scheduling(app_database: Database, keys: keyring.Keyring) -> SchedulingServicer:
    """SchedulingService of one server process."""
    return SchedulingServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))


@pytest.fixture
def desk(scheduling: SchedulingServicer, owner: Any, registry: Any) -> Desk:
    """The front desk of the registry's hospital."""
    return Desk(scheduling, owner, registry, registry.tenant)
