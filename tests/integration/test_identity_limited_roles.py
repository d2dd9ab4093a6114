"""Roles in departments through the API: kept, shown, in force at once, and beyond nobody's own reach."""

from __future__ import annotations

import pytest

from hms.admin.v1 import directory_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.cache import client as redis_client
from hms_server.gate.gate import Gate
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.gate_state import GateLoader
from hms_server.identity.permissions import PermissionDirectory
from tests.fix_identity import PASSWORD, House


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
def processes(house, client):
    """The gates of two server processes."""
    loader = GateLoader(house.database)
    return [Gate(client, house.publisher, loader.load) for _ in range(2)]


def department(hospital, **fields):
    made = hospital.do(
        "AdminService/CreateDepartment",
        directory_pb2.CreateDepartmentRequest(
            department=directory_pb2.Department(display_name="Cardiology", **fields)
        ),
    )
    return made.id


def limited(code, *departments):
    return pb.LimitedRole(role_code=code, department_ids=departments)


def create(hospital, *roles, token="", **fields):
    user = pb.User(username=f"u{ids.uuid7()[-12:]}", password=PASSWORD, limited_roles=roles, **fields)
    return hospital.do("IdentityService/CreateUser", pb.CreateUserRequest(user=user), token)


def manager(hospital, *permissions, roles=()):
    """The token of a user whose own role holds these permissions in the whole hospital."""
    code = f"ROLE_{ids.uuid7()[-12:].upper()}"
    hospital.role(code, *permissions)
    user = create(hospital, *roles, role_codes=[code])
    return hospital.login(user.username).access_token


def passes(house, gates, token):
    """What the processes say of a token."""
    said = set()
    for gate in gates:
        try:
            gate.check(house.verifier.verify(token), "DEFAULT")
            said.add("PASS")
        except errors.HmsError as error:
            said.add(error.reason)
    return said


def violations(caught):
    return {violation.field for violation in caught.value.violations}


def test_a_role_in_departments_is_kept_and_shown(hospital):
    ward, icu = sorted(department(hospital) for _ in range(2))
    user = create(hospital, limited("NURSE", icu, ward), limited("LAB", ward), role_codes=["AUDITOR"])
    assert list(user.role_codes) == ["AUDITOR"]
    assert list(user.limited_roles) == [limited("LAB", ward), limited("NURSE", ward, icu)]
    assert hospital.do("IdentityService/GetUser", pb.GetUserRequest(id=user.id)) == user
    assert user in hospital.do("IdentityService/ListUsers", pb.ListUsersRequest()).users


def test_a_client_that_does_not_know_limits_widens_none(hospital):
    """It sends role_codes as it read them, with its own mask or as a full replacement."""
    user = create(hospital, limited("NURSE", department(hospital)), role_codes=["LAB"])
    changed = hospital.change(user.id, mask=("role_codes",), role_codes=["LAB", "AUDITOR"])
    assert list(changed.limited_roles) == list(user.limited_roles)
    changed = hospital.change(user.id, mask=("*",), role_codes=["LAB"], state=pb.USER_STATE_ACTIVE)
    assert list(changed.role_codes) == ["LAB"]
    assert not changed.limited_roles


def test_a_change_of_departments_is_in_force_on_every_process_with_its_answer(house, hospital, processes):
    ward, icu = department(hospital), department(hospital)
    user = create(hospital, limited("NURSE", ward))
    for roles in ([limited("NURSE", ward, icu)], [limited("NURSE", icu)], [limited("LAB", icu)], []):
        session = hospital.login(user.username)
        assert passes(house, processes, session.access_token) == {"PASS"}
        hospital.change(user.id, mask=("limited_roles",), limited_roles=roles)
        assert passes(house, processes, session.access_token) == {"PERMISSIONS_STALE"}
        refreshed = house.do(
            "IdentityService/Refresh", pb.RefreshRequest(refresh_token=session.refresh_token)
        )
        held = house.verifier.verify(refreshed.access_token).limited
        assert {each for places in held.values() for each in places} == {
            each for role in roles for each in role.department_ids
        }


def test_what_changes_no_department_leaves_tokens_alone(house, hospital, processes):
    ward, icu = department(hospital), department(hospital)
    user = create(hospital, limited("NURSE", ward, icu))
    session = hospital.login(user.username)
    assert passes(house, processes, session.access_token) == {"PASS"}
    hospital.change(user.id, limited_roles=[limited("NURSE", icu, ward)], display_name="Meera")
    assert passes(house, processes, session.access_token) == {"PASS"}


def test_a_change_of_the_role_itself_is_in_force_too(house, hospital, processes):
    role = hospital.role("WARD_CLERK", "patient.read")
    user = create(hospital, limited("WARD_CLERK", department(hospital)))
    session = hospital.login(user.username)
    assert house.verifier.verify(session.access_token).limited.keys() == {"patient.read"}
    update = pb.UpdateRoleRequest(role=pb.Role(id=role.id, permissions=["encounter.read"]))
    hospital.do("IdentityService/UpdateRole", update)
    assert passes(house, processes, session.access_token) == {"PERMISSIONS_STALE"}
    session = hospital.login(user.username)
    assert house.verifier.verify(session.access_token).limited.keys() == {"encounter.read"}


def test_a_role_that_is_held_in_a_department_is_not_deleted(hospital):
    role = hospital.role("WARD_CLERK", "patient.read")
    user = create(hospital, limited("WARD_CLERK", department(hospital)))
    with pytest.raises(errors.FailedPrecondition):
        hospital.do("IdentityService/DeleteRole", pb.DeleteRoleRequest(id=role.id))
    hospital.change(user.id, mask=("limited_roles",))
    hospital.do("IdentityService/DeleteRole", pb.DeleteRoleRequest(id=role.id))


