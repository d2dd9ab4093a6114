"""Passwords that are changed, must be changed, and are reset, on the real database."""

from __future__ import annotations

import concurrent.futures

import pytest

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from tests.fix_identity import PASSWORD

NEW = "a new and better one"
WRONG = "not this one at all"


def change(hospital, token, present=PASSWORD, new=NEW, request_id=""):
    request = pb.ChangePasswordRequest(present_password=present, new_password=new, request_id=request_id)
    return hospital.do("IdentityService/ChangePassword", request, token)


def refresh(hospital, session):
    return hospital.do("IdentityService/Refresh", pb.RefreshRequest(refresh_token=session.refresh_token))


def reset(hospital, user, token=""):
    return hospital.do("IdentityService/ResetPassword", pb.ResetPasswordRequest(id=user.id), token)


def complete(hospital, token, new=NEW):
    request = pb.CompletePasswordResetRequest(token=token, new_password=new)
    call = hospital.house.call("IdentityService/CompletePasswordReset")
    return hospital.house.identity.CompletePasswordReset(request, call)


def settings(hospital, **fields):
    request = admin_pb2.UpdateSettingsRequest(settings=admin_pb2.Settings(**fields))
    return hospital.do("AdminService/UpdateSettings", request)


def refused(caught):
    return [(v.field, v.description) for v in caught.value.violations]


@pytest.fixture
def meera(hospital):
    return hospital.user("meera", "NURSE")


@pytest.fixture
def session(hospital, meera):
    return hospital.login("meera")


# Change


def test_a_user_changes_his_own_password(hospital, meera, session):
    other = hospital.login("meera")
    hospital.house.published()
    change(hospital, session.access_token)
    ended = hospital.house.verifier.verify(other.access_token).session_id
    assert hospital.house.published() == [("session", hospital.id, ended), ("user", hospital.id, meera.id, 2)]
    record = hospital.outbox()[-1]
    assert (record["action"], record["entity_id"], record["actor_id"]) == ("UPDATE", meera.id, meera.id)
    assert (record["old_version"], record["new_version"]) == (1, 2)
    with pytest.raises(errors.Unauthenticated):
        hospital.login("meera")
    assert hospital.login("meera", NEW).access_token
    assert refresh(hospital, session).access_token
    with pytest.raises(errors.Unauthenticated):
        refresh(hospital, other)


def test_a_change_leaves_no_password_anywhere(hospital, meera, session):
    change(hospital, session.access_token)
    kept = hospital.house.owner.execute(
        "SELECT row_data FROM user_account_version WHERE tenant_id = %s", [hospital.id]
    ).fetchall()
    everything = str(kept) + str(hospital.outbox())
    assert "argon2" not in everything
    assert NEW not in everything
    assert PASSWORD not in everything


def test_a_repeated_change_happens_once(hospital, meera, session):
    request_id = ids.uuid7()
    for _ in range(2):
        change(hospital, session.access_token, request_id=request_id)
    assert [r["action"] for r in hospital.outbox()[-2:]] == ["UPDATE", "READ"]
    assert hospital.login("meera", NEW).access_token


def test_of_two_changes_at_once_one_wins(hospital, meera, session):
    def attempt(new):
        try:
            change(hospital, session.access_token, new=new)
        except errors.HmsError as error:
            return error.reason
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, [NEW, "yet another good one"])) == ["BAD_CREDENTIALS", "OK"]


def test_whoever_guesses_the_present_password_loses_the_session(hospital, meera, session):
    hospital.house.published()
    for _ in range(5):
        with pytest.raises(errors.PermissionDenied) as caught:
            change(hospital, session.access_token, present=WRONG)
        assert caught.value.reason == "BAD_CREDENTIALS"
    own = hospital.house.verifier.verify(session.access_token).session_id
    assert hospital.house.published() == [("session", hospital.id, own)]
    records = hospital.outbox()[-5:]
    assert {(r["outcome"], r["reason"]) for r in records} == {("PERMISSION_DENIED", "BAD_CREDENTIALS")}
    with pytest.raises(errors.Unauthenticated):
        refresh(hospital, session)
    assert hospital.login("meera").access_token


