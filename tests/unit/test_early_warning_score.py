"""NEWS2 against the chart of the Royal College of Physicians (2017), each value of each parameter."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms_server.clinical import early_warning
from hms_server.clinical.early_warning import Parameters

WELL = Parameters(16, 97, False, 120, 70, "A", 37.0)


def part(name, **changed):
    import dataclasses

    return early_warning.score(dataclasses.replace(WELL, **changed)).parts[name]


def table(*rows):
    """Each whole number of the chart's rows: (from, to, score)."""
    return {value: points for first, last, points in rows for value in range(first, last + 1)}


# Chart 1, read row by row.
RESPIRATORY_RATE = table((0, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, 150, 3))
SATURATION_1 = table((1, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0))
SATURATION_2_AIR = table((1, 83, 3), (84, 85, 2), (86, 87, 1), (88, 100, 0))
SATURATION_2_OXYGEN = table(
    (1, 83, 3), (84, 85, 2), (86, 87, 1), (88, 92, 0), (93, 94, 1), (95, 96, 2), (97, 100, 3)
)
SYSTOLIC = table((0, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, 400, 3))
PULSE = table((0, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, 400, 3))
TENTHS = table((100, 350, 3), (351, 360, 1), (361, 380, 0), (381, 390, 1), (391, 470, 2))


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("respiratory_rate", RESPIRATORY_RATE),
        ("oxygen_saturation", SATURATION_1),
        ("systolic", SYSTOLIC),
        ("pulse", PULSE),
    ],
    ids=["respiratory_rate", "oxygen_saturation", "systolic", "pulse"],
)
def test_every_value_scores_as_the_chart_says(name, chart):
    assert {value: part(name, **{name: value}) for value in chart} == chart


def test_every_temperature_scores_as_the_chart_says():
    assert {tenth: part("temperature", temperature=tenth / 10) for tenth in TENTHS} == TENTHS


@pytest.mark.parametrize("on_oxygen", [False, True])
def test_the_hypercapnic_scale_scores_as_the_chart_says(on_oxygen):
    chart = SATURATION_2_OXYGEN if on_oxygen else SATURATION_2_AIR
    found = {
        value: part(
            "oxygen_saturation",
            oxygen_saturation=value,
            supplemental_oxygen=on_oxygen,
            hypercapnic_scale=True,
        )
        for value in chart
    }
    assert found == chart


def test_oxygen_scores_two_and_whoever_is_not_alert_three():
    assert part("supplemental_oxygen", supplemental_oxygen=True) == 2
    assert {level: part("consciousness", consciousness=level) for level in "ACVPU"} == {
        "A": 0,
        "C": 3,
        "V": 3,
        "P": 3,
        "U": 3,
    }


def test_a_temperature_between_two_tenths_is_read_as_the_nearer():
    assert [part("temperature", temperature=t) for t in (35.04, 35.05, 36.04, 36.05, 38.04, 38.05)] == [
        *(3, 1, 1, 0, 0, 1)
    ]


def test_the_risk_is_that_of_the_thresholds():
    """Chart 2: 0-4 low, 3 in one parameter low-medium, 5-6 medium, 7 and more high."""
    for parts in itertools.product(range(4), repeat=3):
        score = early_warning.Score(dict(zip(("a", "b", "c"), parts, strict=True)))
        total = sum(parts)
        expected = "HIGH" if total >= 7 else "MEDIUM" if total >= 5 else "LOW_MEDIUM" if 3 in parts else "LOW"
        assert (score.total, score.risk) == (total, expected)


@given(
    st.builds(
        Parameters,
        respiratory_rate=st.floats(0, 150),
        oxygen_saturation=st.floats(1, 100),
        supplemental_oxygen=st.booleans(),
        systolic=st.floats(0, 400),
        pulse=st.floats(0, 400),
        consciousness=st.sampled_from("ACVPU"),
        temperature=st.floats(10, 47),
        hypercapnic_scale=st.booleans(),
    )
)
def test_every_set_of_parameters_scores_from_0_to_20(parameters):
    score = early_warning.score(parameters)
    assert 0 <= score.total <= 20
    assert set(score.parts.values()) <= {0, 1, 2, 3}
    assert len(score.parts) == 7
