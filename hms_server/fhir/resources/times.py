"""Times of resources: choices of a moment and a span ("effective[x]"), and times of day."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hms_server.fhir.datatypes import Fields, period
from hms_server.fhir.element import Element

_TIME_OF_DAY = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?", re.ASCII)


def span(root: Element, fields: Fields, field: str, forms: Iterable[str]) -> None:
    """Puts the form that is there into `<field>_time` and `<field>_end_time`.

    Forms that end in DateTime, Instant and Period have a place there.
    """
    name = root.one_of(forms)
    if name.endswith(("DateTime", "Instant")):
        if time := root.date_time(name):
            fields[f"{field}_time"] = time
    elif name.endswith("Period"):
        made = period(root, name) or {}
        start, end = made.get("start", ""), made.get("end", "")
        if start:
            fields[f"{field}_time"] = start
        if end:
            # A span whose beginning nobody knows is told by its end.
            fields[f"{field}_end_time" if start else f"{field}_time"] = end
    elif name:
        root.leave_out(name)


def beginning(root: Element, forms: Iterable[str]) -> str:
    """The moment, or the first of a span, of the form that is there; "" where HMS has no place for it."""
    name = root.one_of(forms)
    if name.endswith("DateTime"):
        return root.date_time(name)
    if name.endswith("Period"):
        made = period(root, name) or {}
        if "start" in made:
            if "end" in made:
                root.leave_out(f"{name}.end")
            return str(made["start"])
    if name:
        root.leave_out(name)
    return ""


def time_of_day(parent: Element, name: str) -> str:
    """A time: "14:30:00"."""
    value = parent.text(name)
    if value and _TIME_OF_DAY.fullmatch(value) is None:
        parent.fault(name, "is no time of day")
        return ""
    return value
