"""Access tokens: what they hold, what is refused, and what is remembered."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from hms_server import clock, errors, ids
from hms_server.identity import tokens
from hms_server.identity.tokens import TokenIssuer, TokenVerifier
from hms_server.keyring import Keyring, SigningKey

NOW = 1_800_000_000.0


def ring(*names):
    signing = tuple(SigningKey(name, ed25519.Ed25519PrivateKey.generate()) for name in names)
    return Keyring(signing=signing, audit=(), page_token=b"", request_hash=b"")


@pytest.fixture
def now(monkeypatch):
    present = [NOW]
    monkeypatch.setattr(clock, "unix_seconds", lambda: present[0])
    return present


@pytest.fixture
def keys():
    return ring("one", "two")


def issue(keys, **changes):
    values = {
        "tenant_id": ids.uuid7(),
        "user_id": ids.uuid7(),
        "session_id": ids.uuid7(),
        "username": "asha",
        "permission_version": 7,
        "permissions": frozenset({"b.read", "a.read"}),
        "latest": NOW + 1e6,
    }
    return TokenIssuer(keys, 900).issue(**{**values, **changes})


def sign(keys, claims, headers=None, key=None, algorithm="EdDSA"):
    key = keys.signing[0].private if key is None else key
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "one", **(headers or {})})


def claims(**changes):
    values = {
        "iss": "hms", "aud": "hms", "sub": ids.uuid7(), "tid": ids.uuid7(), "sid": ids.uuid7(),
        "usr": "asha", "pv": 1, "perm": ["a"], "iat": int(NOW), "exp": int(NOW) + 60,
    }  # fmt: skip
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def reason(verifier, token):
    with pytest.raises(errors.Unauthenticated) as caught:
        verifier.verify(token)
    return caught.value.reason


def test_a_token_holds_the_claims(now, keys):
    tenant, user, session = (ids.uuid7() for _ in range(3))
    token = issue(keys, tenant_id=tenant, user_id=user, session_id=session)
    assert token.expires_in == 900
    principal = TokenVerifier(keys).verify(token.text)
    assert (principal.tenant_id, principal.user_id, principal.session_id) == (tenant, user, session)
    assert (principal.username, principal.permission_version) == ("asha", 7)
    assert principal.permissions == {"a.read", "b.read"}
    assert principal.expire_time == NOW + 900
    plain = jwt.decode(token.text, options={"verify_signature": False})
    assert plain["perm"] == ["a.read", "b.read"]
    assert jwt.get_unverified_header(token.text) == {"alg": "EdDSA", "kid": "one", "typ": "JWT"}


@pytest.mark.parametrize("permissions", [None, frozenset(f"p{n}" for n in range(500))])
def test_a_long_list_is_left_to_the_directory(now, keys, permissions):
    token = issue(keys, permissions=permissions)
    assert TokenVerifier(keys).verify(token.text).permissions is None
    assert len(token.text) < 700


def test_a_user_without_roles_holds_nothing(now, keys):
    assert TokenVerifier(keys).verify(issue(keys, permissions=frozenset()).text).permissions == frozenset()


def test_a_token_ends_with_its_session(now, keys):
    assert issue(keys, latest=NOW + 10).expires_in == 10


def test_an_earlier_signing_key_still_verifies(now, keys):
    rotated = Keyring(signing=keys.signing[::-1], audit=(), page_token=b"", request_hash=b"")
    assert TokenVerifier(rotated).verify(issue(keys).text)
    assert reason(TokenVerifier(ring("other")), issue(keys).text) == "TOKEN_INVALID"
    assert reason(TokenVerifier(ring("one")), issue(keys).text) == "TOKEN_INVALID"


def test_a_token_expires_even_where_it_is_remembered(now, keys):
    verifier = TokenVerifier(keys)
    token = issue(keys, latest=NOW + 30).text
    assert verifier.verify(token)
    now[0] += 29
    assert verifier.verify(token)
    now[0] += 1
    assert reason(verifier, token) == "TOKEN_EXPIRED"


def test_a_token_is_verified_once_a_minute(now, keys, monkeypatch):
    seen = []
    decode = jwt.decode
    monkeypatch.setattr(tokens.jwt, "decode", lambda *a, **k: seen.append(1) or decode(*a, **k))
    verifier = TokenVerifier(keys)
    token = issue(keys).text
    for second in (0, 1, 59, 60, 61):
        now[0] = NOW + second
        verifier.verify(token)
    assert len(seen) == 2


def test_what_is_not_a_token_of_ours_is_refused(now, keys):
    verifier = TokenVerifier(keys)
    good = issue(keys).text
    head, body, signature = good.split(".")
    other = issue(keys).text.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "one"}).encode()).decode()
    for token in (
        "", "x", "a.b.c", "ümlaut", "\udcff", good + "x", good[:-4] + "AAAA", "a" * 20_000,
        f"{head}.{other[1]}.{signature}",
        f"{none.rstrip('=')}.{body}.",
        f"{head}.{body}.",
        "[" * 5000,
    ):  # fmt: skip
        assert reason(verifier, token) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"}, {"aud": "other"}, {"aud": None}, {"iss": None}, {"exp": None}, {"iat": None},
        {"sub": None}, {"tid": None}, {"sid": None}, {"usr": None}, {"pv": None},
        {"tid": "not-a-uuid"}, {"sid": 5}, {"sub": "00000000-0000-0000-0000-00000000000X"},
        {"pv": "many"}, {"perm": 5}, {"perm": [1]}, {"exp": "soon"},
    ],
)  # fmt: skip
def test_claims_of_another_shape_are_refused(now, keys, changes):
    assert TokenVerifier(keys).verify(sign(keys, claims()))
    assert reason(TokenVerifier(keys), sign(keys, claims(**changes))) == "TOKEN_INVALID"


@pytest.mark.parametrize("key_id", [None, "none", "", ["one"], {"one": 1}, 5])
def test_a_key_that_is_not_in_the_ring_is_refused(now, keys, key_id):
    header = {"alg": "EdDSA", "kid": key_id}
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    rest = sign(keys, claims()).split(".", 1)[1]
    assert reason(TokenVerifier(keys), f"{text}.{rest}") == "TOKEN_INVALID"


def test_another_algorithm_is_refused(now, keys):
    public = keys.signing[0].private.public_key().public_bytes_raw()
    hmac = sign(keys, claims(), key=public * 2, algorithm="HS256")
    rsa_key = rsa.generate_private_key(65537, 2048)
    for token in (hmac, sign(keys, claims(), key=rsa_key, algorithm="RS256")):
        assert reason(TokenVerifier(keys), token) == "TOKEN_INVALID"
