"""Refresh tokens: what they name, and that nobody else makes them."""

from __future__ import annotations

import base64

import pytest

from hms_server import errors, ids
from hms_server.identity.refresh_tokens import RefreshTokens

TENANT, SESSION = ids.uuid7(), ids.uuid7()
TOKENS = RefreshTokens(b"k" * 32)


def test_a_token_names_tenant_and_session():
    token = TOKENS.first(TENANT, SESSION)
    read = TOKENS.read(token.text)
    assert (read.tenant_id, read.session_id, read.digest) == (TENANT, SESSION, token.digest)
    assert len(token.text) == 86
    assert token.text not in repr(token)


def test_every_first_token_is_another():
    assert len({TOKENS.first(TENANT, SESSION).raw for _ in range(100)}) == 100


def test_the_successor_is_always_the_same_one():
    token = TOKENS.first(TENANT, SESSION)
    following = TOKENS.successor(token)
    assert TOKENS.successor(TOKENS.read(token.text)) == following
    assert TOKENS.read(following.text) == following
    assert following.raw != token.raw
    assert TOKENS.successor(following).raw not in (token.raw, following.raw)


def test_every_changed_bit_is_seen():
    raw = TOKENS.first(TENANT, SESSION).raw
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(errors.Unauthenticated):
            TOKENS.read(base64.urlsafe_b64encode(bytes(changed)).decode())


def test_another_installation_does_not_read_it():
    with pytest.raises(errors.Unauthenticated) as caught:
        RefreshTokens(b"o" * 32).read(TOKENS.first(TENANT, SESSION).text)
    assert caught.value.reason == "TOKEN_INVALID"


@pytest.mark.parametrize("text", ["", "=", "A", "AAAA", "A" * 64, "A" * 512, "\0", "डेमो"])
def test_other_text_is_refused(text):
    with pytest.raises(errors.Unauthenticated):
        TOKENS.read(text)
