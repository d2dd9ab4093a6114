"""Results of orders: recorded all at once, corrected, and acknowledged where they are critical.

Recording locks the patient, the order, its report and the report's observations, in this order, in its first
flush; the second writes all of them. Whoever waited for another's results finds the order's next version, and
an etag tells (docs/decisions/0033-what-waits.md).
"""

from __future__ import annotations

from typing import Any

from hms.clinical.v1 import diagnostic_report_pb2, observation_pb2, order_pb2, result_pb2
from hms_server import aip, clock, errors, ids
from hms_server.clinical import mapping, records, result_flags, result_rules, rules, store
from hms_server.clinical.kinds import DIAGNOSTIC_REPORT, OBSERVATION, ORDER, Kind
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction

Response = result_pb2.RecordResultsResponse


class Results:
    """Records the results of orders."""

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def record(self, request: result_pb2.RecordResultsRequest, call: Call) -> Response:
        """Makes or corrects the observations and the report of an order. Raises NotFound, Aborted
        (ETAG_MISMATCH), FailedPrecondition (ORDER_NOT_OPEN, RESULTS_ARE_FINAL, PATIENT_MERGED),
        InvalidArgument for an item, a pointer, a time, a range."""
        now = records.now()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patient, order_row, report_row, rows, department = store.lock_results(transaction, request.id)
            wanted = list(_pointers(request))
            missing = store.missing_references(transaction, wanted, record_id=request.id) if wanted else None
            transaction.flush()
            stood = [mapping.record(row) for row in rows.rows]
            row = order_row.first
            if row is None:
                raise errors.NotFound("No such order.")
            if probe.repeat() is not None:
                transaction.audit(action="READ", entity_id=row.id, patient_ids=(row.patient_id,))
                return _answer(mapping.record(row), _report(report_row.first, None, None), stood)
            whose: Any = patient.first
            patient_id = records.open_patient(whose, "")
            aip.require_etag(request.etag, row.version)
            order: order_pb2.Order = mapping.record(row)
            result_rules.require_open(order, request.etag, request.state)
            records.require_found(missing)
            person = result_flags.person(whose.gender, whose.birth_date, clock.now().date())
            recorded = result_rules.record(request, order, stood, person, now)
            if recorded.corrects and not request.etag:
                raise errors.invalid_field("etag", "is required to correct a result that is final")
            was_complete = order.state == "COMPLETED"
            report = _report(report_row.first, order, department.first)
            for made in recorded.made:
                made.id, made.patient_id = ids.uuid7(), patient_id
            for number, observation in enumerate([*recorded.made, *recorded.changed]):
                _require_valid(OBSERVATION, observation, f"results[{number}]")
            before = report_row.first
            report.id = before.id if before is not None else ids.uuid7()
            result_rules.settle_order(order, recorded, report.id)
            if not (recorded.made or recorded.changed) and not _says_more(request, report):
                transaction.audit(action="READ", entity_id=row.id, patient_ids=(patient_id,))
                return _answer(mapping.record(row), report, stood, recorded.warnings)
            result_rules.settle_report(report, request, order, recorded, was_complete, now)
            written = [_write(transaction, OBSERVATION, each, call, new=True) for each in recorded.made]
            written += [_write(transaction, OBSERVATION, each, call, new=False) for each in recorded.changed]
            new_report = _write(transaction, DIAGNOSTIC_REPORT, report, call, new=before is None)
            new_order = _write(transaction, ORDER, order, call, new=False)
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            transaction.audit(
                entity_id=row.id,
                old_version=row.version,
                new_version=row.version + 1,
                patient_ids=(patient_id,),
                entities=_entities(recorded, report.id, is_new=before is None),
            )
        observations = [mapping.record(each.first) for each in written] + recorded.stood
        return _answer(
            mapping.record(new_order.first), mapping.record(new_report.first), observations, recorded.warnings
        )


