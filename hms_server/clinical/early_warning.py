"""NEWS2, the National Early Warning Score. Pure: no I/O.

Source: Royal College of Physicians. National Early Warning Score (NEWS) 2: Standardising the assessment of
acute-illness severity in the NHS. Updated report of a working party. London: RCP, 2017. The bands are chart 1
(the scoring system), the risk is chart 2 (thresholds and triggers). It holds from the age of 16 and not in
pregnancy (same report, recommendations).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hms_server.clinical.vital_ranges import as_read

LEAST_AGE = 16

# Upper bounds of each band and its score; the last band has no bound. In the chart rates are whole numbers
# and temperatures have one decimal: what lies between is read as the nearer first.
_Bands = tuple[tuple[float, int], ...]
_NO_BOUND = float("inf")
_RESPIRATORY_RATE: _Bands = ((8, 3), (11, 1), (20, 0), (24, 2), (_NO_BOUND, 3))
_SATURATION_1: _Bands = ((91, 3), (93, 2), (95, 1), (_NO_BOUND, 0))
_SATURATION_2_LOW: _Bands = ((83, 3), (85, 2), (87, 1), (92, 0))
_SATURATION_2_ON_OXYGEN: _Bands = ((94, 1), (96, 2), (_NO_BOUND, 3))
_SYSTOLIC: _Bands = ((90, 3), (100, 2), (110, 1), (219, 0), (_NO_BOUND, 3))
_PULSE: _Bands = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_NO_BOUND, 3))
_TEMPERATURE: _Bands = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_NO_BOUND, 2))
_OXYGEN = 2
_NOT_ALERT = 3

LOW, LOW_MEDIUM, MEDIUM, HIGH = "LOW", "LOW_MEDIUM", "MEDIUM", "HIGH"
_MEDIUM_FROM, _HIGH_FROM = 5, 7
_RED = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Parameters:
    """The seven, in the units of the chart: breaths and beats a minute, %, mmHg, degrees Celsius, ACVPU."""

    respiratory_rate: float
    oxygen_saturation: float
    supplemental_oxygen: bool
    systolic: float
    pulse: float
    consciousness: str
    temperature: float
    hypercapnic_scale: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A score for each parameter, by its name."""

    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        """The aggregate score: 0 to 20."""
        return sum(self.parts.values())

    @property
    def risk(self) -> str:
        """LOW (0-4), LOW_MEDIUM (0-4 with 3 in one parameter), MEDIUM (5-6) or HIGH (7 and more)."""
        if self.total >= _HIGH_FROM:
            return HIGH
        if self.total >= _MEDIUM_FROM:
            return MEDIUM
        return LOW_MEDIUM if _RED in self.parts.values() else LOW


def score(given: Parameters) -> Score:
    """The score of a set of parameters."""
    return Score(
        {
            "respiratory_rate": _of(_RESPIRATORY_RATE, as_read(given.respiratory_rate)),
            "oxygen_saturation": _saturation(given),
            "supplemental_oxygen": _OXYGEN if given.supplemental_oxygen else 0,
            "systolic": _of(_SYSTOLIC, as_read(given.systolic)),
            "pulse": _of(_PULSE, as_read(given.pulse)),
            "consciousness": 0 if given.consciousness == "A" else _NOT_ALERT,
            "temperature": _of(_TEMPERATURE, as_read(given.temperature, 1)),
        }
    )


def _saturation(given: Parameters) -> int:
    value = as_read(given.oxygen_saturation)
    if not given.hypercapnic_scale:
        return _of(_SATURATION_1, value)
    if value <= _SATURATION_2_LOW[-1][0]:
        return _of(_SATURATION_2_LOW, value)
    # 93 % and more is no danger to who breathes air.
    return _of(_SATURATION_2_ON_OXYGEN, value) if given.supplemental_oxygen else 0


def _of(bands: _Bands, value: float) -> int:
    return next(points for bound, points in bands if value <= bound)
