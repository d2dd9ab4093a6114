"""Lists of appointments by time, and of an appointment's versions. Keyset pages, both ways."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

from hms.scheduling.v1 import booking_pb2
from hms_server import errors, ids
from hms_server.context import Call
from hms_server.database.pages import Page, Pages
from hms_server.database.queries import Query, load_queries
from hms_server.database.transaction import Database
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import mapping
from hms_server.scheduling.appointments import patient_of

# What a list can be of; where several are named, the first of these leads to the rows.
_OWNERS = ("patient", "series", "practitioner", "department")
_FILE = "appointment_lists.sql"


def _queries(order: str, op: str, direction: str) -> dict[str, Query]:
    found: dict[str, Query] = {}
    for owner in _OWNERS:
        found |= load_queries(
            "hms_server.scheduling", _FILE, owner=owner, order=order, op=op, direction=direction
        )
    return found


_QUERIES = {**_queries("ascending", ">", "ASC"), **_queries("descending", "<", "DESC")}
_TIMES = (
    "start_time",
    "end_time",
    "hold_expire_time",
    "wanted_from",
    "wanted_until",
    "waitlist_time",
    "create_time",
    "update_time",
)


class AppointmentLists:
    """ListAppointments and ListAppointmentVersions."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def appointments(
        self, request: booking_pb2.ListAppointmentsRequest, call: Call
    ) -> booking_pb2.ListAppointmentsResponse:
        """A page, each with its patient. Raises InvalidArgument where nothing says whose they are."""
        owners = {name: getattr(request, f"{name}_id").lower() for name in _OWNERS}
        owner = next((name for name in _OWNERS if owners[name]), None)
        if owner is None:
            raise errors.invalid_field(
                "patient_id", "is required, or practitioner_id, department_id or series_id"
            )
        filters: dict[str, Any] = {
            f"{name}_id": (value or None) if name != owner else None for name, value in owners.items()
        }
        filters |= {
            "owner_id": owners[owner],
            "start_time": _time(request, "start_time", "-infinity"),
            "end_time": _time(request, "end_time", "infinity"),
            "service": request.service,
            "states": list(request.states) or None,
        }
        descending = request.order_by.endswith(" desc")
        page = self._open(request, call, (owner, descending, *filters.values()))
        upward = page.backward == descending
        if page.key is None:
            key = ("-infinity", ids.NIL) if upward else ("infinity", ids.MAX)
        else:
            key = (page.key[0], page.key[1])
        name = f"appointments_of_{owner}_{'ascending' if upward else 'descending'}"
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _QUERIES[name], **filters, key_time=key[0], key_id=key[1], limit=page.limit
            )
        rows, following, preceding = self._pages.close(
            page, pending.rows, lambda row: (row.start_time, row.id)
        )
        made = []
        for row in rows:
            each = mapping.appointment(row)
            each.patient.CopyFrom(patient_of(row))
            made.append(each)
        return booking_pb2.ListAppointmentsResponse(
            appointments=made, next_page_token=following, previous_page_token=preceding
        )

    def versions(
        self, request: booking_pb2.ListAppointmentVersionsRequest, call: Call
    ) -> booking_pb2.ListAppointmentVersionsResponse:
        """A page of versions, newest first. Raises NotFound."""
        page = self._open(request, call, (request.id.lower(),))
        order = "ascending" if page.backward else "descending"
        key = page.key[0] if page.key else 2**62
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _QUERIES[f"appointment_versions_{order}"],
                id=request.id,
                key=key,
                limit=page.limit,
                audit_entity_id=request.id,
                audit_must_find=page.key is None,
            )
        if not pending.rows and page.key is None:
            raise errors.NotFound("No such appointment.")
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.version,))
        return booking_pb2.ListAppointmentVersionsResponse(
            versions=[_version(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def _open(self, request: Any, call: Call, scope: tuple[object, ...]) -> Page:
        return self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=scope,
            size=request.page_size,
            token=request.page_token,
        )


def _version(row: Any) -> booking_pb2.AppointmentVersion:
    stood = {**row.row_data, "patient_id": row.patient_id}
    for name in _TIMES:
        if stood[name] is not None:
            stood[name] = datetime.datetime.fromisoformat(stood[name])
    return booking_pb2.AppointmentVersion(
        appointment=mapping.appointment(SimpleNamespace(**stood)),
        change_time=timestamp(row.update_time),
        actor_id=row.actor_id,
    )


def _time(request: Any, name: str, default: str) -> str:
    if not request.HasField(name):
        return default
    found: str = getattr(request, name).ToJsonString()
    return found
