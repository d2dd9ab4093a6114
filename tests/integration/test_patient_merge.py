"""Two records of one person become one, and two again."""

import json

import pytest

from hms.patient.v1 import merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids
from tests.fix_patient import Registry

SURVIVOR = {
    "gender": "female",
    "birth_date": "1984-02-29",
    "telecoms": [{"system": "phone", "value": "+91 98765 43210"}],
    "identifiers": [{"system": "urn:abha", "value": "91-1234"}],
}
MERGED = {
    "gender": "male",
    "birth_date": "1984-02-28",
    "telecoms": [
        {"system": "phone", "value": "098765 43210"},
        {"system": "phone", "value": "9000000001"},
    ],
    "addresses": [{"city": "Pune"}],
    "marital_status": "M",
}
BOTH = {"gender": "SURVIVOR", "birth_date": "MERGED", "name": "SURVIVOR"}


@pytest.fixture
def pair(ward):
    registry = ward.registry
    return registry.create("Asha", "Rao", **SURVIVOR), registry.create("Aasha", "Raow", **MERGED)


def get(ward, patient):
    return ward.registry.GetPatient(pb.GetPatientRequest(id=patient.id))


def preview(ward, survivor, merged):
    return ward.registry.PreviewMerge(
        merge_pb2.PreviewMergeRequest(survivor_id=survivor.id, merged_id=merged.id)
    )


def events(ward, patient_id, method):
    rows = ward.owner.execute(
        "SELECT record FROM audit_outbox WHERE tenant_id = %s AND %s = ANY (patient_ids)"
        " AND record->>'method' LIKE %s ORDER BY position",
        [ward.tenant_id, patient_id, f"%/{method}"],
    )
    return [row[0] for row in rows]


def test_a_preview_shows_what_must_be_decided_and_what_would_move(ward, pair):
    survivor, merged = pair
    encounter = ward.encounter(merged.id)
    ward.record(merged.id, "OBSERVATION", encounter)
    ward.record(merged.id, "OBSERVATION")
    ward.record(merged.id, "PRESCRIPTION")
    ward.record(survivor.id)
    before = ward.state()

    shown = preview(ward, survivor, merged)
    assert {c.field: (json.loads(c.survivor_value), json.loads(c.merged_value)) for c in shown.conflicts} == {
        "name": (
            {"given_names": ["Asha"], "family_name": "Rao"},
            {"given_names": ["Aasha"], "family_name": "Raow"},
        ),
        "gender": ("female", "male"),
        "birth_date": ("1984-02-29", "1984-02-28"),
    }
    added = {a.field: [json.loads(value) for value in a.values] for a in shown.additions}
    assert added == {
        "names": [{"given_names": ["Aasha"], "family_name": "Raow"}],
        "telecoms": [{"system": "phone", "value": "9000000001"}],
        "addresses": [{"city": "Pune"}],
        "marital_status": ["M"],
    }
    assert {c.type: c.count for c in shown.moved} == {"encounter": 1, "observation": 2, "prescription": 1}
    assert (shown.survivor_etag, shown.merged_etag) == ("1", "1")
    assert ward.state() == before
    (event,) = events(ward, survivor.id, "PreviewMerge")
    assert event["action"] == "READ"
    assert events(ward, merged.id, "PreviewMerge") == [event]


def test_a_merge_is_refused_until_every_conflict_is_decided(ward, pair):
    survivor, merged = pair
    with pytest.raises(errors.FailedPrecondition) as refused:
        ward.merge(survivor, merged, decide={"gender": "MERGED"})
    assert refused.value.reason == "MERGE_CONFLICT"
    assert [v.field for v in refused.value.violations] == ["name", "birth_date"]
    with pytest.raises(errors.InvalidArgument, match="marital_status"):
        ward.merge(survivor, merged, decide={**BOTH, "marital_status": "MERGED"})
    request = merge_pb2.MergePatientsRequest(survivor_id=survivor.id, merged_id=merged.id, reason="x")
    for keep in (merge_pb2.MERGE_KEEP_SURVIVOR, merge_pb2.MERGE_KEEP_MERGED):
        request.decisions.add(field="gender", keep=keep)
    with pytest.raises(errors.InvalidArgument, match="twice"):
        ward.registry.MergePatients(request)
    assert (get(ward, survivor).etag, get(ward, merged).etag) == ("1", "1")


