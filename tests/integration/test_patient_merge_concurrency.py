"""Merges that meet other merges, changes, and rows that are just being written."""

import concurrent.futures
import contextlib

import psycopg
import pytest

from hms.patient.v1 import merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids
from tests.fix_client import eventually

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture
def clinical(database, ward):
    """Another connection, as the clinical room has it."""
    with contextlib.closing(psycopg.connect(database.app)) as connection:
        connection.execute(f"SET LOCAL app.tenant_id = '{ward.tenant_id}'")
        yield connection
        connection.rollback()


@pytest.fixture
def blocked(database):
    """Waits until so many wait for a lock. Only a superuser sees what others wait for."""
    with psycopg.connect(database.admin, autocommit=True) as watcher:
        yield lambda count: eventually(
            lambda: len(watcher.execute(WAITING, [database.name]).fetchall()) >= count
        )


def outcome(call):
    try:
        call()
    except errors.HmsError as refused:
        return refused.reason
    return "OK"


def test_a_row_that_is_being_written_for_the_loser_goes_along(ward, pool, clinical, blocked):
    survivor, merged = ward.registry.create(), ward.registry.create()
    row = ward.encounter(merged.id, clinical)
    merging = pool.submit(ward.merge, survivor, merged)
    blocked(1)
    clinical.commit()
    merge = merging.result(20)
    assert ward.rows_of(survivor.id) == {row}
    assert ward.rows_of(merged.id) == set()
    assert [(c.type, c.count) for c in merge.moved] == [("encounter", 1)]
    ward.unmerge(merge)
    assert ward.rows_of(merged.id) == {row}


def test_whoever_writes_to_the_loser_afterwards_sees_that_it_went_away(
    ward, database, pool, clinical, blocked
):
    """What the clinical room does before it inserts: a look at the patient FOR KEY SHARE."""
    survivor, merged = ward.registry.create(), ward.registry.create()
    # Something of the merge is held up while it has the lock: a row that it must move.
    row = ward.encounter(merged.id)
    clinical.execute("SELECT 1 FROM encounter WHERE id = %s FOR UPDATE", [row])
    merging = pool.submit(ward.merge, survivor, merged)
    blocked(1)

    def look():
        with psycopg.connect(database.app) as connection:
            connection.execute(f"SET LOCAL app.tenant_id = '{ward.tenant_id}'")
            return connection.execute(
                "SELECT merged_into::text, delete_time IS NULL FROM patient"
                " WHERE tenant_id = %s AND id = %s FOR KEY SHARE",
                [ward.tenant_id, merged.id],
            ).fetchone()

    looking = pool.submit(look)
    blocked(2)
    clinical.rollback()
    merging.result(20)
    assert looking.result(20) == (survivor.id, False)


@pytest.mark.parametrize("round_number", range(3))
def test_of_merges_of_the_same_patients_at_once_one_wins(ward, pool, round_number):
    one, other, third = (ward.registry.create() for _ in range(3))
    rows = {ward.record(p.id) for p in (one, other, third)}
    pairs = [(one, other), (other, one), (third, other), (one, other)]
    outcomes = list(pool.map(lambda p: outcome(lambda: ward.merge(*p)), pairs))
    merged = [p for p in (one, other, third) if not ward.rows_of(p.id)]
    assert outcomes.count("OK") == len(merged) >= 1
    assert set(outcomes) <= {"OK", "PATIENT_MERGED"}
    assert set().union(*(ward.rows_of(p.id) for p in (one, other, third))) == rows


def test_the_same_request_at_once_merges_once(ward, pool):
    one, other = ward.registry.create(), ward.registry.create()
    request_id = ids.uuid7()
    made = list(pool.map(lambda _: ward.merge(one, other, request_id=request_id), range(4)))
    assert len({merge.id for merge in made}) == 1


def test_of_a_change_and_a_merge_of_what_was_seen_one_wins(ward, pool):
    one, other = ward.registry.create(), ward.registry.create()
    change = pb.UpdatePatientRequest(patient=pb.Patient(id=other.id, etag="1", marital_status="M"))
    outcomes = list(
        pool.map(
            outcome,
            [
                lambda: ward.registry.UpdatePatient(change),
                lambda: ward.merge(one, other, survivor_etag="1", merged_etag="1"),
            ],
        )
    )
    assert outcomes in (["OK", "ETAG_MISMATCH"], ["PATIENT_MERGED", "OK"])


def test_an_unmerge_and_a_merge_of_the_survivor_leave_no_row_astray(ward, pool):
    for _ in range(5):
        a, b, c = (ward.registry.create() for _ in range(3))
        rows = {p.id: ward.record(p.id) for p in (a, b, c)}
        first = ward.merge(b, a)
        outcomes = list(
            pool.map(outcome, [lambda: ward.unmerge(first), lambda: ward.merge(c, b)])  # noqa: B023
        )
        assert outcomes[1] == "OK"
        assert outcomes[0] in ("OK", "WRONG_STATE")
        if outcomes[0] == "OK":
            assert ward.rows_of(a.id) == {rows[a.id]}
            assert ward.rows_of(c.id) == {rows[b.id], rows[c.id]}
        else:
            assert ward.rows_of(c.id) == set(rows.values())
        listed = ward.registry.ListMerges(merge_pb2.ListMergesRequest(patient_id=b.id)).merges
        assert len(listed) == 2
