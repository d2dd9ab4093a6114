"""Records that may be one person: for one record, and the hospital's worklist."""

import pytest

from hms.patient.v1 import merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids
from hms_server.database.pages import Pages
from hms_server.patient.duplicates import Duplicates

PHONE = {"telecoms": [{"system": "phone", "value": "+91 98765 43210"}]}


def candidates(registry, patient):
    answer = registry.ListDuplicateCandidates(pb.ListDuplicateCandidatesRequest(patient_id=patient.id))
    return {c.patient_id: (list(c.reasons), c.score) for c in answer.candidates}


def pairs(registry, page_size=0, servicer=None):
    """Every pair of the worklist, and how many calls it took."""
    found, token, calls = [], "", 0
    while True:
        request = merge_pb2.ListDuplicatePairsRequest(page_size=page_size, page_token=token)
        if servicer is None:
            answer = registry.ListDuplicatePairs(request)
        else:
            answer = servicer.pairs(request, registry.tenant.call("PatientService/ListDuplicatePairs"))
        assert not page_size or len(answer.pairs) <= page_size
        found += [frozenset((p.first.patient_id, p.second.patient_id)) for p in answer.pairs]
        calls, token = calls + 1, answer.next_page_token
        if not token:
            return found, calls


def test_candidates_come_with_their_reasons_the_likeliest_first(registry, owner):
    same = registry.create("Laxmi", "Sharma", birth_date="1984-02-29", **PHONE)
    near = registry.create("Lakshmi", "Sharma", birth_date="1984-02-28", **PHONE)
    other_day = registry.create("Lakshmi", "Sharma", birth_date="1971-11-05", **PHONE)
    family = registry.create("Ravi", "Sharma", birth_date="1950-06-01", **PHONE)
    registry.create("Ravi", "Verma", birth_date="1984-02-29")
    one = registry.create("Lakshmi", "Sharma", birth_date="1984-02-29", **PHONE)

    found = candidates(registry, one)
    assert list(found) == [same.id, near.id, other_day.id, family.id]
    assert [reasons for reasons, _ in found.values()] == [
        ["NAME_AND_BIRTH_DATE", "PHONE"],
        ["NAME", "NEAR_BIRTH_DATE", "PHONE"],
        ["NAME", "PHONE"],
        ["PHONE"],
    ]
    scores = [score for _, score in found.values()]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1
    assert scores[1] > 0.8
    assert scores[2] > 0.5
    assert scores[3] < 0.4
    (read,) = owner.execute(
        "SELECT patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s"
        " AND record->>'method' LIKE '%%/ListDuplicateCandidates'",
        [registry.tenant.id],
    ).fetchall()
    assert set(read[0]) == {one.id, same.id, near.id, other_day.id, family.id}


def test_candidates_of_nobody_and_of_deleted_and_merged_records(ward):
    registry = ward.registry
    with pytest.raises(errors.NotFound):
        candidates(registry, pb.Patient(id=ids.uuid7()))
    one, other, third = (registry.create(**PHONE) for _ in range(3))
    registry.DeletePatient(pb.DeletePatientRequest(id=third.id))
    assert set(candidates(registry, one)) == {other.id}
    assert candidates(registry, third) == {}
    merge = ward.merge(one, other)
    assert candidates(registry, one) == candidates(registry, other) == {}
    ward.unmerge(merge)
    assert set(candidates(registry, one)) == {other.id}


def test_a_number_that_was_made_up_shows_a_bounded_list(registry):
    made = [registry.create(f"P{i}", **PHONE) for i in range(30)]
    assert len(candidates(registry, made[0])) == 20


def test_the_worklist_shows_each_pair_once_with_both_sides(registry, owner):
    one = registry.create("Laxmi", "Sharma", birth_date="1984-02-29", **PHONE)
    same = registry.create("Lakshmi", "Sharma", birth_date="1984-02-29", **PHONE)
    family = registry.create("Ravi", "Sharma", **PHONE)
    alone = registry.create("Asha", "Rao")

    answer = registry.ListDuplicatePairs(merge_pb2.ListDuplicatePairsRequest())
    assert not answer.next_page_token
    first = answer.pairs[0]
    assert (first.first.patient_id, first.second.patient_id) == (one.id, same.id)
    assert (first.first.display_name, first.second.uhid) == ("Laxmi Sharma", same.uhid)
    assert first.first.birth_date == "1984-02-29"
    assert list(first.reasons) == ["NAME_AND_BIRTH_DATE", "PHONE"]
    assert first.score == 1
    assert pairs(registry)[0] == [
        frozenset((one.id, same.id)),
        frozenset((one.id, family.id)),
        frozenset((same.id, family.id)),
    ]
    (seen,) = owner.execute(
        "SELECT DISTINCT patient_ids::text[] FROM audit_outbox WHERE tenant_id = %s"
        " AND record->>'method' LIKE '%%/ListDuplicatePairs'",
        [registry.tenant.id],
    ).fetchall()
    assert set(seen[0]) == {one.id, same.id, family.id}
    assert alone.id not in seen[0]


@pytest.mark.parametrize("page_size", [1, 2, 7, 50])
@pytest.mark.parametrize(("scan", "looks"), [(22, 1), (40, 3), (1000, 5), (1000, 1000)])
def test_the_worklist_is_whole_in_pieces_of_any_size(registry, app_database, keys, page_size, scan, looks):
    expected = set()
    for i in range(6):
        shared = {"telecoms": [{"system": "phone", "value": f"900000{i:04d}"}]}
        group = [
            registry.create(f"P{i}", f"Q{n}", birth_date=f"19{n}0-01-0{i + 1}", **shared) for n in range(1, 4)
        ]
        expected |= {frozenset((a.id, b.id)) for a in group for b in group if a.id != b.id}
        twins = [registry.create(f"R{i}", "S", birth_date=f"2000-01-0{i + 1}") for _ in range(2)]
        expected.add(frozenset(p.id for p in twins))
    # Nobody is meant by a number that all of them share, wherever a piece ends.
    for i in range(30):
        registry.create(f"T{i}", "U", telecoms=[{"system": "phone", "value": "9000003000"}])

    found, calls = pairs(registry, page_size, Duplicates(app_database, Pages(keys.page_token), scan, looks))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert calls > 1 or (looks == 1000 and page_size == 50)


def test_a_pair_that_shares_a_made_up_number_too_is_shown_once(registry):
    everybody = {"telecoms": [{"system": "phone", "value": "9999999999"}], "identifiers": [{"value": "none"}]}
    for i in range(25):
        registry.create(f"T{i}", "U", **everybody)
    twins = [registry.create("Asha", "Rao", birth_date="1984-02-29", **everybody) for _ in range(2)]
    assert pairs(registry)[0] == [frozenset(p.id for p in twins)]


def test_a_hospital_without_patients_has_an_empty_worklist(registry):
    assert pairs(registry) == ([], 1)
