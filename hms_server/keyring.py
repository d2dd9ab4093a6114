"""Keys that live outside the database: token signing, audit chain, page tokens, request hashes,
certificates of erasure.

One JSON file, mode 0600, made by `hms keys create`. The first key of each list is the newest one; those
after it still verify what was made with them. A new signing key signs from its `use_time` on: until then it
is published alone, so that every process and everybody who keeps the published keys knows it in time.
Running processes take a changed file by themselves (KeyFile); keyfile.py changes it.
"""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
import logging
import pathlib
import threading
from typing import Any, Protocol, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hms_server import clock, errors

_log = logging.getLogger(__name__)
# How often a running process looks whether the file has changed.
LOOK_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key that signs access tokens (RFC 8037) or certificates."""

    key_id: str
    private: ed25519.Ed25519PrivateKey
    use_time: float = 0.0  # Unix seconds; what it signs from then on

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
    anchor: tuple[SigningKey, ...] = ()  # sign the audit's daily anchors
    # Apart from `signing`, whose keys come and go: a certificate is looked at years later.
    certificate: tuple[SigningKey, ...] = ()

    def current(self) -> Self:
        """The ring itself: it never changes."""
        return self

    def reread(self) -> Self:
        """The ring itself: it never changes."""
        return self

    def signing_key(self) -> SigningKey:
        """The key that signs now: the newest one whose time has come."""
        now = clock.unix_seconds()
        return next((key for key in self.signing if key.use_time <= now), self.signing[-1])

    def audit_key(self, key_id: str) -> bytes | None:
        """The audit key of that id, None where the file has none."""
        return dict(self.audit).get(key_id)


def load(path: pathlib.Path) -> Keyring:
    """Reads a key file; raises ConfigError with one line where it cannot be read."""
    try:
        content = json.loads(path.read_text())
        ring = Keyring(
            signing=_signing_keys(content["signing"]),
            audit=tuple((k["key_id"], bytes.fromhex(k["k"])) for k in content["audit"]),
            page_token=bytes.fromhex(content["page_token"]),
            request_hash=bytes.fromhex(content["request_hash"]),
            anchor=_anchor_keys(content),
            # A key file of before has none: its signing keys do.
            certificate=_signing_keys(content.get("certificate") or content["signing"]),
        )
        if not ring.signing:
            raise ValueError("signing")
        return ring
    except OSError as error:
        raise errors.ConfigError(f"HMS_KEYS_FILE: cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise errors.ConfigError(
            f"HMS_KEYS_FILE: {path} is not a key file (hms keys create PATH makes one)"
        ) from None


class KeySource(Protocol):
    """Where keys come from: a ring that stays as it is, or a file that is rotated."""

    def current(self) -> Keyring:
        """The keys as they are known to stand."""
        ...

    def reread(self) -> Keyring:
        """The keys as they stand this moment."""
        ...


class KeyFile:
    """The keys of a file that may be rotated while this process runs."""

    def __init__(self, path: pathlib.Path) -> None:
        """Raises ConfigError with one line where the file cannot be read."""
        self._path = path
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._ring = load(path)
        self._next_look = clock.monotonic() + LOOK_SECONDS

    def current(self) -> Keyring:
        """The keys; looks for a change of the file every few seconds."""
        if clock.monotonic() >= self._next_look:
            self.reread()
        return self._ring

    def reread(self) -> Keyring:
        """The keys, after a look whether the file has changed. One that cannot be read changes nothing: the
        keys of before stay, and a line in the log says so."""
        with self._lock:
            self._next_look = clock.monotonic() + LOOK_SECONDS
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._ring = load(self._path)
                    _log.warning("the key file changed: %d signing keys", len(self._ring.signing))
                except errors.ConfigError as error:
                    _log.error("the changed key file is not used: %s", error)
            return self._ring


def _stamp(path: pathlib.Path) -> tuple[int, ...]:
    """What changes when the file does; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_ino, status.st_size


def _anchor_keys(content: dict[str, Any]) -> tuple[SigningKey, ...]:
    """Those listed, and one derived from each audit key: files of before there was a list have no other."""
    listed = [(k["key_id"], bytes.fromhex(k["d"])) for k in content.get("anchor", ())]
    derived = [
        (f"anc-{k['key_id']}", hmac.digest(bytes.fromhex(k["k"]), b"hms audit anchor key", "sha256"))
        for k in content["audit"]
    ]
    private = ed25519.Ed25519PrivateKey.from_private_bytes
    return tuple(SigningKey(key_id, private(key)) for key_id, key in listed + derived)


def _signing_keys(listed: list[dict[str, str]]) -> tuple[SigningKey, ...]:
    return tuple(
        SigningKey(
            k["key_id"],
            ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(k["d"])),
            float(k.get("use_time", 0)),
        )
        for k in listed
    )