# The hospital's rules


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ("Password2026!!", "is one that is tried first: choose something less common"),
        ("meera has a long one", "must not hold the name of the user or of the hospital"),
        ("our Hospital is the best", "must not hold the name of the user or of the hospital"),
        (PASSWORD, "was used before: choose another one"),
    ],
)
def test_a_bad_password_is_refused_wherever_it_comes_from(hospital, meera, session, new, fault):
    with pytest.raises(errors.InvalidArgument) as caught:
        change(hospital, session.access_token, new=new)
    assert refused(caught) == [("new_password", fault)]
    with pytest.raises(errors.InvalidArgument) as caught:
        hospital.change(meera.id, password=new)
    assert refused(caught) == [("user.password", fault)]
    with pytest.raises(errors.InvalidArgument) as caught:
        complete(hospital, reset(hospital, meera).token, new)
    assert refused(caught) == [("new_password", fault)]
    if new != PASSWORD:
        with pytest.raises(errors.InvalidArgument) as caught:
            hospital.user("meera2", password=new.replace("meera", "meera2"))
        assert refused(caught) == [("user.password", fault)]
    assert hospital.login("meera").access_token


def test_the_hospital_says_how_long_and_how_often(hospital, meera, session):
    settings(hospital, password_min_length=30, password_history=2)
    with pytest.raises(errors.InvalidArgument) as caught:
        change(hospital, session.access_token)
    assert refused(caught) == [("new_password", "needs at least 30 characters")]
    settings(hospital, password_min_length=12)
    passwords = [PASSWORD, "the second good one", "the third good one"]
    for present, new in zip(passwords, passwords[1:], strict=False):
        change(hospital, session.access_token, present, new)
    with pytest.raises(errors.InvalidArgument):
        change(hospital, session.access_token, passwords[2], passwords[1])
    change(hospital, session.access_token, passwords[2], passwords[0])


def test_no_more_former_passwords_are_kept_than_can_be_asked_for(hospital, meera, session):
    hospital.house.owner.execute(
        "INSERT INTO password_history (tenant_id, user_id, replace_time, password_hash)"
        " SELECT %s, %s, now() - make_interval(days => n), '-' FROM generate_series(1, 40) n",
        [hospital.id, meera.id],
    )
    change(hospital, session.access_token)
    kept = hospital.house.owner.execute(
        "SELECT count(*), max(replace_time) > now() - interval '1 hour' FROM password_history"
        " WHERE user_id = %s",
        [meera.id],
    ).fetchone()
    assert kept == (23, True)


def test_a_first_administrators_password_follows_the_rules_too(house):
    tenant = admin_pb2.Tenant(code="hillview", display_name="Hill View")
    for password in ("Password2026!!", "hill-view for ever"):
        request = admin_pb2.CreateTenantRequest(
            tenant=tenant, admin_username="chief", admin_password=password
        )
        with pytest.raises(errors.InvalidArgument) as caught:
            house.do("AdminService/CreateTenant", request, house.platform())
        assert {v.field for v in caught.value.violations} == {"admin_password"}


# A change that must be made


def test_whoever_must_change_his_password_can_do_nothing_else(hospital):
    user = pb.User(username="ravi", password=PASSWORD, role_codes=["NURSE"], must_change_password=True)
    made = hospital.do("IdentityService/CreateUser", pb.CreateUserRequest(user=user))
    assert made.must_change_password
    session = hospital.login("ravi")
    assert session.password_change_required
    for each in (session, refresh(hospital, session)):
        claims = hospital.house.verifier.verify(each.access_token)
        assert (claims.must_change_password, claims.permissions) == (True, frozenset())
    change(hospital, session.access_token)
    answer = refresh(hospital, hospital.login("ravi", NEW))
    assert not answer.password_change_required
    claims = hospital.house.verifier.verify(answer.access_token)
    assert not claims.must_change_password
    assert "patient.read" in claims.permissions


def test_an_administrator_asks_for_a_change(hospital, meera, session):
    hospital.house.published()
    changed = hospital.change(meera.id, must_change_password=True)
    assert ("user", hospital.id, meera.id, 2) in hospital.house.published()
    assert changed.must_change_password
    assert refresh(hospital, session).password_change_required
    hospital.change(meera.id, mask=("must_change_password",))
    assert not refresh(hospital, hospital.login("meera")).password_change_required


# Reset


def test_a_reset_token_works_once(hospital, meera, session):
    made = reset(hospital, meera)
    record = hospital.outbox()[-1]
    assert (record["action"], record["entity_id"]) == ("EXECUTE", meera.id)
    hospital.house.published()
    complete(hospital, made.token)
    ended = hospital.house.verifier.verify(session.access_token).session_id
    assert hospital.house.published() == [("session", hospital.id, ended), ("user", hospital.id, meera.id, 2)]
    record = hospital.outbox()[-1]
    assert (record["action"], record["actor_id"], record["actor_name"]) == ("UPDATE", meera.id, "meera")
    assert hospital.login("meera", NEW).access_token
    with pytest.raises(errors.Unauthenticated) as caught:
        complete(hospital, made.token, "yet another good one")
    assert caught.value.reason == "TOKEN_INVALID"


