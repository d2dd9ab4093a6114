"""The end of a series: what of it lies ahead is cancelled in one step, and its seats go to the waiting list.

What the patient has come to already, what is over and what was cancelled stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hms.scheduling.v1 import series_pb2
from hms_server import clock, errors
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.scheduling import booking_rules, freed, mapping, series_store, store

_AHEAD = ("HELD", "BOOKED", "CONFIRMED")


class SeriesCancel:
    """CancelSeries."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def cancel(self, request: series_pb2.CancelSeriesRequest, call: Call) -> series_pb2.CancelSeriesResponse:
        """Gives the seats back; answers those that it cancelled, none where nothing lies ahead. Raises
        NotFound."""
        from_time = booking_rules.moment_of(request.from_time) if request.HasField("from_time") else None
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patients, practitioners, series = series_store.lock(
                transaction, request.series_id.lower(), from_time
            )
            transaction.flush()
            rows = series.rows
            if not rows:
                raise errors.NotFound("No such series.")
            earlier = probe.repeat()
            if earlier is not None:
                return _repeated(transaction, earlier, rows)
            _require_locked(rows, patients, practitioners)
            ending = [row for row in rows if row.ahead and row.state in _AHEAD]
            cancelled = {
                "cancellation_reason": request.reason,
                "cancel_time": booking_rules.stamp(clock.now()),
            }
            made = [
                store.update(
                    transaction,
                    row,
                    call.caller.user_id,
                    state="CANCELLED",
                    hold_expire_time=None,
                    document={**row.document, **cancelled},
                )
                for row in ending
            ]
            # A repeat finds all that were cancelled by the first of them: they have its cancel_time.
            first = (ending or rows)[0]
            changed = bool(ending)
            self._request_ids.remember(
                transaction, call, probe, first.id if changed else request.series_id.lower(), 1
            )
            fields: dict[str, Any] = {"action": "READ"}  # nothing lies ahead
            if changed:
                fields = {
                    "old_version": first.version,
                    "new_version": first.version + 1,
                    "entities": (AuditedEntities("appointment", "UPDATE", [row.id for row in ending]),),
                }
            transaction.audit(
                entity_id=first.id,
                patient_ids=sorted({row.patient_id for row in ending or rows}),
                **fields,
            )
            freed.seats_freed(transaction, ending)
        return _answer([pending.first for pending in made])


def _require_locked(rows: Sequence[Any], patients: Pending, practitioners: Pending) -> None:
    """What the appointments point to is what was locked: a merge or a move in between is waited for again."""
    if not {row.patient_id for row in rows} <= {row.id for row in patients.rows} or not {
        row.practitioner_id for row in rows if row.practitioner_id is not None
    } <= {row.id for row in practitioners.rows}:
        raise errors.ConcurrentChange("An appointment of the series was moved meanwhile: try again.")


def _answer(rows: Sequence[Any]) -> series_pb2.CancelSeriesResponse:
    return series_pb2.CancelSeriesResponse(appointments=[mapping.appointment(row) for row in rows])


def _repeated(
    transaction: Transaction, first_id: str, rows: Sequence[Any]
) -> series_pb2.CancelSeriesResponse:
    """What the first request cancelled, as it is now: audited as a read."""
    moments = [row.document.get("cancel_time") for row in rows if row.id == first_id]
    those = [row for row in rows if moments and row.document.get("cancel_time") == moments[0]]
    transaction.audit(
        action="READ",
        entity_id=(those or rows)[0].id,
        patient_ids=sorted({row.patient_id for row in those or rows}),
    )
    transaction.commit()
    return _answer(those)
