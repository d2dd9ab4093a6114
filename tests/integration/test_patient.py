"""Registering, reading, changing, deleting and bringing back patients, on a real database."""

import concurrent.futures
import uuid

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from tests.fix_patient import Registry

FULL = {
    "identifiers": [{"use": "official", "type": "MR", "system": "urn:abha", "value": "91-1234"}],
    "telecoms": [{"system": "phone", "value": "+91 98765 43210", "use": "mobile", "rank": 1}],
    "addresses": [{"use": "home", "lines": ["12 MG Road"], "city": "पुणे", "postal_code": "411001"}],
    "gender": "female",
    "birth_date": "1984-02-29",
    "contacts": [
        {"relationships": ["N"], "name": {"text": "ரவி"}, "telecoms": [{"system": "phone", "value": "100"}]}
    ],
    "communications": [{"language": "hi-IN", "preferred": True}],
    "marital_status": "M",
}


def audit_records(owner, registry, patient_id):
    rows = owner.execute(
        "SELECT record->>'action', outcome, (record->>'old_version')::int, (record->>'new_version')::int"
        " FROM audit_outbox WHERE tenant_id = %s AND %s = ANY (patient_ids) ORDER BY position",
        [registry.tenant.id, patient_id],
    )
    return [tuple(row) for row in rows.fetchall()]


def test_a_patient_comes_back_as_it_was_registered(registry, owner):
    made = registry.create("Asha Devi", "Rao", **FULL)

    assert uuid.UUID(made.id).version == 7
    assert made.uhid == "H000000018"
    assert (made.given_name, made.family_name, made.etag, made.active) == ("Asha Devi", "Rao", "1", True)
    assert made.contacts[0].name.text == "ரவி"
    assert made.HasField("create_time")
    assert not made.HasField("delete_time")
    assert registry.GetPatient(pb.GetPatientRequest(id=made.id)) == made
    assert audit_records(owner, registry, made.id) == [
        ("CREATE", "OK", None, 1),
        ("READ", "OK", None, None),
    ]


def test_nobody_is_found_under_another_id(registry, owner):
    missing = str(uuid.uuid4())
    with pytest.raises(errors.NotFound):
        registry.GetPatient(pb.GetPatientRequest(id=missing))
    found = owner.execute(
        "SELECT outcome, record->>'entity_id' FROM audit_outbox WHERE tenant_id = %s", [registry.tenant.id]
    ).fetchall()
    assert found == [("NOT_FOUND", missing)]


def test_an_impossible_record_leaves_nothing(registry, owner):
    with pytest.raises(errors.InvalidArgument):
        registry.create(birth_date="2023-02-30")
    for table in ("patient", "patient_key", "request_record"):
        count = owner.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", [registry.tenant.id])
        assert count.fetchone() == (0,)


def test_the_same_request_makes_one_patient(registry):
    request = pb.CreatePatientRequest(
        patient=pb.Patient(given_name="Asha", family_name="Rao"), request_id=str(uuid.uuid4())
    )
    made = registry.CreatePatient(request)
    again = registry.CreatePatient(request)
    assert (again.id, again.uhid) == (made.id, made.uhid)
    registry.DeletePatient(pb.DeletePatientRequest(id=made.id))
    assert registry.CreatePatient(request).HasField("delete_time")

    request.patient.family_name = "Nair"
    with pytest.raises(errors.InvalidArgument) as refused:
        registry.CreatePatient(request)
    assert refused.value.reason == "REQUEST_ID_REUSED"


def test_the_same_request_at_once_makes_one_patient(registry):
    request = pb.CreatePatientRequest(patient=pb.Patient(given_name="Asha"), request_id=str(uuid.uuid4()))
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: registry.CreatePatient(request), range(8)))
    assert len({patient.id for patient in made}) == 1
    assert len(registry.ListPatients(pb.ListPatientsRequest()).patients) == 1


def test_uhids_are_never_given_twice(servicer, registry, new_tenant):
    other = Registry(servicer, new_tenant())
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda r: r.create().uhid, [registry, other] * 60))
    assert len(set(made)) == 60  # each number in both hospitals
    assert all(uhid.startswith("H") and len(uhid) == 10 for uhid in made)


