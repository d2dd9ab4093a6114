"""What two records have together, what must be decided, what parting them leaves."""

import pytest

from hms_server import errors
from hms_server.patient import merge_rules as rules

NAME = {"given_names": ["Asha"], "family_name": "Rao"}


def document(**fields):
    return {"names": [NAME], "active": True, **fields}


def fields_of(conflicts):
    return [conflict.field for conflict in conflicts]


@pytest.mark.parametrize(
    ("survivor", "merged", "expected"),
    [
        ({}, {}, []),
        ({"gender": "male"}, {}, []),
        ({"gender": "male"}, {"gender": "male"}, []),
        ({"gender": "male"}, {"gender": "female"}, ["gender"]),
        ({"birth_date": "1984"}, {"birth_date": "1984-02-29"}, ["birth_date"]),
        ({"marital_status": "M"}, {"marital_status": "W"}, ["marital_status"]),
        ({"names": [{**NAME, "use": "usual"}]}, {"names": [{**NAME, "use": "official"}]}, []),
        ({}, {"names": [{"text": "Asha Rao"}]}, ["name"]),
        ({}, {"names": [NAME, {"text": "Usha"}]}, []),
        ({}, {"deceased": True}, ["deceased"]),
        ({"deceased": True}, {"deceased": True, "deceased_time": "2020"}, []),
        (
            {"deceased": True, "deceased_time": "2021"},
            {"deceased": True, "deceased_time": "2020"},
            ["deceased"],
        ),
        ({"active": True}, {"active": False}, []),
    ],
)
def test_what_both_have_and_differs_must_be_decided(survivor, merged, expected):
    for one, other in ((survivor, merged), (merged, survivor)):
        assert fields_of(rules.conflicts(document(**one), document(**other))) == expected


def test_the_conflict_of_deaths_shows_both_fields():
    (conflict,) = rules.conflicts(document(), document(deceased=True, deceased_time="2020"))
    assert conflict.survivor_value == '{"deceased":false}'
    assert conflict.merged_value == '{"deceased":true,"deceased_time":"2020"}'


def test_lists_are_united_without_repeats():
    survivor = document(
        identifiers=[{"system": "urn:a", "value": "1", "use": "official"}],
        telecoms=[{"system": "phone", "value": "+91 98765 43210", "use": "home"}],
        addresses=[{"city": "Pune", "use": "home"}],
        communications=[{"language": "hi-IN", "preferred": True}],
    )
    merged = document(
        identifiers=[{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "1"}],
        telecoms=[{"system": "phone", "value": "098765-43210"}, {"system": "email", "value": "a@b.in"}],
        addresses=[{"city": "Pune", "use": "work"}, {"city": "Goa"}],
        communications=[{"language": "hi-in"}, {"language": "ta"}],
        contacts=[{"name": {"text": "Ravi"}}],
    )
    made = rules.united(survivor, merged, {})
    assert made == {
        **survivor,
        "identifiers": [*survivor["identifiers"], {"system": "urn:b", "value": "1"}],
        "telecoms": [*survivor["telecoms"], {"system": "email", "value": "a@b.in"}],
        "addresses": [*survivor["addresses"], {"city": "Goa"}],
        "communications": [*survivor["communications"], {"language": "ta"}],
        "contacts": merged["contacts"],
    }
    assert rules.united(made, merged, {}) == made
    assert dict(rules.additions(survivor, merged))["telecoms"] == ['{"system":"email","value":"a@b.in"}']


def test_what_is_empty_is_filled_and_what_was_decided_is_kept():
    survivor = document(gender="male", deceased=True)
    merged = document(gender="female", birth_date="1984", deceased=True, deceased_time="2020")
    assert rules.united(survivor, merged, {"gender": "SURVIVOR"}) == {
        **survivor,
        "birth_date": "1984",
        "deceased_time": "2020",
    }
    assert rules.united(survivor, merged, {"gender": "MERGED"})["gender"] == "female"
    living = document()
    assert rules.united(living, merged, {"deceased": "SURVIVOR"}).get("deceased") is None
    back = rules.united(merged, living, {"deceased": "MERGED"})
    assert "deceased" not in back
    assert "deceased_time" not in back


def test_a_name_that_both_have_is_shown_first_where_that_was_decided():
    other = {"text": "Usha"}
    survivor = document(names=[NAME, {**other, "use": "old"}])
    merged = document(names=[other])
    assert rules.united(survivor, merged, {"name": "MERGED"})["names"] == [{**other, "use": "old"}, NAME]


def test_a_decision_about_what_does_not_differ_is_refused():
    found = rules.conflicts(document(gender="male"), document(gender="female"))
    rules.require_decisions(found, {"gender": "MERGED"})
    with pytest.raises(errors.InvalidArgument):
        rules.require_decisions(found, {"gender": "MERGED", "name": "MERGED"})
    with pytest.raises(errors.FailedPrecondition):
        rules.require_decisions(found, {})


def test_parting_gives_back_what_stands_and_leaves_what_was_written():
    phones = [{"system": "phone", "value": str(n)} for n in range(4)]
    before = document(telecoms=phones[:1], gender="male")
    after = document(telecoms=phones[:2], gender="female", birth_date="1984")
    assert rules.parted(before, after, after) == (before, [])
    changed = {**after, "telecoms": phones[1:3], "marital_status": "M"}
    parted = rules.parted(before, after, changed)
    assert parted.document == document(telecoms=[phones[2]], gender="male", marital_status="M")
    assert parted.kept_fields == ["telecoms", "marital_status"]


def test_parting_never_takes_the_last_name():
    merged = {"text": "Usha"}
    before, after = document(), document(names=[NAME, merged])
    parted = rules.parted(before, after, document(names=[merged]))
    assert parted.document["names"] == [merged]