def test_a_merge_unites_both_records_and_moves_what_belongs_to_the_loser(ward, pair):
    survivor, merged = pair
    own, encounter = ward.record(survivor.id), ward.encounter(merged.id)
    moved = {encounter, ward.record(merged.id, "CONDITION", encounter)}
    rows = {t: rows for t, rows in ward.state().items() if t in ("encounter", "clinical_record")}

    merge = ward.merge(survivor, merged, decide=BOTH)
    assert (merge.survivor_id, merge.merged_id) == (survivor.id, merged.id)
    assert merge.actor_id == ward.actor_id
    assert {c.type: c.count for c in merge.moved} == {"condition": 1, "encounter": 1}
    assert {d.field: merge_pb2.MergeKeep.Name(d.keep) for d in merge.decisions} == {
        field: f"MERGE_KEEP_{keep}" for field, keep in BOTH.items()
    }
    assert ward.rows_of(survivor.id) == {own, *moved}
    assert ward.rows_of(merged.id) == set()
    # Beside the patient nothing of a row changed.
    for table, before in rows.items():
        after = ward.state()[table]
        assert [[v for v in row if str(v) not in (survivor.id, merged.id)] for row in after] == [
            [v for v in row if str(v) not in (survivor.id, merged.id)] for row in before
        ]

    now = get(ward, survivor)
    assert (now.gender, now.birth_date, now.marital_status) == ("female", "1984-02-28", "M")
    assert (now.given_name, now.family_name) == ("Asha", "Rao")
    assert [n.family_name for n in now.names] == ["Rao", "Raow"]
    assert [t.value for t in now.telecoms] == ["+91 98765 43210", "9000000001"]
    assert list(now.merged_uhids) == [merged.uhid]
    assert (now.etag, now.merged_into_id) == ("2", "")
    gone = get(ward, merged)
    assert gone.merged_into_id == survivor.id
    assert gone.HasField("delete_time")
    assert gone.names == merged.names
    versions = ward.registry.ListPatientVersions(pb.ListPatientVersionsRequest(patient_id=merged.id)).versions
    assert [v.patient.merged_into_id for v in versions] == [survivor.id, ""]


def test_the_merged_name_is_shown_where_that_was_decided(ward):
    survivor, merged = ward.registry.create("Asha", "Rao"), ward.registry.create("Usha", "Rao")
    ward.merge(survivor, merged, decide={"name": "MERGED"})
    assert get(ward, survivor).given_name == "Usha"
    assert [list(n.given_names) for n in get(ward, survivor).names] == [["Usha"], ["Asha"]]


def test_the_survivor_is_found_by_everything_that_either_was_found_by(ward, pair):
    survivor, merged = pair
    ward.merge(survivor, merged, decide=BOTH)
    search = ward.registry.search
    for criterion in (
        {"uhid": merged.uhid},
        {"uhid": survivor.uhid},
        {"query": merged.uhid},
        {"query": "raow"},
        {"phone": "9000000001"},
        {"identifier": "91-1234"},
    ):
        assert search(**criterion) == [survivor.id], criterion
    listed = ward.registry.ListPatients(pb.ListPatientsRequest()).patients
    assert [p.id for p in listed] == [survivor.id]


@pytest.mark.parametrize("method", ["UpdatePatient", "DeletePatient", "UndeletePatient"])
def test_a_merged_record_changes_no_more_and_names_the_survivor(ward, pair, method):
    survivor, merged = pair
    ward.merge(survivor, merged, decide=BOTH)
    request = {
        "UpdatePatient": pb.UpdatePatientRequest(patient=pb.Patient(id=merged.id, gender="other")),
        "DeletePatient": pb.DeletePatientRequest(id=merged.id),
        "UndeletePatient": pb.UndeletePatientRequest(id=merged.id),
    }[method]
    with pytest.raises(errors.FailedPrecondition) as refused:
        getattr(ward.registry, method)(request)
    assert refused.value.reason == "PATIENT_MERGED"
    assert refused.value.metadata == {"survivor_id": survivor.id}


