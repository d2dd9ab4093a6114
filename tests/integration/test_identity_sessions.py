"""Log in, refresh, log out, on the real database."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading

import argon2
import pytest

from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from hms_server.identity import rules
from hms_server.identity.passwords import Passwords
from hms_server.identity.system_roles import HOSPITAL
from tests.fix_identity import PASSWORD


def refresh(hospital, token):
    return hospital.house.identity.Refresh(
        pb.RefreshRequest(refresh_token=token), hospital.house.call("IdentityService/Refresh")
    )


def refused(hospital, username, password=PASSWORD, tenant=None):
    with pytest.raises(errors.HmsError) as caught:
        hospital.house.login(hospital.code if tenant is None else tenant, username, password)
    return caught.value


def disable(hospital, user):
    return hospital.change(user.id, state=pb.USER_STATE_DISABLED)


def session_row(hospital, session_id):
    return hospital.house.owner.execute(
        "SELECT revoke_reason FROM session WHERE tenant_id = %s AND id = %s AND revoke_time IS NOT NULL",
        [hospital.id, session_id],
    ).fetchone()


def age_rotation(hospital, seconds):
    hospital.house.owner.execute(
        "UPDATE session SET rotate_time = rotate_time - make_interval(secs => %s) WHERE tenant_id = %s",
        [seconds, hospital.id],
    )


def test_login_by_code_and_by_id(hospital):
    by_id = hospital.house.login(hospital.id.upper(), "ADMIN")
    assert (by_id.tenant_id, by_id.user_id) == (hospital.id, hospital.session.user_id)
    assert (by_id.token_type, by_id.expires_in) == ("Bearer", 900)


def test_an_administrators_token_carries_no_list_and_a_nurses_does(hospital):
    nurse = hospital.user("meera", "NURSE")
    claims = hospital.house.verifier.verify(hospital.login("meera").access_token)
    assert (claims.user_id, claims.username, claims.tenant_id) == (nurse.id, "meera", hospital.id)
    assert claims.permissions == HOSPITAL["NURSE"].permissions
    assert hospital.house.verifier.verify(hospital.session.access_token).permissions is None


def test_login_is_audited(hospital):
    session_id = hospital.house.verifier.verify(hospital.session.access_token).session_id
    record = hospital.outbox()[-1]
    assert (record["method"], record["outcome"]) == ("hms.identity.v1.IdentityService/Login", "OK")
    assert (record["actor_id"], record["actor_name"]) == (hospital.session.user_id, "admin")
    assert record["entity_id"] == record["session_id"] == session_id
    assert record["address"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("username", "password", "tenant"),
    [
        ("admin", "wrong", None),
        ("nobody", PASSWORD, None),
        ("admin", PASSWORD, "no-such-hospital"),
        ("admin", PASSWORD, "019b0000-0000-7000-8000-000000000000"),
        ("admin", PASSWORD, "';--"),
        ("root-admin", PASSWORD, "no-such-hospital"),
        ("ad\0min", PASSWORD, None),
        ("admin", PASSWORD, "a\0b"),
        ("उषा", PASSWORD, None),
    ],
)
def test_what_is_wrong_is_told_alike(hospital, username, password, tenant):
    error = refused(hospital, username, password, tenant)
    assert (error.code, error.reason) == ("UNAUTHENTICATED", "BAD_CREDENTIALS")
    assert error.message == "Wrong tenant, user name or password."


def test_a_wrong_password_is_audited_in_the_tenants_chain(hospital):
    refused(hospital, "admin", "wrong")
    refused(hospital, "x" * 128)
    known, unknown = hospital.outbox()[-2:]
    assert (known["outcome"], known["reason"]) == ("UNAUTHENTICATED", "BAD_CREDENTIALS")
    assert (known["actor_id"], known["actor_name"]) == (hospital.session.user_id, "admin")
    assert (unknown.get("actor_id"), unknown["actor_name"]) == (None, "x" * 64)
    assert "wrong" not in str(hospital.outbox())


def test_an_unknown_tenant_is_audited_in_the_platforms_chain(hospital):
    refused(hospital, "asha", tenant="no-such-hospital")
    record = hospital.house.outbox(ids.PLATFORM_TENANT)[-1]
    assert (record["actor_name"], record["reason"]) == ("asha", "BAD_CREDENTIALS")


def test_a_refused_login_was_audited_by_itself(hospital):
    call = hospital.house.call("IdentityService/Login")
    with pytest.raises(errors.Unauthenticated):
        hospital.house.identity.Login(pb.LoginRequest(tenant=hospital.code, username="a", password="b"), call)
    assert call.audited


def test_disabled_is_told_only_after_the_right_password(hospital):
    disable(hospital, hospital.user("ravi"))
    assert refused(hospital, "ravi", "wrong").reason == "BAD_CREDENTIALS"
    error = refused(hospital, "ravi")
    assert (error.code, error.reason) == ("PERMISSION_DENIED", "USER_DISABLED")
    assert hospital.outbox()[-1]["reason"] == "USER_DISABLED"


def test_an_old_hash_is_renewed_at_login(hospital):
    old = Passwords(argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)).hash(PASSWORD)
    hospital.house.owner.execute(
        "UPDATE user_account SET password_hash = %s WHERE tenant_id = %s", [old, hospital.id]
    )
    hospital.login("admin")
    (new,) = hospital.house.owner.execute(
        "SELECT password_hash FROM user_account WHERE tenant_id = %s", [hospital.id]
    ).fetchone()
    assert new != old
    assert not hospital.house.passwords.is_outdated(new)
    hospital.login("admin")


def test_a_user_who_changes_during_the_password_check_gets_no_session(hospital, monkeypatch):
    user = hospital.user("ravi")
    check = hospital.house.passwords.verify

    def slow(stored, password):
        right = check(stored, password)
        if right:
            monkeypatch.undo()
            hospital.change(user.id, password="another password")
        return right

    monkeypatch.setattr(hospital.house.passwords, "verify", slow)
    assert refused(hospital, "ravi").reason == "BAD_CREDENTIALS"


def test_refresh_gives_a_new_pair(hospital):
    answer = refresh(hospital, hospital.session.refresh_token)
    assert answer.refresh_token != hospital.session.refresh_token
    old, new = map(hospital.house.verifier.verify, (hospital.session.access_token, answer.access_token))
    assert (old.session_id, old.user_id) == (new.session_id, new.user_id)
    assert refresh(hospital, answer.refresh_token).access_token
    assert hospital.outbox()[-1]["entity_id"] == new.session_id


def test_refresh_brings_new_permissions(hospital):
    user = hospital.user("meera", "LAB")
    session = hospital.login("meera")
    hospital.change(user.id, role_codes=["DOCTOR"])
    before = hospital.house.verifier.verify(session.access_token)
    after = hospital.house.verifier.verify(refresh(hospital, session.refresh_token).access_token)
    assert "patient.write" in after.permissions - before.permissions
    assert after.permission_version == before.permission_version + 1


def test_two_tabs_that_refresh_at_once_get_the_same_pair(hospital, monkeypatch):
    judge, all_there = rules.refresh_use, threading.Barrier(4)

    def judge_when_all_are_there(*facts):
        # Where refreshes take turns, the others are not there before the first has committed.
        with contextlib.suppress(threading.BrokenBarrierError):
            all_there.wait(0.3)
        return judge(*facts)

    monkeypatch.setattr(rules, "refresh_use", judge_when_all_are_there)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refresh(hospital, hospital.session.refresh_token), range(4)))
    (token,) = {answer.refresh_token for answer in answers}
    assert refresh(hospital, hospital.session.refresh_token).refresh_token == token
    assert refresh(hospital, token).access_token


def test_a_refresh_token_that_comes_back_later_ends_the_session(hospital):
    present = refresh(hospital, hospital.session.refresh_token).refresh_token
    age_rotation(hospital, 11)
    hospital.house.published()
    with pytest.raises(errors.Unauthenticated) as caught:
        refresh(hospital, hospital.session.refresh_token)
    assert caught.value.reason == "REFRESH_TOKEN_REUSED"
    session_id = hospital.house.verifier.verify(hospital.session.access_token).session_id
    assert session_row(hospital, session_id) == ("REFRESH_TOKEN_REUSED",)
    assert hospital.house.published() == [("session", hospital.id, session_id)]
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["reason"]) == ("UNAUTHENTICATED", "REFRESH_TOKEN_REUSED")
    with pytest.raises(errors.Unauthenticated) as caught:
        refresh(hospital, present)
    assert caught.value.reason == "SESSION_REVOKED"


def test_a_token_that_was_replaced_twice_ends_the_session(hospital):
    second = refresh(hospital, hospital.session.refresh_token).refresh_token
    refresh(hospital, second)
    with pytest.raises(errors.Unauthenticated) as caught:
        refresh(hospital, hospital.session.refresh_token)
    assert caught.value.reason == "REFRESH_TOKEN_REUSED"


@pytest.mark.parametrize("text", ["", "x", "%%%", "a" * 86, "é" * 86])
def test_a_forged_refresh_token_ends_nothing(hospital, text):
    with pytest.raises(errors.Unauthenticated) as caught:
        refresh(hospital, text)
    assert caught.value.reason == "TOKEN_INVALID"
    assert refresh(hospital, hospital.session.refresh_token).access_token


def test_an_expired_session_cannot_be_refreshed(hospital):
    hospital.house.owner.execute(
        "UPDATE session SET expire_time = now() - interval '1 second' WHERE tenant_id = %s",
        [hospital.id],
    )
    with pytest.raises(errors.Unauthenticated) as caught:
        refresh(hospital, hospital.session.refresh_token)
    assert caught.value.reason == "SESSION_REVOKED"


def test_an_access_token_does_not_outlive_its_session(hospital):
    hospital.house.owner.execute(
        "UPDATE session SET expire_time = now() + interval '100 seconds' WHERE tenant_id = %s",
        [hospital.id],
    )
    assert 90 <= refresh(hospital, hospital.session.refresh_token).expires_in <= 100


def test_logout_ends_the_session(hospital):
    session_id = hospital.house.verifier.verify(hospital.session.access_token).session_id
    hospital.do("IdentityService/Logout", pb.LogoutRequest())
    assert hospital.house.published() == [("session", hospital.id, session_id)]
    assert session_row(hospital, session_id) == ("LOGOUT",)
    with pytest.raises(errors.Unauthenticated):
        refresh(hospital, hospital.session.refresh_token)


def test_the_published_keys_verify_tokens(house):
    (key,) = house.do("IdentityService/GetJwks", pb.GetJwksRequest()).keys
    assert (key.kty, key.crv, key.alg, key.use) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert key.kid == house.keys.signing[0].key_id
    assert len(key.x) == 43
