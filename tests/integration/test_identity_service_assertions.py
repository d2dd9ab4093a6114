"""Assertions of service accounts (RFC 7523) on the real database: forgeries, replays, wrong claims."""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import hmac
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms.admin.v1 import admin_pb2
from hms.identity.v1 import identity_pb2 as pb
from hms_server import errors, ids
from tests.fix_identity import AUDIENCE
from tests.service_accounts import PAIRS, add, claims, count_sessions, issue, make, pem, refused, signed


@pytest.fixture
def account(hospital):
    made = make(hospital, without_secret=True)
    return add(hospital, made, PAIRS["EdDSA"], "one")


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_service_logs_in_with_what_it_signs(hospital, algorithm):
    account = make(hospital)
    shown = add(hospital, account, PAIRS[algorithm], "mine")
    assert [(k.kid, k.algorithm, k.public_key) for k in shown.keys] == [
        ("mine", algorithm, pem(PAIRS[algorithm]))
    ]
    assert shown.assertion_audience == AUDIENCE
    token = issue(hospital, account, signed(account, PAIRS[algorithm], "mine", algorithm))
    assert (token.token_type, token.expires_in) == ("Bearer", 900)
    caller = hospital.house.verifier.verify(token.access_token)
    assert (caller.user_id, caller.permissions) == (account.id, {"patient.read"})
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["actor_id"], record["session_id"]) == (
        "OK", account.id, caller.session_id,
    )  # fmt: skip
    # The secret works beside it.
    by_secret = pb.IssueServiceTokenRequest(
        tenant=hospital.code, client_id=account.id, client_secret=account.client_secret
    )
    assert hospital.house.do("IdentityService/IssueServiceToken", by_secret).access_token


def test_one_audience_in_a_list_is_as_good(hospital, account):
    assert issue(hospital, account, signed(account, aud=[AUDIENCE])).access_token


def test_the_log_tells_the_developer_what_the_answer_does_not(hospital, account, caplog):
    caplog.set_level("INFO", "hms_server.identity.service_tokens")
    stranger = ed25519.Ed25519PrivateKey.generate()
    texts = [signed(account, aud="https://elsewhere.example.org"), signed(account, stranger)]
    for text in (*texts, signed(account, kid="two")):
        assert refused(hospital, account, text)
    whys = [record.fields["why"] for record in caplog.records]
    assert whys == ["aud", "InvalidSignatureError", "kid"]
    assert not any(text in str(vars(record)) for text in texts for record in caplog.records)


@pytest.mark.parametrize("fields", [{}, {"client_secret": "x", "client_assertion": "y"}])
def test_exactly_one_proof_is_sent(hospital, account, fields):
    request = pb.IssueServiceTokenRequest(tenant=hospital.code, client_id=account.id, **fields)
    with pytest.raises(errors.InvalidArgument):
        hospital.house.do("IdentityService/IssueServiceToken", request)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"sub": None},
        {"iss": "another"},
        {"sub": ids.uuid7},
        {"aud": None},
        {"aud": "https://hms.example.org"},
        {"aud": AUDIENCE + "/"},
        {"aud": [AUDIENCE, "https://elsewhere.example.org"]},
        {"aud": []},
        {"exp": None},
        {"exp": 0},
        {"exp": lambda: int(time.time()) - 1},
        {"exp": lambda: int(time.time()) + 3600},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": "2099"},
        {"exp": True},
        {"exp": 10**400},
        {"iat": -(10**400)},
        {"iat": None},
        {"iat": lambda: int(time.time()) + 600},
        {"iat": float("nan")},
        {"iat": "now"},
        {"nbf": lambda: int(time.time()) + 600},
        {"nbf": "later"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
    ],
    # What depends on the time is made when it is tried, and named alike in every process.
    ids=lambda changes: "-".join(f"{k}-{'made' if callable(v) else v}" for k, v in changes.items())[:60],
)
def test_claims_that_are_wrong_are_refused_alike(hospital, account, changes):
    # By hand: json writes NaN and infinity, too.
    made = {name: value() if callable(value) else value for name, value in changes.items()}
    body = claims(account, **made)
    text = by_hand({"alg": "EdDSA", "kid": "one"}, body, PAIRS["EdDSA"].sign)
    assert refused(hospital, account, text)
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["reason"], record["actor_id"]) == (
        "UNAUTHENTICATED", "BAD_CREDENTIALS", account.id,
    )  # fmt: skip
    assert not kept(hospital)