def test_a_change_of_the_survivor_keeps_the_uhids_it_answers_to(ward, pair):
    survivor, merged = pair
    ward.merge(survivor, merged, decide=BOTH)
    ward.registry.UpdatePatient(
        pb.UpdatePatientRequest(patient=pb.Patient(id=survivor.id, marital_status="W"))
    )
    ward.registry.DeletePatient(pb.DeletePatientRequest(id=survivor.id))
    assert ward.registry.search(uhid=merged.uhid) == []
    back = ward.registry.UndeletePatient(pb.UndeletePatientRequest(id=survivor.id))
    assert list(back.merged_uhids) == [merged.uhid]
    assert ward.registry.search(merged.uhid) == ward.registry.search(uhid=merged.uhid) == [survivor.id]


def test_what_can_never_be_merged_is_refused_clearly(ward, servicer, new_tenant):
    one, other, third = (ward.registry.create() for _ in range(3))
    with pytest.raises(errors.InvalidArgument, match="itself"):
        ward.merge(one, one.id.upper())
    for missing in ((one.id, ids.uuid7()), (ids.uuid7(), one.id)):
        with pytest.raises(errors.NotFound):
            ward.merge(*missing)
        with pytest.raises(errors.NotFound):
            ward.registry.PreviewMerge(
                merge_pb2.PreviewMergeRequest(survivor_id=missing[0], merged_id=missing[1])
            )
    theirs = Registry(servicer, new_tenant()).create()
    for strangers in ((one, theirs), (theirs, one)):
        with pytest.raises(errors.NotFound):
            ward.merge(*strangers)
    with pytest.raises(errors.Aborted) as refused:
        ward.merge(one, other, merged_etag="7")
    assert refused.value.reason == "ETAG_MISMATCH"

    ward.registry.DeletePatient(pb.DeletePatientRequest(id=third.id))
    for deleted in ((one, third), (third, one)):
        with pytest.raises(errors.FailedPrecondition) as refused:
            ward.merge(*deleted)
        assert refused.value.reason == "WRONG_STATE"
    ward.merge(one, other, survivor_etag="1", merged_etag="1")
    third = ward.registry.create()
    for merged in ((third, other), (other, third)):
        with pytest.raises(errors.FailedPrecondition) as refused:
            ward.merge(*merged)
        assert (refused.value.reason, refused.value.metadata) == ("PATIENT_MERGED", {"survivor_id": one.id})
        with pytest.raises(errors.FailedPrecondition):
            preview(ward, *merged)


def test_records_whose_lists_are_too_long_together_are_refused_before_anything_is_done(ward):
    def many(prefix):
        return [{"system": "urn:x", "value": f"{prefix}{i}"} for i in range(30)]

    one, other = (ward.registry.create(identifiers=many(prefix)) for prefix in "ab")
    for attempt in (preview, lambda *args: args[0].merge(*args[1:])):
        with pytest.raises(errors.FailedPrecondition) as refused:
            attempt(ward, one, other)
        assert refused.value.reason == "MERGE_CONFLICT"
        assert [v.field for v in refused.value.violations] == ["identifiers"]


def test_a_death_before_the_birth_is_not_made(ward):
    living = ward.registry.create(birth_date="2001")
    dead = ward.registry.create(birth_date="1900", deceased=True, deceased_time="1999")
    decisions = {"birth_date": "SURVIVOR", "deceased": "MERGED"}
    with pytest.raises(errors.FailedPrecondition) as refused:
        ward.merge(living, dead, decide=decisions)
    assert refused.value.reason == "MERGE_CONFLICT"
    ward.merge(living, dead, decide={**decisions, "birth_date": "MERGED"})
    now = get(ward, living)
    assert (now.birth_date, now.deceased, now.deceased_time) == ("1900", True, "1999")


