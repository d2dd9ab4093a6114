"""The certificate of an erasure: what was removed, signed with a key that lies outside the database. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms_server.errors import ConfigError
from hms_server.keyring import Keyring, SigningKey

FORMAT = "hms.tenant-erasure/1"
# Before the signed bytes, so that no signature of this key can be taken for one of another kind.
_DOMAIN = FORMAT.encode() + b"\n"


def issue(erasure: dict[str, Any], key: SigningKey) -> bytes:
    """The certificate's text; `erasure` says what was removed."""
    body = {
        "format": FORMAT,
        **erasure,
        "key_id": key.key_id,
        "public_key": key.public_x,
    }
    signature = base64.b64encode(key.private.sign(_signed(body))).decode()
    return orjson.dumps({"erasure": body, "signature": signature}, option=orjson.OPT_INDENT_2) + b"\n"


def verify(text: bytes, public_key: str) -> dict[str, Any]:
    """What the certificate says; raises ConfigError where it was not signed as it stands, by that key.

    `public_key` is the 32 bytes as base64url, as the installation gave it out. The one in the certificate is
    no proof of anything: whoever forges one would put his own there.
    """
    body, signature = _parts(text)
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(public_key + "=="))
    except (ValueError, binascii.Error):
        raise ConfigError("the public key is not 32 bytes as base64url") from None
    try:
        key.verify(signature, _signed(body))
    except InvalidSignature:
        raise ConfigError("the certificate does not hold: it was changed, or another key signed it") from None
    return body


def public_key_of(text: bytes, keys: Keyring) -> str:
    """The public key of the key file that the certificate names; raises ConfigError where it has none."""
    body, _ = _parts(text)
    for key in (*keys.certificate, *keys.signing):
        if key.key_id == body.get("key_id"):
            return key.public_x
    raise ConfigError(f"the key {body.get('key_id')!r} is not in HMS_KEYS_FILE: give --public-key")


def _parts(text: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        whole = orjson.loads(text)
        body, signature = whole["erasure"], base64.b64decode(whole["signature"], validate=True)
        if set(whole) != {"erasure", "signature"} or body["format"] != FORMAT:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise ConfigError("this is not a certificate of an erasure") from None
    return body, signature


def _signed(body: dict[str, Any]) -> bytes:
    return _DOMAIN + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
