"""Flags of laboratory results: ranges of adults, and the limits beyond which somebody must be told.

Pure. Ranges: American Board of Internal Medicine, "ABIM Laboratory Test Reference Ranges" (2024), adults
who are not pregnant, with the limits of lipids of ATP III (2001) and that of HbA1c of the ADA's Standards
of Care (2024). Critical limits: G. J. Kost, "Critical limits for urgent clinician notification at US
medical centers", JAMA 1990; 263: 704-707 (the means of the survey). His survey of children's hospitals
(Pediatrics 1991; 88: 597-603) found nearly the same beyond the newborn, so they hold from 28 days on. A
laboratory's own range, where a result brings one, takes the place of these: ranges depend on the method.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping

NORMAL, LOW, HIGH, CRITICAL_LOW, CRITICAL_HIGH = "N", "L", "H", "LL", "HH"
CRITICAL = frozenset({CRITICAL_LOW, CRITICAL_HIGH, "AA"})
ADULT_YEARS = 18
NEWBORN_DAYS = 28
_INFINITY = math.inf
# Of what a conversion of units may round away.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """From low to high, both included; None: without an end."""

    low: float | None = None
    high: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Test:
    """A laboratory test. `units`: UCUM codes, and the factor that takes a value to the table's unit."""

    name: str
    units: Mapping[str, float]
    everyone: Range = Range()
    female: Range | None = None
    male: Range | None = None
    critical: Range = Range()

    def of(self, gender: str) -> Range | None:
        """The range of adults of that gender; None where it takes one to know."""
        if self.female is None or self.male is None:
            return self.everyone
        return {"female": self.female, "male": self.male}.get(gender)


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """What a result is flagged with; without a code `warning` says why it is not."""

    code: str = ""
    warning: str = ""

    @property
    def is_critical(self) -> bool:
        """Whether somebody must be told now."""
        return self.code in CRITICAL


def _both(low: float | None, high: float | None) -> Range:
    return Range(low, high)


_CELLS = {"10*3/uL": 1.0, "10*9/L": 1.0, "/uL": 0.001}
_UNITS_PER_LITRE = {"U/L": 1.0, "[IU]/L": 1.0}
_CHARGE = {"mmol/L": 1.0, "meq/L": 1.0}


def _mass(molar: float, unit: str = "mmol/L") -> dict[str, float]:
    """mg/dL, and the molar unit that so many mg/dL make one of."""
    return {"mg/dL": 1.0, unit: molar}


_PROTEIN = {"g/dL": 1.0, "g/L": 0.1}
_HAEMOGLOBIN = Test(
    "Haemoglobin", _PROTEIN, female=_both(12, 16), male=_both(14, 18), critical=_both(6.6, 19.9)
)
_HAEMATOCRIT = Test(
    "Haematocrit", {"%": 1.0}, female=_both(37, 47), male=_both(42, 50), critical=_both(18, 61)
)
_LEUCOCYTES = Test("Leucocytes", _CELLS, _both(4, 11), critical=_both(2, 37))
_PLATELETS = Test("Platelets", _CELLS, _both(150, 450), critical=_both(37, 910))
_GLUCOSE_LIMITS = _both(46, 484)
_BICARBONATE = Test("Bicarbonate", _CHARGE, _both(23, 28), critical=_both(11, 40))
_LDL = Test("LDL cholesterol", _mass(38.67), _both(None, 129))

