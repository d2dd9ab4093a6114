"""Assertions of service accounts: JWTs that a service signs to say who it is (RFC 7523, private_key_jwt).

The algorithm is the registered key's, whatever the assertion's header says; no key is taken from the header.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import jwt
from jwt.types import Options

from hms_server.identity import service_keys

# How far ahead an assertion's end may lie.
MOST_SECONDS = 300
# How much the service's clock may be ahead of ours.
_SKEW_SECONDS = 30
_MOST_ID_CHARACTERS = 256
# Times are compared with the database's clock below, which is one for all processes; the audience must be the
# only one.
_SIGNATURE_ALONE: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class Refused(Exception):
    """The assertion proves nothing; the text says why, for developers alone."""


class Used(NamedTuple):
    """What is kept of an assertion, so that it is not used twice."""

    jti_hash: bytes
    expire_time: float  # Unix seconds


def kid_of(assertion: str) -> str:
    """The key that the assertion says it is signed with; empty for what is no JWT or does not say."""
    try:
        header = jwt.get_unverified_header(assertion)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return ""
    kid = header.get("kid")
    # An extension that we must understand (RFC 7515, 4.1.11): there is none.
    return kid if isinstance(kid, str) and service_keys.is_kid(kid) and "crit" not in header else ""


def check(
    assertion: str, *, algorithm: str, public_key: str, client_id: str, audience: str, now: float
) -> Used:
    """Whether the holder of the key's private half says now that he is the client; raises Refused."""
    try:
        claims = jwt.decode(assertion, public_key, algorithms=[algorithm], options=_SIGNATURE_ALONE)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Refused(type(error).__name__) from None
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise Refused("iss and sub")
    # One audience alone: with several, whom else it names could pass the assertion on to us.
    if not audience or claims.get("aud") not in (audience, [audience]):
        raise Refused("aud")
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if not now < expires <= now + MOST_SECONDS + _SKEW_SECONDS:
        raise Refused("exp")
    if not issued <= min(now + _SKEW_SECONDS, expires):
        raise Refused("iat")
    if "nbf" in claims and not _time(claims, "nbf") <= now + _SKEW_SECONDS:
        raise Refused("nbf")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MOST_ID_CHARACTERS:
        raise Refused("jti")
    return Used(hashlib.sha256(jti.encode("utf-8", "surrogatepass")).digest(), expires)


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(name)
    try:
        return float(value)
    except OverflowError:
        raise Refused(name) from None
