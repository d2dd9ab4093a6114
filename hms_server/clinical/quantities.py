"""How much of a medicine is to be dispensed, and what of an item contradicts itself. Pure: no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from hms_server.errors import FieldViolation

# Days of a unit of time, as UCUM and as people write it. A month is dispensed as 30 days, a year as 365.
_DAYS = {
    "s": Fraction(1, 86400),
    "min": Fraction(1, 1440),
    "h": Fraction(1, 24),
    "d": Fraction(1),
    "wk": Fraction(7),
    "mo": Fraction(30),
    "a": Fraction(365),
}
_WORDS = {
    "second": "s",
    "minute": "min",
    "hour": "h",
    "hr": "h",
    "day": "d",
    "week": "wk",
    "month": "mo",
    "year": "a",
}
# What is not dispensed in parts.
_WHOLE = frozenset(
    (
        *("tablet", "tab", "capsule", "cap", "caplet", "lozenge", "pill", "suppository", "pessary", "sachet"),
        *("patch", "ampoule", "vial", "puff", "spray", "film", "pastille"),
    )
)
# What is more is a slip of the pen.
_MOST = 10**9
# Places behind the point of what is measured.
_PLACES = 3


def unit_of_time(quantity: Any) -> str:
    """UCUM code of a quantity's unit of time; empty where it has another unit, or none."""
    for text in (quantity.code, quantity.unit):
        word: str = text.strip().lower()
        if word in _DAYS:
            return word
        if word := _WORDS.get(word.removesuffix("s"), ""):
            return word
    return ""


def computed(item: Any) -> tuple[float, bool] | None:
    """What an item's dose, frequency, period and duration come to, and whether it is counted in whole units;
    None where one of them is missing or says nothing."""
    unit = unit_of_time(item.duration)
    if not (item.dose.value > 0 and item.frequency and item.period > 0 and item.period_unit and unit):
        return None
    if item.duration.value <= 0 or item.dose.comparator or item.duration.comparator:
        return None
    days = _exact(item.duration.value) * _DAYS[unit]
    times_a_day = item.frequency / (_exact(item.period) * _DAYS[item.period_unit])
    total = _exact(item.dose.value) * times_a_day * days
    if total > _MOST:
        return None
    if is_whole(item.dose):
        return float(math.ceil(total)), True
    return float(round(total, _PLACES)), False


def is_whole(dose: Any) -> bool:
    """Whether a dose is counted in whole units: tablets, capsules."""
    words = f"{dose.unit} {dose.code}".lower().replace("{", " ").replace("}", " ").replace("(", " ").split()
    return any(word in _WHOLE or word.removesuffix("s") in _WHOLE for word in words)


def fill(item: Any) -> None:
    """Computes the quantity of an item that has none of its own."""
    if item.quantity_computed:
        item.ClearField("quantity")
        item.quantity_computed = False
    if item.HasField("quantity"):
        return
    found = computed(item)
    if found is None:
        return
    item.quantity.value = found[0]
    item.quantity.unit, item.quantity.system, item.quantity.code = (
        item.dose.unit,
        item.dose.system,
        item.dose.code,
    )
    item.quantity_computed = True


def days_of_supply(item: Any) -> Fraction | None:
    """How long an item lasts with its repeats; None where it does not say."""
    unit = unit_of_time(item.duration)
    if not unit or item.duration.value <= 0:
        return None
    courses: int = 1 + item.repeats_allowed
    return _exact(item.duration.value) * _DAYS[unit] * courses


def contradictions(item: Any, path: str) -> Iterator[FieldViolation]:
    """What an item in force cannot say. What it leaves out is no fault."""
    if item.HasField("dose") and item.dose.value <= 0:
        yield FieldViolation(f"{path}.dose.value", "must be more than 0, or not set")
    if item.period > 0 and not item.period_unit:
        yield FieldViolation(f"{path}.period_unit", "is required with period: h, d, wk")
    if item.HasField("duration"):
        if item.duration.value <= 0:
            yield FieldViolation(f"{path}.duration.value", "must be more than 0")
        if not unit_of_time(item.duration):
            yield FieldViolation(f"{path}.duration.code", "must be a unit of time: h, d, wk, mo, a")
    if item.HasField("quantity") and item.quantity.value < 0:
        yield FieldViolation(f"{path}.quantity.value", "must not be negative")


def _exact(value: float) -> Fraction:
    """The number as it was written: 0.1 is a tenth."""
    return Fraction(repr(value))
