"""Service accounts on the real database."""

from __future__ import annotations

import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from tests.fix_identity import PASSWORD


def make(hospital, name="lab-gateway", *permissions, token="", request_id="", **fields):
    account = pb.ServiceAccount(name=name, permissions=permissions or ("patient.read",), **fields)
    request = pb.CreateServiceAccountRequest(service_account=account, request_id=request_id)
    return hospital.do("IdentityService/CreateServiceAccount", request, token)


def get(hospital, account_id):
    return hospital.do("IdentityService/GetServiceAccount", pb.GetServiceAccountRequest(id=account_id))


def change(hospital, account_id, token="", mask=(), **fields):
    request = pb.UpdateServiceAccountRequest(service_account=pb.ServiceAccount(id=account_id, **fields))
    request.update_mask.paths.extend(mask)
    return hospital.do("IdentityService/UpdateServiceAccount", request, token)


def rotate(hospital, account_id, keep=0, token=""):
    request = pb.RotateServiceAccountSecretRequest(id=account_id, keep_present_seconds=keep)
    return hospital.do("IdentityService/RotateServiceAccountSecret", request, token)


def issue(hospital, account, secret=None, tenant=None):
    request = pb.IssueServiceTokenRequest(
        tenant=tenant or hospital.code,
        client_id=account.id,
        client_secret=account.client_secret if secret is None else secret,
    )
    return hospital.house.do("IdentityService/IssueServiceToken", request)


def claims(hospital, token):
    return hospital.house.verifier.verify(token.access_token)


@pytest.fixture
def account(hospital):
    return make(hospital)


def test_an_account_is_made_with_a_secret_that_is_shown_once(hospital):
    made = make(hospital, "Lab-Gateway", "patient.read", "audit.read", display_name="Laboratory")
    assert (made.name, made.display_name, made.state) == ("Lab-Gateway", "Laboratory", pb.USER_STATE_ACTIVE)
    assert list(made.permissions) == ["audit.read", "patient.read"]
    assert len(made.client_secret) == 43
    record = hospital.outbox()[-1]
    assert (record["action"], record["entity_type"], record["entity_id"]) == (
        "CREATE", "service_account", made.id,
    )  # fmt: skip
    secret, made.client_secret = made.client_secret, ""
    assert get(hospital, made.id) == made
    rows = hospital.house.owner.execute(
        "SELECT service_account::text FROM service_account WHERE tenant_id = %s", [hospital.id]
    ).fetchall()
    assert secret not in str(rows) + str(hospital.outbox())


def test_an_account_is_the_actor_of_what_it_does(hospital, account):
    token = issue(hospital, account)
    assert (token.token_type, token.expires_in) == ("Bearer", 900)
    caller = claims(hospital, token)
    assert (caller.tenant_id, caller.user_id, caller.username) == (hospital.id, account.id, "lab-gateway")
    assert caller.permissions == {"patient.read"}
    record = hospital.outbox()[-1]
    assert (record["method"], record["outcome"]) == (
        "hms.identity.v1.IdentityService/IssueServiceToken",
        "OK",
    )
    assert (record["actor_id"], record["actor_name"]) == (account.id, "lab-gateway")
    assert record["entity_id"] == record["session_id"] == caller.session_id
    hospital.do("IdentityService/Logout", pb.LogoutRequest(), token.access_token)
    assert hospital.outbox()[-1]["actor_id"] == account.id


def test_what_is_wrong_is_told_alike(house, hospital, account):
    other = house.hospital()
    user = hospital.user("ravi")
    tries = [
        (account, "wrong", None),
        (account, account.client_secret, other.code),
        (account, account.client_secret, "no-such-hospital"),
        (account, account.client_secret, ids.uuid7()),
        (pb.ServiceAccount(id=ids.uuid7()), account.client_secret, None),
        (pb.ServiceAccount(id=user.id), PASSWORD, None),
    ]
    for who, secret, tenant in tries:
        with pytest.raises(errors.Unauthenticated) as caught:
            issue(hospital, who, secret, tenant)
        assert caught.value.reason == "BAD_CREDENTIALS"
        assert caught.value.message == "Wrong tenant, client id, secret or assertion."
    records = [r for r in hospital.outbox() if r["method"].endswith("/IssueServiceToken")]
    assert [r.get("actor_id") for r in records] == [account.id, None, None]
    assert {r["outcome"] for r in records} == {"UNAUTHENTICATED"}


