"""A month's archive: a folder with one gzip NDJSON of each tenant's piece of the chain, and a signed
manifest.

A line holds every field that the event's hash covers, and the hash: with the key file the chain is verified
years later without any database. The folder gets its name last, when all of it is on the disk: one that has
it is whole, and one that has not is begun anew.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

import orjson

from hms_server import errors, ids
from hms_server.audit import chain, signatures
from hms_server.audit.checkpoint import Checkpoint, Standing
from hms_server.audit.record import Event
from hms_server.keyring import Keyring

MANIFEST = "manifest.json"
FORMAT = "hms.audit-archive/1"
_UNFINISHED = ".unfinished"
# A signature of a manifest is one of nothing else.
_PREFIX = b"hms audit archive 1\n"
_BLOCK = 2**20


class ArchiveFault(errors.FailedPrecondition):
    """An archive, or what is to be archived, is not what it must be: nothing is dropped."""


class Piece(NamedTuple):
    """A tenant's part of a month's archive, as the manifest tells of it."""

    tenant_id: str
    code: str  # empty where the tenant is not known any more
    file: str
    bytes: int
    sha256: str
    events: int
    first_sequence: int
    last_sequence: int
    previous_hash: str
    first_hash: str  # empty where it holds no event
    last_hash: str
    standing: tuple[Standing, ...]

    def checkpoint(self, month: str) -> Checkpoint:
        """The checkpoint at its end, to be signed."""
        end = bytes.fromhex(self.last_hash)
        return Checkpoint(self.tenant_id, month, self.first_sequence, self.last_sequence, end, self.standing)


class Archive(NamedTuple):
    """A month's manifest."""

    month: str  # its first day
    pieces: dict[str, Piece]  # by tenant


class PieceWriter:
    """Writes events into a tenant's file; what it wrote is on the disk when `close` returns."""

    def __init__(self, folder: pathlib.Path, tenant_id: str) -> None:
        self.path = folder / f"{tenant_id}.ndjson.gz"
        self._file = self.path.open("xb")
        # Neither a name nor a time: the same events make the same bytes.
        self._gzip = gzip.GzipFile("", "wb", 6, self._file, mtime=0)
        self.events = 0
        self.first_hash = ""

    def add(self, event: Event, stored_hash: bytes) -> None:
        """One event."""
        self._gzip.write(to_line(event, stored_hash))
        self.first_hash = self.first_hash or stored_hash.hex()
        self.events += 1

    def close(self) -> tuple[int, str]:
        """Its bytes and their SHA-256."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        return size, sha256_of(self.path)

    def abandon(self) -> None:
        """Closes what is not to be used."""
        with contextlib.suppress(OSError):
            self._gzip.close()
        self._file.close()


def to_line(event: Event, stored_hash: bytes) -> bytes:
    """An event as a line: what its hash covers, and the hash."""
    fields = orjson.loads(chain.canonical(event))
    return orjson.dumps({**fields, "hash": stored_hash.hex()}, option=orjson.OPT_SORT_KEYS) + b"\n"


def sha256_of(path: pathlib.Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def begin(root: pathlib.Path, month_name: str) -> pathlib.Path:
    """An empty folder for a month's archive; what a killed run left of it goes."""
    folder = root / f"{month_name}{_UNFINISHED}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    return folder


def finish(folder: pathlib.Path, month: str, pieces: Iterable[Piece], keyring: Keyring) -> pathlib.Path:
    """Signs the manifest and gives the folder its name: now it is there, whole and on the disk."""
    key = keyring.anchor[0]
    body = {
        "format": FORMAT,
        "month": month,
        "key_id": key.key_id,
        "tenants": [
            {**piece._asdict(), "standing": [each._asdict() for each in piece.standing]} for piece in pieces
        ],
    }
    signature = base64.b64encode(key.private.sign(_signed(body))).decode()
    path = folder / MANIFEST
    with path.open("xb") as file:
        file.write(
            orjson.dumps({"archive": body, "signature": signature}, option=orjson.OPT_INDENT_2) + b"\n"
        )
        file.flush()
        os.fsync(file.fileno())
    _sync(folder)
    named = folder.with_name(folder.name.removesuffix(_UNFINISHED))
    folder.rename(named)
    _sync(named.parent)
    return named


def _sync(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _signed(body: dict[str, Any]) -> bytes:
    return _PREFIX + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def read_manifest(folder: pathlib.Path, keyring: Keyring) -> Archive:
    """The manifest of a month's folder; raises ArchiveFault where it was not signed as it stands."""
    path = folder / MANIFEST
    try:
        whole = orjson.loads(path.read_bytes())
        body, signature = whole["archive"], base64.b64decode(whole["signature"], validate=True)
        if body["format"] != FORMAT or set(whole) != {"archive", "signature"}:
            raise ValueError
        wrong = signatures.fault(body["key_id"], signature, _signed(body), keyring.anchor)
        if wrong:
            raise ArchiveFault(f"{path}: it was changed: {wrong}")
        pieces = [
            Piece(**{**each, "standing": tuple(Standing(**one) for one in each["standing"])})
            for each in body["tenants"]
        ]
        return Archive(body["month"], {piece.tenant_id: piece for piece in pieces})
    except OSError as error:
        raise ArchiveFault(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ArchiveFault(f"{path}: it is no manifest of an archive") from None


def read_piece(folder: pathlib.Path, piece: Piece) -> Iterator[tuple[Event, bytes]]:
    """The events of a tenant's file, one after another; raises ArchiveFault where it is not the one that the
    manifest tells of, before the first event."""
    path = folder / piece.file
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != piece.sha256:
                raise ArchiveFault(f"{path}: it was changed: its SHA-256 is not the manifest's")
            file.seek(0)
            yield from _events(file)
    except (OSError, EOFError) as error:
        raise ArchiveFault(f"{path}: {getattr(error, 'strerror', None) or 'it is cut short'}") from None
    except (ValueError, KeyError, TypeError):
        raise ArchiveFault(f"{path}: a line of it is no event") from None


def _events(file: BinaryIO) -> Iterator[tuple[Event, bytes]]:
    with gzip.GzipFile(fileobj=file, mode="rb") as lines:
        for line in lines:
            fields = orjson.loads(line)
            stored_hash = bytes.fromhex(fields.pop("hash"))
            yield {**dict.fromkeys(chain.LATER_FIELDS), **fields}, stored_hash


def months(root: pathlib.Path) -> list[pathlib.Path]:
    """The folders of months below `root`, the oldest first; `root` itself where it is one."""
    if (root / MANIFEST).exists():
        return [root]
    try:
        found = sorted(
            each for each in root.iterdir() if each.is_dir() and not each.name.endswith(_UNFINISHED)
        )
    except OSError as error:
        raise ArchiveFault(f"{root}: {error.strerror}") from None
    return [each for each in found if not each.name.startswith(".")]


def is_safe_name(piece: Piece) -> bool:
    """Whether the file is the one that belongs to the tenant."""
    return ids.is_uuid(piece.tenant_id) and piece.file == f"{piece.tenant_id}.ndjson.gz"
