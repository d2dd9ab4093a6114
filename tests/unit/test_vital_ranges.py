"""Ages, ranges and flags of vital signs, units and limits."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.clinical.v1 import vital_signs_pb2 as pb
from hms_server.clinical import vital_entries, vital_ranges
from hms_server.clinical.vital_ranges import Age, Range

DAY = datetime.date(2026, 3, 1)
RANGED = ["pulse", "respiratory_rate", "systolic", "diastolic", "temperature", "oxygen_saturation"]


def years(value):
    return Age(value, value)


def flag(sign, age, value):
    return vital_ranges.flag(sign, vital_ranges.find(sign, years(age)), value)


@pytest.mark.parametrize(
    ("born", "least", "most"),
    [
        ("2010-03-01", 16, 16),
        ("2010-03-02", 15.99, 16),
        ("2008-02-29", 18, 18.01),
        ("2010", 15.1, 16.17),
        ("2010-03", 15.9, 16),
        ("2026-03-01", 0, 0),
    ],
)
def test_an_age_is_between_what_the_birth_date_allows(born, least, most):
    found = vital_ranges.age(born, DAY)
    assert found.least >= least - 0.011
    assert found.most <= most + 0.011
    assert found.least <= found.most


@pytest.mark.parametrize("born", ["", "2026-03-02", "2027"])
def test_nobody_has_an_age_before_birth(born):
    assert vital_ranges.age(born, DAY) is None


@given(st.dates(datetime.date(1900, 1, 1), DAY))
def test_the_sixteenth_birthday_is_the_day_that_counts(born):
    whole = DAY.year - born.year - ((DAY.month, DAY.day) < (born.month, born.day))
    found = vital_ranges.age(born.isoformat(), DAY)
    assert found.least == found.most
    assert int(found.least) == whole


def test_a_year_of_birth_that_leaves_the_band_open_gives_no_range():
    assert vital_ranges.find("pulse", Age(5.5, 6.5)) is None
    assert vital_ranges.find("pulse", Age(30, 31)) == Range(51, 90, 41, 130)
    assert vital_ranges.find("pulse", None) is None
    assert vital_ranges.find("weight", years(30)) is None


@pytest.mark.parametrize(
    ("sign", "age", "values"),
    [
        ("pulse", 0.01, {99: "L", 100: "N", 205: "N", 206: "H"}),
        ("pulse", 0.5, {99: "L", 100: "N", 190: "N", 191: "H"}),
        ("pulse", 2, {97: "L", 98: "N", 140: "N", 141: "H"}),
        ("pulse", 4, {79: "L", 80: "N", 120: "N", 121: "H"}),
        ("pulse", 8, {74: "L", 75: "N", 118: "N", 119: "H"}),
        ("pulse", 14, {59: "L", 60: "N", 100: "N", 101: "H"}),
        ("pulse", 16, {40: "LL", 41: "L", 50: "L", 51: "N", 90: "N", 91: "H", 130: "H", 131: "HH"}),
        ("respiratory_rate", 0.5, {29: "L", 30: "N", 53: "N", 54: "H"}),
        ("respiratory_rate", 40, {8: "LL", 9: "L", 12: "N", 20: "N", 21: "H", 24: "H", 25: "HH"}),
        ("systolic", 0.5, {69: "LL", 70: "L", 72: "N", 104: "N", 105: "H"}),
        ("systolic", 5, {79: "LL", 80: "L", 89: "N", 112: "N", 113: "H"}),
        ("systolic", 9, {87: "LL", 88: "L", 97: "N"}),
        ("systolic", 10, {89: "LL", 90: "L", 102: "N", 120: "N", 121: "H"}),
        ("systolic", 12, {89: "LL", 90: "L", 110: "N", 131: "N", 132: "H"}),
        ("systolic", 50, {90: "LL", 91: "L", 101: "N", 139: "N", 140: "H", 180: "H", 181: "HH"}),
        ("diastolic", 50, {59: "L", 60: "N", 89: "N", 90: "H", 110: "H", 111: "HH"}),
        ("temperature", 0.1, {37.9: "N", 38.0: "HH", 35.0: "LL"}),
        ("temperature", 30, {35.0: "LL", 35.1: "L", 36.1: "N", 38.0: "N", 38.1: "H", 41.6: "HH"}),
        ("oxygen_saturation", 3, {89: "LL", 90: "L", 94: "N"}),
        ("oxygen_saturation", 30, {91: "LL", 92: "L", 96: "N", 100: "N"}),
        ("capillary_glucose mg/dL", 30, {53: "LL", 54: "L", 70: "N", 199: "N", 200: "H", 540: "HH"}),
        ("capillary_glucose mmol/L", 30, {2.9: "LL", 3.0: "L", 3.9: "N", 11.0: "N", 11.1: "H", 30.0: "HH"}),
        ("capillary_glucose mg/dL", 0.01, {17: "LL", 18: "L", 45: "N"}),
        ("body_mass_index", 18, {15.9: "LL", 16: "L", 18.5: "N", 24.9: "N", 25: "H", 40: "HH"}),
    ],
    ids=lambda value: str(value) if not isinstance(value, dict) else "flags",
)
def test_the_flags_change_where_the_source_says(sign, age, values):
    assert {value: flag(sign, age, value) for value in values} == values


ORDER = ["LL", "L", "N", "H", "HH"]


@given(st.sampled_from(RANGED), st.floats(0, 100), st.floats(0, 400), st.floats(0, 400))
def test_a_higher_value_never_has_a_lower_flag(sign, age, one, other):
    low, high = sorted((one, other))
    assert ORDER.index(flag(sign, age, low)) <= ORDER.index(flag(sign, age, high))


@given(st.sampled_from(RANGED), st.floats(0, 100))
def test_every_age_has_a_range_of_every_sign(sign, age):
    found = vital_ranges.find(sign, years(age))
    assert found.critical_low <= found.low
    assert found.high is None or found.low < found.high <= found.critical_high


def read(**fields):
    return vital_entries.read(pb.RecordVitalSignsRequest(**fields))


@pytest.mark.parametrize(
    ("name", "value", "unit", "kept"),
    [
        ("temperature", 98.6, "[degF]", 37.0),
        ("temperature", 212 / 2, "[degF]", 41.11),
        ("temperature", 37.25, "Cel", 37.25),
        ("weight", 154.32, "[lb_av]", 69.998),
        ("weight", 3250, "g", 3.25),
        ("height", 70, "[in_i]", 177.8),
        ("height", 1.8, "m", 180),
        ("head_circumference", 14, "[in_i]", 35.6),
        ("systolic", 16, "kPa", 120),
    ],
)
def test_a_unit_becomes_the_one_that_is_kept(name, value, unit, kept):
    readings, wrong = read(**{name: {"value": value, "unit": unit}})
    assert (wrong, readings[name].value) == ([], kept)


@given(st.floats(10, 47))
def test_a_temperature_in_fahrenheit_is_the_same_temperature(celsius):
    readings, wrong = read(temperature={"value": celsius * 1.8 + 32, "unit": "[degF]"})
    if not wrong:
        assert abs(readings["temperature"].value - celsius) <= 0.0051


@given(st.floats(0.2, 600))
def test_a_weight_in_pounds_is_the_same_weight(kilograms):
    readings, _ = read(weight={"value": kilograms / 0.45359237, "unit": "[lb_av]"})
    assert abs(readings["weight"].value - kilograms) <= 0.00051


@given(st.floats(16, 279))
def test_a_height_in_inches_is_the_same_height(centimetres):
    readings, _ = read(height={"value": centimetres / 2.54, "unit": "[in_i]"})
    assert abs(readings["height"].value - centimetres) <= 0.051


@given(
    st.sampled_from(sorted(vital_entries.SIGNS)), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
def test_whatever_is_sent_is_kept_within_the_limits_or_named(name, value, unit):
    unit = unit[:32].replace("\ud800", "")
    try:
        readings, wrong = read(**{name: {"value": value, "unit": unit}})
    except UnicodeEncodeError:
        return
    sign = vital_entries.SIGNS[name]
    if name in readings:
        assert sign.least <= readings[name].value <= sign.most
    else:
        assert any(violation.field.startswith(name) for violation in wrong)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "pulse"),
        ({"temperature": {"value": 98.6}}, "temperature.value"),
        ({"temperature": {"value": 37, "unit": "K"}}, "temperature.unit"),
        ({"oxygen_saturation": {"value": 101}}, "oxygen_saturation.value"),
        ({"pulse": {"value": -1}}, "pulse.value"),
        ({"diastolic": {"value": 80}}, "systolic"),
        ({"systolic": {"value": 80}, "diastolic": {"value": 81}}, "diastolic.value"),
        ({"capillary_glucose": {"value": 100}}, "capillary_glucose.unit"),
        ({"oxygen_flow": {"value": 2}}, "supplemental_oxygen"),
        ({"oxygen_flow": {"value": 2}, "supplemental_oxygen": False}, "supplemental_oxygen"),
    ],
    ids=lambda value: value if isinstance(value, str) else "sent",
)
def test_what_cannot_be_is_named(fields, named):
    _, wrong = read(**fields)
    assert [violation.field for violation in wrong] == [named]


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 13.7), ("temperature", 46.5), ("pulse", 0), ("systolic", 370), ("weight", 0.212)],
)
def test_what_was_ever_measured_is_taken(name, value):
    readings, wrong = read(**{name: {"value": value}})
    assert (wrong, readings[name].value) == ([], value)
