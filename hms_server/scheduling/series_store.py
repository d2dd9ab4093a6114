"""Statements of series (series.sql). Each is queued; the caller flushes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.scheduling.booking_rules import Wanted

_QUERIES = load_queries("hms_server.scheduling", "series.sql")


def clock_time(transaction: Transaction, moment: datetime.datetime) -> Pending:
    """What the hospital's clock shows then: `shown`, in ISO 8601."""
    return transaction.queue(_QUERIES["clock_time"], start_time=moment)


def instants(transaction: Transaction, shown: Sequence[datetime.datetime]) -> Pending:
    """When the hospital's clock shows these times: `start_time`, in their order."""
    return transaction.queue(_QUERIES["instants"], shown=[each.isoformat() for each in shown])


def later_slots(
    transaction: Transaction, wanted: Wanted, starts: Mapping[int, datetime.datetime], *, limited: bool
) -> Pending:
    """The slots after each of `starts` on its day and the seven next ones, by `number`: its key."""
    return transaction.queue(
        _QUERIES["later_slots"],
        numbers=list(starts),
        start_times=list(starts.values()),
        patient_id=wanted.patient_id,
        practitioner_id=wanted.practitioner_id,
        department_id=wanted.department_id or None,
        service=wanted.service,
        schedule_id=wanted.schedule_id or None,
        limited=limited,
    )


def lock(
    transaction: Transaction, series_id: str, from_time: datetime.datetime | None
) -> tuple[Pending, Pending, Pending]:
    """Patients, practitioners and appointments of a series; `ahead`: it begins at `from_time` or later."""
    return (
        transaction.queue(_QUERIES["lock_patients_of_series"], series_id=series_id),
        transaction.queue(_QUERIES["lock_practitioners_of_series"], series_id=series_id),
        appointments(transaction, series_id, from_time),
    )


def appointments(
    transaction: Transaction, series_id: str, from_time: datetime.datetime | None = None
) -> Pending:
    """The appointments of a series in order of time, locked until the end of the transaction."""
    return transaction.queue(_QUERIES["lock_series"], series_id=series_id, from_time=from_time)
