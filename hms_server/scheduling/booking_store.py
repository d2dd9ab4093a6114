"""Statements of booking (booking.sql). Each is queued; the caller flushes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.scheduling.booking_rules import Wanted

_QUERIES = load_queries("hms_server.scheduling", "booking.sql")


def lock(
    transaction: Transaction,
    patient_ids: Iterable[str],
    practitioner_ids: Iterable[str],
    appointment_id: str | None = None,
) -> tuple[Pending, Pending]:
    """Patients (id, deleted, merged_into), then practitioners (id, active), each in order of their ids; those
    of an appointment, too."""
    return (
        transaction.queue(
            _QUERIES["lock_patients"], ids=sorted(set(patient_ids)), appointment_id=appointment_id
        ),
        transaction.queue(
            _QUERIES["lock_practitioners_of_booking"],
            ids=sorted(set(practitioner_ids)),
            appointment_id=appointment_id,
        ),
    )


def wanted_slots(
    transaction: Transaction, wanted: Sequence[Wanted], *, limited: bool, appointment_id: str | None = None
) -> Pending:
    """The slots that begin at the wanted times, by `number`: place in `wanted`. The locks are held."""
    return transaction.queue(
        _QUERIES["wanted_slots"],
        patient_ids=[each.patient_id or None for each in wanted],
        practitioner_ids=[each.practitioner_id or None for each in wanted],
        start_times=[each.start_time for each in wanted],
        department_ids=[each.department_id or None for each in wanted],
        services=[each.service for each in wanted],
        schedule_ids=[each.schedule_id or None for each in wanted],
        limited=limited,
        appointment_id=appointment_id,
    )


def owners(transaction: Transaction, appointment_ids: Sequence[str]) -> Pending | None:
    """Of appointments: id, patient_id. None where there is nothing to ask."""
    if not appointment_ids:
        return None
    return transaction.queue(_QUERIES["owners_of_appointments"], ids=sorted(set(appointment_ids)))


def free_slots(
    transaction: Transaction,
    *,
    start: datetime.datetime,
    days: int,
    limit: int,
    practitioner_id: str,
    department_id: str | None = None,
    departments: Iterable[str] | None = None,
) -> Pending:
    """The next free slots of the practitioner; with a department, of the others in it. `departments`:
    those that the caller is limited to."""
    found: dict[str, Any] = {
        "practitioner_ids": [] if department_id else [practitioner_id],
        "not_practitioner_id": practitioner_id,
        "department_id": department_id,
        "departments": None if departments is None else sorted(departments),
    }
    return transaction.queue(
        _QUERIES["free_slots"],
        **found,
        from_time=start,
        until_time=start + datetime.timedelta(days=days),
        limit=limit,
    )
