"""Refresh tokens: opaque to the client, found without a search, forgeries told without a database.

64 bytes in base64url: tenant id, session id, 16 random bytes, 16 bytes of HMAC-SHA-256 over the other
48. The database holds SHA-256 of the whole. The successor of a token is made from it by the same key,
so that two tabs which refresh at once get the same one (docs/decisions/0007-refresh-tokens.md).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import os
import uuid

from hms_server import errors

_BODY_BYTES = 48
_MAC_BYTES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token that this installation made."""

    tenant_id: str
    session_id: str
    raw: bytes = dataclasses.field(repr=False)

    @property
    def text(self) -> str:
        """As the client holds it."""
        return base64.urlsafe_b64encode(self.raw).rstrip(b"=").decode()

    @property
    def digest(self) -> bytes:
        """As the database holds it."""
        return hashlib.sha256(self.raw).digest()


class RefreshTokens:
    """Makes and reads refresh tokens with one key, derived from a key of the ring."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"hms refresh token", "sha256")

    def first(self, tenant_id: str, session_id: str) -> RefreshToken:
        """The first token of a new session."""
        return self._make(tenant_id, session_id, os.urandom(16))

    def successor(self, token: RefreshToken) -> RefreshToken:
        """The token that takes its place; always the same one."""
        nonce = hmac.digest(self._key, b"next" + token.raw, "sha256")[:16]
        return self._make(token.tenant_id, token.session_id, nonce)

    def read(self, text: str) -> RefreshToken:
        """The token; raises Unauthenticated (TOKEN_INVALID) for what was not made here."""
        try:
            raw = base64.urlsafe_b64decode(text.encode("ascii") + b"==")
        except (ValueError, binascii.Error):
            raise _invalid() from None
        body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise _invalid()
        token = RefreshToken(str(uuid.UUID(bytes=body[:16])), str(uuid.UUID(bytes=body[16:32])), raw)
        # One token has one spelling.
        if token.text != text:
            raise _invalid()
        return token

    def _make(self, tenant_id: str, session_id: str, nonce: bytes) -> RefreshToken:
        body = uuid.UUID(tenant_id).bytes + uuid.UUID(session_id).bytes + nonce
        return RefreshToken(tenant_id, session_id, body + self._mac(body))

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"mac" + body, "sha256")[:_MAC_BYTES]


def _invalid() -> errors.Unauthenticated:
    return errors.Unauthenticated("The refresh token is not valid: log in again.")
