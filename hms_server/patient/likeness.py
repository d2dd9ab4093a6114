"""How likely two records are one person, and why. Pure.

The keys that records share (keys.py) say which to compare; here all that both tell is weighed, so that
a birth date mistyped by a digit still counts, and a family's telephone counts for little.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from hms_server.patient import keys
from hms_server.patient.keys import Keys

_IDENTIFIER, _NAME, _BIRTH, _PHONE, _GENDER = 5.0, 4.0, 3.0, 2.0, 0.5
# One of two words alike: relatives share that.
_SOME_NAME = 0.5
_NEAR_BIRTH = 1.5
# Two records that tell little prove little, even where all of it agrees.
_LEAST_WEIGHT = 8.0
_GENDERS = ("male", "female", "other")
_FULL_DATE = 10


class Likeness(NamedTuple):
    """Names of what agrees (DuplicateCandidate.reasons), and 0 to 1."""

    reasons: list[str]
    score: float


class Record(NamedTuple):
    """What is compared of a record."""

    keys: Keys
    gender: str


def record(document: dict[str, Any], derived: Keys | None = None) -> Record:
    """What is compared of a document."""
    return Record(derived or keys.derive(document, ""), document.get("gender", ""))


def likeness(one: Record, other: Record) -> Likeness:
    """Compares two records. What only one of them tells counts neither way."""
    possible, agreed = _NAME, 0.0
    reasons: list[str] = []
    # Another number of the same system is no sign of another person: a second record often has a second one.
    if _shared(one, other, keys.IDENTIFIER):
        reasons.append("IDENTIFIER")
        possible += _IDENTIFIER
        agreed += _IDENTIFIER
    name = _name(one.keys.sounds, other.keys.sounds)
    birth = _birth(one.keys.birth_date, other.keys.birth_date)
    agreed += name
    if name == _NAME:
        reasons.append("NAME_AND_BIRTH_DATE" if birth == _BIRTH else "NAME")
    if birth is not None:
        possible += _BIRTH
        agreed += birth
        if birth == _NEAR_BIRTH:
            reasons.append("NEAR_BIRTH_DATE")
    if _values(one, keys.PHONE) and _values(other, keys.PHONE):
        possible += _PHONE
        if _shared(one, other, keys.PHONE):
            reasons.append("PHONE")
            agreed += _PHONE
    if one.gender in _GENDERS and other.gender in _GENDERS:
        possible += _GENDER
        agreed += _GENDER * (one.gender == other.gender)
    return Likeness(reasons, round(agreed / max(possible, _LEAST_WEIGHT), 3))


def _values(record: Record, kind: str) -> set[str]:
    return {value for each, value in record.keys.pairs if each == kind}


def _shared(one: Record, other: Record, kind: str) -> set[str]:
    return _values(one, kind) & _values(other, kind)


def _name(one: Iterable[str], other: Iterable[str]) -> float:
    if set(one) & set(other):
        return _NAME
    words = {word for sounds in one for word in sounds.split()}
    return _SOME_NAME if words & {word for sounds in other for word in sounds.split()} else 0.0


def _birth(one: str, other: str) -> float | None:
    """Weight of two birth dates; None where one is not known."""
    if not one or not other:
        return None
    if one == other and len(one) == _FULL_DATE:
        return _BIRTH
    shorter, longer = sorted((one, other), key=len)
    if longer.startswith(shorter):
        return _NEAR_BIRTH
    if len(one) != len(other):
        return 0.0
    swapped = len(one) == _FULL_DATE and one == f"{other[:4]}-{other[8:]}-{other[5:7]}"
    differing = sum(a != b for a, b in zip(one, other, strict=True))
    return _NEAR_BIRTH if swapped or differing == 1 else 0.0
