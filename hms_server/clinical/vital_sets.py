"""The observations of a set of vital signs: signs, flags, body mass index, score. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from hms.clinical.v1 import observation_pb2, vital_signs_pb2
from hms_server import ids
from hms_server.clinical import early_warning, vital_entries, vital_ranges
from hms_server.clinical.vital_entries import LOINC, SNOMED, Reading, concept, quantity
from hms_server.clinical.vital_ranges import Age, Range

VITAL_SIGNS, SURVEY = "vital-signs", "survey"
_OF_AGE = 18
_SCORE = "{score}"
_SEVEN: tuple[str, ...] = (
    *("respiratory_rate", "oxygen_saturation", "supplemental_oxygen", "systolic", "pulse", "consciousness"),
    "temperature",
)
# Which sign's observation holds a parameter.
_PANEL = {"diastolic": "systolic", "oxygen_flow": "supplemental_oxygen"}
# Code of HL7 v3 ObservationInterpretation for a clinical risk.
_FLAG_OF_RISK = {
    early_warning.LOW: "N",
    early_warning.LOW_MEDIUM: "A",
    early_warning.MEDIUM: "A",
    early_warning.HIGH: "AA",
}
RISK = "NEWS2 clinical risk"


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """What a set is judged by, beside itself."""

    birth_date: str = ""
    day: datetime.date = datetime.date(2000, 1, 1)
    pregnant: bool = False
    # An earlier height of the patient in cm: its observation and when it was taken
    height_id: str = ""
    height: float = 0.0
    height_day: datetime.date = datetime.date(2000, 1, 1)


class VitalSet:
    """A set that was recorded, as observations without patient, encounter and time."""

    def __init__(self, request: Any, readings: dict[str, Reading], context: Context) -> None:
        self._request = request
        self._readings = readings
        self._context = context
        self._age = vital_ranges.age(context.birth_date, context.day)
        self.observations: list[Any] = []
        self.score: Any = None
        self.warnings: list[Any] = []
        self._ids: dict[str, str] = {}
        for name in readings:
            if name not in _PANEL:
                self._add(name, self._blood_pressure() if name == "systolic" else self._number(name))
        if request.HasField("supplemental_oxygen"):
            self._add("supplemental_oxygen", self._oxygen())
        if request.consciousness:
            self._add("consciousness", self._consciousness())
        if self._age is None:
            self._warn("AGE_UNKNOWN", "", "The date of birth is not known: no ranges and flags by age.")
        self._body_mass_index()
        self._early_warning()

    def _add(self, name: str, observation: Any) -> None:
        observation.id = self._ids[name] = ids.uuid7()
        observation.categories.append(VITAL_SIGNS)
        self.observations.append(observation)

    def _warn(self, code: str, field: str, text: str) -> None:
        self.warnings.append(vital_signs_pb2.VitalSignWarning(code=code, field=field, text=text))

    def _number(self, name: str) -> Any:
        reading = self._readings[name]
        made = observation_pb2.Observation(
            code=concept(LOINC, *reading.sign.codings), quantity=reading.quantity
        )
        self._judge(made, name, reading)
        return made

    def _judge(self, made: Any, name: str, reading: Reading) -> None:
        """Puts range and flag on an observation or a component."""
        found = self._range(name, reading.sign.unit)
        if found is None:
            return
        sign = f"{name} {reading.sign.unit}" if name == "capillary_glucose" else name
        flag = vital_ranges.flag(sign, found, reading.value)
        made.interpretations.append(flag)
        made.reference_ranges.append(_reference(found, reading.sign.unit))
        if len(flag) > 1:
            self._warn("CRITICAL_VALUE", name, "The value is critical for the patient's age.")

    def _range(self, name: str, unit: str) -> Range | None:
        if name == "oxygen_saturation" and self._request.hypercapnic_scale:
            return vital_ranges.of_hypercapnic_scale(on_oxygen=self._request.supplemental_oxygen)
        return vital_ranges.find(f"{name} {unit}" if name == "capillary_glucose" else name, self._age)

    def _blood_pressure(self) -> Any:
        made = observation_pb2.Observation(code=concept(LOINC, vital_entries.BLOOD_PRESSURE))
        for name in ("systolic", "diastolic"):
            code = concept(LOINC, *vital_entries.SIGNS[name].codings)
            part = made.components.add(code=code)
            reading = self._readings.get(name)
            if reading is None:
                part.data_absent_reason = "unknown"
                continue
            part.quantity.CopyFrom(reading.quantity)
            self._judge(part, name, reading)
        return made

    def _oxygen(self) -> Any:
        on_oxygen = self._request.supplemental_oxygen
        made = observation_pb2.Observation(
            code=concept(SNOMED, vital_entries.INSPIRED_OXYGEN),
            concept=concept(SNOMED, vital_entries.ON_OXYGEN if on_oxygen else vital_entries.AIR),
        )
        flow = self._readings.get("oxygen_flow")
        if flow is not None:
            made.components.add(code=concept(LOINC, *flow.sign.codings), quantity=flow.quantity)
        return made

    def _consciousness(self) -> Any:
        level = self._request.consciousness
        made = observation_pb2.Observation(
            code=concept(LOINC, vital_entries.CONSCIOUSNESS),
            concept=concept(SNOMED, vital_entries.LEVELS[level]),
            interpretations=["N" if level == "A" else "AA"],
        )
        if level != "A":
            self._warn("CRITICAL_VALUE", "consciousness", "The patient is not alert.")
        return made

    def _body_mass_index(self) -> None:
        """Of a weight with a height: of this set or, of an adult, the last one since coming of age."""
        weight, height = self._readings.get("weight"), self._readings.get("height")
        if weight is None:
            return
        if height is not None:
            centimetres, source = height.value, self._ids["height"]
        elif self._context.height_id and _is_adult(self._age) and _is_adult(self._age_at_height()):
            centimetres, source = self._context.height, self._context.height_id
            self._warn("EARLIER_HEIGHT", "height", "The body mass index was computed with an earlier height.")
        else:
            return
        reading = vital_entries.body_mass_index(weight.value, centimetres)
        made = observation_pb2.Observation(
            code=concept(LOINC, *reading.sign.codings),
            quantity=reading.quantity,
            derived_from_ids=[self._ids["weight"], source],
        )
        self._judge(made, "body_mass_index", reading)
        self._add("body_mass_index", made)

    def _age_at_height(self) -> Age | None:
        return vital_ranges.age(self._context.birth_date, self._context.height_day)

    def _early_warning(self) -> None:
        missing = [name for name in _SEVEN if name not in self._ids]
        if len(missing) == len(_SEVEN) - 1 or len(missing) == len(_SEVEN):
            # Nobody was about to score.
            return
        if self._age is None or self._age.least < early_warning.LEAST_AGE:
            text = f"NEWS2 holds from the age of {early_warning.LEAST_AGE}: no score."
            self._warn("SCORE_NOT_FOR_AGE", "", text)
        elif self._request.pregnant or self._context.pregnant:
            self._warn("SCORE_NOT_IN_PREGNANCY", "", "NEWS2 does not hold in pregnancy: no score.")
        elif missing:
            text = f"No early warning score: {', '.join(missing)} was not given."
            self._warn("SCORE_INCOMPLETE", missing[0], text)
        else:
            self._score()

    def _score(self) -> None:
        numbers = {name: self._readings[name].value for name in _SEVEN if name in self._readings}
        score = early_warning.score(
            early_warning.Parameters(
                **numbers,
                supplemental_oxygen=self._request.supplemental_oxygen,
                consciousness=self._request.consciousness,
                hypercapnic_scale=self._request.hypercapnic_scale,
            )
        )
        made = observation_pb2.Observation(
            code=concept(SNOMED, vital_entries.NEWS2),
            quantity=quantity(score.total, _SCORE),
            interpretations=[_FLAG_OF_RISK[score.risk]],
            derived_from_ids=[self._ids[name] for name in _SEVEN],
        )
        for name, points in score.parts.items():
            scale_2 = name == "oxygen_saturation" and self._request.hypercapnic_scale
            code = vital_entries.NEWS2_PARTS[f"{name} scale 2" if scale_2 else name]
            made.components.add(code=concept(SNOMED, code), quantity=quantity(points, _SCORE))
        made.components.add(code={"text": RISK}, text=score.risk)
        self._add("early_warning_score", made)
        made.categories.append(SURVEY)
        self.observations.remove(made)
        self.score = made
        if score.risk != early_warning.LOW:
            self._warn("EARLY_WARNING", "", f"The clinical risk by NEWS2 is {score.risk}.")


def _is_adult(age: Age | None) -> bool:
    return age is not None and age.least >= _OF_AGE


def _reference(found: Range, unit: str) -> Any:
    made = observation_pb2.ReferenceRange(type="normal")
    if found.low is not None:
        made.low.CopyFrom(quantity(found.low, unit))
    if found.high is not None:
        made.high.CopyFrom(quantity(found.high, unit))
    return made
