"""A search request's criteria, and what is refused."""

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.patient import search


def _criteria(**fields):
    return search.criteria(pb.SearchPatientsRequest(**fields))


def test_words_phone_and_dates():
    asked = _criteria(query="शर्मा Amit", phone="+91 98765 43210", birth_date="1975-04")
    assert asked.words == ("sharma", "amit")
    assert asked.phone == "9876543210"
    assert (asked.birth_from, asked.birth_before) == ("1975-04", "1975-04:")
    assert asked.patterns == ["% sharma%", "% amit%", "% 9876543210 %"]


@pytest.mark.parametrize("uhid", ["H000000174", "h 0000-00174", " h000000174 "])
def test_a_uhid_in_any_spelling(uhid):
    assert _criteria(uhid=uhid).uhid == "H000000174"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "query"),
        ({"query": "   "}, "query"),
        ({"query": "!?"}, "query"),
        ({"phone": "none"}, "phone"),
        ({"uhid": "--"}, "uhid"),
        ({"identifier": "urn:a|"}, "identifier"),
        ({"identifier": "a\0b"}, "identifier"),
        ({"birth_date": "2023-02-30"}, "birth_date"),
        ({"birth_date": "1975-4"}, "birth_date"),
        ({"query": "a", "birth_date": "yesterday"}, "birth_date"),
    ],
)
def test_what_cannot_match_is_refused(fields, field):
    with pytest.raises(errors.InvalidArgument) as refused:
        _criteria(**fields)
    assert [v.field for v in refused.value.violations] == [field]


def test_every_violation_is_told_at_once():
    with pytest.raises(errors.InvalidArgument) as refused:
        _criteria(query="?", phone="x", birth_date="13")
    assert [v.field for v in refused.value.violations] == ["query", "phone", "birth_date"]
