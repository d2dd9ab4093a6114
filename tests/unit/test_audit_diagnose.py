"""What was done to a chain is named rightly, wherever and to however many events it was done."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms_server import ids
from hms_server.audit import chain
from hms_server.audit.diagnose import Stored, diagnose
from hms_server.audit.proof import Proof
from hms_server.audit.record import Taken
from hms_server.keyring import Keyring

KEYS = Keyring(signing=(), audit=(("k", b"k" * 32),), page_token=b"", request_hash=b"")
TENANT = ids.uuid7()
patient = settings(deadline=None)


def chained(count):
    taken = [
        Taken(
            n, ids.uuid7(), f"2026-01-01T00:00:{n:02}.000000Z", {"action": "READ", "reason": str(n)}, [], "OK"
        )
        for n in range(count)
    ]
    events, _ = chain.extend(
        taken, tenant_id=TENANT, sequence=0, previous=chain.START, key_id="k", key=b"k" * 32
    )
    return events


def renumbered(events):
    return [{**event, "sequence": n} for n, event in enumerate(events, start=1)]


def found(events, end_hash=None):
    """The number and the kind of the first fault."""
    proof = Proof(KEYS)
    for place, event in enumerate(events):
        fault = proof.follow(event, bytes.fromhex(event["hash"]), 0)
        if fault is not None:
            rest = [Stored(each, bytes.fromhex(each["hash"])) for each in events[place:]]
            named = diagnose(fault, proof, rest, end_hash)
            return named.sequence, named.kind
    return None


@patient
@given(st.integers(2, 9), st.data(), st.sampled_from(["reason", "hash"]))
def test_an_edit_is_an_edit(count, data, field):
    events = chained(count)
    end = bytes.fromhex(events[-1]["hash"])
    place = data.draw(st.integers(0, count - 1))
    events[place][field] = "00" * 32
    assert found(events, end) == (place + 1, "EDIT")


@patient
@given(st.integers(3, 12), st.data())
def test_a_deletion_is_one_also_where_the_gap_was_closed(count, data):
    events = chained(count)
    first = data.draw(st.integers(0, count - 3))
    gone = data.draw(st.integers(1, count - 2 - first))
    left = events[:first] + events[first + gone :]
    assert found(left) == (first + 1, "DELETION")
    assert found(renumbered(left)) == (first + 1, "DELETION")


@patient
@given(st.integers(2, 9), st.data())
def test_an_insertion_is_one_also_where_the_others_made_room(count, data):
    events = chained(count)
    place = data.draw(st.integers(0, count - 1))
    forged = copy.deepcopy(data.draw(st.sampled_from(events)))
    forged["id"], forged["sequence"] = ids.uuid7(), events[place]["sequence"]
    inserted = [*events[:place], forged, *events[place:]]
    assert found(inserted) == (place + 1, "INSERTION")
    assert found(renumbered(inserted)) == (place + 1, "INSERTION")


@patient
@given(st.integers(2, 9), st.data())
def test_a_change_of_places_is_one(count, data):
    events = chained(count)
    one = data.draw(st.integers(0, count - 2))
    other = data.draw(st.integers(one + 1, count - 1))
    moved = events[:]
    moved.insert(one, moved.pop(other))
    assert found(renumbered(moved)) == (one + 1, "REORDERING")
    moved = events[:]
    moved.insert(other, moved.pop(one))
    assert found(renumbered(moved)) == (one + 1, "REORDERING")


@pytest.mark.parametrize("count", [1, 5])
def test_a_whole_chain_has_no_fault(count):
    assert found(chained(count)) is None
