"""What tests of orders and results share."""

from __future__ import annotations

from typing import Any

from tests.fix_clinical import concept

LOINC = "http://loinc.org"
POTASSIUM = concept("2823-3", "Potassium", LOINC)
SODIUM = concept("2951-2", "Sodium", LOINC)
ITEMS = [{"code": POTASSIUM}, {"code": SODIUM}]


def result(item: int, value: float, unit: str = "mmol/L", **fields: Any) -> dict[str, Any]:
    """A numeric result of an item."""
    return {"item": item, "quantity": {"value": value, "unit": unit, "code": unit}, **fields}


def flags(answer: Any) -> list[str]:
    """The flag of each observation."""
    return ["".join(each.interpretations) for each in answer.observations]