def test_a_batch_keeps_the_order_and_names_whoever_is_missing(registry):
    made = [registry.create(f"P{i}").id for i in range(4)]
    asked = [made[2], made[0], made[2], made[3]]
    found = registry.BatchGetPatients(pb.BatchGetPatientsRequest(ids=asked))
    assert [patient.id for patient in found.patients] == asked

    missing = str(uuid.uuid4())
    with pytest.raises(errors.NotFound) as refused:
        registry.BatchGetPatients(pb.BatchGetPatientsRequest(ids=[made[0], missing]))
    assert missing in refused.value.message
    assert made[0] not in refused.value.message


def test_a_change_of_some_fields(registry, owner):
    made = registry.create(**FULL)
    request = pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, gender="other", birth_date="1985"))
    request.update_mask.paths.extend(["gender", "marital_status"])
    changed = registry.UpdatePatient(request)

    assert (changed.gender, changed.marital_status, changed.birth_date) == ("other", "", "1984-02-29")
    assert (changed.etag, changed.uhid) == ("2", made.uhid)
    assert changed.update_time.ToDatetime() > made.update_time.ToDatetime()
    assert audit_records(owner, registry, made.id)[-1] == ("UPDATE", "OK", 1, 2)


def test_without_a_mask_what_is_set_changes(registry):
    made = registry.create(**FULL)
    changed = registry.UpdatePatient(
        pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, uhid="ignored", family_name="Nair"))
    )
    assert (changed.family_name, changed.given_name, changed.gender) == ("Nair", "Asha", "female")
    assert changed.uhid == made.uhid


def test_a_record_that_was_read_may_be_sent_back(registry):
    made = registry.create(**FULL)
    unchanged = registry.UpdatePatient(pb.UpdatePatientRequest(patient=made))
    assert unchanged.etag == "1"
    versions = registry.ListPatientVersions(pb.ListPatientVersionsRequest(patient_id=made.id)).versions
    assert len(versions) == 1


@pytest.mark.parametrize("path", ["id", "uhid", "etag", "create_time", "nonsense", "names.family_name"])
def test_a_mask_of_what_cannot_change_is_refused(registry, path):
    made = registry.create()
    request = pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, given_name="X"))
    request.update_mask.paths.append(path)
    with pytest.raises(errors.InvalidArgument) as refused:
        registry.UpdatePatient(request)
    assert refused.value.violations[0].field == "update_mask"


def test_everything_is_replaced_with_a_star(registry):
    made = registry.create(**FULL)
    request = pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, given_name="Usha"))
    request.update_mask.paths.append("*")
    changed = registry.UpdatePatient(request)
    assert (changed.given_name, changed.family_name, changed.gender) == ("Usha", "", "")
    assert not changed.telecoms
    assert changed.active


def test_of_two_changes_with_one_etag_one_wins(registry):
    made = registry.create()

    def change(number):
        try:
            return registry.UpdatePatient(
                pb.UpdatePatientRequest(
                    patient=pb.Patient(id=made.id, etag=made.etag, family_name=f"Rao{number}")
                )
            ).etag
        except errors.Aborted as refused:
            return refused.reason

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(change, range(8)))
    assert sorted(outcomes) == ["2", *["ETAG_MISMATCH"] * 7]


def test_a_deleted_patient_leaves_lists_and_searches_and_comes_back(registry, owner):
    made = registry.create(**FULL)
    gone = registry.DeletePatient(pb.DeletePatientRequest(id=made.id, etag="1"))
    assert gone.HasField("delete_time")
    assert gone.etag == "2"
    assert registry.GetPatient(pb.GetPatientRequest(id=made.id)) == gone
    assert not registry.ListPatients(pb.ListPatientsRequest()).patients
    assert registry.ListPatients(pb.ListPatientsRequest(show_deleted=True)).patients[0] == gone
    for criterion in ({"query": "asha"}, {"uhid": made.uhid}, {"birth_date": "1984"}):
        assert not registry.search(**criterion)
    assert not registry.create(**FULL).duplicate_candidates

    with pytest.raises(errors.FailedPrecondition):
        registry.UpdatePatient(pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, gender="other")))
    with pytest.raises(errors.FailedPrecondition):
        registry.DeletePatient(pb.DeletePatientRequest(id=made.id))

    back = registry.UndeletePatient(pb.UndeletePatientRequest(id=made.id))
    assert not back.HasField("delete_time")
    assert back.etag == "3"
    assert registry.search("asha", uhid=made.uhid) == [made.id]
    with pytest.raises(errors.FailedPrecondition):
        registry.UndeletePatient(pb.UndeletePatientRequest(id=made.id))
    assert [record[0] for record in audit_records(owner, registry, made.id)][:2] == ["CREATE", "DELETE"]


