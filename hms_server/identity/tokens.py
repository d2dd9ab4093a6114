"""Access tokens: JWT signed with Ed25519 (RFC 7519, RFC 8037), verified once and then remembered.

Verifying a signature costs about 180 microseconds, remembering it 2; so what was verified is kept, keyed
by the token's hash, for 60 seconds at most and never beyond the token's own end.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms_server import clock, errors, ids
from hms_server.cache.local import LocalStore
from hms_server.context import Principal
from hms_server.keyring import Keyring, KeySource
from hms_server.telemetry import metrics

_ALGORITHM = "EdDSA"
_ISSUER = "hms"
_AUDIENCE = "hms"
_KEEP_SECONDS = 60.0
_MOST_KEPT = 20_000
# Far above what the issuer makes; a longer text is not worth a look.
_MOST_CHARACTERS = 16 * 1024
# A longer list would not fit into a header: it is looked up instead, as an administrator's is.
_MOST_PERMISSIONS = 200


class AccessToken(NamedTuple):
    """A signed token and the seconds until it expires."""

    text: str
    expires_in: int


class TokenIssuer:
    """Signs access tokens with the ring's newest signing key whose time has come."""

    def __init__(self, keys: KeySource, seconds: int) -> None:
        self._keys = keys
        self._seconds = seconds

    def issue(
        self,
        *,
        tenant_id: str,
        user_id: str,
        session_id: str,
        username: str,
        permission_version: int,
        permissions: frozenset[str] | None,
        latest: float,
        must_change_password: bool = False,
    ) -> AccessToken:
        """A token for a session that ends at `latest` (Unix seconds).

        `permissions` is None for administrators: the directory knows theirs. Whoever must change his
        password first holds none.
        """
        now = int(clock.unix_seconds())
        expires = min(now + self._seconds, int(latest))
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "tid": tenant_id,
            "sid": session_id,
            "usr": username,
            "pv": permission_version,
            "iat": now,
            "exp": expires,
        }
        if must_change_password:
            claims["perm"], claims["pwc"] = [], True
        elif permissions is not None and len(permissions) <= _MOST_PERMISSIONS:
            claims["perm"] = sorted(permissions)
        key = self._keys.current().signing_key()
        text = jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"kid": key.key_id})
        return AccessToken(text, max(0, expires - now))


class TokenVerifier:
    """Verifies access tokens signed with any of the ring's signing keys."""

    def __init__(self, keys: KeySource) -> None:
        self._source = keys
        self._publics = _publics(keys.current())
        self._kept: LocalStore[bytes, Principal] = LocalStore(_MOST_KEPT)
        self._hit = metrics.tally(metrics.CACHE.labels("token", "local_hit"))
        self._miss = metrics.CACHE.labels("token", "miss")

    def verify(self, token: str) -> Principal:
        """The token's claims; raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED)."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        principal = self._kept.get(digest, clock.unix_seconds())
        if principal is not None:
            self._hit.inc()
            return principal
        self._miss.inc()
        principal = self._check(token)
        until = min(clock.unix_seconds() + _KEEP_SECONDS, principal.expire_time)
        self._kept.put(digest, principal, until)
        return principal

    def _public(self, key_id: str) -> ed25519.Ed25519PublicKey:
        """The key of that id; raises KeyError. For an unknown one the file is looked at this moment."""
        ring, publics = self._publics
        if key_id not in publics or self._source.current() is not ring:
            ring, publics = self._publics = _publics(self._source.reread())
        return publics[key_id]

    def _check(self, token: str) -> Principal:
        if len(token) > _MOST_CHARACTERS:
            raise _invalid()
        try:
            key_id = jwt.get_unverified_header(token)["kid"]
            claims = jwt.decode(
                token,
                self._public(key_id),
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # Times are compared with our own clock below.
                options={
                    "require": ["iss", "aud", "sub", "exp", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            principal = _principal(claims)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError):
            raise _invalid() from None
        if principal.expire_time <= clock.unix_seconds():
            raise errors.Unauthenticated("The access token has expired: refresh it.", reason="TOKEN_EXPIRED")
        return principal


def _publics(ring: Keyring) -> tuple[Keyring, dict[str, ed25519.Ed25519PublicKey]]:
    return ring, {key.key_id: key.private.public_key() for key in ring.signing}


def _principal(claims: dict[str, Any]) -> Principal:
    """The caller; raises ValueError, KeyError or TypeError for claims of another shape."""
    for name in ("sub", "tid", "sid"):
        if not isinstance(claims[name], str) or not ids.is_uuid(claims[name]):
            raise ValueError(name)
    permissions = claims.get("perm")
    if permissions is not None and not all(isinstance(each, str) for each in permissions):
        raise ValueError("perm")
    return Principal(
        tenant_id=claims["tid"],
        user_id=claims["sub"],
        username=str(claims["usr"]),
        session_id=claims["sid"],
        permission_version=int(claims["pv"]),
        permissions=None if permissions is None else frozenset(permissions),
        expire_time=float(claims["exp"]),
        must_change_password=bool(claims.get("pwc", False)),
    )


def _invalid() -> errors.Unauthenticated:
    return errors.Unauthenticated("The access token is not valid: log in again.")
