"""How likely two records are one person."""

import itertools

import pytest

from hms_server.patient.likeness import likeness, record

ASHA = {
    "names": [{"given_names": ["Asha"], "family_name": "Rao"}],
    "birth_date": "1984-02-29",
    "telecoms": [{"system": "phone", "value": "9876543210"}],
    "gender": "female",
}


def compared(one, other):
    return likeness(record(one), record(other))


def named(given, family):
    return {"names": [{"given_names": [given], "family_name": family}]}


def test_the_same_record_is_certain():
    assert compared(ASHA, ASHA) == (["NAME_AND_BIRTH_DATE", "PHONE"], 1.0)
    everything = {**ASHA, "identifiers": [{"system": "urn:abha", "value": "1"}]}
    assert compared(everything, everything) == (["IDENTIFIER", "NAME_AND_BIRTH_DATE", "PHONE"], 1.0)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("1984-02-29", "1984-02-28", True),
        ("1984-02-03", "1984-03-02", True),
        ("1984", "1984-02-29", True),
        ("1984-02", "1984-02", True),
        ("1984", "1985", True),
        ("1984-02-29", "1985-03-29", False),
        ("1984", "1985-02-01", False),
        ("1984-02-29", "", False),
    ],
)
def test_birth_dates_that_are_near(one, other, near):
    for pair in ((one, other), (other, one)):
        found = compared(*({**named("Asha", "Rao"), "birth_date": date} for date in pair))
        assert ("NEAR_BIRTH_DATE" in found.reasons) == near
        assert "NAME" in found.reasons


def test_the_likelier_is_first():
    ordered = [
        ASHA,
        {**ASHA, "gender": "male"},
        {**ASHA, "birth_date": "1984-02-28"},
        {**ASHA, "birth_date": "1951-07-14"},
        # a twin
        {**ASHA, **named("Usman", "Rao"), "gender": "male"},
        # a parent
        {**ASHA, **named("Ravi", "Rao"), "birth_date": "1951-07-14"},
        # somebody at the same number
        {**ASHA, **named("Ravi", "Nair"), "birth_date": "1951-07-14", "gender": "male"},
    ]
    scores = [compared(ASHA, other).score for other in ordered]
    assert scores == sorted(scores, reverse=True)
    assert all(a > b for a, b in itertools.pairwise(scores))
    assert all(0 <= score <= 1 for score in scores)


def test_records_that_tell_little_prove_little():
    assert compared(named("Asha", "Rao"), named("Asha", "Rao")).score == 0.5


def test_names_count_in_any_order_and_by_their_sound():
    assert compared(named("Laxmi", "Sharma"), named("Sharma", "Lakshmi")).reasons == ["NAME"]


def test_another_number_of_the_same_system_is_no_sign_of_another_person():
    def with_identifier(value):
        return {**ASHA, "identifiers": [{"system": "urn:mrn", "value": value}]}

    assert compared(with_identifier("1"), with_identifier("2")) == compared(ASHA, ASHA)