def test_the_same_request_merges_and_unmerges_once(ward, pair):
    survivor, merged = pair
    row = ward.record(survivor.id)
    request_id = ids.uuid7()
    merge = ward.merge(survivor, merged, decide=BOTH, request_id=request_id)
    assert ward.merge(survivor, merged, decide=BOTH, request_id=request_id) == merge
    later = ward.record(survivor.id)
    back = ward.unmerge(merge, request_id=request_id)
    assert [r.id for r in back.kept] == [later]
    assert ward.unmerge(merge, request_id=request_id) == back
    assert ward.rows_of(survivor.id) == {row, later}


def test_one_event_on_each_record_lists_what_changed_its_patient(ward, pair):
    survivor, merged = pair
    encounter = ward.encounter(merged.id)
    record = ward.record(merged.id, "IMMUNIZATION")
    merge = ward.merge(survivor, merged, decide=BOTH)
    ward.unmerge(merge)
    for method, versions in (("MergePatients", (1, 2)), ("UnmergePatients", (2, 3))):
        for patient in pair:
            (event,) = events(ward, patient.id, method)
            assert (event["action"], event["entity_type"], event["entity_id"]) == (
                "UPDATE",
                "patient",
                patient.id,
            )
            assert (event["old_version"], event["new_version"]) == versions
            assert {e["action"] for e in event["entities"]} == {"UPDATE"}
            assert {e["type"]: e["ids"] for e in event["entities"]} == {
                "encounter": [encounter],
                "immunization": [record],
            }


def test_merges_are_shown_and_listed_newest_first_and_audited(ward):
    survivor, *others = (ward.registry.create() for _ in range(4))
    made = [ward.merge(survivor, other) for other in others]
    ward.unmerge(made[0])

    def page(token="", patient=survivor):
        return ward.registry.ListMerges(
            merge_pb2.ListMergesRequest(patient_id=patient.id, page_size=2, page_token=token)
        )

    first = page()
    assert [m.id for m in first.merges] == [made[2].id, made[1].id]
    second = page(first.next_page_token)
    assert [m.id for m in second.merges] == [made[0].id]
    assert second.merges[0].HasField("unmerge_time")
    assert second.merges[0].unmerge_reason == "two persons"
    assert not second.next_page_token
    assert page(second.previous_page_token).merges == first.merges
    assert [m.id for m in page(patient=others[1]).merges] == [made[1].id]
    assert not page(patient=ward.registry.create()).merges
    with pytest.raises(errors.NotFound):
        ward.registry.ListMerges(merge_pb2.ListMergesRequest(patient_id=ids.uuid7()))

    assert ward.registry.GetMerge(merge_pb2.GetMergeRequest(id=made[1].id)) == made[1]
    with pytest.raises(errors.NotFound):
        ward.registry.GetMerge(merge_pb2.GetMergeRequest(id=survivor.id))
    for patient in (survivor, others[1]):
        assert [e["entity_id"] for e in events(ward, patient.id, "GetMerge")] == [made[1].id]


def test_another_hospital_sees_no_merge(ward, pair, servicer, new_tenant):
    survivor, merged = pair
    merge = ward.merge(survivor, merged, decide=BOTH)
    other = Registry(servicer, new_tenant())
    for call in (
        lambda: other.GetMerge(merge_pb2.GetMergeRequest(id=merge.id)),
        lambda: other.ListMerges(merge_pb2.ListMergesRequest(patient_id=survivor.id)),
        lambda: other.UnmergePatients(merge_pb2.UnmergePatientsRequest(id=merge.id, reason="x")),
        lambda: other.ListDuplicateCandidates(pb.ListDuplicateCandidatesRequest(patient_id=survivor.id)),
    ):
        with pytest.raises(errors.NotFound):
            call()
    assert not other.search(uhid=merged.uhid)
