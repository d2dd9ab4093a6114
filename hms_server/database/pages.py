"""Keyset pages in both directions (AIP-158) with opaque, encrypted tokens.

A token holds the key of the row a page ends (or begins) at. It is sealed with AES-256-GCM, and what
it belongs to (tenant, method, filter, order) is bound as associated data: a token of another
tenant or list does not open.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hms_server import errors

R = TypeVar("R")

DEFAULT_SIZE = 50
MAX_SIZE = 1000
_NONCE_BYTES = 12


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Where a page starts: after (or, backward, before) the row with this key."""

    size: int
    key: tuple[Any, ...] | None  # None: at the very beginning
    backward: bool
    scope: bytes

    @property
    def limit(self) -> int:
        """Rows to ask for: one more than the page, to see whether it goes on."""
        return self.size + 1


class Pages:
    """Opens and seals page tokens with one key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def open(self, *, tenant_id: str, method: str, scope: Sequence[object], size: int, token: str) -> Page:
        """The page a request asks for. `scope` is everything but size and token that shapes the list.

        Raises InvalidArgument (INVALID_PAGE_TOKEN) for a token that is damaged or of another list.
        """
        size = min(size or DEFAULT_SIZE, MAX_SIZE)
        bound = hashlib.sha256(orjson.dumps([tenant_id, method, [str(part) for part in scope]])).digest()
        if not token:
            return Page(size, None, False, bound)
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
            backward, *key = orjson.loads(plain)
        except (ValueError, InvalidTag):
            raise errors.InvalidArgument(
                "The page token does not belong to this list: start again without one.",
                reason="INVALID_PAGE_TOKEN",
            ) from None
        return Page(size, tuple(key), bool(backward), bound)

    def _seal(self, page: Page, backward: bool, key: Sequence[Any]) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        plain = orjson.dumps([int(backward), *key])
        sealed = nonce + self._cipher.encrypt(nonce, plain, page.scope)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def close(
        self, page: Page, rows: Sequence[R], key: Callable[[R], Sequence[Any]]
    ) -> tuple[list[R], str, str]:
        """Cuts the rows read (page.limit at most, in reading order) to the page, in list order.

        Returns the rows, next_page_token and previous_page_token; a token is empty where the list
        ends. Key values must be JSON: text, numbers, datetimes.
        """
        more = len(rows) > page.size
        shown = list(rows[: page.size])
        if page.backward:
            shown.reverse()
        has_next = page.backward or more
        has_previous = more if page.backward else page.key is not None
        if not shown:
            # The rows beyond the token are gone: the way back is still open.
            back = self._seal(page, not page.backward, page.key) if page.key else ""
            return [], (back if page.backward else ""), ("" if page.backward else back)
        following = self._seal(page, False, key(shown[-1])) if has_next else ""
        preceding = self._seal(page, True, key(shown[0])) if has_previous else ""
        return shown, following, preceding
