"""Flags of results: no value, unit, age or comparator makes a wrong one."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.clinical.v1 import observation_pb2, result_pb2
from hms_server import errors
from hms_server.clinical import result_flags
from hms_server.clinical.result_ranges import TESTS, Range, age_in_days, flag

POTASSIUM, GLUCOSE, HAEMOGLOBIN = "2823-3", "2345-7", "718-7"
TODAY = datetime.date(2026, 3, 1)
codes = st.sampled_from(sorted(TESTS))
values = st.floats(min_value=0, max_value=5000, allow_nan=False)
genders = st.sampled_from(["male", "female"])


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "wanted"),
    [
        (POTASSIUM, 4.1, "mmol/L", "N"),
        (POTASSIUM, 3.5, "mmol/L", "N"),
        (POTASSIUM, 5.0, "meq/L", "N"),
        (POTASSIUM, 5.1, "mmol/L", "H"),
        (POTASSIUM, 3.4, "mmol/L", "L"),
        (POTASSIUM, 6.2, "mmol/L", "HH"),
        (POTASSIUM, 2.8, "mmol/L", "LL"),
        (GLUCOSE, 40, "mg/dL", "LL"),
        (GLUCOSE, 2.2, "mmol/L", "LL"),
        (GLUCOSE, 5.5, "mmol/L", "N"),
        (GLUCOSE, 30, "mmol/L", "HH"),
        ("2160-0", 800, "umol/L", "HH"),
        ("777-3", 20, "10*3/uL", "LL"),
        ("777-3", 200_000, "/uL", "N"),
    ],
)
def test_a_value_is_flagged_by_its_unit(loinc, value, unit, wanted):
    assert flag(loinc, value, unit, gender="male").code == wanted


def test_the_range_goes_by_gender():
    assert flag(HAEMOGLOBIN, 13, "g/dL", gender="female").code == "N"
    assert flag(HAEMOGLOBIN, 13, "g/dL", gender="male").code == "L"
    unknown = flag(HAEMOGLOBIN, 13, "g/dL")
    assert not unknown.code
    assert "gender" in unknown.warning
    # What is critical is so for everybody.
    assert flag(HAEMOGLOBIN, 5, "g/dL").code == "LL"


@pytest.mark.parametrize("unit", ["mg/dL", "", "mmol/l", "g/L"])
def test_a_unit_that_is_not_the_tests_own_is_never_flagged(unit):
    found = flag(POTASSIUM, 7.5, unit)
    assert not found.code
    assert "unit" in found.warning


def test_a_code_without_a_range_is_told():
    assert "no range" in flag("99999-9", 1, "mg/dL").warning


def test_a_child_is_not_measured_by_the_range_of_adults_but_alarms_all_the_same():
    child = 365 * 6
    assert not flag(POTASSIUM, 5.2, "mmol/L", age_days=child).code
    assert flag(POTASSIUM, 7.0, "mmol/L", age_days=child).code == "HH"
    assert not flag(POTASSIUM, 7.0, "mmol/L", age_days=3).code
    assert flag(POTASSIUM, 5.2, "mmol/L", age_days=child, own=Range(3.4, 4.7)).code == "H"


@given(codes, values, genders)
def test_a_flag_is_on_the_right_side(loinc, value, gender):
    test = TESTS[loinc]
    unit = next(iter(test.units))
    usual = test.of(gender)
    found = flag(loinc, value, unit, gender=gender).code
    if found == "N":
        assert usual.low is None or value >= usual.low - 1e-6
        assert usual.high is None or value <= usual.high + 1e-6
    elif found in ("L", "LL"):
        limit = usual.low if found == "L" else test.critical.low
        assert value <= limit + 1e-6
    else:
        limit = usual.high if found == "H" else test.critical.high
        assert value >= limit - 1e-6


@given(codes, genders)
def test_critical_limits_lie_outside_the_range(loinc, gender):
    test = TESTS[loinc]
    usual = test.of(gender)
    if test.critical.low is not None:
        assert usual.low is not None
        assert test.critical.low < usual.low
    if test.critical.high is not None:
        assert usual.high is not None
        assert test.critical.high > usual.high


@given(codes, values, values, genders)
def test_a_higher_value_never_has_a_lower_flag(loinc, one, other, gender):
    order = ["LL", "L", "N", "H", "HH"]
    unit = next(iter(TESTS[loinc].units))
    low, high = (flag(loinc, value, unit, gender=gender).code for value in sorted((one, other)))
    assert order.index(low) <= order.index(high)


@given(codes, values, genders)
def test_the_same_amount_in_another_unit_has_the_same_flag(loinc, value, gender):
    test = TESTS[loinc]
    found = {flag(loinc, value / factor, unit, gender=gender).code for unit, factor in test.units.items()}
    limits = [
        end for each in (test.of(gender), test.critical) for end in (each.low, each.high) if end is not None
    ]
    if all(abs(value - limit) > 1e-6 * max(1, limit) for limit in limits):
        assert len(found) == 1


@given(codes, values, genders, st.sampled_from(["<", "<=", ">", ">="]))
def test_a_comparator_is_flagged_only_where_every_value_it_allows_would_be(loinc, value, gender, comparator):
    unit = next(iter(TESTS[loinc].units))
    found = flag(loinc, value, unit, comparator, gender=gender)
    inside = (value * 0.5 if value else -1.0) if "<" in comparator else value * 2 + 1
    other = flag(loinc, inside, unit, gender=gender)
    if found.code:
        worse = {"L": {"L", "LL"}, "H": {"H", "HH"}}.get(found.code, {found.code})
        assert other.code in worse
    else:
        assert found.warning


def test_an_age_counts_from_what_is_known_of_the_birth_date():
    assert age_in_days("2026-02-27", TODAY) == 2
    assert age_in_days("2026-02", TODAY) == 1
    assert age_in_days("1980", TODAY) == (TODAY - datetime.date(1980, 12, 31)).days
    assert age_in_days("2026", TODAY) == 0
    assert age_in_days("", TODAY) is None
    assert age_in_days("2027-01-01", TODAY) is None


@given(st.dates(datetime.date(1900, 1, 1), TODAY), st.sampled_from([4, 7, 10]))
def test_an_age_of_a_partial_date_is_never_more_than_it_is(born, length):
    days = age_in_days(born.isoformat()[:length], TODAY)
    assert days is not None
    assert 0 <= days <= (TODAY - born).days


def flagged(**fields):
    warnings = []
    made = observation_pb2.Observation(code={"codings": [{"system": "http://loinc.org", "code": POTASSIUM}]})
    person = result_flags.Person("male", 40 * 366)
    found = result_flags.flag("results[0]", result_pb2.OrderResult(**fields), made, person, warnings)
    return found, warnings


def test_a_laboratory_cannot_talk_a_critical_value_down():
    found, warnings = flagged(quantity={"value": 7, "code": "mmol/L"}, interpretation="N")
    assert found == "HH"
    assert "critical" in warnings[0]
    # Neither by a flag nor by a range of its own.
    wide = {"low": {"value": 1, "code": "mmol/L"}, "high": {"value": 9, "code": "mmol/L"}}
    assert flagged(quantity={"value": 7, "code": "mmol/L"}, reference_range=wide)[0] == "HH"


def test_a_laboratorys_own_range_and_flag_are_taken():
    narrow = {"low": {"value": 4, "code": "mmol/L"}, "high": {"value": 4.5, "code": "mmol/L"}}
    assert flagged(quantity={"value": 4.8, "code": "mmol/L"}, reference_range=narrow) == ("H", [])
    assert flagged(quantity={"value": 4.2, "code": "mmol/L"}, interpretation="A") == ("A", [])
    assert flagged(text="growth of E. coli", interpretation="AA") == ("AA", [])


def test_a_range_in_another_unit_flags_nothing():
    other = {"low": {"value": 4, "code": "mg/dL"}, "high": {"value": 5, "code": "mg/dL"}}
    found, warnings = flagged(quantity={"value": 4.2, "code": "mmol/L"}, reference_range=other)
    assert (found, len(warnings)) == ("", 1)


def test_a_range_in_another_unit_does_not_hide_a_critical_value():
    other = {"low": {"value": 4, "code": "mg/dL"}, "high": {"value": 5, "code": "mg/dL"}}
    assert flagged(quantity={"value": 7, "code": "mmol/L"}, reference_range=other)[0] == "HH"


def test_a_range_upside_down_is_refused():
    wrong = {"low": {"value": 5, "code": "mmol/L"}, "high": {"value": 4, "code": "mmol/L"}}
    with pytest.raises(errors.InvalidArgument):
        flagged(quantity={"value": 4.2, "code": "mmol/L"}, reference_range=wrong)
