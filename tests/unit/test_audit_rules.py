"""Records fitted to their columns, fields that changed, and time ranges."""

from __future__ import annotations

import datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from hms_server import errors
from hms_server.audit import rules
from hms_server.audit.record import Taken, event_of

A, B, C = (f"01890000-0000-7000-8000-00000000000{end}" for end in "abc")
odd_values = st.sampled_from([None, True, -1, 2**53, 2**80, 0.5, "", "x", A, A.upper(), [], [A], {"a": 1}])
COLUMNS = ["action", "actor_id", "session_id", "entity_id", "address", "old_version", "new_version", "odd"]


def taken(record, patient_ids=()):
    return Taken(1, A, "2026-01-01T00:00:00.000000Z", record, list(patient_ids), "OK")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS), odd_values))
def test_any_record_fits_the_columns(record):
    event = event_of(taken(record))
    assert all(isinstance(event[name], str) for name in ("action", "entity_id", "address"))
    assert all(event[name] is None or len(event[name]) == 36 for name in ("actor_id", "session_id"))
    assert all(0 <= event[name] < 2**53 for name in ("old_version", "new_version"))
    assert "odd" not in event


GROUPS = st.dictionaries(st.sampled_from(["type", "action", "ids", "odd"]), odd_values | st.lists(odd_values))


@settings(deadline=None)
@given(odd_values | st.lists(odd_values | GROUPS))
def test_any_list_of_entities_fits_the_columns(entities):
    event = event_of(taken({"entities": entities}))
    groups, listed = event.get("entities", []), event.get("entity_ids", [])
    assert ("entities" in event) == ("entity_ids" in event) == bool(listed)
    assert sum(group["count"] for group in groups) == len(listed)
    assert all(isinstance(group[name], str) for group in groups for name in ("type", "action"))
    assert set(listed) <= {A}


def test_entities_are_listed_once_by_type_and_action():
    def group(kind, action, *listed):
        return {"type": kind, "action": action, "ids": list(listed)}

    event = event_of(
        taken({"entities": [group("a", "CREATE", B, A), group("b", "CREATE", A), group("a", "CREATE", C, B)]})
    )
    assert event["entities"] == [
        {"type": "a", "action": "CREATE", "count": 3},
        {"type": "b", "action": "CREATE", "count": 1},
    ]
    assert event["entity_ids"] == [B, A, C, A]


def test_an_id_is_kept_as_it_is_asked_for():
    assert event_of(taken({"entity_id": A.upper()}))["entity_id"] == A
    assert event_of(taken({"entity_id": "Ward 7"}))["entity_id"] == "Ward 7"


def test_what_fits_is_kept():
    event = event_of(taken({"actor_id": A, "action": "READ", "new_version": 3}))
    assert (event["actor_id"], event["action"], event["new_version"]) == (A, "READ", 3)


def test_patients_are_named_once_and_in_order():
    assert event_of(taken({}, [B, A, None, B]))["patient_ids"] == [A, B]


def test_changes_name_the_fields_that_differ():
    old = {"family_name": "Rao", "names": [{"family_name": "Rao"}], "active": True, "delete_time": None}
    new = {"family_name": "Rao", "names": [{"family_name": "Räo"}], "birth_date": "1990", "delete_time": None}
    assert rules.changes(old, new) == [
        ("active", "true", ""),
        ("birth_date", "", '"1990"'),
        ("names", '[{"family_name":"Rao"}]', '[{"family_name":"Räo"}]'),
    ]


def test_a_new_record_changes_every_field_that_it_sets():
    assert rules.changes(None, {"uhid": "H1", "delete_time": None}) == [("uhid", "", '"H1"')]


def test_no_versions_no_changes():
    assert rules.changes(None, None) == []


def test_time_ranges():
    first, last = rules.time_range(Timestamp(seconds=1), Timestamp(seconds=2, nanos=5_000))
    assert first == datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.UTC)
    assert last is not None
    assert last.microsecond == 5
    assert rules.time_range(None, None) == (None, None)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (Timestamp(seconds=2), Timestamp(seconds=1), "end_time"),
        (Timestamp(seconds=2**60), None, "start_time"),
        (None, Timestamp(seconds=-(2**60)), "end_time"),
        (Timestamp(nanos=-1), None, "start_time"),
    ],
)
def test_impossible_time_ranges_are_refused(start, end, field):
    with pytest.raises(errors.InvalidArgument) as refused:
        rules.time_range(start, end)
    assert refused.value.violations[0].field == field
