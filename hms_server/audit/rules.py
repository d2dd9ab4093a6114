"""Decisions of the audit's reads. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from hms_server import errors, ids

# What a patient can ask an account of (45 CFR 164.528).
DISCLOSURE_YEARS = 6
# Of one report: more is a matter for several, by year.
MOST_DISCLOSURES = 10_000


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


def changed_patient(event: Any) -> str | None:
    """The patient whom an event changed, None where it is no such event."""
    changes = event.entity_type == "patient" and event.outcome == "OK" and event.new_version > 0
    return event.entity_id if changes and ids.is_uuid(event.entity_id) else None


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


def disclosure_range(
    start: Timestamp | None, end: Timestamp | None, now: datetime.datetime
) -> tuple[datetime.datetime, datetime.datetime]:
    """The span of a disclosure report: the six years of HIPAA 164.528 where it is not said; raises
    InvalidArgument."""
    first, last = time_range(start, end)
    last = last or now
    if first is None:
        first = _years_before(last, DISCLOSURE_YEARS)
    elif last < first:
        raise errors.invalid_field("start_time", "must not be in the future")
    return first, last


def reaches_before(
    start: datetime.datetime | None, kept_from: datetime.datetime | None
) -> datetime.datetime | None:
    """From when on events are there, where what is asked for begins earlier; None where all of it is
    there."""
    return kept_from if kept_from is not None and (start is None or start < kept_from) else None


def _years_before(moment: datetime.datetime, years: int) -> datetime.datetime:
    year = max(moment.year - years, datetime.MINYEAR)
    try:
        return moment.replace(year=year)
    except ValueError:
        # 29 February
        return moment.replace(year=year, day=28)


def _time(field: str, value: Timestamp | None) -> datetime.datetime | None:
    if value is None:
        return None
    try:
        return value.ToDatetime(datetime.UTC)
    except (ValueError, OverflowError):
        raise errors.invalid_field(field, "must be a time of the years 1 to 9999") from None