def kept(hospital):
    return hospital.house.owner.execute(
        "SELECT count(*) FROM service_assertion WHERE tenant_id = %s", [hospital.id]
    ).fetchone()[0]


def by_hand(header, body, sign):
    def part(value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    text = f"{part(header)}.{part(body)}"
    return f"{text}.{part(sign(text.encode()))}"


def test_the_algorithm_is_the_keys_and_not_the_headers(hospital):
    account = make(hospital)
    for algorithm, private in PAIRS.items():
        add(hospital, account, private, algorithm)
    body = claims(account)

    def mac(secret):
        return lambda text: hmac.digest(secret, text, hashlib.sha256)

    for kid, private in PAIRS.items():
        public = pem(private)
        forgeries = [
            by_hand({"alg": "none", "kid": kid}, body, lambda text: b""),
            by_hand({"alg": "None", "kid": kid}, body, lambda text: b""),
            by_hand({"alg": "", "kid": kid}, body, lambda text: b""),
            by_hand({"kid": kid}, body, lambda text: b""),
            # The public key as a shared secret: the classic of RS256 and HS256.
            *(
                by_hand({"alg": "HS256", "kid": kid}, body, mac(secret))
                for secret in (public.encode(), public.strip().encode(), b"")
            ),
            # Signed well, by a key of the same account, and said to be by another.
            *(signed(account, PAIRS[other], kid, other) for other in PAIRS if other != kid),
            # An RSA key's other algorithms.
            *(
                signed(account, private, kid, other)
                for other in ("RS384", "RS512", "PS256")
                if kid == "RS256"
            ),
        ]
        for forged in forgeries:
            assert refused(hospital, account, forged), forged


def test_keys_that_come_with_the_assertion_are_not_looked_at(hospital, account):
    stranger = ed25519.Ed25519PrivateKey.generate()
    theirs = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(stranger.public_key()))
    for headers in (
        {"jwk": theirs},
        {"jku": "https://evil.example.org/jwks.json"},
        {"x5u": "https://evil.example.org/x"},
        {"x5c": ["AAAA"]},
    ):
        assert refused(hospital, account, signed(account, stranger, headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "two"},
        {"kid": None},
        {"kid": ""},
        {"kid": 7},
        {"kid": ["one"]},
        {"kid": "one\0"},
        {"kid": "one\n"},
        {"kid": "\ud800"},
        {"kid": "k" * 129},
        {"crit": ["exp"]},
        {"b64": False},
    ],
    ids=str,
)
def test_a_kid_that_is_not_the_accounts_and_extensions_are_refused(hospital, account, headers):
    header = {"alg": "EdDSA", "kid": "one", **headers}
    assert refused(hospital, account, by_hand(header, claims(account), PAIRS["EdDSA"].sign))


@pytest.mark.parametrize(
    "text", ["x", "a.b.c", "..", "a" * 4096, "é.é.é", ".".join(["e30"] * 3), "W10.e30.AA", "bnVsbA.e30.AA"]
)
def test_what_is_no_jwt_is_refused_alike(hospital, account, text):
    assert refused(hospital, account, text)


