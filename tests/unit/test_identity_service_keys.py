"""Public keys of services: what is taken, how it is named, and that no private key ever is."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from hms_server import errors
from hms_server.identity import service_keys

PRIVATE = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}
MAKERS = {
    "EdDSA": jwt.algorithms.OKPAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "RS256": jwt.algorithms.RSAAlgorithm,
}


def pem(public):
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def private_pem(private, form=serialization.PrivateFormat.PKCS8, password=None):
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, form, how).decode()


def jwk(name, private=False, **more):
    key = PRIVATE[name] if private else PRIVATE[name].public_key()
    return {**json.loads(MAKERS[name].to_jwk(key)), **more}


def refusal(text, kid=""):
    with pytest.raises(errors.InvalidArgument) as caught:
        service_keys.read(text, kid)
    return caught.value.violations[0]


@pytest.mark.parametrize("name", PRIVATE)
def test_a_key_is_the_same_as_pem_and_as_jwk(name):
    plain = pem(PRIVATE[name].public_key())
    read = service_keys.read(f"\n{plain}\n", "")
    assert (read.algorithm, read.pem) == (name, plain)
    assert len(read.kid) == 43
    assert service_keys.read(json.dumps(jwk(name)), "") == read
    assert service_keys.read(json.dumps(jwk(name, kid="a", use="sig", alg=name)), "").kid == "a"
    assert service_keys.read(plain, "b").kid == "b"


def test_a_thumbprint_is_that_of_the_standard():
    # RFC 8037, A.3, and RFC 7638, 3.1
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert service_keys.read(json.dumps(okp), "").kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    rsa_key = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPeb"
        "WKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAt"
        "aSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPks"
        "INHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
    }
    assert service_keys.read(json.dumps(rsa_key), "").kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_key_is_refused_in_any_form_and_not_repeated(name):
    private = PRIVATE[name]
    forms = [
        private_pem(private),
        private_pem(private, password=b"a passphrase"),
        # The public one beside it does not help.
        pem(private.public_key()) + private_pem(private),
        json.dumps(jwk(name, private=True)),
    ]
    if name != "EdDSA":
        forms.append(private_pem(private, serialization.PrivateFormat.TraditionalOpenSSL))
    for form in forms:
        found = refusal(form)
        assert found.field == "key.public_key"
        assert found.description.startswith("is a private or secret key")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"keys": []}',
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHV0",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        json.dumps({"kty": "oct", "k": "c2VjcmV0"}),
        json.dumps({"kty": ["OKP"], "crv": "Ed25519"}),
        json.dumps(jwk("EdDSA", use="enc")),
        json.dumps(jwk("EdDSA", alg="HS256")),
        json.dumps(jwk("RS256", alg="RS512")),
        json.dumps(jwk("EdDSA", x="AAAA")),
        json.dumps(jwk("EdDSA", x=7)),
        json.dumps(jwk("ES256", y=jwk("ES256")["x"])),
        json.dumps(jwk("EdDSA", kid=7)),
        json.dumps(jwk("EdDSA", kid="a\0b")),
        json.dumps(jwk("EdDSA", kid="https://example.org/keys#1")),
        pem(ec.generate_private_key(ec.SECP384R1()).public_key()),
        pem(rsa.generate_private_key(65537, 1024).public_key()),
        pem(rsa.generate_private_key(3, 2048).public_key()),
        pem(ed448.Ed448PrivateKey.generate().public_key()),
        pem(dsa.generate_private_key(2048).public_key()),
    ],
    # Keys are made anew in each process: a name must not hold one.
    ids=[f"text{number}" for number in range(23)],
)
def test_what_is_no_public_key_of_a_kind_that_is_taken_is_refused(text):
    found = refusal(text)
    assert found.field == "key.public_key"
    assert not found.description.startswith("is a private") or "oct" in text


def test_a_kid_that_contradicts_the_jwk_is_refused():
    assert refusal(json.dumps(jwk("EdDSA", kid="a")), "b").field == "key.kid"
