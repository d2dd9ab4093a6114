"""Whatever a service sends as assertion or key, the answer is a refusal and never a fault."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from hms_server import errors
from hms_server.identity import service_assertions, service_keys

PRIVATE = ed25519.Ed25519PrivateKey.generate()
PEM = (
    PRIVATE.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
NOW = 1_795_500_000.0
CLIENT, AUDIENCE = "01a20dab-9c2d-7550-848f-39a648e7a657", "https://hms.example.org/v1/auth:token"
GOOD = {"iss": CLIENT, "sub": CLIENT, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60, "jti": "one"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def assertion(header, claims):
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(PRIVATE.sign(text.encode()))}"


def check(text):
    return service_assertions.check(
        text, algorithm="EdDSA", public_key=PEM, client_id=CLIENT, audience=AUDIENCE, now=NOW
    )


def test_the_good_one_is_good():
    text = assertion({"alg": "EdDSA", "kid": "one"}, GOOD)
    assert service_assertions.kid_of(text) == "one"
    assert check(text).expire_time == NOW + 60


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD, "nbf", "x"]), values, min_size=1))
def test_any_claims_that_are_signed_are_good_or_refused(changes):
    claims = {**GOOD, **changes}
    try:
        used = check(assertion({"alg": "EdDSA", "kid": "one"}, claims))
    except service_assertions.Refused:
        return
    assert (claims["iss"], claims["sub"]) == (CLIENT, CLIENT)
    assert claims["aud"] in (AUDIENCE, [AUDIENCE])
    assert NOW < used.expire_time <= NOW + 330


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "zip"]), values))
def test_any_header_is_read_or_refused(header):
    text = assertion(header, GOOD)
    kid = service_assertions.kid_of(text)
    assert kid == "" or (kid == header["kid"] and service_keys.is_kid(kid))
    try:
        check(text)
    except service_assertions.Refused:
        return
    assert header["alg"] == "EdDSA"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.lists(st.binary(max_size=30), min_size=3, max_size=3))
def test_any_text_is_refused(given_text):
    text = given_text if isinstance(given_text, str) else ".".join(map(part, given_text))
    assert service_assertions.kid_of(text) == ""
    with pytest.raises(service_assertions.Refused):
        check(text)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "d", "k", "keys", "key_ops"]),
        values | st.sampled_from(["OKP", "EC", "RSA", "Ed25519", "P-256", "AQAB", "AA", "", "sig", "EdDSA"]),
    )
)
def test_any_jwk_is_a_public_key_or_refused(members):
    try:
        key = service_keys.read(json.dumps(members), "")
    except errors.InvalidArgument:
        return
    assert not {"d", "k"} & members.keys()
    assert service_keys.is_kid(key.kid)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["", "-----BEGIN PUBLIC KEY-----\n", "{"]))
def test_any_text_is_no_key(text, begin):
    with pytest.raises(errors.InvalidArgument):
        service_keys.read(begin + text, "")
