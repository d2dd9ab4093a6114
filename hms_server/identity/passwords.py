"""Passwords: argon2id (RFC 9106). A password is never logged and never leaves this file."""

from __future__ import annotations

import secrets
import unicodedata

import argon2
from argon2 import exceptions

# More than the least that OWASP asks for (19 MiB, 2 passes): about 60 ms on one core, 32 MiB. One
# lane, since calls in parallel use the cores already.
_HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


class Passwords:
    """Hashes and verifies. Tests give a cheaper hasher."""

    def __init__(self, hasher: argon2.PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        # What a password is compared with where there is no such user: it takes the same time.
        self._dummy = hasher.hash(secrets.token_hex(32))

    def hash(self, password: str) -> str:
        """The hash to store, with salt and parameters in it."""
        return self._hasher.hash(_prepared(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right; without a stored hash False, in the same time."""
        try:
            self._hasher.verify(stored or self._dummy, _prepared(password))
        except (exceptions.VerificationError, exceptions.InvalidHashError):
            return False
        return bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def _prepared(password: str) -> str:
    """One form for one password, whichever keyboard it comes from (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFC", password)