def test_a_reset_token_is_not_stored(hospital, meera):
    token = reset(hospital, meera).token
    stored = hospital.house.owner.execute("SELECT password_reset::text FROM password_reset").fetchall()
    assert token not in str(stored) + str(hospital.outbox())


def test_a_reset_token_lives_an_hour(hospital, meera):
    made = reset(hospital, meera)
    ((left,),) = hospital.house.owner.execute(
        "UPDATE password_reset SET expire_time = now() WHERE user_id = %s"
        " RETURNING round(extract(epoch FROM expire_time - create_time))",
        [meera.id],
    ).fetchall()
    assert left <= 3600
    with pytest.raises(errors.Unauthenticated):
        complete(hospital, made.token)


def test_a_new_reset_token_makes_the_one_before_void(hospital, meera):
    first, second = reset(hospital, meera), reset(hospital, meera)
    with pytest.raises(errors.Unauthenticated):
        complete(hospital, first.token)
    complete(hospital, second.token)


@pytest.mark.parametrize("token", ["x", "%%%", "é" * 86, "a" * 86, "A" * 86])
def test_a_forged_reset_token_opens_nothing(hospital, meera, token):
    reset(hospital, meera)
    with pytest.raises(errors.Unauthenticated) as caught:
        complete(hospital, token)
    assert caught.value.reason == "TOKEN_INVALID"


def test_a_reset_opens_nothing_to_who_is_disabled(hospital, meera):
    made = reset(hospital, meera)
    hospital.change(meera.id, state=pb.USER_STATE_DISABLED)
    with pytest.raises(errors.PermissionDenied) as caught:
        complete(hospital, made.token)
    assert caught.value.reason == "USER_DISABLED"
    with pytest.raises(errors.FailedPrecondition):
        reset(hospital, meera)


def test_a_manager_of_users_cannot_become_an_administrator_by_a_reset(house, hospital):
    hospital.role("CLERK", "user.write")
    hospital.user("clerk", "CLERK")
    token = hospital.login("clerk").access_token
    with pytest.raises(errors.PermissionDenied):
        reset(hospital, pb.User(id=hospital.session.user_id), token)
    with pytest.raises(errors.NotFound):
        reset(house.hospital(), pb.User(id=hospital.session.user_id))


def test_a_manager_of_users_cannot_try_an_administrators_passwords(hospital):
    hospital.role("CLERK", "user.write")
    hospital.user("clerk", "CLERK")
    token = hospital.login("clerk").access_token
    for password in (PASSWORD, NEW):
        with pytest.raises(errors.PermissionDenied) as caught:
            hospital.change(hospital.session.user_id, token, password=password)
        assert caught.value.reason == "PERMISSION_DENIED"


@pytest.fixture
def clerk(hospital):
    """A user who may change users, and holds what a nurse holds."""
    hospital.role("CLERK", "user.write")
    made = hospital.user("clerk", "CLERK", "NURSE")
    return made, hospital.login("clerk").access_token


def test_a_kept_reset_token_does_not_make_its_maker_the_administrator_that_its_user_became(
    hospital, meera, clerk
):
    made = reset(hospital, meera, clerk[1])
    hospital.change(meera.id, role_codes=["NURSE", "ADMIN"])
    with pytest.raises(errors.Unauthenticated) as caught:
        complete(hospital, made.token)
    assert caught.value.reason == "TOKEN_INVALID"
    assert hospital.login("meera").access_token
    # One that an administrator makes works all the same.
    complete(hospital, reset(hospital, meera).token)


@pytest.mark.parametrize("change_of_maker", [{"state": pb.USER_STATE_DISABLED}, {"role_codes": ["NURSE"]}])
def test_a_reset_token_is_void_when_its_maker_may_not_change_users_any_more(
    hospital, meera, clerk, change_of_maker
):
    made = reset(hospital, meera, clerk[1])
    hospital.change(clerk[0].id, **change_of_maker)
    with pytest.raises(errors.Unauthenticated):
        complete(hospital, made.token)
    assert hospital.login("meera").access_token


def test_a_reset_token_is_void_once_the_user_has_another_password(hospital, meera, session):
    for renew in (
        lambda: change(hospital, session.access_token),
        lambda: hospital.change(meera.id, password="by an administrator"),
    ):
        made = reset(hospital, meera)
        renew()
        with pytest.raises(errors.Unauthenticated):
            complete(hospital, made.token, "yet another good one")


def test_a_reset_that_is_refused_is_audited_in_its_hospitals_chain(hospital, meera):
    first = reset(hospital, meera)
    reset(hospital, meera)
    with pytest.raises(errors.Unauthenticated):
        complete(hospital, first.token)
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["reason"]) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert (record["entity_id"], record.get("actor_id")) == (meera.id, None)
    assert first.token not in str(record)
