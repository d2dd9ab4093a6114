"""A suspended hospital: every RPC there is, made from the protos, is refused by every process at once."""

from __future__ import annotations

import os
import subprocess
import sys

import grpc
import psycopg
import pytest
from google.protobuf.message_factory import GetMessageClass

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2
from hms.patient.v1 import patient_pb2
from hms_server.policy import load_policies, services
from tests.fix_client import PASSWORD, Caller, hospital, platform, reason, refused

REFUSED = ("PERMISSION_DENIED", "TENANT_SUSPENDED")
# Every RPC that takes a token; those that take none have tests of their own below.
METHODS = [
    pytest.param(method, id=f"{service.name}/{method.name}")
    for service in services()
    for method in service.methods
    if load_policies()[f"{service.full_name}/{method.name}"].access != "PUBLIC"
]
PUBLIC = {name.rpartition("/")[2] for name, policy in load_policies().items() if policy.access == "PUBLIC"}


@pytest.fixture(scope="module")
def administrator(stack):
    made = platform(stack)
    yield made
    made.close()


def set_state(administrator, tenant_id, state):
    return administrator.admin.UpdateTenant(
        admin_pb2.UpdateTenantRequest(tenant=admin_pb2.Tenant(id=tenant_id, state=state)),
        metadata=administrator.metadata,
        timeout=15,
    )


@pytest.fixture(scope="module")
def suspended(stack, administrator):
    """A hospital with a patient, whose user is signed in and holds a page token, suspended since."""
    made = hospital(stack)
    for _ in range(2):
        made.create_patient()
    page = made.patients.ListPatients(
        patient_pb2.ListPatientsRequest(page_size=1), metadata=made.metadata, timeout=15
    )
    made.page_token = page.next_page_token
    set_state(administrator, made.tenant_id, admin_pb2.TENANT_STATE_SUSPENDED)
    yield made
    made.close()


