"""The few numbers that a list of measurements comes down to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

# What a bench gives: numbers by name, some of them together under one name.
Figures = Mapping[str, float | Mapping[str, float]]


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def shown(value: float, digits: int = 3) -> float:
    """Rounded to as many digits as a measurement is worth."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))
