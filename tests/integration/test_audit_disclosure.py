"""A patient's disclosure report names everyone who saw the patient, under whichever record, and no other."""

from __future__ import annotations

import csv
import datetime
import io

import pytest

from hms.audit.v1 import audit_pb2 as pb
from hms.patient.v1 import patient_pb2
from hms_server import errors
from hms_server.audit import rules
from hms_server.audit.servicer import AuditServicer
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from tests.fix_audit import read_event

CSV, PDF = pb.REPORT_FORMAT_CSV, pb.REPORT_FORMAT_PDF


@pytest.fixture(scope="module")
def auditor(app_database):
    return AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32))


@pytest.fixture
def report(auditor, registry):
    """The lines of a report that the hospital's auditor asks for."""

    def ask(patient_id, tenant=registry.tenant, format_=CSV, **span):
        request = pb.GetDisclosureReportRequest(patient_id=patient_id, format=format_, **span)
        answer = auditor.GetDisclosureReport(request, tenant.call("AuditService/GetDisclosureReport"))
        if format_ == PDF:
            return answer
        assert answer.content_type == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.data.decode())))

    return ask


@pytest.fixture
def seen(registry, outbox, drain):
    """A colleague sees a patient's record, at a time."""

    def see(patient_id, name, time=None, **record):
        outbox.put(
            registry.tenant.id,
            record=read_event(actor_name=name, entity_id=patient_id, **record),
            patient_ids=[patient_id],
            record_time=time,
        )
        drain.run(registry.tenant.id)

    return see


def test_everyone_who_saw_the_patient_is_named_with_what_and_when(registry, report, seen):
    patient, other = registry.create().id, registry.create(family="Sen").id
    seen(patient, "ravi")
    seen(other, "meera")
    seen(patient, "asha", action="UPDATE", method="hms.patient.v1.PatientService/UpdatePatient")
    lines = report(patient)
    told = [(line["user"], line["act"]) for line in lines]
    assert told == [
        ("asha", "CREATE: create patient"),
        ("ravi", "READ: get patient"),
        ("asha", "UPDATE: update patient"),
    ]
    assert "meera" not in {line["user"] for line in lines}
    assert {line["record"] for line in lines} == {patient}
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert lines[1]["address"] == "192.0.2.1"


def test_what_was_seen_under_a_merged_record_is_in_the_survivors_report(ward, registry, report, seen):
    survivor, merged = registry.create().id, registry.create().id
    seen(merged, "ravi")
    assert "ravi" not in {line["user"] for line in report(survivor)}
    ward.merge(survivor, merged)
    (line,) = [line for line in report(survivor) if line["user"] == "ravi"]
    assert line["record"] == merged


def test_an_event_that_names_both_records_is_one_line(ward, registry, report, outbox, drain):
    survivor, merged = registry.create().id, registry.create().id
    ward.merge(survivor, merged)
    outbox.put(registry.tenant.id, record=read_event(actor_name="both"), patient_ids=[survivor, merged])
    drain.run(registry.tenant.id)
    assert len([line for line in report(survivor) if line["user"] == "both"]) == 1


def test_six_years_are_told_unless_more_is_asked_for(registry, report, seen):
    patient = registry.create().id
    now = datetime.datetime.now(datetime.UTC)
    seen(patient, "long-ago", now - datetime.timedelta(days=7 * 366))
    seen(patient, "five-years-ago", now - datetime.timedelta(days=5 * 365))
    users = {line["user"] for line in report(patient)}
    assert "five-years-ago" in users
    assert "long-ago" not in users
    start = now - datetime.timedelta(days=8 * 366)
    assert "long-ago" in {line["user"] for line in report(patient, start_time=start)}
    assert {
        line["user"]
        for line in report(patient, start_time=start, end_time=now - datetime.timedelta(days=2500))
    } == {"long-ago"}


def test_a_report_is_in_the_audit_and_in_the_next_report(registry, report, drain):
    patient = registry.create().id
    report(patient)
    drain.run(registry.tenant.id)
    assert report(patient)[-1]["act"] == "READ: get disclosure report"


def test_a_patient_nobody_saw_has_a_report_of_names_alone(registry, report):
    patient = registry.create().id
    assert report(patient) == []
    assert report(patient, format_=PDF).data.startswith(b"%PDF-")


def test_a_pdf_says_what_it_is(registry, report, seen):
    patient = registry.create().id
    seen(patient, "ravi")
    answer = report(patient, format_=PDF)
    assert answer.content_type == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert answer.data.rstrip().endswith(b"%%EOF")


def test_a_patient_of_another_hospital_is_no_patient(registry, report, seen, new_tenant, owner):
    patient = registry.create().id
    seen(patient, "ravi")
    stranger = new_tenant()
    with pytest.raises(errors.NotFound):
        report(patient, tenant=stranger)
    found = owner.execute("SELECT outcome FROM audit_outbox WHERE tenant_id = %s", [stranger.id]).fetchall()
    assert found == [("NOT_FOUND",)]


def test_a_deleted_patient_has_a_report(registry, report, seen):
    patient = registry.create().id
    seen(patient, "ravi")
    registry.DeletePatient(patient_pb2.DeletePatientRequest(id=patient))
    assert "ravi" in {line["user"] for line in report(patient)}


def test_a_report_of_too_many_events_is_refused_with_what_to_do(registry, report, seen, monkeypatch):
    patient = registry.create().id
    for _ in range(3):
        seen(patient, "ravi")
    monkeypatch.setattr(rules, "MOST_DISCLOSURES", 2)
    with pytest.raises(errors.InvalidArgument, match="ask for a shorter time"):
        report(patient)