class Reports(records.Records):
    """The records of type DIAGNOSTIC_REPORT, with what is done to them beside writing and amending."""

    @on_conflict
    def acknowledge(
        self, request: result_pb2.AcknowledgeResultRequest, call: Call
    ) -> diagnostic_report_pb2.DiagnosticReport:
        """Whoever answers for the patient knows of the critical results; acknowledged ones stay as they are.
        Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition (NOTHING_TO_ACKNOWLEDGE)."""

        def change(report: diagnostic_report_pb2.DiagnosticReport) -> None:
            if not report.critical:
                raise errors.FailedPrecondition(
                    "The report holds no critical result: there is nothing to acknowledge.",
                    reason="NOTHING_TO_ACKNOWLEDGE",
                )
            if report.acknowledge_time:
                return
            aip.require_etag(request.etag, int(report.etag))
            report.acknowledge_time = records.now()
            report.acknowledge_user_id = call.caller.user_id
            report.acknowledge_note = request.note

        # The etag is asked for by `change`: what is acknowledged already is answered as it is.
        made: diagnostic_report_pb2.DiagnosticReport = self._change(
            request, call, request.id, "", change, None
        )
        return made


def _pointers(request: result_pb2.RecordResultsRequest) -> Any:
    if request.practitioner_id:
        yield "practitioner_id", "PRACTITIONER", request.practitioner_id
    if request.organization_id:
        yield "organization_id", "ORGANIZATION", request.organization_id
    for number, result in enumerate(request.results):
        if result.practitioner_id:
            yield f"results[{number}].practitioner_id", "PRACTITIONER", result.practitioner_id


def _report(
    row: Any, order: order_pb2.Order | None, department: Any
) -> diagnostic_report_pb2.DiagnosticReport:
    """The order's report as it stands, or a new one."""
    if row is not None:
        report: diagnostic_report_pb2.DiagnosticReport = mapping.record(row)
        return report
    if order is None:
        return diagnostic_report_pb2.DiagnosticReport()
    return diagnostic_report_pb2.DiagnosticReport(
        patient_id=order.patient_id,
        requester_id=order.practitioner_id,
        requester_department_id=department.department_id if department is not None else "",
    )


def _says_more(
    request: result_pb2.RecordResultsRequest, report: diagnostic_report_pb2.DiagnosticReport
) -> bool:
    names = ("practitioner_id", "organization_id", "conclusion")
    return any(getattr(request, name) not in ("", getattr(report, name)) for name in names)


def _require_valid(kind: Kind, message: Any, path: str) -> None:
    found = [
        errors.FieldViolation(violation.field.replace(kind.field, path, 1), violation.description)
        for violation in rules.violations(kind, message)
    ]
    if found:
        text = "; ".join(f"{v.field}: {v.description}" for v in found[:5])
        raise errors.InvalidArgument(text, violations=tuple(found))


def _write(transaction: Transaction, kind: Kind, message: Any, call: Call, *, new: bool) -> Pending:
    row = rules.row_of(kind, message, message.id, rules.document_of(message))
    write = store.insert if new else store.update
    return write(transaction, kind, row, call.caller.user_id)


def _entities(recorded: result_rules.Recorded, report_id: str, *, is_new: bool) -> list[AuditedEntities]:
    """What the audit names beside the order."""
    found = [AuditedEntities("diagnostic_report", "CREATE" if is_new else "UPDATE", [report_id])]
    for action, observations in (("CREATE", recorded.made), ("UPDATE", recorded.changed)):
        if observations:
            found.append(AuditedEntities("observation", action, [each.id for each in observations]))
    return found


def _answer(
    order: order_pb2.Order,
    report: diagnostic_report_pb2.DiagnosticReport,
    observations: list[observation_pb2.Observation],
    warnings: list[str] | None = None,
) -> Response:
    place = {result_id: number for number, result_id in enumerate(report.result_ids)}
    observations = sorted(observations, key=lambda each: place.get(each.id, len(place)))
    return Response(
        order=order,
        report=report,
        observations=observations,
        critical_observation_ids=result_rules.critical_ids(observations),
        warnings=warnings or (),
    )
