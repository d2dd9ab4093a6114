"""The platform's administrator manages hospitals and reads no patient: by no method, by no role or account
of the platform, and not by a hospital's first password."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2
from hms.patient.v1 import patient_pb2
from hms_server import ids
from hms_server.identity.permissions import Catalogue
from hms_server.policy import load_policies, services
from tests.fix_client import FIRST_PASSWORD, PASSWORD, Caller, platform, reason, refused

# What the platform has like every hospital. The audit's disclosure report is about no patient there.
SHARED = ("hms.identity.", "hms.admin.", "hms.audit.")
METHODS = [
    method
    for service in services()
    for method in service.methods
    if not service.full_name.startswith(SHARED)
    and load_policies()[f"{service.full_name}/{method.name}"].access != "PUBLIC"
]
AT_ONCE = 10
DENIED = ("PERMISSION_DENIED", "PERMISSION_DENIED")


@pytest.fixture
def administrator(stack):
    made = platform(stack)
    yield made
    made.close()


@pytest.fixture
def code(administrator):
    """A hospital that the administrator has just made."""
    code = f"h{ids.uuid7()[-12:]}"
    administrator.admin.CreateTenant(
        admin_pb2.CreateTenantRequest(
            tenant=admin_pb2.Tenant(code=code, display_name=code),
            admin_username="admin",
            admin_password=FIRST_PASSWORD,
        ),
        metadata=administrator.metadata,
        timeout=15,
    )
    return code


def patients(caller):
    request = patient_pb2.ListPatientsRequest()
    return caller.patients.ListPatients(request, metadata=caller.metadata, timeout=15)


@pytest.mark.parametrize("first", range(0, len(METHODS), AT_ONCE))
def test_every_method_about_patients_is_refused(stack, administrator, first):
    """By a user of the platform with every permission of it, a new one now and then: calls are limited."""
    username = f"u{ids.uuid7()[-12:]}"
    user = identity_pb2.User(username=username, password=PASSWORD, role_codes=["PLATFORM_ADMIN"])
    administrator.identity.CreateUser(
        identity_pb2.CreateUserRequest(user=user), metadata=administrator.metadata, timeout=15
    )
    spy = Caller(stack.env, "platform", username, PASSWORD)
    for method in METHODS[first : first + AT_ONCE]:
        path = f"/{method.containing_service.full_name}/{method.name}"
        kind = spy.channel.stream_unary if method.client_streaming else spy.channel.unary_unary
        rpc = kind(path, request_serializer=lambda m: m.SerializeToString())
        request = GetMessageClass(method.input_type)()
        sent = iter([request]) if method.client_streaming else request
        with pytest.raises(grpc.RpcError) as caught:
            rpc(sent, metadata=spy.metadata, timeout=15)
        assert reason(caught.value) == DENIED, path
    spy.close()


def test_no_role_and_no_service_of_the_platform_can_hold_a_permission_of_hospitals(administrator):
    catalogue = Catalogue(load_policies())
    beyond = sorted(catalogue.of_tenant(ids.uuid7()) - catalogue.of_tenant(ids.PLATFORM_TENANT))
    assert {"patient.read", "clinical.read", "encounter.read", "patient.break_glass"} <= set(beyond)
    for permission in beyond:
        role = identity_pb2.Role(code="SPY", permissions=[permission])
        account = identity_pb2.ServiceAccount(name="spy", permissions=[permission])
        for rpc, request in (
            (administrator.identity.CreateRole, identity_pb2.CreateRoleRequest(role=role)),
            (
                administrator.identity.CreateServiceAccount,
                identity_pb2.CreateServiceAccountRequest(service_account=account),
            ),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                rpc(request, metadata=administrator.metadata, timeout=15)
            assert reason(caught.value)[0] == "INVALID_ARGUMENT", permission


def test_a_hospitals_role_means_nothing_to_a_user_of_the_platform(administrator):
    user = identity_pb2.User(username=f"u{ids.uuid7()[-12:]}", password=PASSWORD, role_codes=["DOCTOR"])
    request = identity_pb2.CreateUserRequest(user=user)
    made = refused(
        lambda: administrator.identity.CreateUser(request, metadata=administrator.metadata, timeout=15)
    )
    assert made[0] == "INVALID_ARGUMENT"


def test_the_first_password_of_a_hospital_opens_nothing_but_the_choice_of_another(stack, code):
    """The platform's administrator knows it."""
    spy = Caller(stack.env, code, "admin", FIRST_PASSWORD)
    with pytest.raises(grpc.RpcError) as caught:
        patients(spy)
    assert reason(caught.value) == ("PERMISSION_DENIED", "PASSWORD_CHANGE_REQUIRED")
    hospitals = Caller(stack.env, code, "admin", FIRST_PASSWORD)
    hospitals.identity.ChangePassword(
        identity_pb2.ChangePasswordRequest(present_password=FIRST_PASSWORD, new_password=PASSWORD),
        metadata=hospitals.metadata,
        timeout=15,
    )
    # Neither the session that the spy kept nor the password is worth anything from here on.
    assert refused(lambda: patients(spy))[0] == "UNAUTHENTICATED"
    refresh = identity_pb2.RefreshRequest(refresh_token=spy.login.refresh_token)
    assert refused(lambda: spy.identity.Refresh(refresh, timeout=15))[0] == "UNAUTHENTICATED"
    assert refused(lambda: Caller(stack.env, code, "admin", FIRST_PASSWORD))[0] == "UNAUTHENTICATED"
    owner = Caller(stack.env, code, "admin", PASSWORD)
    assert not patients(owner).patients
    for each in (spy, hospitals, owner):
        each.close()
