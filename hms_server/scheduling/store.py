"""Statements on appointments (queries.sql). Each is queued; the caller flushes."""

from __future__ import annotations

from typing import Any

import orjson

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_QUERIES = load_queries("hms_server.scheduling")
# What a row holds beside id, version, patient and times.
COLUMNS = (
    "practitioner_id",
    "department_id",
    "location_id",
    "schedule_id",
    "exception_id",
    "service",
    "state",
    "start_time",
    "end_time",
    "seat",
    "capacity",
    "overbooked",
    "hold_expire_time",
    "wanted_from",
    "wanted_until",
    "waitlist_time",
    "series_id",
    "previous_appointment_id",
    "document",
)
_EMPTY = dict.fromkeys(COLUMNS) | {"service": "", "overbooked": False, "document": {}}


def get(transaction: Transaction, appointment_id: str) -> Pending:
    """One appointment with patient, practitioner and department, audited."""
    return transaction.queue(
        _QUERIES["get_appointment"],
        id=appointment_id,
        audit_entity_id=appointment_id,
        audit_must_find=True,
    )


def lock(transaction: Transaction, appointment_id: str) -> Pending:
    """One appointment, locked until the end of the transaction."""
    return transaction.queue(_QUERIES["lock_appointment"], id=appointment_id)


def lock_patient(transaction: Transaction, patient_id: str) -> Pending:
    """The patient for whom is booked: id, deleted, merged_into."""
    return transaction.queue(_QUERIES["lock_patient"], id=patient_id)


def lock_practitioner(transaction: Transaction, practitioner_id: str) -> Pending:
    """The practitioner with whom is booked: id, active. Always after the patient."""
    return transaction.queue(_QUERIES["lock_practitioner"], id=practitioner_id)


def insert(
    transaction: Transaction, appointment_id: str, patient_id: str, actor_id: str, **columns: Any
) -> Pending:
    """A new appointment; columns that are not named are empty. The flush raises ExclusionViolation
    (appointment_seat) where the seat is taken."""
    return transaction.queue(
        _QUERIES["insert_appointment"],
        id=appointment_id,
        patient_id=patient_id,
        actor_id=actor_id,
        **_stored(_EMPTY | columns),
    )


def update(transaction: Transaction, row: Any, actor_id: str, **changes: Any) -> Pending:
    """The next version of the locked `row`; the present one is kept."""
    present = {name: getattr(row, name) for name in COLUMNS}
    return transaction.queue(
        _QUERIES["update_appointment"], id=row.id, actor_id=actor_id, **_stored(present | changes)
    )


def _stored(columns: dict[str, Any]) -> dict[str, Any]:
    return {**columns, "document": orjson.dumps(columns["document"]).decode()}
