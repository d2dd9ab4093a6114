"""Lists by time: of a type, of all types, and of a record's versions. Keyset pages, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hms.clinical.v1 import record_pb2
from hms_server import errors
from hms_server.clinical import mapping, store
from hms_server.clinical.booked import BOOKED_TYPES
from hms_server.clinical.kinds import KINDS, RECORD_TYPES, Kind
from hms_server.context import Call
from hms_server.database.pages import Page, Pages
from hms_server.database.transaction import Database, Pending


class Lists:
    """The lists of the clinical room."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def records(self, kind: Kind, response: Any, plural: str, category: str, request: Any, call: Call) -> Any:
        """Records of a type, of a patient or an encounter. Raises NotFound where there is no such one."""
        if not request.patient_id and not request.encounter_id:
            raise errors.invalid_field("patient_id", "is required, or encounter_id")
        filters = {
            **_common(request),
            "type": kind.type,
            "encounter_id": request.encounter_id or None,
            "category": category,
            "states": list(request.states) or None,
            "codes": list(request.codes) or None,
        }
        page, ascending = self._open(request, call, (request.patient_id, *filters.values()))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_records(
                transaction, page, ascending=ascending, patient_id=request.patient_id, **filters
            )
        rows, tokens = self._close(page, pending, "encounter" if not request.patient_id else "patient")
        return response(**{plural: [mapping.record(row) for row in rows]}, **tokens)

    def encounters(self, response: Any, request: Any, call: Call) -> Any:
        """Encounters of a patient, a department or a practitioner. Raises NotFound, InvalidArgument where
        nobody is named."""
        owners = ("patient", "department", "practitioner")
        owner = next((name for name in owners if getattr(request, f"{name}_id")), None)
        if owner is None:
            raise errors.invalid_field("patient_id", "is required, or department_id, or practitioner_id")
        filters = {
            **_common(request),
            **{f"{name}_id": getattr(request, f"{name}_id") or None for name in owners},
            "states": list(request.states) or None,
            "classes": list(request.encounter_classes) or None,
        }
        page, ascending = self._open(request, call, tuple(filters.values()))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_encounters(transaction, page, ascending=ascending, **filters)
        rows, tokens = self._close(page, pending, owner)
        made = [mapping.record(row) for row in rows]
        if owner != "patient":
            for encounter, row in zip(made, rows, strict=True):
                encounter.patient.CopyFrom(mapping.patient_of(row))
        return response(encounters=made, **tokens)

    def timeline(
        self, request: record_pb2.GetPatientTimelineRequest, call: Call
    ) -> record_pb2.GetPatientTimelineResponse:
        """A patient's records of all types in one order. Raises NotFound."""
        wanted = set(request.types or (*KINDS, *BOOKED_TYPES))
        filters = {
            **_common(request),
            "patient_id": request.patient_id,
            "types": [type_ for type_ in RECORD_TYPES if type_ in wanted],
            "with_encounters": "ENCOUNTER" in wanted,
            "with_appointments": "APPOINTMENT" in wanted,
            "with_tokens": "QUEUE_TOKEN" in wanted,
        }
        page, ascending = self._open(request, call, tuple(filters.values()))
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.timeline(transaction, page, ascending=ascending, **filters)
        rows, tokens = self._close(page, pending, "patient")
        return record_pb2.GetPatientTimelineResponse(
            records=[mapping.any_record(row) for row in rows], **tokens
        )

    def versions(
        self, request: record_pb2.ListRecordVersionsRequest, call: Call
    ) -> record_pb2.ListRecordVersionsResponse:
        """Every version of a record that stood, newest first. Raises NotFound."""
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.record_id,),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_versions(transaction, page, request.record_id)
        if not pending.rows and page.key is None:
            raise errors.NotFound("No such record.")
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.version,))
        return record_pb2.ListRecordVersionsResponse(
            versions=[mapping.version(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def _open(self, request: Any, call: Call, scope: Sequence[object]) -> tuple[Page, bool]:
        ascending = bool(request.order_by) and not request.order_by.endswith(" desc")
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(ascending, *scope),
            size=request.page_size,
            token=request.page_token,
        )
        return page, ascending

    def _close(self, page: Page, pending: Pending, owner: str) -> tuple[list[Any], dict[str, str]]:
        if not pending.rows:
            raise errors.NotFound(f"No such {owner}.")
        # One row without a record says that the owner is there.
        found = [row for row in pending.rows if row.id is not None]
        rows, following, preceding = self._pages.close(page, found, lambda row: (row.clinical_micros, row.id))
        return rows, {"next_page_token": following, "previous_page_token": preceding}


def _common(request: Any) -> dict[str, Any]:
    start, end = _time(request, "start_time", "-infinity"), _time(request, "end_time", "infinity")
    return {"start_time": start, "end_time": end, "show_entered_in_error": request.show_entered_in_error}


def _time(request: Any, name: str, default: str) -> str:
    if not request.HasField(name):
        return default
    value: Timestamp = getattr(request, name)
    return value.ToJsonString()
