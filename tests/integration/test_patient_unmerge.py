"""A merge that was wrong is taken back: what stood before stands again, what came later is not lost."""

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids


def get(ward, patient):
    return ward.registry.GetPatient(pb.GetPatientRequest(id=patient.id))


def update(ward, patient, **fields):
    paths = list(fields)
    request = pb.UpdatePatientRequest(patient=pb.Patient(id=patient.id, **fields))
    request.update_mask.paths.extend(paths)
    return ward.registry.UpdatePatient(request)


@pytest.fixture
def pair(ward):
    survivor = ward.registry.create("Asha", "Rao", gender="female", birth_date="1984")
    merged = ward.registry.create(
        "Asha",
        "Nair",
        gender="male",
        telecoms=[{"system": "phone", "value": "9000000001"}],
        marital_status="M",
    )
    return survivor, merged


DECIDE = {"name": "MERGED", "gender": "MERGED"}


def test_everything_stands_again_as_before(ward, pair):
    survivor, merged = pair
    for patient in pair:
        ward.record(patient.id, "CONDITION", ward.encounter(patient.id))
    before = ward.state()
    merge = ward.merge(survivor, merged, decide=DECIDE)
    assert ward.state() != before
    answer = ward.unmerge(merge)
    assert ward.state() == before
    assert (answer.kept_count, answer.amended_count, list(answer.kept_fields)) == (0, 0, [])
    assert answer.merge.HasField("unmerge_time")
    assert answer.merge.unmerge_actor_id == ward.actor_id
    assert (get(ward, survivor).etag, get(ward, merged).etag) == ("3", "3")
    assert ward.registry.search(uhid=merged.uhid) == [merged.id]
    assert ward.registry.search(phone="9000000001") == [merged.id]
    versions = ward.registry.ListPatientVersions(
        pb.ListPatientVersionsRequest(patient_id=survivor.id)
    ).versions
    assert [(v.patient.etag, v.patient.gender) for v in versions] == [
        ("3", "female"),
        ("2", "male"),
        ("1", "female"),
    ]
    assert [list(v.patient.merged_uhids) for v in versions] == [[], [merged.uhid], []]


def test_rows_written_since_stay_and_amended_ones_go_back_and_both_are_listed(ward, pair):
    survivor, merged = pair
    encounter = ward.encounter(merged.id)
    amended, untouched = ward.record(merged.id, "ALLERGY"), ward.record(merged.id)
    own = ward.record(survivor.id)
    merge = ward.merge(survivor, merged, decide=DECIDE)
    ward.amend(amended)
    ward.amend(own)
    kept = ward.record(survivor.id, "PRESCRIPTION")
    answer = ward.unmerge(merge)

    assert ward.rows_of(merged.id) == {encounter, amended, untouched}
    assert ward.rows_of(survivor.id) == {own, kept}
    assert [(r.type, r.id) for r in answer.kept] == [("prescription", kept)]
    assert [(r.type, r.id) for r in answer.amended] == [("allergy", amended)]
    assert (answer.kept_count, answer.amended_count) == (1, 1)
    note = ward.owner.execute("SELECT document FROM clinical_record WHERE id = %s", [amended]).fetchone()
    assert note == ({"note": "amended"},)


def test_what_was_written_into_a_visit_that_goes_back_goes_along(ward, pair):
    """A record and its encounter have one patient: else one patient's visit would show the other's data."""
    survivor, merged = pair
    visit, own_visit = ward.encounter(merged.id), ward.encounter(survivor.id)
    own = ward.record(survivor.id, "OBSERVATION", own_visit)
    merge = ward.merge(survivor, merged, decide=DECIDE)
    followed = ward.record(survivor.id, "OBSERVATION", visit)
    kept = ward.record(survivor.id, "OBSERVATION", own_visit)
    answer = ward.unmerge(merge)
    assert ward.rows_of(merged.id) == {visit, followed}
    assert ward.rows_of(survivor.id) == {own_visit, own, kept}
    assert [(r.type, r.id) for r in answer.followed] == [("observation", followed)]
    assert answer.followed_count == 1
    assert [r.id for r in answer.kept] == [kept]


def test_what_was_amended_into_a_visit_since_goes_with_the_visit(ward, pair):
    survivor, merged = pair
    visit, own_visit = ward.encounter(merged.id), ward.encounter(survivor.id)
    brought, own = ward.record(merged.id), ward.record(survivor.id, "CONDITION")
    merge = ward.merge(survivor, merged, decide=DECIDE)
    ward.amend_into(brought, own_visit)
    ward.amend_into(own, visit)
    answer = ward.unmerge(merge)
    assert ward.rows_of(merged.id) == {visit, own}
    assert ward.rows_of(survivor.id) == {own_visit, brought}
    assert [(r.type, r.id) for r in answer.followed] == [("condition", own)]
    assert [(r.type, r.id) for r in answer.kept] == [("observation", brought)]
    assert answer.amended_count == 0