# By LOINC code.
TESTS: Mapping[str, Test] = {
    "2951-2": Test("Sodium", _CHARGE, _both(136, 145), critical=_both(120, 158)),
    "2823-3": Test("Potassium", _CHARGE, _both(3.5, 5.0), critical=_both(2.8, 6.2)),
    "2075-0": Test("Chloride", _CHARGE, _both(98, 106), critical=_both(75, 126)),
    "1963-8": _BICARBONATE,
    "2028-9": _BICARBONATE,
    "3094-0": Test("Urea nitrogen", _mass(2.801), _both(8, 20), critical=_both(None, 104)),
    "2160-0": Test(
        "Creatinine",
        _mass(1 / 88.42, "umol/L"),
        female=_both(0.5, 1.1),
        male=_both(0.7, 1.3),
        critical=_both(None, 7.4),
    ),
    "2345-7": Test("Glucose", _mass(18.016), _both(70, 140), critical=_GLUCOSE_LIMITS),
    "1558-6": Test("Fasting glucose", _mass(18.016), _both(70, 99), critical=_GLUCOSE_LIMITS),
    "17861-6": Test("Calcium", _mass(4.008), _both(8.6, 10.2), critical=_both(6.6, 12.9)),
    "19123-9": Test("Magnesium", _mass(2.431), _both(1.6, 2.6), critical=_both(1.0, 4.9)),
    "2777-1": Test("Phosphate", _mass(3.097), _both(3.0, 4.5), critical=_both(1.2, 8.9)),
    "1751-7": Test("Albumin", _PROTEIN, _both(3.5, 5.5)),
    "2885-2": Test("Total protein", _PROTEIN, _both(5.5, 9.0)),
    "1975-2": Test("Total bilirubin", _mass(1 / 17.1, "umol/L"), _both(0.3, 1.0), critical=_both(None, 15)),
    "1968-7": Test("Direct bilirubin", _mass(1 / 17.1, "umol/L"), _both(None, 0.3)),
    "6768-6": Test("Alkaline phosphatase", _UNITS_PER_LITRE, _both(30, 120)),
    "1742-6": Test("Alanine aminotransferase", _UNITS_PER_LITRE, _both(None, 40)),
    "1920-8": Test("Aspartate aminotransferase", _UNITS_PER_LITRE, _both(None, 40)),
    "1798-8": Test("Amylase", _UNITS_PER_LITRE, _both(None, 130)),
    "3040-3": Test("Lipase", _UNITS_PER_LITRE, _both(None, 95)),
    "3084-1": Test("Uric acid", _mass(1 / 59.48, "umol/L"), _both(2.5, 8.0), critical=_both(None, 13)),
    "718-7": _HAEMOGLOBIN,
    "4544-3": _HAEMATOCRIT,
    "20570-8": _HAEMATOCRIT,
    "6690-2": _LEUCOCYTES,
    "26464-8": _LEUCOCYTES,
    "777-3": _PLATELETS,
    "26515-7": _PLATELETS,
    "787-2": Test("Mean corpuscular volume", {"fL": 1.0}, _both(80, 98)),
    "30341-2": Test("Erythrocyte sedimentation rate", {"mm/h": 1.0}, female=_both(0, 20), male=_both(0, 15)),
    "5902-2": Test("Prothrombin time", {"s": 1.0}, _both(11, 13), critical=_both(None, 27)),
    "3173-2": Test(
        "Activated partial thromboplastin time", {"s": 1.0}, _both(25, 35), critical=_both(None, 68)
    ),
    "3255-7": Test("Fibrinogen", {"mg/dL": 1.0, "g/L": 100.0}, _both(200, 400), critical=_both(88, None)),
    "2744-1": Test(
        "pH of arterial blood", {"[pH]": 1.0, "1": 1.0}, _both(7.38, 7.44), critical=_both(7.21, 7.59)
    ),
    "2019-8": Test("pCO2 of arterial blood", {"mm[Hg]": 1.0}, _both(38, 42), critical=_both(19, 67)),
    "2703-7": Test("pO2 of arterial blood", {"mm[Hg]": 1.0}, _both(75, 100), critical=_both(43, None)),
    "3016-3": Test("Thyrotropin", {"m[IU]/L": 1.0, "u[IU]/mL": 1.0}, _both(0.5, 4.0)),
    "3024-7": Test("Free thyroxine", {"ng/dL": 1.0}, _both(0.8, 1.8)),
    "4548-4": Test("Haemoglobin A1c", {"%": 1.0}, _both(4.0, 5.6)),
    "2093-3": Test("Total cholesterol", _mass(38.67), _both(None, 199)),
    "13457-7": _LDL,
    "18262-6": _LDL,
    "2571-8": Test("Triglycerides", _mass(88.57), _both(None, 149)),
    "2276-4": Test("Ferritin", {"ng/mL": 1.0, "ug/L": 1.0}, female=_both(24, 307), male=_both(24, 336)),
    "2498-4": Test("Iron", {"ug/dL": 1.0}, _both(50, 150)),
    "2132-9": Test("Vitamin B12", {"pg/mL": 1.0}, _both(200, 800)),
    "1988-5": Test("C-reactive protein", {"mg/L": 1.0, "mg/dL": 10.0}, _both(None, 8)),
}


