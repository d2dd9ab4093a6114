"""An encounter with all that belongs to it, and a patient's summary: one statement each."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

from hms.clinical.v1 import encounter_pb2, record_pb2
from hms_server import errors
from hms_server.admin import mapping as directory_mapping
from hms_server.admin.kinds import KINDS as DIRECTORY
from hms_server.clinical import mapping, store
from hms_server.clinical.booked import BOOKED_TYPES, booked
from hms_server.clinical.kinds import KINDS
from hms_server.context import Call
from hms_server.database.transaction import Database
from hms_server.patient import mapping as patient_mapping

_PARTS_OF_SUMMARY = {
    "PROBLEM": "problems",
    "ALLERGY": "allergies",
    "PRESCRIPTION": "prescriptions",
    "VITAL_SIGN": "vital_signs",
    "RESULT": "results",
    "ENCOUNTER": "encounters",
    "IMMUNIZATION": "immunizations",
    "APPOINTMENT": "upcoming_appointments",
}


class Whole:
    """Reads that join the whole record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def encounter(self, request: encounter_pb2.GetEncounterRequest, call: Call) -> encounter_pb2.Encounter:
        """An encounter; one that was entered in error, too. Raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_encounter(transaction, request.id)
        made: encounter_pb2.Encounter | None = None
        parts: dict[str, Any] = {}
        records: dict[str, list[Any]] = {}
        for row in pending.rows:
            if row.section == "ENCOUNTER":
                made = mapping.record(row)
            elif row.section == "RECORD":
                records.setdefault(row.type, []).append(row)
            else:
                parts[row.section.lower()] = part(row)
        if made is None:
            raise errors.NotFound("No such encounter.")
        for name, joined in parts.items():
            getattr(made, name).CopyFrom(joined)
        for type_, rows in records.items():
            if len(rows) > store.MOST_OF_TYPE:
                made.truncated_types.append(type_)
            getattr(made, KINDS[type_].plural).extend(map(mapping.record, rows[: store.MOST_OF_TYPE]))
        return made

    def summary(self, request: record_pb2.GetPatientSummaryRequest, call: Call) -> record_pb2.PatientSummary:
        """A patient's summary. Raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.get_summary(transaction, request.patient_id)
        if not pending.rows:
            raise errors.NotFound("No such patient.")
        made = record_pb2.PatientSummary()
        for row in pending.rows:
            if row.section == "PATIENT":
                made.patient.CopyFrom(part(row))
            else:
                one = part(row) if row.section in BOOKED_TYPES else mapping.record(row)
                getattr(made, _PARTS_OF_SUMMARY[row.section]).append(one)
        return made


def part(row: Any) -> Any:
    """The message of a joined row that another room maps."""
    if row.section in BOOKED_TYPES:
        return booked(row.section, row.extra)
    whole = SimpleNamespace(
        id=row.id,
        version=row.version,
        document=row.document,
        create_time=moment(row.create_micros),
        update_time=moment(row.update_micros),
    )
    if row.section in DIRECTORY:
        return directory_mapping.entry(DIRECTORY[row.section], whole)
    extra = dict(row.extra)
    deleted = extra.pop("delete_micros")
    whole.delete_time = None if deleted is None else moment(deleted)
    vars(whole).update(extra)
    return patient_mapping.patient(whole)


def moment(micros: int) -> datetime.datetime:
    """Microseconds since 1970 as a time."""
    return datetime.datetime.fromtimestamp(micros / 1_000_000, datetime.UTC)