def test_a_row_that_was_being_written_to_the_survivor_counts_as_written_since(ward, pair, database):
    import psycopg

    survivor, merged = pair
    with psycopg.connect(database.owner) as writer:
        writer.execute("SELECT now()")  # create_time of what it writes
        merge = ward.merge(survivor, merged, decide=DECIDE)
        kept = ward.encounter(survivor.id, writer)
    assert [r.id for r in ward.unmerge(merge).kept] == [kept]


def test_fields_changed_since_stay_and_are_named(ward, pair):
    survivor, merged = pair
    merge = ward.merge(survivor, merged, decide=DECIDE)
    mine = {"system": "phone", "value": "9000000002"}
    update(ward, survivor, gender="other", birth_date="1985", telecoms=[*get(ward, survivor).telecoms, mine])
    answer = ward.unmerge(merge)

    assert list(answer.kept_fields) == ["telecoms", "gender", "birth_date"]
    now = get(ward, survivor)
    assert (now.gender, now.birth_date, now.marital_status) == ("other", "1985", "")
    # What came with the merge goes, what was written since stays.
    assert [t.value for t in now.telecoms] == ["9000000002"]
    assert [n.family_name for n in now.names] == ["Rao"]
    assert [t.value for t in get(ward, merged).telecoms] == ["9000000001"]


def test_a_death_and_its_time_go_back_together_or_not_at_all(ward):
    living = ward.registry.create()
    dead = ward.registry.create(deceased=True, deceased_time="2020")
    merge = ward.merge(living, dead, decide={"deceased": "MERGED"})
    update(ward, living, deceased_time="2021")
    assert list(ward.unmerge(merge).kept_fields) == ["deceased_time"]
    now = get(ward, living)
    assert (now.deceased, now.deceased_time) == (True, "2021")


def test_a_chain_leads_to_the_last_and_is_taken_back_from_its_end(ward):
    a, b, c = (ward.registry.create(name, "Rao") for name in ("Asha", "Asha", "Asha"))
    rows = {p.id: {ward.record(p.id), ward.encounter(p.id)} for p in (a, b, c)}
    before = ward.state()
    first = ward.merge(b, a)
    middle = ward.state()
    second = ward.merge(c, b)

    assert list(get(ward, c).merged_uhids) == [b.uhid, a.uhid]
    assert get(ward, a).merged_into_id == get(ward, b).merged_into_id == c.id
    assert not get(ward, b).merged_uhids
    for patient in (a, b, c):
        assert ward.registry.search(uhid=patient.uhid) == ward.registry.search(patient.uhid) == [c.id]
    assert ward.rows_of(c.id) == set().union(*rows.values())

    with pytest.raises(errors.FailedPrecondition) as refused:
        ward.unmerge(first)
    assert second.id in refused.value.message
    assert refused.value.metadata == {"merge_id": second.id}
    ward.unmerge(second)
    assert ward.state() == middle
    ward.unmerge(first)
    assert ward.state() == before
    for merge in (first, second):
        with pytest.raises(errors.FailedPrecondition, match="already"):
            ward.unmerge(merge)


def test_merges_into_one_record_may_be_taken_back_in_any_order(ward):
    survivor = ward.registry.create("Asha", "Rao")
    others = [
        ward.registry.create("Asha", "Rao", telecoms=[{"system": "phone", "value": f"900000000{i}"}])
        for i in range(3)
    ]
    rows = {p.id: ward.record(p.id) for p in (survivor, *others)}
    merges = [ward.merge(survivor, other) for other in others]
    before = {p.id: get(ward, p) for p in others}
    for place in (1, 0, 2):
        answer = ward.unmerge(merges[place])
        # What another merge brought was not written to the survivor.
        assert answer.kept_count == 0
        assert ward.rows_of(others[place].id) == {rows[others[place].id]}
        assert get(ward, others[place]).telecoms == before[others[place].id].telecoms
    assert ward.rows_of(survivor.id) == {rows[survivor.id]}
    assert not get(ward, survivor).telecoms
    assert not get(ward, survivor).merged_uhids


def test_what_cannot_be_taken_back_is_refused_clearly(ward, pair):
    survivor, merged = pair
    merge = ward.merge(survivor, merged, decide=DECIDE)
    with pytest.raises(errors.NotFound):
        ward.unmerge(ids.uuid7())
    ward.registry.DeletePatient(pb.DeletePatientRequest(id=survivor.id))
    with pytest.raises(errors.FailedPrecondition, match="undelete it first"):
        ward.unmerge(merge)
    ward.registry.UndeletePatient(pb.UndeletePatientRequest(id=survivor.id))
    ward.unmerge(merge)
    # And merged again, the other way round.
    again = ward.merge(merged, survivor, decide={"name": "SURVIVOR", "gender": "SURVIVOR"})
    assert get(ward, survivor).merged_into_id == merged.id
    ward.unmerge(again)
