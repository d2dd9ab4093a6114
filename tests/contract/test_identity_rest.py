"""Sessions, passwords and keys as clients meet them: over REST, in a running system of several processes."""

from __future__ import annotations

import jwt
import pytest

from hms_server import keyfile, keyring
from tests.fix_client import PASSWORD, Caller, colleague, eventually, http

NEW = "a new and better one"


def env(caller):
    return {
        "HMS_REST_URL": caller.rest_url,
        "HMS_GRPC_TARGET": caller.channel._channel.target().decode().removeprefix("dns:///"),
    }


def again(caller, password=PASSWORD):
    """The same user, in another session."""
    return Caller(env(caller), caller.tenant, caller.username, password)


def why(answer):
    return answer.status, answer.json["details"][0]["reason"]


def refresh(caller):
    answer = caller.rest("POST", "/v1/auth:refresh", {"refresh_token": caller.login.refresh_token})
    assert answer.status == 200, answer.body
    caller.token = answer.json["access_token"]
    return answer.json


@pytest.fixture
def nurse(ours):
    made = colleague(ours, "NURSE")
    yield made
    made.close()


def test_a_lost_phone_is_signed_out_from_elsewhere(nurse):
    lost = again(nurse)
    sessions = nurse.rest("GET", "/v1/sessions").json["sessions"]
    assert [session.get("current", False) for session in sessions] == [False, True]
    assert lost.rest("GET", "/v1/patients").status == 200
    assert nurse.rest("DELETE", f"/v1/sessions/{sessions[0]['id']}").status == 200
    assert why(lost.rest("GET", "/v1/patients")) == (401, "SESSION_REVOKED")
    assert nurse.rest("GET", "/v1/patients").status == 200
    lost.close()


def test_sessions_of_another_user(ours, nurse):
    listed = ours.rest("GET", f"/v1/sessions?user_id={nurse.user_id}").json["sessions"]
    assert len(listed) == 1
    assert why(nurse.rest("GET", f"/v1/sessions?user_id={ours.user_id}")) == (403, "PERMISSION_DENIED")


def test_whoever_must_change_his_password_does_that_first(ours, nurse):
    changed = {"id": nurse.user_id, "must_change_password": True}
    assert ours.rest("PATCH", f"/v1/users/{nurse.user_id}", changed).status == 200
    assert why(nurse.rest("GET", "/v1/patients")) == (401, "PERMISSIONS_STALE")
    assert refresh(nurse)["password_change_required"]
    for path in ("/v1/patients", "/v1/sessions", "/v1/users"):
        assert why(nurse.rest("GET", path)) == (403, "PASSWORD_CHANGE_REQUIRED")
    body = {"present_password": PASSWORD, "new_password": NEW}
    assert nurse.rest("POST", "/v1/auth:changePassword", body).status == 200
    assert why(nurse.rest("GET", "/v1/patients")) == (401, "PERMISSIONS_STALE")
    fresh = again(nurse, NEW)
    assert not fresh.login.password_change_required
    assert fresh.rest("GET", "/v1/patients").status == 200
    fresh.close()


def test_a_forgotten_password_is_reset(ours, nurse):
    made = ours.rest("POST", f"/v1/users/{nurse.user_id}:resetPassword", {}).json
    body = {"token": made["token"], "new_password": NEW}
    done = http("POST", f"{ours.rest_url}/v1/auth:completePasswordReset", body)
    assert done.status == 200, done.body
    assert why(nurse.rest("GET", "/v1/patients")) == (401, "SESSION_REVOKED")
    again(nurse, NEW).close()
    twice = http("POST", f"{ours.rest_url}/v1/auth:completePasswordReset", body)
    assert why(twice) == (401, "TOKEN_INVALID")


def test_the_published_keys_may_be_kept_for_a_while_and_nothing_else(ours):
    answer = http("GET", f"{ours.rest_url}/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert ours.rest("GET", "/v1/sessions").headers["cache-control"] == "no-store"


def test_keys_are_rotated_while_the_system_runs(stack, ours):
    """Both server processes take the new key by themselves, and nobody is logged out."""
    (new,) = keyfile.rotate(stack.layout.keys, signing=True, audit=False, delay_seconds=0)

    def published():
        answer = http("GET", f"{ours.rest_url}/.well-known/jwks.json").json
        return new in [key["kid"] for key in answer["keys"]]

    assert eventually(published)
    session = eventually(
        lambda: next((s for s in [again(ours)] if jwt.get_unverified_header(s.token)["kid"] == new), None)
    )
    for _ in range(10):
        # Whichever process answers knows both keys.
        assert session.rest("GET", "/v1/sessions").status == 200
        assert ours.rest("GET", "/v1/sessions").status == 200
    session.close()
    assert keyring.load(stack.layout.keys).signing[0].key_id == new


def test_a_microservice_calls_with_an_account_of_its_own(ours):
    account = {"name": "lab-gateway", "permissions": ["patient.read"]}
    made = ours.rest("POST", "/v1/serviceAccounts", account).json
    body = {"tenant": ours.tenant, "client_id": made["id"], "client_secret": made["client_secret"]}
    token = http("POST", f"{ours.rest_url}/v1/auth:token", body).json

    def call(path):
        return http("GET", ours.rest_url + path, None, {"authorization": f"Bearer {token['access_token']}"})

    assert token["expires_in"] == 900
    assert call("/v1/patients").status == 200
    assert why(call("/v1/users")) == (403, "PERMISSION_DENIED")
    disabled = {"id": made["id"], "state": "USER_STATE_DISABLED"}
    assert ours.rest("PATCH", f"/v1/serviceAccounts/{made['id']}", disabled).status == 200
    assert why(call("/v1/patients")) == (401, "SESSION_REVOKED")
    assert why(http("POST", f"{ours.rest_url}/v1/auth:token", body)) == (403, "USER_DISABLED")
    body["client_secret"] = "wrong"
    for _ in range(5):
        answer = http("POST", f"{ours.rest_url}/v1/auth:token", body)
    assert why(answer) == (429, "RATE_LIMITED")
