"""The file of anchors: appended to by cron, read by `hms audit verify`. It lies outside the database."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable

from hms_server import errors
from hms_server.audit import anchor
from hms_server.audit.anchor import Anchor


def append(path: pathlib.Path, anchors: Iterable[Anchor]) -> None:
    """Appends lines, on the disk when this returns; raises OSError.

    Only ever appends, so that the file may be append-only for its writer (`chattr +a`, an object store).
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        # A line that a crash cut short must not swallow the next one.
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        lines = b"".join(map(anchor.to_line, anchors))
        file.write(b"\n" + lines if torn else lines)
        os.fsync(descriptor)


def read(path: pathlib.Path) -> list[Anchor]:
    """Every anchor of the file; raises ConfigError where it cannot be read or holds anything else."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise errors.ConfigError(f"cannot read the anchors of {path}: {error.strerror}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        made = anchor.from_line(line, f"line {number} of {path}")
        if made is None:
            raise errors.ConfigError(
                f"line {number} of {path} is no anchor: it was edited, or cut short by a crash of cron "
                "(see docs/operations.md)"
            )
        found.append(made)
    return found
