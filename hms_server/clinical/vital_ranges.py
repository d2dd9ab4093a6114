"""What is usual and what is critical of a vital sign at an age. Pure: no I/O.

A range says from where a value is low (L) or high (H), and from where that is critical (LL, HH). Sources:

- Under 16, pulse, respiratory rate, blood pressure: American Heart Association, Pediatric Advanced Life
  Support Provider Manual (2015), "Vital signs in children" (heart rate awake); critically low systolic
  pressure is its "Definition of hypotension by systolic blood pressure and age".
- From 16, pulse, respiratory rate, saturation, low temperature and low systolic pressure: the bands of
  NEWS2 (Royal College of Physicians, 2017): usual is what scores 0, critical what scores 3.
- High blood pressure from 16: International Society of Hypertension, Global Hypertension Practice
  Guidelines (2020): from 140/90 high, above 180/110 severely elevated. Low diastolic pressure: below 60.
- Temperature: the lower end as in NEWS2; fever from 38.0 in children, and critical below 3 months of age
  (NICE guideline NG143); above 41.5 hyperpyrexia and up to 35.0 hypothermia (Harrison's Principles of
  Internal Medicine).
- Saturation under 16: target of 94 % and more (British Thoracic Society, 2017), hypoxaemia below 90 % (WHO,
  Pocket book of hospital care for children, 2013). On the hypercapnic scale: NEWS2's SpO2 scale 2.
- Capillary glucose: American Diabetes Association, Standards of Care: low below 70 mg/dL (3.9 mmol/L),
  level 2 below 54 mg/dL (3.0 mmol/L), high at random from 200 mg/dL (11.1 mmol/L); critically high from 540
  mg/dL (30 mmol/L: Joint British Diabetes Societies). Up to 28 days: low below 45 mg/dL (2.5 mmol/L: WHO),
  critical below 18 mg/dL (1.0 mmol/L: British Association of Perinatal Medicine, 2017).
- Body mass index from 18: World Health Organization: 18.5 to 24.9; critical below 16 and from 40.

None of these differs by sex. Weight, height and head circumference are judged by growth charts, and the
body mass index of children too: they get no range here.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping

_ADULT = 16.0
_OF_AGE = 18.0
_DAY = 1 / 365.25
_MONTH = 1 / 12
_NO_LIMIT = float("inf")
# A difference of this much is one of the arithmetic.
_CLOSE = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """Usual from `low` to `high`, both included; critical below `critical_low` and above `critical_high`."""

    low: float | None = None
    high: float | None = None
    critical_low: float = -_NO_LIMIT
    critical_high: float = _NO_LIMIT

    def flag(self, value: float) -> str:
        """Code of HL7 v3 ObservationInterpretation: N, L, H, LL or HH."""
        if value < self.critical_low - _CLOSE:
            return "LL"
        if value > self.critical_high + _CLOSE:
            return "HH"
        if self.low is not None and value < self.low - _CLOSE:
            return "L"
        if self.high is not None and value > self.high + _CLOSE:
            return "H"
        return "N"


# Age in years from which a row holds, until the next.
_Bands = tuple[tuple[float, Range], ...]
_PULSE: _Bands = (
    (0.0, Range(100, 205)),
    (28 * _DAY, Range(100, 190)),
    (1.0, Range(98, 140)),
    (3.0, Range(80, 120)),
    (6.0, Range(75, 118)),
    (12.0, Range(60, 100)),
    (_ADULT, Range(51, 90, 41, 130)),
)
_RESPIRATORY_RATE: _Bands = (
    (0.0, Range(30, 53)),
    (1.0, Range(22, 37)),
    (3.0, Range(20, 28)),
    (6.0, Range(18, 25)),
    (12.0, Range(12, 20)),
    (_ADULT, Range(12, 20, 9, 24)),
)
_SYSTOLIC: _Bands = (
    (0.0, Range(67, 84, 60)),
    (28 * _DAY, Range(72, 104, 70)),
    # Hypotension from 1 to 10 is below 70 and twice the age in years.
    *((float(age), Range(86, 106, 70 + 2 * age)) for age in (1, 2)),
    *((float(age), Range(89, 112, 70 + 2 * age)) for age in (3, 4, 5)),
    *((float(age), Range(97, 115, 70 + 2 * age)) for age in (6, 7, 8, 9)),
    (10.0, Range(102, 120, 90)),
    (12.0, Range(110, 131, 90)),
    (_ADULT, Range(101, 139, 91, 180)),
)
_DIASTOLIC: _Bands = (
    (0.0, Range(35, 53)),
    (28 * _DAY, Range(37, 56)),
    (1.0, Range(42, 63)),
    (3.0, Range(46, 72)),
    (6.0, Range(57, 76)),
    (10.0, Range(61, 80)),
    (12.0, Range(64, 83)),
    (_ADULT, Range(60, 89, critical_high=110)),
)
_TEMPERATURE: _Bands = (
    (0.0, Range(36.1, 37.9, 35.1, 37.9)),
    (3 * _MONTH, Range(36.1, 37.9, 35.1, 41.5)),
    (_ADULT, Range(36.1, 38.0, 35.1, 41.5)),
)
_SATURATION: _Bands = ((0.0, Range(94, None, 90)), (_ADULT, Range(96, None, 92)))
_GLUCOSE_MG: _Bands = ((0.0, Range(45, 199, 18, 539)), (29 * _DAY, Range(70, 199, 54, 539)))
_GLUCOSE_MMOL: _Bands = ((0.0, Range(2.5, 11.0, 1.0, 29.9)), (29 * _DAY, Range(3.9, 11.0, 3.0, 29.9)))
_BODY_MASS_INDEX: _Bands = ((_OF_AGE, Range(18.5, 24.9, 16, 39.9)),)
_BANDS: Mapping[str, _Bands] = {
    "pulse": _PULSE,
    "respiratory_rate": _RESPIRATORY_RATE,
    "systolic": _SYSTOLIC,
    "diastolic": _DIASTOLIC,
    "temperature": _TEMPERATURE,
    "oxygen_saturation": _SATURATION,
    "capillary_glucose mg/dL": _GLUCOSE_MG,
    "capillary_glucose mmol/L": _GLUCOSE_MMOL,
    "body_mass_index": _BODY_MASS_INDEX,
}
# NEWS2's SpO2 scale 2: on air nothing is too much.
_SCALE_2_ON_AIR = Range(88, None, 84)
_SCALE_2_ON_OXYGEN = Range(88, 92, 84, 96)
# Decimals in which each is read: between 20 and 21 breaths there is nothing, and 37.95 degrees are 38.0.
_DECIMALS = {"temperature": 1, "capillary_glucose mmol/L": 1, "body_mass_index": 1}


@dataclasses.dataclass(frozen=True, slots=True)
class Age:
    """Between what a birth date that may be partial allows, in years."""

    least: float
    most: float


def age(birth_date: str, day: datetime.date) -> Age | None:
    """How old somebody is on a day who was born on a FHIR date; None where that is not known, or to come."""
    if not birth_date:
        return None
    year, *rest = map(int, birth_date.split("-"))
    month, day_of_month = [*rest, 0, 0][:2]
    first = datetime.date(year, month or 1, day_of_month or 1)
    if day_of_month:
        last = first
    elif month:
        last = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(1)
    else:
        last = datetime.date(year, 12, 31)
    if day < first:
        return None
    return Age(_years(min(last, day), day), _years(first, day))


def _years(born: datetime.date, day: datetime.date) -> float:
    """Whole years by the calendar, and the days of the year that is not whole."""
    whole = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    try:
        birthday = born.replace(year=born.year + whole)
    except ValueError:
        # Born on a leap day, which this year has not
        birthday = datetime.date(born.year + whole, 3, 1)
    return whole + min((day - birthday).days * _DAY, 1 - _DAY / 2)


def find(sign: str, at: Age | None) -> Range | None:
    """The range of a sign at an age; None where there is none, or where the age leaves open which."""
    bands = _BANDS.get(sign)
    if bands is None or at is None:
        return None
    least, most = _row(bands, at.least), _row(bands, at.most)
    return least if least == most else None


def of_hypercapnic_scale(*, on_oxygen: bool) -> Range:
    """The range of the saturation by NEWS2's SpO2 scale 2."""
    return _SCALE_2_ON_OXYGEN if on_oxygen else _SCALE_2_ON_AIR


def flag(sign: str, found: Range, value: float) -> str:
    """The flag of a value as it is read at the bed-side: rounded to the sign's decimals."""
    return found.flag(as_read(value, _DECIMALS.get(sign, 0)))


def as_read(value: float, decimals: int = 0) -> float:
    """A value in as many decimals, halves upwards: 37.95 is read as 38.0."""
    scale: int = 10**decimals
    return math.floor(value * scale + 0.5 + _CLOSE) / scale


def _row(bands: _Bands, years: float) -> Range | None:
    found = None
    for begin, each in bands:
        if years < begin - _CLOSE:
            break
        found = each
    return found
