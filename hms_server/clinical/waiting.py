"""What waits for somebody, of all patients: worklists, inboxes, critical results nobody has acknowledged.

Keyset pages both ways; what waits longest comes first.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hms.clinical.v1 import order_pb2, referral_pb2, result_pb2
from hms.patient.v1 import patient_pb2
from hms_server import errors
from hms_server.clinical import mapping, store
from hms_server.clinical.whole import moment
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.transaction import Database
from hms_server.patient import mapping as patient_mapping


class Waiting:
    """The lists of what waits."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def worklist(
        self, request: order_pb2.ListOrderWorklistRequest, call: Call
    ) -> order_pb2.ListOrderWorklistResponse:
        """Orders of a category that wait to be done."""
        rows, tokens = self._list(request, call, "ORDER", category=request.category)
        orders = [order_pb2.WaitingOrder(order=mapping.record(row), patient=_patient(row)) for row in rows]
        return order_pb2.ListOrderWorklistResponse(orders=orders, **tokens)

    def inbox(
        self, request: referral_pb2.ListReferralInboxRequest, call: Call
    ) -> referral_pb2.ListReferralInboxResponse:
        """Referrals to a department or a practitioner that wait. Raises InvalidArgument for neither."""
        if not request.department_id and not request.practitioner_id:
            raise errors.invalid_field("department_id", "is required, or practitioner_id")
        rows, tokens = self._list(request, call, "REFERRAL")
        referrals = [
            referral_pb2.WaitingReferral(referral=mapping.record(row), patient=_patient(row)) for row in rows
        ]
        return referral_pb2.ListReferralInboxResponse(referrals=referrals, **tokens)

    def unacknowledged(
        self, request: result_pb2.ListUnacknowledgedResultsRequest, call: Call
    ) -> result_pb2.ListUnacknowledgedResultsResponse:
        """Critical reports that nobody has acknowledged."""
        rows, tokens = self._list(request, call, "DIAGNOSTIC_REPORT")
        results = [
            result_pb2.UnacknowledgedResult(report=mapping.record(row), patient=_patient(row)) for row in rows
        ]
        return result_pb2.ListUnacknowledgedResultsResponse(results=results, **tokens)

    def _list(
        self, request: Any, call: Call, type_: str, category: str = ""
    ) -> tuple[list[Any], dict[str, str]]:
        filters = {
            "type": type_,
            "category": category,
            "department_id": request.department_id or None,
            "practitioner_id": getattr(request, "practitioner_id", "") or None,
            "states": list(getattr(request, "states", ())) or None,
            "priorities": list(getattr(request, "priorities", ())) or None,
            "start_time": _time(request, "start_time", "-infinity"),
            "end_time": _time(request, "end_time", "infinity"),
        }
        ascending = not request.order_by.endswith(" desc")
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(ascending, *filters.values()),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = store.list_waiting(transaction, page, ascending=ascending, **filters)
        rows, following, preceding = self._pages.close(
            page, pending.rows, lambda row: (row.clinical_micros, row.id)
        )
        return rows, {"next_page_token": following, "previous_page_token": preceding}


def _patient(row: Any) -> patient_pb2.Patient:
    deleted = row.patient_delete_micros
    return patient_mapping.patient(
        SimpleNamespace(
            id=row.patient_id,
            uhid=row.uhid,
            version=row.patient_version,
            document=row.patient_document,
            merged_into=row.merged_into,
            merged_uhids=row.merged_uhids,
            restricted=row.restricted,
            create_time=moment(row.patient_create_micros),
            update_time=moment(row.patient_update_micros),
            delete_time=None if deleted is None else moment(deleted),
        )
    )


def _time(request: Any, name: str, default: str) -> str:
    return getattr(request, name).ToJsonString() if request.HasField(name) else default
