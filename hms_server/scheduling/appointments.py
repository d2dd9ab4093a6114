"""Reads of appointments."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hms.scheduling.v1 import appointment_pb2 as pb
from hms_server import errors
from hms_server.admin import mapping as directory_mapping
from hms_server.admin.kinds import KINDS as DIRECTORY
from hms_server.context import Call
from hms_server.database.transaction import Database
from hms_server.patient import mapping as patient_mapping
from hms_server.scheduling import mapping, store


class Appointments:
    """Appointments as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, request: pb.GetAppointmentRequest, call: Call) -> pb.Appointment:
        """One appointment with patient, practitioner and department. Raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get(transaction, request.id)
        row = found(pending.first)
        made = mapping.appointment(row)
        made.patient.CopyFrom(patient_of(row))
        for kind in (DIRECTORY["PRACTITIONER"], DIRECTORY["DEPARTMENT"]):
            if getattr(row, f"{kind.table}_version") is not None:
                part = SimpleNamespace(
                    id=getattr(row, f"{kind.table}_id"),
                    version=getattr(row, f"{kind.table}_version"),
                    document=getattr(row, f"{kind.table}_document"),
                    create_time=getattr(row, f"{kind.table}_create_time"),
                    update_time=getattr(row, f"{kind.table}_update_time"),
                )
                getattr(made, kind.table).CopyFrom(directory_mapping.entry(kind, part))
        return made


def found(row: Any) -> Any:
    """The row of an appointment that there is. Raises NotFound."""
    if row is None:
        raise errors.NotFound("No such appointment.")
    return row


def patient_of(row: Any) -> Any:
    """The patient of a row that was joined with one: uhid, patient_version, patient_document and so on."""
    return patient_mapping.patient(
        SimpleNamespace(
            id=row.patient_id,
            uhid=row.uhid,
            version=row.patient_version,
            document=row.patient_document,
            create_time=row.patient_create_time,
            update_time=row.patient_update_time,
            delete_time=row.patient_delete_time,
            merged_into=row.merged_into,
            merged_uhids=row.merged_uhids,
            restricted=row.restricted,
        )
    )