def test_a_closed_department_is_kept_by_who_has_it_and_given_to_nobody(hospital):
    ward, icu = department(hospital), department(hospital)
    user = create(hospital, limited("NURSE", ward))
    hospital.do(
        "AdminService/UpdateDepartment",
        directory_pb2.UpdateDepartmentRequest(
            department=directory_pb2.Department(id=ward, active=False), update_mask={"paths": ["active"]}
        ),
    )
    changed = hospital.change(user.id, limited_roles=[limited("NURSE", ward, icu)])
    assert set(changed.limited_roles[0].department_ids) == {ward, icu}
    with pytest.raises(errors.InvalidArgument) as caught:
        create(hospital, limited("NURSE", ward))
    assert violations(caught) == {"user.limited_roles[0].department_ids[0]"}


def test_what_does_not_stand_is_named(house, hospital):
    foreign = department(house.hospital())
    for role, field in (
        (limited("NURSE", foreign), "department_ids[0]"),
        (limited("NURSE", ids.uuid7()), "department_ids[0]"),
        (limited("NOBODY", department(hospital)), "role_code"),
        (limited("ADMIN", department(hospital)), "role_code"),
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            create(hospital, role)
        assert violations(caught) == {f"user.limited_roles[0].{field}"}


def test_what_stood_before_is_kept_as_a_version(hospital):
    ward = department(hospital)
    user = create(hospital, limited("NURSE", ward))
    hospital.change(user.id, mask=("limited_roles",))
    (row,) = hospital.house.owner.execute(
        "SELECT row_data FROM user_account_version WHERE tenant_id = %s AND id = %s", [hospital.id, user.id]
    ).fetchone()
    assert row["limited_roles"] == [{"role_code": "NURSE", "department_id": ward}]


def test_many_departments_are_looked_up_and_not_carried(house, hospital, client):
    departments = [department(hospital) for _ in range(26)]
    hospital.role("READERS", "patient.read")
    user = create(hospital, limited("NURSE", *departments), limited("READERS", department(hospital)))
    token = hospital.login(user.username).access_token
    # 26 of the one, 27 of those of patient.read.
    assert house.verifier.verify(token).permissions is None
    directory = PermissionDirectory(house.database, client, house.catalogue)
    asked = (hospital.id, user.id, house.verifier.verify(token).permission_version)
    assert directory.permissions(*asked) == frozenset()
    assert len(directory.limited(*asked)["patient.read"]) == 27
    assert directory.limited(*asked)["clinical.read"] == {*departments}
    # The second process has it from Redis.
    other = PermissionDirectory(house.database, client, house.catalogue)
    assert other.limited(*asked) == directory.limited(*asked)
    hospital.change(user.id, mask=("limited_roles",), limited_roles=[limited("NURSE", departments[0])])
    assert passes(house, [Gate(client, house.publisher, GateLoader(house.database).load)], token) == {
        "PERMISSIONS_STALE"
    }


# Nobody rises above himself


def test_nobody_gives_in_the_whole_hospital_what_he_holds_in_a_department(hospital):
    ward, icu = department(hospital), department(hospital)
    hospital.role("READERS", "patient.read")
    token = manager(
        hospital, "user.write", "user.read", "role.write", "service_account.write",
        roles=[limited("READERS", ward)],
    )  # fmt: skip
    made = create(hospital, limited("READERS", ward), token=token)
    assert list(made.limited_roles) == [limited("READERS", ward)]
    for fields in (
        {"role_codes": ["READERS"]},
        {"limited_roles": [limited("READERS", ward, icu)]},
        {"limited_roles": [limited("READERS", icu)]},
        {"limited_roles": [limited("NURSE", ward)]},
    ):
        with pytest.raises(errors.PermissionDenied):
            hospital.change(made.id, token=token, **fields)
        with pytest.raises(errors.PermissionDenied):
            user = pb.User(username=f"u{ids.uuid7()[-12:]}", password=PASSWORD, **fields)
            hospital.do("IdentityService/CreateUser", pb.CreateUserRequest(user=user), token)
    role = pb.Role(code="OWN", permissions=["patient.read"])
    with pytest.raises(errors.PermissionDenied):
        hospital.do("IdentityService/CreateRole", pb.CreateRoleRequest(role=role), token)
    account = pb.ServiceAccount(name="robot", permissions=["patient.read"])
    with pytest.raises(errors.PermissionDenied):
        hospital.do(
            "IdentityService/CreateServiceAccount",
            pb.CreateServiceAccountRequest(service_account=account),
            token,
        )


def test_nobody_changes_a_user_of_another_department(hospital):
    ward, icu = department(hospital), department(hospital)
    hospital.role("READERS", "patient.read")
    token = manager(hospital, "user.write", "user.read", roles=[limited("READERS", ward)])
    for target in (
        create(hospital, limited("READERS", icu)),
        create(hospital, limited("READERS", ward, icu)),
        create(hospital, role_codes=["READERS"]),
    ):
        with pytest.raises(errors.PermissionDenied):
            hospital.change(target.id, token=token, password="taken over by now")
        session = hospital.login(target.username)
        session_id = hospital.house.verifier.verify(session.access_token).session_id
        with pytest.raises(errors.PermissionDenied):
            hospital.do("IdentityService/RevokeSession", pb.RevokeSessionRequest(id=session_id), token)
    colleague = create(hospital, limited("READERS", ward))
    hospital.change(colleague.id, token=token, display_name="Ravi")


def test_an_administrator_who_is_limited_instead_must_not_be_the_last(hospital):
    with pytest.raises(errors.FailedPrecondition):
        hospital.change(
            hospital.session.user_id,
            mask=("role_codes", "limited_roles"),
            limited_roles=[limited("NURSE", department(hospital))],
        )
