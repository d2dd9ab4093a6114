"""Keys that live outside the database: token signing, audit chain, page tokens, request hashes,
certificates of erasure.

One JSON file, mode 0600, made by `hms keys create`. The first key of each list is the one in use;
those after it still verify what was made with them.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import pathlib
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms_server import clock, errors


@dataclasses.dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key that signs access tokens (RFC 8037) or certificates."""

    key_id: str
    private: ed25519.Ed25519PrivateKey

    @property
    def public_x(self) -> str:
        """The public key as JWK member `x`: base64url without padding."""
        raw = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclasses.dataclass(frozen=True, slots=True)
class Keyring:
    """Every key of an installation."""

    signing: tuple[SigningKey, ...]
    audit: tuple[tuple[str, bytes], ...]  # (key id, 32 bytes)
    page_token: bytes  # 32 bytes
    request_hash: bytes  # 32 bytes
    # Apart from `signing`, whose keys come and go: a certificate is looked at years later.
    certificate: tuple[SigningKey, ...] = ()

    def audit_key(self, key_id: str) -> bytes | None:
        """The audit key of that id, None where the file has none."""
        return dict(self.audit).get(key_id)


def create(path: pathlib.Path) -> None:
    """Writes a new key file; raises ConfigError where one stands (keys are never overwritten)."""
    stamp = clock.now().strftime("%Y%m%d")
    content = {
        "signing": [{"key_id": f"sig-{stamp}-{secrets.token_hex(4)}", "d": secrets.token_hex(32)}],
        "audit": [{"key_id": f"aud-{stamp}-{secrets.token_hex(4)}", "k": secrets.token_hex(32)}],
        "certificate": [{"key_id": f"crt-{stamp}-{secrets.token_hex(4)}", "d": secrets.token_hex(32)}],
        "page_token": secrets.token_hex(32),
        "request_hash": secrets.token_hex(32),
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise errors.ConfigError(f"{path} stands already; keys are never overwritten") from None
    except OSError as error:
        raise errors.ConfigError(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def load(path: pathlib.Path) -> Keyring:
    """Reads a key file; raises ConfigError with one line where it cannot be read."""
    try:
        content = json.loads(path.read_text())
        return Keyring(
            signing=_signing_keys(content["signing"]),
            audit=tuple((k["key_id"], bytes.fromhex(k["k"])) for k in content["audit"]),
            page_token=bytes.fromhex(content["page_token"]),
            request_hash=bytes.fromhex(content["request_hash"]),
            # A key file of before has none: its signing keys do.
            certificate=_signing_keys(content.get("certificate") or content["signing"]),
        )
    except OSError as error:
        raise errors.ConfigError(f"HMS_KEYS_FILE: cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise errors.ConfigError(
            f"HMS_KEYS_FILE: {path} is not a key file (hms keys create PATH makes one)"
        ) from None


def _signing_keys(listed: list[dict[str, str]]) -> tuple[SigningKey, ...]:
    return tuple(
        SigningKey(k["key_id"], ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(k["d"])))
        for k in listed
    )