def age_in_days(birth_date: str, now: datetime.date) -> int | None:
    """Days since a FHIR date, which may be a year or a month alone; None where it is not known or lies ahead.

    Of what a partial date leaves open the youngest is taken.
    """
    if not birth_date:
        return None
    parts = [int(part) for part in birth_date.split("-")]
    if len(parts) == 3:
        born = datetime.date(parts[0], parts[1], parts[2])
    else:
        last_month = parts[1] if len(parts) == 2 else 12
        following = datetime.date(parts[0] + last_month // 12, last_month % 12 + 1, 1)
        born = min(following - datetime.timedelta(days=1), max(now, datetime.date(parts[0], 1, 1)))
    days = (now - born).days
    return days if days >= 0 else None


def flag(
    loinc: str,
    value: float,
    unit: str,
    comparator: str = "",
    *,
    gender: str = "",
    age_days: int | None = None,
    own: Range | None = None,
) -> Flag:
    """The flag of a numeric result. `unit`: its UCUM code; `own`: the laboratory's range, in the same unit.

    Without `own` the built-in range decides, of adults alone. Critical limits hold beside either.
    """
    test = TESTS.get(loinc)
    factor = None if test is None else test.units.get(unit)
    span = _span(value, comparator)
    if test is not None and factor is not None and not _is_newborn(age_days):
        critical = _beyond(_scaled(span, factor), test.critical, CRITICAL_LOW, CRITICAL_HIGH)
        if critical:
            return Flag(critical)
    if own is not None:
        return _within(span, own)
    if test is None:
        return Flag(warning="no range is known for this code: send reference_range")
    if factor is None:
        wanted = " or ".join(test.units)
        return Flag(
            warning=f"the unit is none of those of the built-in range ({wanted}): send reference_range"
        )
    if age_days is not None and age_days < ADULT_YEARS * 365.25:
        return Flag(warning="the built-in range is of adults: send reference_range")
    usual = test.of(gender)
    if usual is None:
        return Flag(warning="the range depends on the gender, which is not known: send reference_range")
    return _within(_scaled(span, factor), usual)


def _is_newborn(age_days: int | None) -> bool:
    return age_days is not None and age_days < NEWBORN_DAYS


def _span(value: float, comparator: str) -> tuple[float, float]:
    """Where the true value lies."""
    return (
        -_INFINITY if comparator in ("<", "<=") else value,
        _INFINITY if comparator in (">", ">=") else value,
    )


def _scaled(span: tuple[float, float], factor: float) -> tuple[float, float]:
    return span[0] * factor, span[1] * factor


def _beyond(span: tuple[float, float], limits: Range, low: str, high: str) -> str:
    """At or beyond a critical limit for certain."""
    least, most = span
    if limits.low is not None and most <= limits.low + _slack(limits.low):
        return low
    if limits.high is not None and least >= limits.high - _slack(limits.high):
        return high
    return ""


def _within(span: tuple[float, float], usual: Range) -> Flag:
    """Below, above or inside a range, whose ends belong to it. "<5" may be either: then it has no flag."""
    least, most = span
    low = -_INFINITY if usual.low is None else usual.low - _slack(usual.low)
    high = _INFINITY if usual.high is None else usual.high + _slack(usual.high)
    if most < low or (least == -_INFINITY and usual.low is not None and most <= usual.low):
        return Flag(LOW)
    if least > high or (most == _INFINITY and usual.high is not None and least >= usual.high):
        return Flag(HIGH)
    if low <= least and most <= high:
        return Flag(NORMAL)
    return Flag(warning="the comparator leaves open on which side of the range the value lies")


def _slack(limit: float) -> float:
    return abs(limit) * _ROUNDING
