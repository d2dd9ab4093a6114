"""What the gate and the authorization ask identity for, on PostgreSQL and Redis."""

from __future__ import annotations

import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms.policy.v1 import policy_pb2
from hms_server import errors, ids
from hms_server.cache import client as redis_client
from hms_server.gate.gate import Gate
from hms_server.gate.publisher import GatePublisher
from hms_server.identity import system_roles
from hms_server.identity.gate_state import GateLoader
from hms_server.identity.permissions import PermissionDirectory
from tests.fix_identity import House


@pytest.fixture(scope="module")
def client(redis_url, settings):
    with redis_client.connect(redis_url, settings) as made:
        yield made


@pytest.fixture(scope="module")
def house(app_database, owner, keys, settings, client):
    """As in use: publications go to Redis."""
    return House(app_database, owner, keys, settings, GatePublisher(client))


@pytest.fixture
def hospital(house):
    return house.hospital()


@pytest.fixture
def gate(house, client):
    return Gate(client, house.publisher, GateLoader(house.database).load)


def reason(house, gate, token):
    try:
        gate.check(house.verifier.verify(token), "DEFAULT")
    except (errors.Unauthenticated, errors.PermissionDenied) as error:
        return error.reason
    return "PASS"


def test_the_gate_state_of_a_caller(house, hospital):
    loader = GateLoader(house.database)
    principal = house.verifier.verify(hospital.session.access_token)
    state = loader.load(hospital.id, principal.user_id, principal.session_id)
    assert state is not None
    assert (state.tenant_permission_version, state.user_permission_version) == (1, 1)
    assert principal.permission_version == 2
    assert (state.tenant_state, state.user_state, state.session_active) == ("ACTIVE", "ACTIVE", True)
    assert (state.tenant_row_version, state.rate_limits) == (1, {})
    assert not loader.load(hospital.id, principal.user_id, ids.uuid7()).session_active
    assert loader.load(hospital.id, ids.uuid7(), principal.session_id) is None
    assert loader.load(ids.uuid7(), principal.user_id, principal.session_id) is None
    other = house.hospital()
    assert loader.load(other.id, principal.user_id, principal.session_id) is None


def test_a_session_is_of_its_own_user(house, hospital):
    user = hospital.user("ravi")
    session_id = house.verifier.verify(hospital.session.access_token).session_id
    assert not GateLoader(house.database).load(hospital.id, user.id, session_id).session_active


def test_changes_are_in_force_when_the_answer_arrives(house, hospital, gate):
    user = hospital.user("meera", "NURSE")
    session = hospital.login("meera")
    assert reason(house, gate, session.access_token) == "PASS"
    hospital.change(user.id, role_codes=["DOCTOR"])
    assert reason(house, gate, session.access_token) == "PERMISSIONS_STALE"
    session = hospital.login("meera")
    assert reason(house, gate, session.access_token) == "PASS"
    role = hospital.role("CLERK", "patient.read")
    hospital.do(
        "IdentityService/UpdateRole",
        pb.UpdateRoleRequest(role=pb.Role(id=role.id, permissions=["audit.read"])),
    )
    assert reason(house, gate, session.access_token) == "PERMISSIONS_STALE"
    session = hospital.login("meera")
    hospital.change(user.id, state=pb.USER_STATE_DISABLED)
    assert reason(house, gate, session.access_token) == "SESSION_REVOKED"


def test_logout_is_in_force_at_once(house, hospital, gate):
    session = hospital.login("admin")
    assert reason(house, gate, session.access_token) == "PASS"
    hospital.do("IdentityService/Logout", pb.LogoutRequest(), session.access_token)
    assert reason(house, gate, session.access_token) == "SESSION_REVOKED"


def test_a_suspended_hospital_is_refused_at_once(house, hospital, gate):
    assert reason(house, gate, hospital.session.access_token) == "PASS"
    tenant = admin_pb2.Tenant(id=hospital.id, state=admin_pb2.TENANT_STATE_SUSPENDED)
    house.do("AdminService/UpdateTenant", admin_pb2.UpdateTenantRequest(tenant=tenant), house.platform())
    assert reason(house, gate, hospital.session.access_token) == "TENANT_SUSPENDED"
    with pytest.raises(errors.PermissionDenied) as caught:
        house.do("IdentityService/Refresh", pb.RefreshRequest(refresh_token=hospital.session.refresh_token))
    assert caught.value.reason == "TENANT_SUSPENDED"
    with pytest.raises(errors.PermissionDenied) as caught:
        hospital.login("admin")
    assert caught.value.reason == "TENANT_SUSPENDED"
    with pytest.raises(errors.Unauthenticated):
        hospital.login("admin", "wrong")
    tenant.state = admin_pb2.TENANT_STATE_ACTIVE
    house.do("AdminService/UpdateTenant", admin_pb2.UpdateTenantRequest(tenant=tenant), house.platform())
    answer = house.do(
        "IdentityService/Refresh", pb.RefreshRequest(refresh_token=hospital.session.refresh_token)
    )
    assert reason(house, gate, answer.access_token) == "PASS"


def test_a_hospitals_own_limit_holds(house, hospital, gate):
    tenant = admin_pb2.Tenant(id=hospital.id)
    tenant.rate_limits.add(tier=policy_pb2.RATE_TIER_SEARCH, limit=1, window_seconds=60)
    house.do("AdminService/UpdateTenant", admin_pb2.UpdateTenantRequest(tenant=tenant), house.platform())
    principal = house.verifier.verify(hospital.session.access_token)
    assert gate.check(principal, "SEARCH").limit == 1
    with pytest.raises(errors.ResourceExhausted):
        gate.check(principal, "SEARCH")


def held(directory, house, token):
    caller = house.verifier.verify(token)
    return directory.permissions(caller.tenant_id, caller.user_id, caller.permission_version)


def test_the_directory_knows_an_administrators_permissions(house, hospital, client):
    directory = PermissionDirectory(house.database, client, house.catalogue)
    found = held(directory, house, hospital.session.access_token)
    assert found == house.catalogue.of_tenant(hospital.id)
    assert "tenant.write" not in found
    platform = held(directory, house, house.platform())
    assert "tenant.write" in platform
    assert not any(permission.startswith("patient.") for permission in platform)


def test_the_directory_asks_postgresql_once_for_every_process(house, hospital, client):
    held(PermissionDirectory(house.database, client, house.catalogue), house, hospital.session.access_token)
    other = PermissionDirectory(None, client, house.catalogue)  # has no database at all
    assert "user.write" in held(other, house, hospital.session.access_token)


def test_a_changed_role_is_another_entry(house, hospital, client):
    directory = PermissionDirectory(house.database, client, house.catalogue)
    second = hospital.user("second", "ADMIN")
    assert "user.write" in held(directory, house, hospital.login("second").access_token)
    hospital.change(second.id, role_codes=["LAB"])
    caller = house.verifier.verify(hospital.login("second").access_token)
    found = directory.permissions(hospital.id, second.id, caller.permission_version)
    assert found == system_roles.HOSPITAL["LAB"].permissions


def test_without_redis_the_directory_asks_postgresql(house, hospital):
    directory = PermissionDirectory(house.database, None, house.catalogue)
    assert "user.write" in held(directory, house, hospital.session.access_token)
