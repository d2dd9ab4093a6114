"""The words that a patient takes home."""

from __future__ import annotations

import pytest

from hms.clinical.v1 import observation_pb2, order_pb2, prescription_pb2
from hms_server.clinical import summary_text

AMOXICILLIN = {
    "medication": {"text": "Amoxicillin 500 mg"},
    "dose": {"value": 1, "unit": "capsule"},
    "frequency": 3,
    "period": 1,
    "period_unit": "d",
    "duration": {"value": 5, "unit": "d", "code": "d"},
    "quantity": {"value": 15, "unit": "capsule"},
}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, "Amoxicillin 500 mg, 1 capsule, 3 times a day for 5 days, 15 capsules"),
        (
            {"frequency": 1, "as_needed": True, "quantity": None, "instructions": ["with food"]},
            "Amoxicillin 500 mg, 1 capsule, once a day for 5 days as needed (with food)",
        ),
        (
            {"frequency": 1, "period": 8, "period_unit": "h", "dose": {"value": 250, "unit": "mg"}},
            "Amoxicillin 500 mg, 250 mg, every 8 hours for 5 days, 15 capsules",
        ),
        (
            {"frequency": 2, "period_unit": "wk", "duration": None, "route": {"text": "by mouth"}},
            "Amoxicillin 500 mg, 1 capsule, by mouth, twice a week, 15 capsules",
        ),
        (
            {"duration": {"value": 1, "unit": "weeks", "code": "wk"}, "frequency": 2, "period": 3},
            "Amoxicillin 500 mg, 1 capsule, twice every 3 days for 1 week, 15 capsules",
        ),
        (
            {"frequency": 0, "period": 0, "period_unit": "", "duration": None, "quantity": None},
            "Amoxicillin 500 mg, 1 capsule",
        ),
    ],
)
def test_a_prescription_is_read_as_plain_english(change, wanted):
    fields = {name: value for name, value in {**AMOXICILLIN, **change}.items() if value is not None}
    assert summary_text.prescription_line(prescription_pb2.PrescriptionItem(**fields)) == wanted


def observation(**fields):
    return observation_pb2.Observation(code={"text": "Potassium"}, **fields)


def test_a_result_says_its_flag_and_range():
    made = observation(
        quantity={"value": 6.8, "unit": "mmol/L"},
        interpretations=["HH"],
        reference_ranges=[{"low": {"value": 3.5}, "high": {"value": 5}}],
    )
    assert summary_text.observation_line(made) == "Potassium: 6.8 mmol/L [3.5-5] (CRITICALLY HIGH)"
    made = observation(quantity={"value": 2, "unit": "mmol/L", "comparator": "<"}, interpretations=["N"])
    assert summary_text.observation_line(made) == "Potassium: <2 mmol/L"


def test_every_kind_of_value_is_readable():
    assert summary_text.observation_line(observation(boolean=False)) == "Potassium: no"
    assert summary_text.observation_line(observation(integer=0)) == "Potassium: 0"
    assert summary_text.observation_line(observation(concept={"codings": [{"code": "x"}]})) == "Potassium: x"
    assert summary_text.observation_line(observation(data_absent_reason="unknown")) == "Potassium: unknown"
    parts = observation(
        components=[
            {
                "code": {"text": "systolic"},
                "quantity": {"value": 150, "unit": "mmHg"},
                "interpretations": ["H"],
            },
            {"code": {"text": "diastolic"}, "quantity": {"value": 80, "unit": "mmHg"}},
        ]
    )
    assert summary_text.observation_line(parts) == "Potassium: systolic 150 mmHg (high), diastolic 80 mmHg"


@pytest.mark.parametrize(
    ("birth_date", "wanted"),
    [
        ("1980-03-02", "45 years"),
        ("1980-03-01", "46 years"),
        ("2025-08-01", "7 months"),
        ("2025-01-30", "13 months"),
        ("2026-02-20", "9 days"),
        ("1950", "76 years"),
        ("", ""),
        ("2027-01-01", ""),
    ],
)
def test_an_age_is_told_as_people_tell_it(birth_date, wanted):
    assert summary_text.age(birth_date, "2026-03-01T10:00:00Z") == wanted


def test_only_sections_that_hold_something_are_shown():
    made = summary_text.text(["A", "", "B"], {"One": [], "Two": ["x\ny", " "]})
    assert made == "A\nB\n\nTwo:\n- x\n  y\n"


def test_an_order_says_how_urgent_it_is():
    made = order_pb2.Order(
        category="imaging", state="IN_PROGRESS", priority="stat", items=[{"code": {"text": "Chest X-ray"}}]
    )
    assert summary_text.order_line(made) == "Chest X-ray (imaging, stat): in progress"
