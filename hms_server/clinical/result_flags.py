"""The flag of one result: computed, the laboratory's own, or none with the reason. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import datetime

from hms.clinical.v1 import observation_pb2, result_pb2
from hms.common.v1 import datatypes_pb2
from hms_server import errors
from hms_server.clinical import result_ranges
from hms_server.clinical.result_ranges import CRITICAL, Range
from hms_server.clinical.rules import LOINC

UCUM = "http://unitsofmeasure.org"


@dataclasses.dataclass(frozen=True)
class Person:
    """Whose results they are, as far as ranges depend on it."""

    gender: str
    age_days: int | None


def person(gender: str | None, birth_date: str | None, today: datetime.date) -> Person:
    """Whose results they are."""
    return Person(gender or "", result_ranges.age_in_days(birth_date or "", today))


def flag(
    path: str,
    result: result_pb2.OrderResult,
    made: observation_pb2.Observation,
    person: Person,
    warnings: list[str],
) -> str:
    """The flag of a result: a computed critical one, or the laboratory's own, or the computed one."""
    sent = str(result.interpretation)
    if result.WhichOneof("value") != "quantity":
        return sent
    quantity = result.quantity
    own, why = None, ""
    if result.HasField("reference_range"):
        own, why = _own_range(path, result)
    unit = quantity.code if quantity.system in ("", UCUM) else ""
    loinc = next((c.code for c in made.code.codings if c.system == LOINC), "")
    computed = result_ranges.flag(
        loinc,
        quantity.value,
        unit,
        quantity.comparator,
        gender=person.gender,
        age_days=person.age_days,
        own=own,
    )
    if computed.is_critical and sent not in CRITICAL:
        if sent:
            warnings.append(f"{path}: flagged {computed.code}, not {sent}: the value is critical")
        return computed.code
    if not sent and (why or computed.warning):
        warnings.append(f"{path}: {why or computed.warning}")
    return sent or ("" if why else computed.code)


def _own_range(path: str, result: result_pb2.OrderResult) -> tuple[Range | None, str]:
    """The laboratory's range, or why it cannot be used."""
    ends: dict[str, float] = {}
    for name in ("low", "high"):
        if result.reference_range.HasField(name):
            end = getattr(result.reference_range, name)
            if _unit(end) != _unit(result.quantity):
                return None, "the reference range has another unit than the value: no flag"
            ends[name] = end.value
    if not ends:
        return None, "the reference range has no ends: no flag"
    if len(ends) == 2 and ends["low"] > ends["high"]:
        raise errors.invalid_field(f"{path}.reference_range", "its low end must not be above its high end")
    return Range(ends.get("low"), ends.get("high")), ""


def _unit(quantity: datatypes_pb2.Quantity) -> str:
    return str(quantity.code or quantity.unit)
