"""How much is to be dispensed: exact, whole tablets, and never of what is not said."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.clinical.v1 import prescription_pb2
from hms_server.clinical import quantities

DAYS = {"h": Fraction(1, 24), "d": Fraction(1), "wk": Fraction(7), "mo": Fraction(30)}


def item(**fields):
    return prescription_pb2.PrescriptionItem(
        **{
            "dose": {"value": 1, "unit": "tablet"},
            "frequency": 3,
            "period": 1,
            "period_unit": "d",
            "duration": {"value": 5, "code": "d"},
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, 15),
        ({"period": 8, "period_unit": "h", "frequency": 1}, 15),
        ({"dose": {"value": 0.5, "unit": "tablet"}, "frequency": 1}, 3),
        (
            {
                "dose": {"value": 0.1, "unit": "tablets"},
                "frequency": 1,
                "duration": {"value": 10, "unit": "days"},
            },
            1,
        ),
        ({"dose": {"value": 5, "unit": "mL"}, "duration": {"value": 1, "unit": "week"}}, 105),
        ({"dose": {"value": 2.5, "unit": "mg"}, "frequency": 1, "duration": {"value": 3, "code": "d"}}, 7.5),
        ({"period": 1, "period_unit": "wk", "frequency": 1, "duration": {"value": 3, "code": "mo"}}, 13),
        ({"dose": {"value": 1, "code": "{tbl}", "unit": "capsule(s)"}, "frequency": 1}, 5),
    ],
)
def test_the_quantity_is_dose_by_times_by_days(fields, value):
    made = item(**fields)
    quantities.fill(made)
    assert made.quantity.value == value
    assert made.quantity.unit == made.dose.unit
    assert made.quantity_computed


@pytest.mark.parametrize(
    "fields",
    [
        {"dose": None},
        {"frequency": 0},
        {"period": 0},
        {"period_unit": ""},
        {"duration": None},
        {"duration": {"value": 5, "unit": "bottles"}},
        {"dose": {"value": 1, "unit": "tablet", "comparator": "<"}},
    ],
)
def test_what_is_not_said_is_not_computed(fields):
    made = item(**fields)
    quantities.fill(made)
    assert not made.HasField("quantity")
    assert not made.quantity_computed


def test_a_quantity_that_was_given_stays_and_one_that_was_computed_follows_the_dose():
    made = item(quantity={"value": 20, "unit": "tablet"})
    quantities.fill(made)
    assert (made.quantity.value, made.quantity_computed) == (20, False)
    made = item()
    quantities.fill(made)
    made.frequency = 2
    quantities.fill(made)
    assert (made.quantity.value, made.quantity_computed) == (10, True)
    made.ClearField("duration")
    quantities.fill(made)
    assert not made.HasField("quantity")
    assert not made.quantity_computed


@given(
    tenths=st.integers(1, 100),
    frequency=st.integers(1, 24),
    period=st.integers(1, 72),
    period_unit=st.sampled_from(sorted(DAYS)),
    duration=st.integers(1, 400),
    duration_unit=st.sampled_from(sorted(DAYS)),
    whole=st.booleans(),
)
def test_it_is_enough_and_not_a_unit_more(
    tenths, frequency, period, period_unit, duration, duration_unit, whole
):
    unit = "tablet" if whole else "mg"
    made = item(
        dose={"value": tenths / 10, "unit": unit},
        frequency=frequency,
        period=period,
        period_unit=period_unit,
        duration={"value": duration, "code": duration_unit},
    )
    quantities.fill(made)
    exact = Fraction(tenths, 10) * frequency * duration * DAYS[duration_unit] / (period * DAYS[period_unit])
    assert math.isfinite(made.quantity.value)
    if whole:
        assert made.quantity.value == math.ceil(exact)
    else:
        assert abs(Fraction(made.quantity.value) - exact) <= Fraction(1, 1999) + exact / 10**12


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 100000), st.integers(0, 1000))
def test_no_number_that_the_api_lets_in_breaks_it(value, period, frequency):
    made = item(
        dose={"value": value, "unit": "mg"},
        period=period,
        frequency=frequency,
        duration={"value": value, "code": "a"},
    )
    quantities.fill(made)
    list(quantities.contradictions(made, "x"))
    assert not made.quantity_computed or math.isfinite(made.quantity.value)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"dose": {"value": 0, "unit": "mg"}}, "x.dose.value"),
        ({"dose": {"value": -1, "unit": "mg"}}, "x.dose.value"),
        ({"period_unit": ""}, "x.period_unit"),
        ({"duration": {"value": 0, "code": "d"}}, "x.duration.value"),
        ({"duration": {"value": 2, "code": "mg"}}, "x.duration.code"),
        ({"quantity": {"value": -2}}, "x.quantity.value"),
    ],
)
def test_a_contradiction_is_named(fields, field):
    assert [v.field for v in quantities.contradictions(item(**fields), "x")] == [field]


def test_what_is_left_out_is_no_contradiction():
    assert list(quantities.contradictions(prescription_pb2.PrescriptionItem(), "x")) == []
