"""AuditService: proto in, proto out. Reading the audit is audited too."""

from __future__ import annotations

from typing import Any

from google.api import httpbody_pb2

from hms.audit.v1 import audit_pb2 as pb
from hms.audit.v1 import legal_hold_pb2
from hms_server import clock, errors
from hms_server.audit import disclosure, disclosure_pdf, mapping, rules
from hms_server.audit.holds import LegalHolds
from hms_server.audit.reads import AuditReads
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database

# Before and after every event there is.
_EARLIEST = "-infinity"
_LATEST = "infinity"
_HIGHEST = 2**63 - 1


class AuditServicer:
    """The RPCs of hms.audit.v1.AuditService."""

    def __init__(
        self, database: Database, pages: Pages, request_ids: RequestIds, audit: Database | None = None
    ) -> None:
        """`audit` is the separate audit database, None where the events stand beside all else."""
        self._reads = AuditReads(database, audit)
        self._pages = pages
        self._holds = LegalHolds(database, pages, request_ids)

    def ListAuditEvents(self, request: pb.ListAuditEventsRequest, call: Call) -> pb.ListAuditEventsResponse:
        """Newest first, by entity, patient, actor and time; pages both ways."""
        start, end = rules.time_range(
            request.start_time if request.HasField("start_time") else None,
            request.end_time if request.HasField("end_time") else None,
        )
        # Compared as text: the drain writes a UUID in lower case.
        entity_id = request.entity_id.lower()
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.patient_id, request.actor_id, entity_id, start, end),
            size=request.page_size,
            token=request.page_token,
        )
        key_time, key_sequence = page.key or (_LATEST, _HIGHEST)
        parameters: dict[str, Any] = {
            "start_time": start or _EARLIEST,
            "end_time": end or _LATEST,
            "key_time": key_time,
            "key_sequence": key_sequence,
            "limit": page.limit,
        }
        shape = "all"
        if entity_id:
            shape = "by_entity"
            parameters["entity_id"] = entity_id
            parameters["patient_id"] = request.patient_id or None
            parameters["actor_id"] = request.actor_id or None
        elif request.patient_id:
            shape = "by_patient"
            parameters["patient_id"] = request.patient_id
            parameters["actor_id"] = request.actor_id or None
        elif request.actor_id:
            shape = "by_actor"
            parameters["actor_id"] = request.actor_id
        found, kept = self._reads.events_listed(
            f"list_{shape}_{'before' if page.backward else 'after'}", call, **parameters
        )
        rows, following, preceding = self._pages.close(
            page, found, lambda row: (row.record_time, row.sequence)
        )
        answer = pb.ListAuditEventsResponse(
            audit_events=[mapping.to_proto(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )
        kept_from = rules.reaches_before(start, kept)
        if kept_from is not None:
            answer.kept_from_time.FromDatetime(kept_from)
        return answer

    def GetAuditEvent(self, request: pb.GetAuditEventRequest, call: Call) -> pb.AuditEvent:
        """One event, with all entities it lists, and the fields that changed where it is a change of a
        patient."""
        found = self._reads.event(request.id, call)
        if found is None:
            raise errors.NotFound("No such audit event.")
        row, change = found
        changes = rules.changes(change.old_fields, change.new_fields)
        return mapping.to_proto(row, changes, row.entity_ids or ())

    def GetDisclosureReport(
        self, request: pb.GetDisclosureReportRequest, call: Call
    ) -> httpbody_pb2.HttpBody:
        """Who saw or changed what of a patient, as a table in a file."""
        start, end = rules.disclosure_range(
            request.start_time if request.HasField("start_time") else None,
            request.end_time if request.HasField("end_time") else None,
            clock.now(),
        )
        made = self._reads.disclosures(
            request.patient_id, call, start_time=start, end_time=end, limit=rules.MOST_DISCLOSURES + 1
        )
        if made is None:
            raise errors.NotFound("No such patient.")
        subject, events, kept = made
        kept_from = rules.reaches_before(start, kept)
        report = disclosure.report(subject, events, start, end, clock.now(), kept_from)
        if len(report.lines) > rules.MOST_DISCLOSURES:
            raise errors.invalid_field(
                "start_time", f"there are more than {rules.MOST_DISCLOSURES} events: ask for a shorter time"
            )
        if request.format == pb.REPORT_FORMAT_PDF:
            return httpbody_pb2.HttpBody(content_type="application/pdf", data=disclosure_pdf.to_pdf(report))
        return httpbody_pb2.HttpBody(
            content_type="text/csv; charset=utf-8", data=disclosure.to_csv(report).encode()
        )

    def PlaceLegalHold(
        self, request: legal_hold_pb2.PlaceLegalHoldRequest, call: Call
    ) -> legal_hold_pb2.LegalHold:
        """A hold on the caller's hospital."""
        return self._holds.place(request, call)

    def ListLegalHolds(
        self, request: legal_hold_pb2.ListLegalHoldsRequest, call: Call
    ) -> legal_hold_pb2.ListLegalHoldsResponse:
        """Holds on the caller's hospital."""
        return self._holds.list_own(request, call)

    def ReleaseLegalHold(
        self, request: legal_hold_pb2.ReleaseLegalHoldRequest, call: Call
    ) -> legal_hold_pb2.LegalHold:
        """Ends a hold."""
        return self._holds.release(request, call)

    def PlaceTenantLegalHold(
        self, request: legal_hold_pb2.PlaceTenantLegalHoldRequest, call: Call
    ) -> legal_hold_pb2.LegalHold:
        """A hold of the platform on a hospital."""
        return self._holds.place_on_tenant(request, call)

    def ListTenantLegalHolds(
        self, request: legal_hold_pb2.ListTenantLegalHoldsRequest, call: Call
    ) -> legal_hold_pb2.ListTenantLegalHoldsResponse:
        """Holds on a hospital."""
        return self._holds.list_of_tenant(request, call)

    def ReleaseTenantLegalHold(
        self, request: legal_hold_pb2.ReleaseTenantLegalHoldRequest, call: Call
    ) -> legal_hold_pb2.LegalHold:
        """Ends a hold on a hospital."""
        return self._holds.release_on_tenant(request, call)
