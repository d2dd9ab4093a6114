"""What is wrong with a signature of an anchor key: of anchors, checkpoints and archives. Pure."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature

from hms_server.keyring import SigningKey


def fault(key_id: str, signature: bytes, signed: bytes, keys: tuple[SigningKey, ...]) -> str:
    """In words; empty where it holds."""
    key = next((key for key in keys if key.key_id == key_id), None)
    if key is None:
        return f"its key {key_id!r} is not in HMS_KEYS_FILE"
    try:
        key.private.public_key().verify(signature, signed)
    except InvalidSignature:
        return "its signature does not hold"
    return ""
