"""Makes and rotates the key file. Each change is one atomic replacement: readers see the old or the new."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from hms_server import clock, errors, keyring

# A key is published for this long before it signs: longer than anybody keeps the published keys
# (Cache-Control of GetJwks), and than a process takes to see that the file has changed.
DELAY_SECONDS = 600
# A key may have signed a token a moment before the next one took over: the longest life of one
# (config.py, access_token_seconds), and a minute for clocks that differ.
KEEP_SECONDS = 3600 + 60


def create(path: pathlib.Path, *, development: bool = False) -> None:
    """Writes a new key file; raises ConfigError where one stands (keys are never overwritten).

    What is made for `development` says so, and production does not start with it (safety.py).
    """
    content: dict[str, Any] = {"development": True} if development else {}
    content |= {
        "signing": [_signing_key(0)],
        "audit": [_audit_key()],
        "anchor": [_other_key("anc")],
        "certificate": [_other_key("crt")],
        "page_token": secrets.token_hex(32),
        "request_hash": secrets.token_hex(32),
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise errors.ConfigError(f"{path} stands already; keys are never overwritten") from None
    except OSError as error:
        raise errors.ConfigError(f"cannot write {path}: {error.strerror}") from None
    _write(descriptor, content)


def rotate(
    path: pathlib.Path, *, signing: bool, audit: bool, delay_seconds: float = DELAY_SECONDS
) -> list[str]:
    """Puts new first keys into the file; returns their ids. Those of before stay and verify.

    Raises ConfigError.
    """
    made = []

    def change(content: dict[str, Any]) -> None:
        if signing:
            content["signing"].insert(0, _signing_key(int(clock.unix_seconds() + delay_seconds)))
            made.append(content["signing"][0]["key_id"])
        if audit:
            content["audit"].insert(0, _audit_key())
            made.append(content["audit"][0]["key_id"])

    _change(path, change)
    return made


def prune(path: pathlib.Path) -> list[str]:
    """Takes signing keys out that no token in force can be signed with; returns their ids.

    Audit keys stay for good: the chain is verified with them. Raises ConfigError.
    """
    gone = []

    def change(content: dict[str, Any]) -> None:
        limit = clock.unix_seconds() - KEEP_SECONDS
        kept: list[dict[str, Any]] = []
        successor = float("inf")  # when the first newer key began to sign
        for key in content["signing"]:
            if successor > limit:
                kept.append(key)
            else:
                gone.append(key["key_id"])
            successor = min(successor, float(key.get("use_time", 0)))
        content["signing"] = kept

    _change(path, change)
    return gone


def _signing_key(use_time: int) -> dict[str, Any]:
    return {"key_id": _key_id("sig"), "d": secrets.token_hex(32), "use_time": use_time}


def _audit_key() -> dict[str, Any]:
    return {"key_id": _key_id("aud"), "k": secrets.token_hex(32)}


def _other_key(kind: str) -> dict[str, Any]:
    return {"key_id": _key_id(kind), "d": secrets.token_hex(32)}


def _key_id(kind: str) -> str:
    return f"{kind}-{clock.now().strftime('%Y%m%d')}-{secrets.token_hex(4)}"


def _change(path: pathlib.Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = path.resolve()
    with _alone_in(path.parent):
        keyring.load(path)
        try:
            content = json.loads(path.read_text())
            before = json.dumps(content)
            change(content)
            if json.dumps(content) != before:
                _replace(path, content)
        except OSError as error:
            raise errors.ConfigError(f"cannot write {path}: {error.strerror}") from None


@contextlib.contextmanager
def _alone_in(folder: pathlib.Path) -> Iterator[None]:
    """Two rotations at once take turns, so that neither loses the other's key."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise errors.ConfigError(f"cannot open {folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: pathlib.Path, content: dict[str, Any]) -> None:
    """The file is owned as before: whoever rotates need not be who serves."""
    status = path.stat()
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        _write(descriptor, content)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _write(descriptor: int, content: dict[str, Any]) -> None:
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