def call(channel, method, metadata, *requests):
    """One call of any kind of RPC."""
    name = f"/{method.containing_service.full_name}/{method.name}"
    kind = channel.stream_unary if method.client_streaming else channel.unary_unary
    asked = kind(
        name,
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    sent = requests or (GetMessageClass(method.input_type)(),)
    return asked(iter(sent) if method.client_streaming else sent[0], metadata=metadata, timeout=15)


@pytest.mark.parametrize("method", METHODS)
def test_every_rpc_is_refused_with_its_own_reason(method, suspended):
    assert refused(lambda: call(suspended.channel, method, suspended.metadata)) == REFUSED


def test_refused_calls_leave_few_audit_records_however_many_they_are(stack, suspended):
    """One a minute for the user and address in each process; the rest is counted (hms_requests_total)."""
    statement = """
        SELECT count(*) FROM (
          SELECT tenant_id, reason FROM audit_event
          UNION ALL SELECT tenant_id, record->>'reason' FROM audit_outbox
        ) AS told WHERE tenant_id = %(id)s AND reason = 'TENANT_SUSPENDED'
    """
    with psycopg.connect(stack.env["HMS_DATABASE_URL"], autocommit=True) as owner:

        def records():
            return owner.execute(statement, {"id": suspended.tenant_id}).fetchone()[0]

        refused(lambda: call(suspended.channel, METHODS[0].values[0], suspended.metadata))
        before = records()
        assert before >= 1
        for param in METHODS * 3:
            refused(lambda m=param.values[0]: call(suspended.channel, m, suspended.metadata))
        # Two processes, and at most two turns of a minute.
        assert records() - before <= 4


def test_what_takes_no_token_is_known():
    """A new one must be looked at: it is not behind the gate."""
    assert {"Login", "Refresh", "GetJwks", "CompletePasswordReset", "IssueServiceToken"} == PUBLIC


def test_every_process_refuses(stack, suspended):
    """Connections are spread over the processes of the port; each refuses the first call it gets."""
    method = METHODS[0].values[0]
    for _ in range(12):
        with grpc.insecure_channel(
            stack.env["HMS_GRPC_TARGET"], options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            assert refused(lambda c=channel: call(c, method, suspended.metadata)) == REFUSED


def test_nobody_signs_in_or_refreshes(suspended):
    login = identity_pb2.LoginRequest(tenant=suspended.tenant, username="admin", password=PASSWORD)
    assert refused(lambda: suspended.identity.Login(login, timeout=15)) == REFUSED
    refresh = identity_pb2.RefreshRequest(refresh_token=suspended.login.refresh_token)
    assert refused(lambda: suspended.identity.Refresh(refresh, timeout=15)) == REFUSED


def test_a_page_token_of_before_opens_nothing(suspended):
    request = patient_pb2.ListPatientsRequest(page_size=1, page_token=suspended.page_token)
    assert refused(lambda: suspended.patients.ListPatients(request, metadata=suspended.metadata)) == REFUSED


def test_rest_says_so_too_for_calls_and_uploads(suspended):
    for answer in (
        suspended.rest("GET", "/v1/patients"),
        suspended.rest("POST", "/v1/fhir/bundles:import", {"resourceType": "Bundle", "type": "batch"}),
    ):
        assert answer.status == 403
        assert "TENANT_SUSPENDED" in answer.body.decode()


def test_the_other_hospitals_go_on(suspended, ours):
    assert ours.create_patient().id


def test_resuming_brings_everybody_back_without_signing_in_again(stack, administrator):
    clinic = hospital(stack)
    patient = clinic.create_patient()
    for state in (admin_pb2.TENANT_STATE_SUSPENDED, admin_pb2.TENANT_STATE_ACTIVE):
        set_state(administrator, clinic.tenant_id, state)
    get = patient_pb2.GetPatientRequest(id=patient.id)
    asked = refused(lambda: clinic.patients.GetPatient(get, metadata=clinic.metadata, timeout=15))
    assert asked == ("UNAUTHENTICATED", "PERMISSIONS_STALE")
    pair = clinic.identity.Refresh(
        identity_pb2.RefreshRequest(refresh_token=clinic.login.refresh_token), timeout=15
    )
    clinic.token = pair.access_token
    assert clinic.patients.GetPatient(get, metadata=clinic.metadata, timeout=15).id == patient.id
    clinic.close()


def test_an_erased_hospital_is_gone_for_good(stack, administrator, tmp_path):
    clinic = hospital(stack)
    clinic.create_patient()
    set_state(administrator, clinic.tenant_id, admin_pb2.TENANT_STATE_SUSPENDED)
    with psycopg.connect(stack.env["HMS_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(
            "UPDATE tenant SET update_time = now() - interval '2 hours' WHERE id = %s", [clinic.tenant_id]
        )
    command = ["tenant", "erase", clinic.tenant, "--confirm", clinic.tenant, "--without-export"]
    subprocess.run(
        [sys.executable, "-m", "hms_server", *command, "--certificate", str(tmp_path / "c.json")],
        env={**os.environ, **stack.env},
        check=True,
        capture_output=True,
        timeout=60,
    )
    method = METHODS[0].values[0]
    for _ in range(4):
        code, _ = refused(lambda: call(clinic.channel, method, clinic.metadata))
        assert code in ("UNAUTHENTICATED", "PERMISSION_DENIED")
    refresh = identity_pb2.RefreshRequest(refresh_token=clinic.login.refresh_token)
    assert refused(lambda: clinic.identity.Refresh(refresh, timeout=15))[0] == "UNAUTHENTICATED"
    with pytest.raises(grpc.RpcError) as caught:
        Caller(stack.env, clinic.tenant, "admin", PASSWORD)
    assert reason(caught.value) == ("UNAUTHENTICATED", "BAD_CREDENTIALS")
    resumed = refused(lambda: set_state(administrator, clinic.tenant_id, admin_pb2.TENANT_STATE_ACTIVE))
    assert resumed == ("FAILED_PRECONDITION", "WRONG_STATE")
    again = admin_pb2.CreateTenantRequest(
        tenant=admin_pb2.Tenant(code=clinic.tenant, display_name="New"),
        admin_username="admin",
        admin_password=PASSWORD,
    )
    made = refused(
        lambda: administrator.admin.CreateTenant(again, metadata=administrator.metadata, timeout=15)
    )
    assert made[0] == "ALREADY_EXISTS"
    shown = administrator.admin.GetTenant(
        admin_pb2.GetTenantRequest(id=clinic.tenant_id), metadata=administrator.metadata, timeout=15
    )
    assert (shown.state, shown.display_name) == (admin_pb2.TENANT_STATE_ERASED, "")
    clinic.close()


@pytest.mark.parametrize("state", ["ERASING", "ERASED"])
def test_the_api_does_not_make_the_states_of_an_erasure(state, administrator, ours):
    asked = refused(
        lambda: set_state(administrator, ours.tenant_id, admin_pb2.TenantState.Value(f"TENANT_STATE_{state}"))
    )
    assert asked == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
