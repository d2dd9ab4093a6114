"""The signs that a set of vital signs can hold: their codes, units and limits. Pure: no I/O.

Codes and units are those of FHIR's vital signs profiles (http://hl7.org/fhir/R4/observation-vitalsigns.html)
where there is one. Limits lie outside of what was ever measured in a living person: what is beyond is a slip
of the pen, and often of the unit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hms.common.v1 import datatypes_pb2
from hms_server.errors import FieldViolation

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"


def _as_it_is(value: float) -> float:
    return value


@dataclasses.dataclass(frozen=True, slots=True)
class Sign:
    """A sign that is a number. Limits and decimals are those of the unit that is kept."""

    codings: tuple[tuple[str, str], ...]  # LOINC code and display
    unit: str  # that is kept, as UCUM has it
    least: float
    most: float
    decimals: int = 2
    # Other units that are taken, and how they become the one that is kept.
    units: Mapping[str, Callable[[float], float]] = dataclasses.field(default_factory=dict)
    # A hint for whoever is out of the limits
    hint: str = ""


_MM_HG = {"kPa": lambda value: value * 7.500616827}
_CENTIMETRES = {"[in_i]": lambda value: value * 2.54, "m": lambda value: value * 100}
SIGNS: Mapping[str, Sign] = {
    "temperature": Sign(
        (("8310-5", "Body temperature"),),
        "Cel",
        10,
        47,
        units={"[degF]": lambda value: (value - 32) / 1.8},
        hint="of a value in Fahrenheit the unit is [degF]",
    ),
    "pulse": Sign((("8867-4", "Heart rate"),), "/min", 0, 400),
    "respiratory_rate": Sign((("9279-1", "Respiratory rate"),), "/min", 0, 150),
    "oxygen_saturation": Sign(
        (
            ("2708-6", "Oxygen saturation in Arterial blood"),
            ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
        ),
        "%",
        1,
        100,
    ),
    "oxygen_flow": Sign((("3151-8", "Inhaled oxygen flow rate"),), "L/min", 0.01, 100),
    "systolic": Sign((("8480-6", "Systolic blood pressure"),), "mm[Hg]", 0, 400, 0, _MM_HG),
    "diastolic": Sign((("8462-4", "Diastolic blood pressure"),), "mm[Hg]", 0, 370, 0, _MM_HG),
    "weight": Sign(
        (("29463-7", "Body weight"),),
        "kg",
        0.15,
        700,
        3,
        {"[lb_av]": lambda value: value * 0.45359237, "g": lambda value: value / 1000},
        hint="of a value in grams the unit is g, in pounds [lb_av]",
    ),
    "height": Sign(
        (("8302-2", "Body height"),),
        "cm",
        15,
        280,
        1,
        _CENTIMETRES,
        hint="of a value in inches the unit is [in_i], in metres m",
    ),
    "head_circumference": Sign(
        (("9843-4", "Head Occipital-frontal circumference"),),
        "cm",
        10,
        100,
        1,
        {"[in_i]": _CENTIMETRES["[in_i]"]},
        hint="of a value in inches the unit is [in_i]",
    ),
}
# Two kinds of one sign, each with a code of its own.
GLUCOSE: Mapping[str, Sign] = {
    "mg/dL": Sign((("41653-7", "Glucose [Mass/volume] in Capillary blood by Glucometer"),), "mg/dL", 0, 3600),
    "mmol/L": Sign(
        (("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer"),), "mmol/L", 0, 200
    ),
}
PAIN = Sign((("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"),), "{score}", 0, 10)
BODY_MASS_INDEX = Sign((("39156-5", "Body mass index (BMI) [Ratio]"),), "kg/m2", 0, 5000, 1)
BLOOD_PRESSURE = ("85354-9", "Blood pressure panel with all children optional")
CONSCIOUSNESS = ("80288-4", "Level of consciousness")
# SNOMED CT; what the score's own profile of the NHS uses for ACVPU and for air or oxygen.
LEVELS: Mapping[str, tuple[str, str]] = {
    "A": ("248234008", "Mentally alert"),
    "C": ("130987000", "Acute confusion"),
    "V": ("300202002", "Responds to voice"),
    "P": ("450847001", "Responds to pain"),
    "U": ("422768004", "Unresponsive"),
}
INSPIRED_OXYGEN = ("250774007", "Inspired oxygen concentration")
AIR = ("722742002", "Breathing room air")
ON_OXYGEN = ("371825009", "Patient on oxygen")
PREGNANCY_STATUS = "82810-3"
PREGNANT = "77386006"
# NEWS2 and its parts (https://nhsconnect.github.io/FHIR-NEWS2/); there is no LOINC code of NEWS2.
NEWS2 = ("1104051000000101", "Royal College of Physicians NEWS2 (National Early Warning Score 2) total score")
NEWS2_PARTS: Mapping[str, tuple[str, str]] = {
    "respiratory_rate": ("1104301000000104", "NEWS2 respiration rate score"),
    "oxygen_saturation": ("1104311000000102", "NEWS2 oxygen saturation scale 1 score"),
    "oxygen_saturation scale 2": ("1104321000000108", "NEWS2 oxygen saturation scale 2 score"),
    "supplemental_oxygen": ("1104331000000105", "NEWS2 air or oxygen score"),
    "systolic": ("1104341000000101", "NEWS2 systolic blood pressure score"),
    "pulse": ("1104351000000103", "NEWS2 pulse score"),
    "consciousness": ("1104361000000100", "NEWS2 consciousness score"),
    "temperature": ("1104371000000107", "NEWS2 temperature score"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A sign as it is kept."""

    sign: Sign
    value: float

    @property
    def quantity(self) -> Any:
        """As FHIR has it."""
        return quantity(self.value, self.sign.unit)


