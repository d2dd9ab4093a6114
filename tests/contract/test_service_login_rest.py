"""How a microservice logs in, as docs/api.md shows it, on the running system of two processes."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms_server import ids
from tests.fix_client import eventually, http

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.fixture
def private():
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture
def account(ours, private):
    body = {"name": f"service-{ids.uuid7()}", "permissions": ["patient.read"]}
    made = ours.rest("POST", "/v1/serviceAccounts", body).json
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    key = {"kid": "2026-11", "public_key": private.public_key().public_bytes(*form).decode()}
    added = ours.rest("POST", f"/v1/serviceAccounts/{made['id']}:addKey", {"key": key})
    assert added.status == 200, added.body
    return {**added.json, "client_secret": made["client_secret"]}


def assertion(account, private):
    now = int(time.time())
    claims = {"iss": account["id"], "sub": account["id"], "aud": account["assertion_audience"]}
    claims |= {"iat": now, "exp": now + 60, "jti": ids.uuid7()}
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": "2026-11"})


def run_snippet(ours, account, **environment):
    (snippet,) = re.findall(r"```python\n(import json.*?auth:token.*?)```", DOCS.read_text(), re.DOTALL)
    env = {
        "PATH": os.environ["PATH"],
        "HMS_REST_URL": ours.rest_url,
        "HMS_TENANT": ours.tenant,
        "CLIENT_ID": account["id"],
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-c", snippet], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_documented_snippet_logs_in_with_a_secret(ours, account):
    done = run_snippet(ours, account, CLIENT_SECRET=account["client_secret"])
    assert re.fullmatch(r"\d+ patients\n", done.stdout), done.stderr


def test_the_documented_snippet_logs_in_with_a_key(ours, account, private, tmp_path):
    key = tmp_path / "service.pem"
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    audience = account["assertion_audience"]
    assert audience == f"{ours.rest_url}/v1/auth:token"
    done = run_snippet(ours, account, KEY_FILE=str(key), KID="2026-11", ASSERTION_AUDIENCE=audience)
    assert re.fullmatch(r"\d+ patients\n", done.stdout), done.stderr
    wrong = run_snippet(ours, account, KEY_FILE=str(key), KID="another", ASSERTION_AUDIENCE=audience)
    assert "401" in wrong.stderr


def test_an_assertion_sent_to_all_processes_at_once_is_good_for_one_token(ours, stack, account, private):
    target = stack.env["HMS_GRPC_TARGET"]
    # A connection each, so that they meet both processes.
    channels = [grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(5)]
    request = identity_pb2.IssueServiceTokenRequest(
        tenant=ours.tenant, client_id=account["id"], client_assertion=assertion(account, private)
    )

    def knock(channel):
        try:
            identity_pb2_grpc.IdentityServiceStub(channel).IssueServiceToken(request, timeout=15)
        except grpc.RpcError as error:
            return error.code().name
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(len(channels)) as pool:
        told = list(pool.map(knock, channels))
    for channel in channels:
        channel.close()
    assert sorted(told) == ["OK"] + ["UNAUTHENTICATED"] * 4

    def replays():
        events = ours.events(actor_id=account["id"])
        return [event for event in events if event.reason == "ASSERTION_REPLAYED"]

    assert len(eventually(lambda: found if len(found := replays()) == 4 else None)) == 4


def test_a_private_key_is_refused_over_rest_and_stands_in_no_log(ours, stack, account, private):
    form = serialization.PrivateFormat.PKCS8
    text = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    path = f"/v1/serviceAccounts/{account['id']}:addKey"
    answer = ours.rest("POST", path, {"key": {"public_key": text}})
    assert answer.status == 400
    middle = text.splitlines()[1][20:50]
    assert middle not in answer.body.decode()
    for log in stack.layout.logs.rglob("*"):
        assert not log.is_file() or middle not in log.read_text(errors="replace"), log


def test_assertions_and_tokens_stand_in_no_log(ours, stack, account, private):
    body = {
        "tenant": ours.tenant,
        "client_id": account["id"],
        "client_assertion": assertion(account, private),
    }
    token = http("POST", f"{ours.rest_url}/v1/auth:token", body).json["access_token"]
    for log in stack.layout.logs.rglob("*"):
        if log.is_file():
            text = log.read_text(errors="replace")
            assert body["client_assertion"][-40:] not in text, log
            assert token[-40:] not in text, log
