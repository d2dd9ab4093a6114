"""FHIR R4 date and dateTime (https://hl7.org/fhir/R4/datatypes.html#dateTime)."""

from __future__ import annotations

import datetime
import re

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_DATE_TIME = re.compile(
    r"(\d{4}(?:-\d{2}(?:-\d{2})?)?)"
    r"(?:T([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.\d{1,9})?(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00))?"
)
_FULL_DATE = 10


def is_date(text: str) -> bool:
    """Whether `text` is a FHIR date that the calendar has: "1975", "1975-04", "1975-04-21"."""
    match = _DATE.fullmatch(text)
    if match is None or match[1] == "0000":
        return False
    try:
        datetime.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return False
    return text.isascii()


def is_date_time(text: str) -> bool:
    """Whether `text` is a FHIR dateTime; a time of day needs a full date and a zone."""
    match = _DATE_TIME.fullmatch(text)
    if match is None or not is_date(match[1]):
        return False
    return match[2] is None or len(match[1]) == _FULL_DATE


def is_after(text: str, other: str) -> bool:
    """Whether a date (or dateTime) begins after `other` in the precision that both have."""
    length = min(len(text), len(other), _FULL_DATE)
    return text[:length] > other[:length]
