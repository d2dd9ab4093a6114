"""Without row-level security a merge reaches nothing of another hospital: its statements name the tenant."""

from __future__ import annotations

import pytest

from hms.patient.v1 import merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from tests.fix_merge import Ward
from tests.fix_patient import Registry

TABLES = ("patient", "patient_key", "patient_version", "patient_merge", "patient_merge_item", "encounter")


@pytest.fixture(scope="module")
def unlocked(owner):
    """This module's database without any policy in force on what a merge touches."""
    for table in TABLES:
        owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


def test_merges_of_two_hospitals_with_the_same_ids_do_not_touch_each_other(
    unlocked, owner, servicer, new_tenant
):
    ours, theirs = (Ward(owner, Registry(servicer, new_tenant())) for _ in range(2))
    same = {"birth_date": "1987-04-21"}
    one, other = (ours.registry.create(**same) for _ in range(2))
    visit = ours.encounter(other.id)
    # An id is a hospital's own: the same patients and visit stand in the other one, too.
    columns = {
        "patient": "id, uhid, document, name_key, birth_date, search_text, actor_id",
        "patient_key": "kind, value, patient_id",
        "encounter": "id, patient_id, state, encounter_class, clinical_time, document, actor_id",
    }
    for table, names in columns.items():
        owner.execute(
            f"INSERT INTO {table} (tenant_id, {names}) SELECT %s, {names} FROM {table} WHERE tenant_id = %s",
            [theirs.tenant_id, ours.tenant_id],
        )
    before = theirs.state()

    merge = ours.merge(one, other)
    assert ours.rows_of(one.id) == {visit}
    assert theirs.state() == before
    for refused in (
        lambda: theirs.registry.GetMerge(merge_pb2.GetMergeRequest(id=merge.id)),
        lambda: theirs.unmerge(merge),
    ):
        with pytest.raises(errors.NotFound):
            refused()
    assert not theirs.registry.ListMerges(merge_pb2.ListMergesRequest(patient_id=one.id)).merges
    assert theirs.registry.search(uhid=other.uhid) == [other.id]

    back = theirs.merge(other, one)
    ours.unmerge(merge)
    assert ours.rows_of(other.id) == {visit}
    assert theirs.registry.GetPatient(pb.GetPatientRequest(id=one.id)).merged_into_id == other.id
    theirs.unmerge(back)
    assert theirs.state() == before


def test_the_worklist_and_candidates_show_nobody_of_another_hospital(unlocked, servicer, new_tenant):
    ours, theirs = (Registry(servicer, new_tenant()) for _ in range(2))
    same = {"birth_date": "1987-04-21"}
    one, other = (ours.create(**same) for _ in range(2))
    stranger = theirs.create(**same)
    assert not theirs.ListDuplicatePairs(merge_pb2.ListDuplicatePairsRequest()).pairs
    (pair,) = ours.ListDuplicatePairs(merge_pb2.ListDuplicatePairsRequest()).pairs
    assert {pair.first.patient_id, pair.second.patient_id} == {one.id, other.id}
    for registry, patient, expected in ((ours, one, [other.id]), (theirs, stranger, [])):
        answer = registry.ListDuplicateCandidates(pb.ListDuplicateCandidatesRequest(patient_id=patient.id))
        assert [candidate.patient_id for candidate in answer.candidates] == expected
