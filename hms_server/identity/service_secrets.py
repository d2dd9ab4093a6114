"""Secrets of service accounts: 256 random bits, so that SHA-256 hides them as well as a slow hash would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_BYTES = 32


class ServiceSecrets:
    """Makes secrets. One that was asked for with a request id can be made again, so that a repeat whose
    first answer was lost shows it; the key lies outside the database."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"hms service secret", "sha256")

    def make(self, account_id: str, request_id: str) -> str:
        """The secret of a new account; without a request id always another one."""
        if not request_id:
            return new()
        return _text(hmac.digest(self._key, f"{account_id}:{request_id}".encode(), "sha256"))


def new() -> str:
    """A new secret."""
    return _text(os.urandom(_BYTES))


def digest(secret: str) -> bytes:
    """As the database holds it."""
    return hashlib.sha256(secret.encode()).digest()


def is_of(secret: str, *digests: bytes | None) -> bool:
    """Whether the secret is one of those that work."""
    mine = digest(secret)
    return any(each is not None and hmac.compare_digest(mine, each) for each in digests)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