def quantity(value: float, unit: str) -> Any:
    """A Quantity in a UCUM unit."""
    return datatypes_pb2.Quantity(value=value, unit=unit, system=UCUM, code=unit)


def concept(system: str, *codings: tuple[str, str]) -> Any:
    """A CodeableConcept of codes and displays."""
    return datatypes_pb2.CodeableConcept(
        codings=[
            datatypes_pb2.Coding(system=system, code=code, display=display) for code, display in codings
        ],
        text=codings[0][1],
    )


def read(request: Any) -> tuple[dict[str, Reading], list[FieldViolation]]:
    """The numbers of a request by field, in the units that are kept, and what is wrong with it."""
    readings: dict[str, Reading] = {}
    wrong: list[FieldViolation] = []
    for name in (*SIGNS, "capillary_glucose"):
        if not request.HasField(name):
            continue
        measured = getattr(request, name)
        sign = GLUCOSE.get(measured.unit) if name == "capillary_glucose" else SIGNS[name]
        if sign is None:
            wrong.append(FieldViolation(f"{name}.unit", "must be mg/dL or mmol/L"))
            continue
        value = _kept(sign, measured)
        if value is None:
            takes = " or ".join((sign.unit, *sign.units))
            wrong.append(FieldViolation(f"{name}.unit", f"must be {takes}"))
        elif not sign.least <= value <= sign.most:
            hint = f": {sign.hint}" if sign.hint else ""
            limits = f"must be from {sign.least:g} to {sign.most:g} {sign.unit}"
            wrong.append(FieldViolation(f"{name}.value", limits + hint))
        else:
            readings[name] = Reading(sign, value)
    if request.HasField("pain_score"):
        readings["pain_score"] = Reading(PAIN, request.pain_score)
    if not wrong:
        wrong += _of_pairs(request, readings)
    return readings, wrong


def _kept(sign: Sign, measured: Any) -> float | None:
    if measured.unit in ("", sign.unit):
        return float(measured.value)
    convert = sign.units.get(measured.unit, None)
    return None if convert is None else round(convert(measured.value), sign.decimals)


def _of_pairs(request: Any, readings: Mapping[str, Reading]) -> Iterator[FieldViolation]:
    if not readings and not request.HasField("supplemental_oxygen") and not request.consciousness:
        yield FieldViolation("pulse", "give one of the vital signs at least")
    # Systolic alone is what can be felt at the wrist.
    if request.HasField("diastolic") and not request.HasField("systolic"):
        yield FieldViolation("systolic", "is required beside diastolic")
    systolic, diastolic = readings.get("systolic"), readings.get("diastolic")
    if systolic is not None and diastolic is not None and diastolic.value > systolic.value:
        yield FieldViolation("diastolic.value", "must not be above systolic")
    if request.HasField("oxygen_flow") and not request.supplemental_oxygen:
        yield FieldViolation("supplemental_oxygen", "must be true where oxygen_flow is given")


def body_mass_index(weight: float, height: float) -> Reading:
    """Kg and cm."""
    return Reading(BODY_MASS_INDEX, round(weight / (height / 100) ** 2, BODY_MASS_INDEX.decimals))
