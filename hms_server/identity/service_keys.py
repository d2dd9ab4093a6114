"""Public keys of service accounts: read from PEM or JWK (RFC 7517), never a private one.

What is stored is made anew from the key, so that nothing else of what was sent is kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from hms_server import errors

_FIELD = "key.public_key"
_LEAST_BITS, _MOST_BITS = 2048, 4096
_LEAST_EXPONENT = 65537
_COORDINATE_BYTES = 32
# Members of a JWK that make it a private or a shared key (RFC 7518, 6).
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ALGORITHMS = {"OKP": "EdDSA", "EC": "ES256", "RSA": "RS256"}

# What a key may be called: as in the proto (ServiceAccountKey.kid).
_KID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")

_Key = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class ServiceKey(NamedTuple):
    """A public key, the only algorithm that it is good for, and its name."""

    kid: str
    algorithm: str
    pem: str


def is_kid(text: str) -> bool:
    """Whether a key can be called so."""
    return _KID.fullmatch(text) is not None


def read(text: str, kid: str) -> ServiceKey:
    """The key in `text`, called `kid` or as it says itself or, where neither does, by its thumbprint.

    Raises InvalidArgument for a private key, and for what is no public key of a kind that is taken.
    """
    given = text.strip()
    if "PRIVATE KEY" in given:
        raise _is_private()
    if given.startswith("{"):
        key, own = _of_jwk(given)
    else:
        key, own = _of_pem(given), ""
    if own and kid and own != kid:
        raise errors.invalid_field("key.kid", "is not the kid of the JWK")
    algorithm, members = _described(key)
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return ServiceKey(kid or own or _thumbprint(members), algorithm, pem.decode())


def _of_pem(text: str) -> _Key:
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise _refusal("is neither a public key as PEM nor a JWK") from None
    if not isinstance(key, _Key):
        raise _refusal("is of no kind that is taken: Ed25519, EC P-256 or RSA")
    return key


def _of_jwk(text: str) -> tuple[_Key, str]:
    try:
        jwk = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _refusal("is no JSON") from None
    if _PRIVATE & jwk.keys():
        raise _is_private()
    if jwk.get("use", "sig") != "sig":
        raise _refusal("is a JWK for another use than 'sig'")
    if jwk.get("alg", _ALGORITHMS.get(_text(jwk, "kty"))) != _ALGORITHMS.get(_text(jwk, "kty")):
        raise _refusal("is a JWK for another alg than EdDSA, ES256 or RS256, as its kty is")
    try:
        key = _built(jwk)
    except (ValueError, UnsupportedAlgorithm):
        raise _refusal("is no JWK of a public key") from None
    own = jwk.get("kid", "")
    if own and not (isinstance(own, str) and is_kid(own)):
        raise _refusal(
            "has a kid of other characters than letters, digits, '.', '_' and '-', or of more than 128"
        )
    return key, own


def _built(jwk: dict[str, Any]) -> _Key:
    """The key of a JWK; raises ValueError where a member is missing or makes no key."""
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_bytes(jwk, "x", _COORDINATE_BYTES))
        case "EC", "P-256":
            x, y = (int.from_bytes(_bytes(jwk, name, _COORDINATE_BYTES)) for name in ("x", "y"))
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        case "RSA", _:
            e, n = (int.from_bytes(_bytes(jwk, name)) for name in ("e", "n"))
            return rsa.RSAPublicNumbers(e, n).public_key()
    raise _refusal("is of no kind that is taken: Ed25519, EC P-256 or RSA")


def _described(key: _Key) -> tuple[str, dict[str, str]]:
    """The algorithm, and the members that a JWK of the key must have (RFC 7638, 3.2)."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return "EdDSA", {"crv": "Ed25519", "kty": "OKP", "x": _base64(raw)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise _refusal("is on another curve than P-256")
        point = key.public_numbers()
        x, y = (_base64(number.to_bytes(_COORDINATE_BYTES)) for number in (point.x, point.y))
        return "ES256", {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    numbers = key.public_numbers()
    if not _LEAST_BITS <= key.key_size <= _MOST_BITS or numbers.e < _LEAST_EXPONENT:
        raise _refusal("is an RSA key of less than 2048 or more than 4096 bits, or of a small exponent")
    e, n = (_base64(part.to_bytes((part.bit_length() + 7) // 8)) for part in (numbers.e, numbers.n))
    return "RS256", {"e": e, "kty": "RSA", "n": n}


def _thumbprint(members: dict[str, str]) -> str:
    return _base64(hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest())


def _text(jwk: dict[str, Any], name: str) -> str:
    value = jwk.get(name)
    return value if isinstance(value, str) else ""


def _bytes(jwk: dict[str, Any], name: str, length: int = 0) -> bytes:
    text = _text(jwk, name)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError(name) from None
    if not raw or (length and len(raw) != length):
        raise ValueError(name)
    return raw


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _is_private() -> errors.InvalidArgument:
    return _refusal(
        "is a private or secret key, which nobody may send: make another pair, and send its public key"
    )


def _refusal(description: str) -> errors.InvalidArgument:
    return errors.invalid_field(_FIELD, description)