def test_an_account_is_no_user(hospital, account):
    for password in ("-", account.client_secret):
        with pytest.raises(errors.Unauthenticated):
            hospital.login("lab-gateway", password)
    users = hospital.do("IdentityService/ListUsers", pb.ListUsersRequest()).users
    assert [user.username for user in users] == ["admin"]
    with pytest.raises(errors.NotFound):
        hospital.do("IdentityService/GetUser", pb.GetUserRequest(id=account.id))
    with pytest.raises(errors.NotFound):
        hospital.change(account.id, password="a new and better one")
    with pytest.raises(errors.NotFound):
        hospital.do("IdentityService/ResetPassword", pb.ResetPasswordRequest(id=account.id))
    with pytest.raises(errors.NotFound):
        get(hospital, hospital.session.user_id)
    with pytest.raises(errors.AlreadyExists):
        hospital.user("LAB-gateway")
    with pytest.raises(errors.AlreadyExists):
        make(hospital, "Admin")


def test_accounts_are_listed_both_ways(hospital):
    for name in ("gamma", "Alpha", "beta"):
        make(hospital, name)

    def page(token):
        request = pb.ListServiceAccountsRequest(page_size=2, page_token=token)
        answer = hospital.do("IdentityService/ListServiceAccounts", request)
        assert not any(a.client_secret for a in answer.service_accounts)
        return [a.name for a in answer.service_accounts], answer.next_page_token, answer.previous_page_token

    first, following, _ = page("")
    second, _, preceding = page(following)
    assert (first, second) == (["Alpha", "beta"], ["gamma"])
    assert page(preceding)[0] == first


def test_a_repeat_shows_the_same_secret_until_it_is_rotated(hospital):
    request_id = ids.uuid7()
    first = make(hospital, request_id=request_id)
    assert make(hospital, request_id=request_id) == first
    assert issue(hospital, first).access_token
    rotate(hospital, first.id)
    again = make(hospital, request_id=request_id)
    assert (again.id, again.client_secret) == (first.id, "")


def test_nobody_sees_anothers_secret_by_his_request_id(hospital):
    hospital.role("KEEPER", "service_account.write", "patient.read")
    hospital.user("keeper", "KEEPER")
    request_id = ids.uuid7()
    assert make(hospital, request_id=request_id).client_secret
    with pytest.raises(errors.AlreadyExists):
        make(hospital, request_id=request_id, token=hospital.login("keeper").access_token)


def test_a_change_is_in_force_at_once(hospital, account):
    token = issue(hospital, account)
    hospital.house.published()
    changed = change(hospital, account.id, permissions=["patient.read", "patient.write"], etag=account.etag)
    assert (list(changed.permissions), changed.etag) == (["patient.read", "patient.write"], "2")
    assert hospital.house.published() == [("user", hospital.id, account.id, 2)]
    fresh = claims(hospital, issue(hospital, account))
    assert fresh.permission_version == claims(hospital, token).permission_version + 1
    assert fresh.permissions == {"patient.read", "patient.write"}
    row = hospital.house.owner.execute(
        "SELECT row_data FROM user_account_version WHERE id = %s", [account.id]
    ).fetchone()[0]
    assert (row["permissions"], row["name"]) == (["patient.read"], "lab-gateway")
    change(hospital, account.id, mask=("permissions",))
    assert claims(hospital, issue(hospital, account)).permissions == frozenset()
    with pytest.raises(errors.Aborted):
        change(hospital, account.id, display_name="x", etag="1")


def test_a_disabled_account_is_out_at_once(hospital, account):
    session_id = claims(hospital, issue(hospital, account)).session_id
    hospital.house.published()
    change(hospital, account.id, state=pb.USER_STATE_DISABLED)
    assert ("session", hospital.id, session_id) in hospital.house.published()
    with pytest.raises(errors.PermissionDenied) as caught:
        issue(hospital, account)
    assert caught.value.reason == "USER_DISABLED"
    change(hospital, account.id, state=pb.USER_STATE_ACTIVE)
    assert issue(hospital, account).access_token


