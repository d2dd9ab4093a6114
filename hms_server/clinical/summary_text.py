"""The words of a visit summary: prescriptions in plain English, results with flags, the whole text. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hms_server.clinical.rules import moment

_FLAGS = {
    "L": "low",
    "H": "high",
    "LL": "CRITICALLY LOW",
    "HH": "CRITICALLY HIGH",
    "A": "abnormal",
    "AA": "CRITICALLY ABNORMAL",
    "POS": "positive",
    "NEG": "negative",
}
_PERIODS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
_TIMES = {1: "once", 2: "twice"}
# Forms that are counted, and so have a plural.
_COUNTED = frozenset(
    (
        *("tablet", "capsule", "drop", "puff", "sachet", "spray", "patch", "suppository", "ampoule", "vial"),
        *("dose", "unit", "lozenge", "pessary", "bottle", "tube", "strip", "teaspoon", "tablespoon"),
        *("injection", *_PERIODS.values()),
    )
)


def number(value: float) -> str:
    """A number as people write it: "5", "0.25"."""
    return f"{value:.10g}"


def counted(value: float, unit: str) -> str:
    """A quantity with its unit in the number that it takes: "1 capsule", "15 capsules", "500 mg"."""
    if value != 1 and unit in _COUNTED:
        if unit.endswith("ry"):
            unit = f"{unit[:-1]}ies"
        else:
            unit += "es" if unit.endswith("ch") else "s"
    elif value == 1 and unit.endswith("s") and unit[:-1] in _COUNTED:
        unit = unit[:-1]
    return f"{number(value)} {unit}".strip()


def concept(message: Any) -> str:
    """A CodeableConcept as people read it."""
    if message.text:
        return str(message.text)
    return next((str(coding.display or coding.code) for coding in message.codings), "")


def quantity(message: Any) -> str:
    """A Quantity: "<5 mg/dL"."""
    unit = message.unit or message.code
    return f"{message.comparator}{counted(message.value, unit)}"


def how_often(item: Any) -> str:
    """As in "3 times a day", "every 8 hours", "once a week"; empty where nothing is said."""
    unit, often, period = _PERIODS.get(item.period_unit, ""), item.frequency, item.period or 1
    if not unit or not (often or item.period):
        return ""
    often = often or 1
    if period == 1:
        return f"{_TIMES.get(often, f'{often} times')} a{'n' if unit == 'hour' else ''} {unit}"
    every = f"every {counted(period, unit)}"
    return every if often == 1 else f"{_TIMES.get(often, f'{often} times')} {every}"


def prescription_line(item: Any) -> str:
    """As in "Amoxicillin 500 mg, 1 capsule, 3 times a day for 5 days, 15 capsules"."""
    how = how_often(item)
    if item.HasField("duration"):
        unit = _PERIODS.get(item.duration.code, item.duration.unit or item.duration.code)
        unit = _PERIODS.get(unit, unit)
        how = f"{how} for {counted(item.duration.value, unit)}".strip()
    parts = [
        concept(item.medication),
        quantity(item.dose) if item.HasField("dose") else "",
        concept(item.route) if item.HasField("route") else "",
        f"{how} as needed".strip() if item.as_needed else how,
        quantity(item.quantity) if item.HasField("quantity") else "",
    ]
    line = ", ".join(part for part in parts if part)
    return f"{line} ({'; '.join(item.instructions)})" if item.instructions else line


def _value(message: Any) -> str:
    which = message.WhichOneof("value")
    if which is None:
        return str(message.data_absent_reason)
    value = getattr(message, which)
    if which == "quantity":
        return quantity(value)
    if which == "concept":
        return concept(value)
    return ("yes" if value else "no") if which == "boolean" else str(value)


def _flagged(message: Any) -> str:
    words = [_FLAGS[code] for code in message.interpretations if code in _FLAGS]
    return f" ({', '.join(words)})" if words else ""


def observation_line(message: Any) -> str:
    """As in "Potassium: 6.8 mmol/L (CRITICALLY HIGH)"."""
    parts = [f"{concept(part.code)} {_value(part)}{_flagged(part)}" for part in message.components]
    own = _value(message)
    value = ", ".join([own, *parts] if own else parts)
    if message.reference_ranges and (usual := _range(message.reference_ranges[0])):
        value += f" [{usual}]"
    return f"{concept(message.code)}: {value}{_flagged(message)}"


def _range(message: Any) -> str:
    if message.HasField("low") and message.HasField("high"):
        return f"{number(message.low.value)}-{number(message.high.value)}"
    if message.HasField("low"):
        return f"from {number(message.low.value)}"
    return f"up to {number(message.high.value)}" if message.HasField("high") else str(message.text)


def age(birth_date: str, at: str) -> str:
    """The age at a FHIR dateTime, in words; empty where the birth date is not known or lies after it."""
    if not birth_date:
        return ""
    born, day = moment(birth_date).date(), moment(at).date()
    days = (day - born).days
    if days < 0:
        return ""
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    if len(birth_date) < len("1975-04-21") or years >= 2:
        return counted(years, "year")
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    return counted(months, "month") if months else counted(days, "day")


def when(time: datetime.datetime) -> str:
    """A moment of the hospital's clock: "Tue 2026-11-24 10:30"."""
    return f"{time:%a %Y-%m-%d %H:%M}"


def order_line(message: Any) -> str:
    """As in "Sodium, Potassium (laboratory, urgent): completed"."""
    names = ", ".join(concept(item.code) for item in message.items)
    priority = "" if message.priority in ("", "routine") else f", {message.priority}"
    return f"{names} ({message.category}{priority}): {message.state.lower().replace('_', ' ')}"


def referral_line(message: Any) -> str:
    """What is asked for, why, and how it stands."""
    why = "; ".join(concept(reason) for reason in message.reasons)
    what = concept(message.service) if message.HasField("service") else "Referral"
    priority = "" if message.priority in ("", "routine") else f" ({message.priority})"
    return f"{what}{priority}{': ' if why else ''}{why} - {message.state.lower()}"


def allergy_line(message: Any) -> str:
    """What, and how dangerous."""
    return concept(message.code) + (" (high risk)" if message.criticality == "high" else "")


def text(head: Iterable[str], sections: Mapping[str, Iterable[str]]) -> str:
    """The whole as plain text: a head, then each section that holds something."""
    return "\n".join(_lines(head, sections)) + "\n"


def _lines(head: Iterable[str], sections: Mapping[str, Iterable[str]]) -> Iterator[str]:
    yield from (line for line in head if line)
    for title, lines in sections.items():
        kept = [line for line in lines if line.strip()]
        if kept:
            yield ""
            yield f"{title}:"
            for line in kept:
                first, *rest = line.strip().splitlines()
                yield f"- {first}"
                yield from (f"  {more}" for more in rest)
