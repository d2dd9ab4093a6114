"""What a patient is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms_server.patient import keys

_ASHA = {
    "names": [
        {"use": "official", "family_name": "Rao", "given_names": ["Asha", "Devi"]},
        {"use": "maiden", "family_name": "Nair", "given_names": ["Asha"]},
    ],
    "telecoms": [
        {"system": "phone", "value": "+91 98765 43210"},
        {"system": "email", "value": "asha1234567@example.com"},
    ],
    "identifiers": [{"system": "urn:abha", "value": "12-34"}, {"value": "X9"}],
    "birth_date": "1984-02-29",
}


def _of(derived, kind):
    return {value for k, value in derived.pairs if k == kind}


def test_everything_a_patient_is_found_by():
    derived = keys.derive(_ASHA, "H000000174")

    assert derived.name_key == "rao asha devi"
    assert derived.birth_date == "1984-02-29"
    assert derived.search_text == " h000000174 9876543210 asha devi rao nair "
    assert _of(derived, keys.WORD) == {"h000000174", "9876543210", "asha", "devi", "rao", "nair"}
    assert _of(derived, keys.PHONE) == {"9876543210"}
    assert _of(derived, keys.IDENTIFIER) == {"12-34\x1furn:abha", "X9\x1f"}
    assert len(_of(derived, keys.NAME_BIRTH)) == 2


def test_a_partial_birth_date_makes_nobody_a_duplicate():
    derived = keys.derive({**_ASHA, "birth_date": "1984-02"}, "H1")
    assert not _of(derived, keys.NAME_BIRTH)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"family_name": "Rao", "given_names": ["Asha"]}, {"family_name": "Asha", "given_names": ["Rao"]}),
        ({"family_name": "Sharma", "given_names": ["Laxmi"]}, {"text": "लक्ष्मी शर्मा"}),
        ({"family_name": "Rao", "given_names": ["Asha", "Devi"]}, {"text": "Asha Rao"}),
    ],
)
def test_like_sounding_names_share_a_key(one, other):
    sounds = [
        _of(keys.derive({"names": [name], "birth_date": "1984-02-29"}, "H1"), keys.NAME_BIRTH)
        for name in (one, other)
    ]
    assert sounds[0] == sounds[1]


def test_a_name_as_text_is_sorted_and_found_by_its_words():
    derived = keys.derive({"names": [{"text": "Meena Kumari"}]}, "H1")
    assert derived.name_key == "meena kumari"
    assert " kumari " in derived.search_text


def test_a_uhid_of_digits_alone_is_found_as_a_long_number():
    assert "1000000174" in _of(keys.derive({"names": [{"text": "A"}]}, "91000000174"), keys.WORD)


@given(st.text(min_size=1, max_size=256), st.text(max_size=512))
def test_keys_fit_into_an_index(value, system):
    assert len(keys.identifier_key(value, system).encode()) <= 1100


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_an_identifier_lies_in_its_ranges(value, system):
    key = keys.identifier_key(value, system)
    low, high = keys.identifier_range(value, system)
    assert low <= key < high
    low, high = keys.identifier_range(value, "")
    assert low <= key < high


def test_a_value_is_not_found_by_its_beginning():
    low, high = keys.identifier_range("12", "")
    assert not low <= keys.identifier_key("123", "urn:a") < high
    assert not low <= keys.identifier_key("12 3", "urn:a") < high


def test_a_record_made_to_be_a_burden_has_few_keys():
    names = [{"given_names": [f"{i}a{n} {'x ' * 100}" for n in range(20)]} for i in range(20)]
    derived = keys.derive({"names": [*names, {"text": "z" * 512}]}, "H1")
    assert len(derived.pairs) <= 160
    assert all(len(value.encode()) <= 1100 for value in derived.values)
