"""Habits of the API that every room shares: etags (AIP-154) and update masks (AIP-134)."""

from __future__ import annotations

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from hms_server import errors


def require_id(path: str, value: str) -> None:
    """Raises InvalidArgument for an empty id: of a resource in an update it is not optional."""
    if not value:
        raise errors.invalid_field(path, "is required")


def require_etag(sent: str, version: int) -> None:
    """Raises Aborted where the caller read another version. Without an etag the last write wins."""
    if sent and sent != str(version):
        raise errors.Aborted(
            "The record changed since it was read: read it again and decide.",
            reason="ETAG_MISMATCH",
        )


def selected(message: Message, mask: FieldMask, mutable: Collection[str]) -> frozenset[str]:
    """Names of the fields that an update changes: those of the mask, or those that are set.

    "*" stands for every mutable field. Raises InvalidArgument for a path that cannot be changed.
    """
    paths = list(mask.paths)
    if not paths:
        return frozenset(f.name for f, _ in message.ListFields()).intersection(mutable)
    if paths == ["*"]:
        return frozenset(mutable)
    unknown = [path[:64] for path in paths if path not in mutable]
    if unknown:
        raise errors.InvalidArgument(
            f"update_mask: cannot change {', '.join(map(repr, unknown))}",
            violations=tuple(
                errors.FieldViolation("update_mask", f"cannot change {path!r}") for path in unknown
            ),
        )
    return frozenset(paths)
