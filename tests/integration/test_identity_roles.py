"""Roles on the real database, and that nobody rises above himself by them."""

from __future__ import annotations

import pytest

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from tests.fix_identity import PASSWORD


def violations(caught):
    return {violation.field for violation in caught.value.violations}


def versions(hospital, role_id):
    rows = hospital.house.owner.execute(
        "SELECT version, row_data FROM role_version WHERE tenant_id = %s AND id = %s ORDER BY version",
        [hospital.id, role_id],
    )
    return rows.fetchall()


def manager(hospital, *permissions):
    """The token of a user whose own role holds these permissions, and the user."""
    code = f"ROLE_{ids.uuid7()[-12:].upper().replace('-', '_')}"
    hospital.role(code, *permissions)
    user = hospital.user(f"m{ids.uuid7()[-12:]}", code)
    return hospital.login(user.username).access_token, user


# Nobody rises above himself


def test_nobody_gives_a_role_beyond_his_own(hospital):
    token, own = manager(hospital, "user.write", "user.read", "patient.read")
    user = hospital.user("ravi")
    for code in ("ADMIN", "DOCTOR"):
        with pytest.raises(errors.PermissionDenied):
            hospital.change(user.id, token=token, role_codes=[code])
        with pytest.raises(errors.PermissionDenied):
            hospital.change(own.id, token=token, role_codes=[*own.role_codes, code])
        with pytest.raises(errors.PermissionDenied):
            hospital.do(
                "IdentityService/CreateUser",
                pb.CreateUserRequest(user=pb.User(username="puppet", password=PASSWORD, role_codes=[code])),
                token,
            )
    assert list(hospital.change(user.id, token=token, role_codes=own.role_codes).role_codes)


def test_nobody_changes_a_user_who_may_do_more(hospital):
    token, _ = manager(hospital, "user.write", "user.read", "patient.read")
    doctor = hospital.user("doctor", "DOCTOR")
    for target in (hospital.session.user_id, doctor.id):
        with pytest.raises(errors.PermissionDenied):
            hospital.change(target, token=token, password="taken over by now")


def test_nobody_writes_a_permission_into_a_role_that_he_does_not_hold(hospital):
    token, _ = manager(hospital, "role.write", "role.read", "patient.read")
    with pytest.raises(errors.PermissionDenied):
        hospital.do(
            "IdentityService/CreateRole",
            pb.CreateRoleRequest(role=pb.Role(code="MORE", permissions=["audit.read"])),
            token,
        )
    role = hospital.role("READERS", "patient.read", "audit.read")
    update = pb.UpdateRoleRequest(
        role=pb.Role(id=role.id, permissions=["patient.read", "audit.read", "user.write"])
    )
    with pytest.raises(errors.PermissionDenied):
        hospital.do("IdentityService/UpdateRole", update, token)
    # What the role holds already may stay.
    update.role.permissions[:] = ["audit.read"]
    assert hospital.do("IdentityService/UpdateRole", update, token).etag == "2"


# Roles


def update_role(hospital, role_id, mask=(), **fields):
    request = pb.UpdateRoleRequest(role=pb.Role(id=role_id, **fields))
    request.update_mask.paths.extend(mask)
    return hospital.do("IdentityService/UpdateRole", request)


def test_every_hospital_has_the_system_roles(hospital):
    roles = hospital.do("IdentityService/ListRoles", pb.ListRolesRequest()).roles
    assert [role.code for role in roles] == [
        "ADMIN", "AUDITOR", "DOCTOR", "LAB", "NURSE", "PHARMACIST", "RECEPTIONIST",
    ]  # fmt: skip
    assert all(role.system for role in roles)
    by_code = {role.code: set(role.permissions) for role in roles}
    assert "tenant.write" not in by_code["ADMIN"]
    assert {"patient.delete", "user.write", "audit.read"} < by_code["ADMIN"]
    assert "patient.read" not in by_code["AUDITOR"]