def test_a_rotated_secret_and_what_it_opened_are_void(hospital, account):
    session_id = claims(hospital, issue(hospital, account)).session_id
    hospital.house.published()
    fresh = rotate(hospital, account.id)
    assert ("session", hospital.id, session_id) in hospital.house.published()
    assert fresh.client_secret not in ("", account.client_secret)
    assert (hospital.outbox()[-1]["action"], hospital.outbox()[-1]["new_version"]) == ("EXECUTE", 2)
    with pytest.raises(errors.Unauthenticated):
        issue(hospital, account)
    assert issue(hospital, fresh).access_token


def test_the_secret_of_before_works_as_long_as_it_was_left(hospital, account):
    token = issue(hospital, account)
    hospital.house.published()
    fresh = rotate(hospital, account.id, keep=600)
    assert hospital.house.published() == [("user", hospital.id, account.id, 1)]
    assert (
        claims(hospital, token).permission_version
        == claims(hospital, issue(hospital, fresh)).permission_version
    )
    assert issue(hospital, account).access_token
    hospital.house.owner.execute(
        "UPDATE service_account SET previous_secret_end = now() WHERE id = %s", [account.id]
    )
    with pytest.raises(errors.Unauthenticated):
        issue(hospital, account)
    assert issue(hospital, fresh).access_token


def test_nobody_gives_an_account_what_he_does_not_hold(hospital):
    strong = make(hospital, "strong", "patient.write")
    hospital.role("CLERK", "service_account.write", "patient.read")
    hospital.user("clerk", "CLERK")
    token = hospital.login("clerk").access_token
    weak = make(hospital, "weak", "patient.read", token=token)
    for refused in (
        lambda: make(hospital, "stronger", "patient.write", token=token),
        lambda: change(hospital, weak.id, token, permissions=["patient.write"]),
        lambda: change(hospital, strong.id, token, display_name="mine"),
        lambda: rotate(hospital, strong.id, token=token),
    ):
        with pytest.raises(errors.PermissionDenied):
            refused()
    assert rotate(hospital, weak.id, token=token).client_secret


def test_an_account_that_manages_accounts_gives_no_more_than_it_holds(hospital):
    manager = make(hospital, "manager", "service_account.write", "patient.read")
    token = issue(hospital, manager).access_token
    assert make(hospital, "child", "patient.read", token=token).id
    with pytest.raises(errors.PermissionDenied):
        make(hospital, "grown-up", "patient.write", token=token)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "service_account.name"),
        ({"permissions": ["patient.read", "no.such"]}, "service_account.permissions[1]"),
        ({"permissions": ["tenant.write"]}, "service_account.permissions[0]"),
    ],
)
def test_what_an_account_may_not_be_is_named(hospital, fields, field):
    account = pb.ServiceAccount(**{"name": "lab", **fields})
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.do(
            "IdentityService/CreateServiceAccount", pb.CreateServiceAccountRequest(service_account=account)
        )
    assert {v.field for v in caught.value.violations} == {field}


def test_a_suspended_hospitals_services_are_out(house, hospital, account):
    tenant = admin_pb2.Tenant(id=hospital.id, state=admin_pb2.TENANT_STATE_SUSPENDED)
    house.do("AdminService/UpdateTenant", admin_pb2.UpdateTenantRequest(tenant=tenant), house.platform())
    with pytest.raises(errors.PermissionDenied) as caught:
        issue(hospital, account)
    assert caught.value.reason == "TENANT_SUSPENDED"


def test_sessions_of_a_service_cannot_be_refreshed_but_can_be_ended(hospital, account):
    session_id = claims(hospital, issue(hospital, account)).session_id
    request = pb.ListSessionsRequest(user_id=account.id)
    assert [s.id for s in hospital.do("IdentityService/ListSessions", request).sessions] == [session_id]
    hospital.do("IdentityService/RevokeSession", pb.RevokeSessionRequest(id=session_id))
    assert hospital.do("IdentityService/ListSessions", request).sessions == []
