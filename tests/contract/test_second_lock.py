"""The first lock taken away: with row-level security off, the tenant in every statement alone must hold."""

from __future__ import annotations

import pytest

from hms.audit.v1 import audit_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids
from hms_server.audit.servicer import AuditServicer
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.patient.servicer import PatientServicer

TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  AND relrowsecurity AND NOT relispartition
"""


@pytest.fixture(scope="module")
def unlocked(owner):
    """This module's database without any policy in force."""
    tables = [name for (name,) in owner.execute(TABLES)]
    assert "patient" in tables
    for table in tables:
        owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


@pytest.fixture
def rooms(app_database, keys, unlocked):
    pages = Pages(keys.page_token)
    return (
        PatientServicer(app_database, pages, RequestIds(keys.request_hash)),
        AuditServicer(app_database, pages),
    )


@pytest.fixture
def strangers(new_tenant, rooms):
    """Our hospital, another one, and a patient of ours."""
    ours, theirs = new_tenant(), new_tenant()
    patient = rooms[0].CreatePatient(
        pb.CreatePatientRequest(
            patient=pb.Patient(given_name="Asha", family_name="Rao", birth_date="1987-04-21"),
            request_id=ids.uuid7(),
        ),
        ours.call("PatientService/CreatePatient"),
    )
    return ours, theirs, patient


def test_the_policies_are_really_off(owner, unlocked):
    assert not owner.execute("SELECT 1 FROM pg_class WHERE relname = 'patient' AND relrowsecurity").fetchall()


@pytest.mark.parametrize(
    ("method", "request_of"),
    [
        ("GetPatient", lambda i: pb.GetPatientRequest(id=i)),
        ("BatchGetPatients", lambda i: pb.BatchGetPatientsRequest(ids=[i])),
        ("ListPatientVersions", lambda i: pb.ListPatientVersionsRequest(patient_id=i)),
        ("UpdatePatient", lambda i: pb.UpdatePatientRequest(patient=pb.Patient(id=i, gender="male"))),
        ("DeletePatient", lambda i: pb.DeletePatientRequest(id=i)),
        ("UndeletePatient", lambda i: pb.UndeletePatientRequest(id=i)),
    ],
)
def test_another_hospitals_patient_is_not_found(rooms, strangers, method, request_of):
    _, theirs, patient = strangers
    with pytest.raises(errors.NotFound):
        getattr(rooms[0], method)(request_of(patient.id), theirs.call(f"PatientService/{method}"))


def test_lists_searches_and_duplicate_candidates_show_nothing_of_another_hospital(rooms, strangers):
    ours, theirs, patient = strangers
    registry = rooms[0]
    listed = registry.ListPatients(pb.ListPatientsRequest(), theirs.call("PatientService/ListPatients"))
    assert list(listed.patients) == []
    for wanted in (
        {"query": "rao asha"},
        {"query": "ra"},
        {"uhid": patient.uhid},
        {"birth_date": "1987"},
    ):
        request = pb.SearchPatientsRequest(**wanted)
        found = registry.SearchPatients(request, theirs.call("PatientService/SearchPatients"))
        assert list(found.patients) == [], wanted
        own = registry.SearchPatients(request, ours.call("PatientService/SearchPatients"))
        assert [p.id for p in own.patients] == [patient.id], wanted
    twin = registry.CreatePatient(
        pb.CreatePatientRequest(
            patient=pb.Patient(given_name="Asha", family_name="Rao", birth_date="1987-04-21")
        ),
        theirs.call("PatientService/CreatePatient"),
    )
    assert list(twin.duplicate_candidates) == []


def test_the_audit_of_another_hospital_is_not_shown(rooms, strangers, worker_database, keys):
    from hms_server.audit.drain import Drain

    ours, theirs, _ = strangers
    Drain(worker_database, keys).run(ours.id)
    request = audit_pb2.ListAuditEventsRequest()
    own = rooms[1].ListAuditEvents(request, ours.call("AuditService/ListAuditEvents"))
    assert own.audit_events
    seen = rooms[1].ListAuditEvents(request, theirs.call("AuditService/ListAuditEvents"))
    assert list(seen.audit_events) == []
    with pytest.raises(errors.NotFound):
        rooms[1].GetAuditEvent(
            audit_pb2.GetAuditEventRequest(id=own.audit_events[0].id),
            theirs.call("AuditService/GetAuditEvent"),
        )