def test_a_key_of_another_account_of_another_hospital_or_of_nobody_is_foreign(house, hospital, account):
    neighbour = add(hospital, make(hospital), PAIRS["ES256"], "theirs")
    assert refused(hospital, account, signed(account, PAIRS["ES256"], "theirs", "ES256"))
    assert refused(hospital, neighbour, signed(neighbour))
    other = house.hospital()
    twin = add(other, make(other), PAIRS["RS256"], "one")
    assert refused(hospital, account, signed(account, PAIRS["RS256"], "one", "RS256"))
    # The right assertion, for the wrong hospital or for none.
    for tenant in (other.code, other.id, "no-such-hospital", ids.uuid7()):
        assert refused(hospital, account, signed(account), tenant=tenant)
    assert refused(other, twin, signed(account))
    # Two accounts may have one key: what is signed for one is still not good for the other.
    add(hospital, neighbour, PAIRS["EdDSA"], "one")
    assert refused(hospital, neighbour, signed(account))
    assert issue(hospital, neighbour, signed(neighbour)).access_token


def test_an_assertion_works_once_and_the_auditor_is_told(hospital, account):
    text = signed(account)
    assert issue(hospital, account, text).access_token
    sessions = count_sessions(hospital, account)
    assert refused(hospital, account, text)
    record = hospital.outbox()[-1]
    assert (record["outcome"], record["reason"], record["actor_id"]) == (
        "UNAUTHENTICATED", "ASSERTION_REPLAYED", account.id,
    )  # fmt: skip
    assert count_sessions(hospital, account) == sessions
    # The same jti in another one is no better.
    twice = jwt.decode(text, options={"verify_signature": False})["jti"]
    assert refused(hospital, account, signed(account, jti=twice, exp=int(time.time()) + 200))
    # Another account has ids of its own.
    other = add(hospital, make(hospital), PAIRS["EdDSA"], "one")
    assert issue(hospital, other, signed(other, jti=twice)).access_token


def test_of_one_assertion_sent_20_times_at_once_one_opens_a_session(hospital, account):
    text, together = signed(account), threading.Barrier(4)

    def knock(_):
        together.wait(10)
        try:
            return bool(issue(hospital, account, text).access_token)
        except errors.Unauthenticated:
            return False

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(knock, range(20))) == 1
    assert count_sessions(hospital, account) == 1


def test_what_is_kept_of_assertions_outlives_them_and_is_then_forgotten(hospital, account):
    owner = hospital.house.owner
    for _ in range(3):
        issue(hospital, account, signed(account))
    assert kept(hospital) == 3
    owner.execute(
        "UPDATE service_assertion SET expire_time = now() - interval '59 minutes' WHERE tenant_id = %s",
        [hospital.id],
    )
    issue(hospital, account, signed(account))
    assert kept(hospital) == 4
    owner.execute(
        "UPDATE service_assertion SET expire_time = now() - interval '61 minutes' WHERE tenant_id = %s",
        [hospital.id],
    )
    issue(hospital, account, signed(account))
    assert kept(hospital) == 1


def test_a_disabled_account_and_a_suspended_hospital_are_out(house, hospital, account):
    disabled = pb.ServiceAccount(id=account.id, state=pb.USER_STATE_DISABLED)
    change = pb.UpdateServiceAccountRequest(service_account=disabled)
    hospital.do("IdentityService/UpdateServiceAccount", change)
    with pytest.raises(errors.PermissionDenied) as caught:
        issue(hospital, account, signed(account))
    assert caught.value.reason == "USER_DISABLED"
    # Whoever cannot prove who he is learns nothing of that.
    assert refused(hospital, account, signed(account, PAIRS["ES256"], "one", "ES256"))
    tenant = admin_pb2.Tenant(id=hospital.id, state=admin_pb2.TENANT_STATE_SUSPENDED)
    house.do("AdminService/UpdateTenant", admin_pb2.UpdateTenantRequest(tenant=tenant), house.platform())
    with pytest.raises(errors.PermissionDenied) as caught:
        issue(hospital, account, signed(account))
    assert caught.value.reason == "TENANT_SUSPENDED"


def test_an_installation_that_has_no_address_takes_no_assertion(hospital, account, monkeypatch):
    monkeypatch.setattr(hospital.house.identity._service_tokens, "_audience", "")
    for aud in ("", AUDIENCE, None, "/v1/auth:token", []):
        assert refused(hospital, account, signed(account, aud=aud))
