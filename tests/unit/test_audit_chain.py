"""The chain's mathematics: what it writes is RFC 8785, and no change of a stored event passes."""

from __future__ import annotations

import copy

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hms_server.audit import chain
from hms_server.audit.proof import Proof
from hms_server.audit.record import Taken
from hms_server.keyring import Keyring

TENANT = "01890000-0000-7000-8000-00000000000a"
KEYS = Keyring(signing=(), audit=(("new", b"n" * 32), ("old", b"o" * 32)), page_token=b"", request_hash=b"")

# The machine may be busy with other tests: time is not what is tested here.
patient = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])

# Text as PostgreSQL can hold it: any character but NUL and halves of a surrogate pair.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
uuids = st.uuids().map(str)
records = st.builds(
    Taken,
    position=st.integers(1, 2**60),
    event_id=uuids,
    record_time=st.datetimes().map(lambda time: time.isoformat(timespec="microseconds") + "Z"),
    record=st.fixed_dictionaries(
        {"action": texts, "method": texts},
        optional={
            "actor_id": uuids | st.none(),
            "actor_name": texts,
            "entity_id": texts,
            "address": texts,
            "old_version": st.integers(0, 2**53 - 1),
            "new_version": st.integers(0, 2**53 - 1),
            "entities": st.lists(
                st.fixed_dictionaries({"type": texts, "action": texts, "ids": st.lists(uuids, max_size=3)}),
                max_size=3,
            ),
        },
    ),
    patient_ids=st.lists(uuids, max_size=4),
    outcome=texts,
)


def chained(taken, key_id="new"):
    key = KEYS.audit_key(key_id)
    return chain.extend(taken, tenant_id=TENANT, sequence=0, previous=chain.START, key_id=key_id, key=key)[0]


def first_fault(events, end=None):
    """Where a stored chain breaks, None where it holds. `end` is its last link."""
    proof = Proof(KEYS)
    for event in events:
        fault = proof.follow(event, bytes.fromhex(event["hash"]), len(event["patient_ids"]))
        if fault is not None:
            return fault.sequence
    sequence, last = end or (proof.sequence, proof.hash)
    fault = proof.end(sequence, last)
    return fault.sequence if fault is not None else None


def last_link(events):
    return len(events), bytes.fromhex(events[-1]["hash"])


@patient
@given(records)
def test_canonical_form_is_rfc_8785(taken):
    (event,) = chained([taken])
    covered = {name: event[name] for name in event if name in chain.FIELDS + chain.LATER_FIELDS}
    assert len(covered) == len(event) - 1  # all but the hash
    assert chain.canonical(event) == rfc8785.dumps(covered)


@patient
@given(st.lists(records, max_size=6))
def test_a_chain_holds(taken):
    events = chained(taken)
    assert [event["sequence"] for event in events] == list(range(1, len(taken) + 1))
    assert first_fault(events) is None


@patient
@given(st.lists(records, min_size=2, max_size=5), st.integers(1, 4))
def test_a_chain_goes_on_where_it_ended_with_another_key(taken, cut):
    cut = min(cut, len(taken) - 1)
    first = chained(taken[:cut], "old")
    sequence, previous = last_link(first)
    second, _ = chain.extend(
        taken[cut:],
        tenant_id=TENANT,
        sequence=sequence,
        previous=previous,
        key_id="new",
        key=KEYS.audit_key("new"),
    )
    assert first_fault(first + second) is None


def other(value):
    """A value of the same column that differs."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [*value, TENANT]
    return f"{value or ''}x"


@patient
@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_any_change_of_any_column_is_found_where_it_was_made(taken, data):
    events = chained(taken)
    end = last_link(events)
    place = data.draw(st.integers(0, len(events) - 1))
    for column in chain.FIELDS:
        if column == "sequence":
            continue
        changed = copy.deepcopy(events)
        changed[place][column] = other(changed[place][column])
        assert first_fault(changed, end) == place + 1, column
    for column in chain.LATER_FIELDS:
        changed = copy.deepcopy(events)
        changed[place][column] = None if changed[place].get(column) else []
        assert first_fault(changed, end) == place + 1, column


def test_an_event_without_entities_has_the_hash_that_it_had_before_there_were_any():
    record = {"action": "READ", "method": "m", "entities": []}
    (event,) = chained([Taken(1, TENANT, "2026-01-01T00:00:00.000000Z", record, [TENANT], "OK")])
    assert event["hash"] == "7020db6b030fdb4e8809ac441496564397b58a130071a94b4b15985dfd5358df"


@patient
@given(st.lists(records, min_size=2, max_size=6), st.data())
def test_removed_moved_and_repeated_events_are_found(taken, data):
    events = chained(taken)
    end = last_link(events)
    place = data.draw(st.integers(0, len(events) - 1))
    assert first_fault(events[:place] + events[place + 1 :], end) == place + 1
    assert first_fault(events[: place + 1] + events[place:], end) == place + 1
    closed = copy.deepcopy(events[:place] + events[place + 1 :])
    for sequence, event in enumerate(closed, start=1):
        event["sequence"] = sequence
    assert first_fault(closed, end) == place + 1


@patient
@given(st.lists(records, min_size=1, max_size=3), records)
def test_an_event_made_without_the_key_is_found(taken, forged):
    events = chained(taken)
    sequence, previous = last_link(events)
    made, _ = chain.extend(
        [forged], tenant_id=TENANT, sequence=sequence, previous=previous, key_id="new", key=b"guess"
    )
    assert first_fault(events + made) == sequence + 1


def test_an_event_of_an_unknown_key_is_found():
    (event,) = chained([Taken(1, TENANT, "2026-01-01T00:00:00.000000Z", {}, [], "OK")])
    event["key_id"] = "lost"
    fault = Proof(KEYS).follow(event, bytes.fromhex(event["hash"]), 0)
    assert fault is not None
    assert "HMS_KEYS_FILE" in fault.reason


@pytest.mark.parametrize(("sequence", "last"), [(2, b""), (1, b"another hash"), (0, b"")])
def test_a_changed_last_link_is_found(sequence, last):
    events = chained([Taken(1, TENANT, "2026-01-01T00:00:00.000000Z", {}, [], "OK")])
    assert first_fault(events, (sequence, last)) is not None


def test_numbers_that_no_event_of_ours_holds_are_a_fault_and_no_crash():
    (event,) = chained([Taken(1, TENANT, "2026-01-01T00:00:00.000000Z", {}, [], "OK")])
    event["old_version"] = 2**70
    assert first_fault([event]) == 1
