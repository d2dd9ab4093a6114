"""Decisions of the audit's reads. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from hms_server import errors


class Change(NamedTuple):
    """A field before and after, as JSON; empty where it was not set."""

    field: str
    old_value: str
    new_value: str


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Change]:
    """The top-level fields in which two versions of a record differ, by name."""
    before, after = old or {}, new or {}
    return [
        Change(field, _text(before.get(field)), _text(after.get(field)))
        for field in sorted({*before, *after})
        if before.get(field) != after.get(field)
    ]


def _text(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def time_range(
    start: Timestamp | None, end: Timestamp | None
) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    """From when (included) to when (not included) is asked for; raises InvalidArgument."""
    first, last = _time("start_time", start), _time("end_time", end)
    if first is not None and last is not None and last < first:
        raise errors.invalid_field("end_time", "must not be before start_time")
    return first, last


def _time(field: str, value: Timestamp | None) -> datetime.datetime | None:
    if value is None:
        return None
    try:
        return value.ToDatetime(datetime.UTC)
    except (ValueError, OverflowError):
        raise errors.invalid_field(field, "must be a time of the years 1 to 9999") from None