def test_a_role_is_made_read_and_listed(hospital):
    role = hospital.role("WARD_CLERK", "patient.read", "audit.read")
    assert list(role.permissions) == ["audit.read", "patient.read"]
    assert not role.system
    assert hospital.do("IdentityService/GetRole", pb.GetRoleRequest(id=role.id)) == role
    first = hospital.do("IdentityService/ListRoles", pb.ListRolesRequest(page_size=7))
    second = hospital.do(
        "IdentityService/ListRoles", pb.ListRolesRequest(page_size=7, page_token=first.next_page_token)
    )
    assert [r.code for r in second.roles] == ["WARD_CLERK"]
    back = hospital.do(
        "IdentityService/ListRoles",
        pb.ListRolesRequest(page_size=7, page_token=second.previous_page_token),
    )
    assert list(back.roles) == list(first.roles)
    with pytest.raises(errors.AlreadyExists):
        hospital.role("WARD_CLERK")
    with pytest.raises(errors.NotFound):
        hospital.house.hospital().do("IdentityService/GetRole", pb.GetRoleRequest(id=role.id))


@pytest.mark.parametrize("permission", ["tenant.write", "tenant.read", "no.such"])
def test_a_role_holds_permissions_of_the_catalogue_alone(hospital, permission):
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.role("R1", "patient.read", permission)
    assert violations(caught) == {"role.permissions[1]"}


def test_a_role_needs_a_code(hospital):
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.role("")
    assert violations(caught) == {"role.code"}


def test_new_permissions_of_a_role_make_the_tenants_tokens_stale(hospital):
    role = hospital.role("WARD_CLERK", "patient.read")
    hospital.house.published()
    changed = update_role(hospital, role.id, permissions=["audit.read"], etag="1")
    assert (list(changed.permissions), changed.etag) == (["audit.read"], "2")
    assert hospital.house.published() == [("tenant", hospital.id, 2, 1, {})]
    ((version, row),) = versions(hospital, role.id)
    assert (version, row["permissions"]) == (1, ["patient.read"])
    update_role(hospital, role.id, display_name="Clerk")
    assert hospital.house.published() == [("tenant", hospital.id, 2, 1, {})]
    with pytest.raises(errors.Aborted):
        update_role(hospital, role.id, display_name="x", etag="1")


def test_a_role_is_emptied_by_its_mask(hospital):
    role = hospital.role("WARD_CLERK", "patient.read")
    assert not update_role(hospital, role.id, mask=("permissions",)).permissions
    with pytest.raises(errors.InvalidArgument):
        update_role(hospital, role.id, code="OTHER")
    with pytest.raises(errors.InvalidArgument):
        update_role(hospital, role.id, mask=("code",), code="OTHER")


def test_system_roles_stay_as_they_are(hospital):
    roles = hospital.do("IdentityService/ListRoles", pb.ListRolesRequest()).roles
    admin = next(role for role in roles if role.code == "ADMIN")
    with pytest.raises(errors.FailedPrecondition):
        update_role(hospital, admin.id, display_name="x")
    with pytest.raises(errors.FailedPrecondition):
        hospital.do("IdentityService/DeleteRole", pb.DeleteRoleRequest(id=admin.id))


def test_a_role_that_is_held_is_not_deleted(hospital):
    role = hospital.role("WARD_CLERK", "patient.read")
    user = hospital.user("ravi", "WARD_CLERK")
    request = pb.DeleteRoleRequest(id=role.id, request_id=ids.uuid7())
    with pytest.raises(errors.FailedPrecondition):
        hospital.do("IdentityService/DeleteRole", request)
    hospital.change(user.id, mask=("role_codes",))
    hospital.do("IdentityService/DeleteRole", request)
    assert [v[0] for v in versions(hospital, role.id)] == [1]
    record = hospital.outbox()[-1]
    assert (record["action"], record["entity_id"], record["old_version"]) == ("DELETE", role.id, 1)
    hospital.do("IdentityService/DeleteRole", request)
    with pytest.raises(errors.NotFound):
        hospital.do("IdentityService/DeleteRole", pb.DeleteRoleRequest(id=role.id))


def test_the_catalogue_names_methods(hospital):
    answer = hospital.do("IdentityService/ListPermissions", pb.ListPermissionsRequest())
    found = {p.code: list(p.methods) for p in answer.permissions}
    assert "tenant.write" not in found
    assert "hms.identity.v1.IdentityService/CreateUser" in found["user.write"]
    platform = hospital.house.do(
        "IdentityService/ListPermissions", pb.ListPermissionsRequest(), hospital.house.platform()
    )
    codes = {p.code for p in platform.permissions}
    assert "tenant.write" in codes
    assert not any(code.startswith("patient.") for code in codes)
