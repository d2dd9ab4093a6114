"""Each call that must leave an audit event leaves exactly one, with who, what and which patient."""

from __future__ import annotations

import os
import subprocess
import sys

import grpc
import pytest

from hms.audit.v1 import audit_pb2
from hms.identity.v1 import identity_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import ids
from tests.fix_client import PASSWORD, Caller, colleague, eventually, http, refused


def of(caller, method, **filters):
    """The events of one method, once there are any."""
    full = f"hms.patient.v1.PatientService/{method}"
    return eventually(lambda: [e for e in caller.events(**filters) if e.method == full])


@pytest.fixture(scope="module")
def life(ours):
    """A patient who was created, read, changed, searched, listed, deleted and brought back."""
    stub, metadata = ours.patients, ours.metadata
    patient = ours.create_patient(family_name="Trail", birth_date="1960")
    stub.GetPatient(pb.GetPatientRequest(id=patient.id), metadata=metadata)
    stub.BatchGetPatients(pb.BatchGetPatientsRequest(ids=[patient.id]), metadata=metadata)
    stub.UpdatePatient(
        pb.UpdatePatientRequest(patient=pb.Patient(id=patient.id, gender="female")), metadata=metadata
    )
    stub.SearchPatients(pb.SearchPatientsRequest(query="trail"), metadata=metadata)
    stub.ListPatients(pb.ListPatientsRequest(), metadata=metadata)
    stub.ListPatientVersions(pb.ListPatientVersionsRequest(patient_id=patient.id), metadata=metadata)
    stub.DeletePatient(pb.DeletePatientRequest(id=patient.id), metadata=metadata)
    stub.UndeletePatient(pb.UndeletePatientRequest(id=patient.id), metadata=metadata)
    return patient


@pytest.mark.parametrize(
    ("method", "action", "versions"),
    [
        ("CreatePatient", "CREATE", (0, 1)),
        ("GetPatient", "READ", (0, 0)),
        ("BatchGetPatients", "READ", (0, 0)),
        ("UpdatePatient", "UPDATE", (1, 2)),
        ("SearchPatients", "READ", (0, 0)),
        ("ListPatients", "READ", (0, 0)),
        ("ListPatientVersions", "READ", (0, 0)),
        ("DeletePatient", "DELETE", (2, 3)),
        ("UndeletePatient", "UPDATE", (3, 4)),
    ],
)
def test_a_call_leaves_one_event_that_names_actor_and_patient(ours, life, method, action, versions):
    (event,) = of(ours, method, patient_id=life.id)
    assert (event.action, event.outcome) == (action, "OK")
    assert (event.actor_id, event.actor_name) == (ours.user_id, "admin")
    assert life.id in event.patient_ids
    assert (event.old_version, event.new_version) == versions
    assert event.request_id
    assert event.address == "127.0.0.1"


def test_the_event_of_a_change_shows_what_changed(ours, life):
    (event,) = of(ours, "UpdatePatient", patient_id=life.id)
    whole = ours.audit.GetAuditEvent(audit_pb2.GetAuditEventRequest(id=event.id), metadata=ours.metadata)
    changed = {c.field: (c.old_value, c.new_value) for c in whole.changes}
    assert changed["gender"] == ("", '"female"')


def test_reading_the_audit_is_audited(ours, life):
    ours.events(patient_id=life.id)
    found = eventually(
        lambda: [e for e in ours.events() if e.method == "hms.audit.v1.AuditService/ListAuditEvents"]
    )
    assert found[0].actor_id == ours.user_id


def test_a_denial_leaves_an_event_with_its_reason(ours, life):
    reader = colleague(ours, "AUDITOR")
    denied = refused(
        lambda: reader.patients.DeletePatient(pb.DeletePatientRequest(id=life.id), metadata=reader.metadata)
    )
    assert denied == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    events = eventually(lambda: [e for e in ours.events(actor_id=reader.user_id) if e.outcome != "OK"])
    assert (events[0].outcome, events[0].reason) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    assert events[0].method == "hms.patient.v1.PatientService/DeletePatient"


def test_logins_good_and_bad_leave_events(ours, stack):
    Caller(stack.env, ours.tenant, "admin", PASSWORD).close()
    bad = refused(
        lambda: ours.identity.Login(
            identity_pb2.LoginRequest(tenant=ours.tenant, username="admin", password="wrong")
        )
    )
    assert bad == ("UNAUTHENTICATED", "BAD_CREDENTIALS")

    def outcomes():
        logins = [e for e in ours.events() if e.method == "hms.identity.v1.IdentityService/Login"]
        found = {(e.outcome, e.reason) for e in logins}
        return found if ("UNAUTHENTICATED", "BAD_CREDENTIALS") in found and ("OK", "") in found else None

    assert eventually(outcomes)


def test_a_rest_call_is_audited_under_the_clients_request_id(ours):
    patient = ours.create_patient(family_name="Restcall")
    request_id = f"test-{ids.uuid7()}"
    ours.rest("GET", f"/v1/patients/{patient.id}", x_request_id=request_id)
    (event,) = of(ours, "GetPatient", patient_id=patient.id)
    assert event.request_id == request_id


def test_a_repeated_request_changes_once_and_is_audited_as_a_read(ours):
    request = pb.CreatePatientRequest(
        patient=pb.Patient(given_name="Twice", family_name="Sent"), request_id=ids.uuid7()
    )
    first = ours.patients.CreatePatient(request, metadata=ours.metadata)
    second = ours.patients.CreatePatient(request, metadata=ours.metadata)
    assert first.id == second.id

    def actions():
        found = sorted(e.action for e in ours.events(patient_id=first.id))
        return found if len(found) == 2 else None

    assert eventually(actions) == ["CREATE", "READ"]


def test_events_page_both_ways_without_loss(ours, life):
    def page(token=""):
        return ours.audit.ListAuditEvents(
            audit_pb2.ListAuditEventsRequest(patient_id=life.id, page_size=2, page_token=token),
            metadata=ours.metadata,
        )

    eventually(lambda: len(ours.events(patient_id=life.id)) >= 9)
    first = page()
    second = page(first.next_page_token)
    back = page(second.previous_page_token)
    assert [e.id for e in back.audit_events] == [e.id for e in first.audit_events]
    assert not {e.id for e in first.audit_events} & {e.id for e in second.audit_events}


def test_the_chain_of_every_tenant_holds(stack, life):
    done = subprocess.run(
        [sys.executable, "-m", "hms_server", "audit", "verify"],
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_token_is_refused_and_audited_on_the_platform(stack, ours):
    answer = http("GET", f"{ours.rest_url}/v1/patients", headers={"authorization": f"Bearer {ours.token}x"})
    assert answer.status == 401
    from tests.fix_client import platform

    administrator = platform(stack)
    found = eventually(lambda: [e for e in administrator.events() if e.reason == "TOKEN_INVALID"])
    assert found[0].actor_id == ""
    administrator.close()


def test_no_call_is_served_without_a_token(ours):
    with pytest.raises(grpc.RpcError) as caught:
        ours.patients.ListPatients(pb.ListPatientsRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
