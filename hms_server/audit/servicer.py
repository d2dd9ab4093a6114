"""AuditService: proto in, proto out. Reading the audit is audited too."""

from __future__ import annotations

from typing import Any

from google.api import httpbody_pb2

from hms.audit.v1 import audit_pb2 as pb
from hms_server import clock, errors
from hms_server.audit import disclosure, disclosure_pdf, mapping, rules
from hms_server.audit.reads import AuditReads
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.transaction import Database

# Before and after every event there is.
_EARLIEST = "-infinity"
_LATEST = "infinity"
_HIGHEST = 2**63 - 1


class AuditServicer:
    """The RPCs of hms.audit.v1.AuditService."""

    def __init__(self, database: Database, pages: Pages, audit: Database | None = None) -> None:
        """`audit` is the separate audit database, None where the events stand beside all else."""
        self._reads = AuditReads(database, audit)
        self._pages = pages

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
        found = self._reads.events_listed(
            f"list_{shape}_{'before' if page.backward else 'after'}", call, **parameters
        )
        rows, following, preceding = self._pages.close(
            page, found, lambda row: (row.record_time, row.sequence)
        )
        return pb.ListAuditEventsResponse(
            audit_events=[mapping.to_proto(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

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
        found = self._reads.disclosures(
            request.patient_id, call, start_time=start, end_time=end, limit=rules.MOST_DISCLOSURES + 1
        )
        if found is None:
            raise errors.NotFound("No such patient.")
        report = disclosure.report(*found, start, end, clock.now())
        if len(report.lines) > rules.MOST_DISCLOSURES:
            raise errors.invalid_field(
                "start_time", f"there are more than {rules.MOST_DISCLOSURES} events: ask for a shorter time"
            )
        if request.format == pb.REPORT_FORMAT_PDF:
            return httpbody_pb2.HttpBody(content_type="application/pdf", data=disclosure_pdf.to_pdf(report))
        return httpbody_pb2.HttpBody(
            content_type="text/csv; charset=utf-8", data=disclosure.to_csv(report).encode()
        )