def test_a_repeated_change_is_made_once(registry):
    made = registry.create()
    request = pb.UpdatePatientRequest(
        patient=pb.Patient(id=made.id, gender="male"), request_id=str(uuid.uuid4())
    )
    registry.UpdatePatient(request)
    registry.UpdatePatient(pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, gender="other")))
    again = registry.UpdatePatient(request)
    assert (again.gender, again.etag) == ("other", "3")


def test_history_is_newest_first(registry):
    made = registry.create(**FULL)
    for number in range(4):
        registry.UpdatePatient(
            pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, family_name=f"Rao{number}"))
        )
    registry.DeletePatient(pb.DeletePatientRequest(id=made.id))

    first = registry.ListPatientVersions(pb.ListPatientVersionsRequest(patient_id=made.id, page_size=4))
    assert [v.patient.etag for v in first.versions] == ["6", "5", "4", "3"]
    assert first.versions[0].patient.HasField("delete_time")
    assert not first.previous_page_token
    last = registry.ListPatientVersions(
        pb.ListPatientVersionsRequest(patient_id=made.id, page_size=4, page_token=first.next_page_token)
    )
    assert [v.patient.etag for v in last.versions] == ["2", "1"]
    assert last.versions[1].patient.names == made.names
    assert last.versions[1].actor_id == registry.tenant.user_id
    assert last.versions[1].change_time == made.create_time
    assert not last.next_page_token
    back = registry.ListPatientVersions(
        pb.ListPatientVersionsRequest(patient_id=made.id, page_size=4, page_token=last.previous_page_token)
    )
    assert back.versions == first.versions


def test_another_hospital_sees_nothing(servicer, registry, new_tenant):
    made = registry.create(**FULL)
    other = Registry(servicer, new_tenant())
    for call in (
        lambda: other.GetPatient(pb.GetPatientRequest(id=made.id)),
        lambda: other.BatchGetPatients(pb.BatchGetPatientsRequest(ids=[made.id])),
        lambda: other.UpdatePatient(pb.UpdatePatientRequest(patient=pb.Patient(id=made.id, gender="male"))),
        lambda: other.DeletePatient(pb.DeletePatientRequest(id=made.id)),
        lambda: other.UndeletePatient(pb.UndeletePatientRequest(id=made.id)),
        lambda: other.ListPatientVersions(pb.ListPatientVersionsRequest(patient_id=made.id)),
    ):
        with pytest.raises(errors.NotFound):
            call()
    assert not other.ListPatients(pb.ListPatientsRequest(show_deleted=True)).patients
    for criterion in (
        {"query": "asha rao"},
        {"query": "sha"},
        {"uhid": made.uhid},
        {"phone": "9876543210"},
        {"identifier": "91-1234"},
        {"birth_date": "1984"},
    ):
        assert not other.search(**criterion)
        assert registry.search(**criterion) == [made.id]
    assert not other.create(**FULL).duplicate_candidates


def test_records_that_may_be_the_same_person(registry, owner):
    same = registry.create("Laxmi", "Sharma", **FULL)
    family = registry.create("Ravi", "Sharma", telecoms=[{"system": "phone", "value": "098765 43210"}])
    registry.create("Ravi", "Verma", birth_date="1984-02-29")
    made = registry.create("शर्मा", "लक्ष्मी", **FULL)

    found = {c.patient_id: (list(c.reasons), c.score) for c in made.duplicate_candidates}
    assert [c.patient_id for c in made.duplicate_candidates] == [same.id, family.id]
    assert set(found[same.id][0]) == {"NAME_AND_BIRTH_DATE", "PHONE", "IDENTIFIER"}
    assert found[same.id][1] == 1
    assert found[family.id][0] == ["PHONE"]
    assert 0 < found[family.id][1] < 0.5
    assert made.duplicate_candidates[0].display_name == "Laxmi Sharma"
    assert made.duplicate_candidates[0].uhid == same.uhid
    assert audit_records(owner, registry, family.id)[-1][0] == "CREATE"


def test_a_telephone_that_was_made_up_is_no_burden(registry):
    phone = {"telecoms": [{"system": "phone", "value": "9999999999"}]}
    for i in range(30):
        registry.create(f"P{i}", **phone)
    made = registry.create("Asha", **phone)
    assert len(made.duplicate_candidates) == 10
