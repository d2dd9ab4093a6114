"""Who sees a restricted patient, how the glass is broken, and how that is reviewed."""

from __future__ import annotations

import pytest

from hms.admin.v1 import user_department_pb2
from hms.patient.v1 import break_glass_pb2 as pb
from hms.patient.v1 import merge_pb2, patient_pb2
from hms_server import clock, errors, ids
from hms_server.admin.user_departments import UserDepartmentBook
from hms_server.database.requests import RequestIds
from hms_server.telemetry import metrics
from tests.fix_database import Tenant
from tests.fix_fhir import Imports, bundle, observation
from tests.fix_fhir import patient as resource
from tests.fix_merge import Ward
from tests.fix_patient import Registry

REASON = "unconscious after an accident"


@pytest.fixture
def colleague_of(owner, servicer):
    """The registry as another user of the same hospital has it."""

    def make(registry):
        made = Tenant(registry.tenant.id, ids.uuid7())
        owner.execute(
            "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
            " VALUES (%s, %s, %s, %s, '-')",
            [made.id, made.user_id, made.user_id, made.user_id],
        )
        return Registry(servicer, made)

    return make


@pytest.fixture
def colleague(colleague_of, registry):
    return colleague_of(registry)


@pytest.fixture
def department_of(owner, app_database, keys, registry):
    """Makes a department of the hospital and puts a user into it, through the API."""
    book = UserDepartmentBook(database=app_database, request_ids=RequestIds(keys.request_hash))

    def make(user_id):
        department_id = ids.uuid7()
        owner.execute(
            "INSERT INTO department (tenant_id, id, document, name_key, active, actor_id)"
            " VALUES (%s, %s, '{\"name\": \"Cardiology\"}', 'cardiology', true, %s)",
            [registry.tenant.id, department_id, user_id],
        )
        request = user_department_pb2.SetUserDepartmentsRequest(
            user_id=user_id, department_ids=[department_id]
        )
        made = book.set(request, registry.tenant.call("AdminService/SetUserDepartments"))
        assert list(made.department_ids) == [department_id]
        return department_id

    return make


def restrict(registry, patient, restricted=True, **fields):
    return registry.SetPatientRestriction(
        pb.SetPatientRestrictionRequest(
            **{"id": patient.id, "restricted": restricted, "reason": "a member of staff", **fields}
        )
    )


def break_glass(registry, seconds=3600, **fields):
    return registry.BreakGlass(pb.BreakGlassRequest(reason=REASON, duration_seconds=seconds, **fields))


def review(registry, grant, outcome="JUSTIFIED", **fields):
    return registry.ReviewBreakGlass(
        pb.ReviewBreakGlassRequest(
            id=grant.id, outcome=pb.BreakGlassOutcome.Value(f"BREAK_GLASS_OUTCOME_{outcome}"), **fields
        )
    )


def grants(registry, **fields):
    return list(registry.ListBreakGlass(pb.ListBreakGlassRequest(**fields)).grants)


def sees(registry, patient):
    try:
        found = registry.GetPatient(patient_pb2.GetPatientRequest(id=patient.id))
    except errors.NotFound:
        return False
    assert found.id == patient.id
    return True


def test_a_patient_is_restricted_and_the_restriction_lifted_with_a_version_each(registry, colleague):
    patient = registry.create()
    done = restrict(registry, patient, etag=patient.etag)
    assert (done.patient_id, done.restricted, done.etag) == (patient.id, True, "2")
    # Whoever restricts does not see the patient either.
    assert not sees(registry, patient)
    with pytest.raises(errors.NotFound):
        restrict(registry, patient, restricted=False)
    break_glass(colleague, patient_id=patient.id)
    shown = colleague.GetPatient(patient_pb2.GetPatientRequest(id=patient.id))
    assert (shown.restricted, shown.etag) == (True, "2")
    assert restrict(colleague, patient).etag == "2"
    with pytest.raises(errors.Aborted):
        restrict(colleague, patient, restricted=False, etag="1")
    assert restrict(colleague, patient, restricted=False, etag="2").etag == "3"
    assert sees(registry, patient)
    versions = registry.ListPatientVersions(patient_pb2.ListPatientVersionsRequest(patient_id=patient.id))
    assert [v.patient.restricted for v in versions.versions] == [False, True, False]


def test_a_repeated_restriction_is_answered_though_the_patient_is_hidden_by_now(registry):
    patient, request_id = registry.create(), ids.uuid7()
    first = restrict(registry, patient, request_id=request_id)
    assert restrict(registry, patient, request_id=request_id) == first
    with pytest.raises(errors.NotFound):
        restrict(registry, patient, request_id=ids.uuid7())


def test_a_client_cannot_restrict_by_writing_the_field(registry):
    patient = registry.CreatePatient(
        patient_pb2.CreatePatientRequest(patient={"given_name": "Asha", "restricted": True})
    )
    assert not patient.restricted
    with pytest.raises(errors.InvalidArgument):
        registry.UpdatePatient(
            patient_pb2.UpdatePatientRequest(
                patient={"id": patient.id, "restricted": True}, update_mask={"paths": ["restricted"]}
            )
        )


def test_a_treating_department_sees_the_patient_and_writes(registry, colleague, department_of, ward):
    patient = registry.create()
    visit = ward.encounter(patient.id)
    department_id = department_of(colleague.tenant.user_id)
    restrict(registry, patient)
    for state, end, started, expected in (
        ("PLANNED", None, "+ interval '3 days'", True),
        ("IN_PROGRESS", None, "- interval '90 days'", True),
        ("ON_HOLD", None, "- interval '90 days'", True),
        ("CANCELLED", None, "", False),
        ("ENTERED_IN_ERROR", None, "", False),
        ("COMPLETED", None, "- interval '29 days'", True),
        ("COMPLETED", None, "- interval '31 days'", False),
        ("COMPLETED", "now() - interval '29 days'", "- interval '90 days'", True),
        ("COMPLETED", "now() - interval '32 days'", "- interval '90 days'", False),
        ("COMPLETED", "'2019'", "", False),
    ):
        document = "'{}'" if end is None else f"jsonb_build_object('end_time', {end})"
        ward.owner.execute(
            f"UPDATE encounter SET state = %s, department_id = %s, clinical_time = now() {started},"
            f" document = {document} WHERE tenant_id = %s AND id = %s",
            [state, department_id, ward.tenant_id, visit],
        )
        assert sees(colleague, patient) == expected, (state, end, started)
        assert not sees(registry, patient)
    ward.owner.execute("UPDATE encounter SET state = 'PLANNED' WHERE tenant_id = %s", [ward.tenant_id])
    changed = colleague.UpdatePatient(
        patient_pb2.UpdatePatientRequest(patient={"id": patient.id, "gender": "female"})
    )
    assert (changed.gender, changed.restricted) == ("female", True)
    assert reasons(ward) == set()


@pytest.mark.parametrize("way", ["opened", "moved", "dated anew"])
def test_an_unjustified_grant_takes_back_the_sight_that_an_encounter_under_it_gave(
    owner, registry, colleague, colleague_of, department_of, charts_of, way
):
    patient = registry.create()
    department_id = department_of(colleague.tenant.user_id)
    doctor, other = charts_of(colleague.tenant), colleague_of(registry)
    fields = {"patient_id": patient.id, "start_time": "2019-03-01"}
    old = charts_of(registry.tenant).create("ENCOUNTER", state="IN_PROGRESS", **fields)
    past = {"state": "COMPLETED", "end_time": "2019-03-02", "department_id": department_id}
    past = charts_of(registry.tenant).create("ENCOUNTER", **fields, **past)
    restrict(registry, patient)
    assert not sees(colleague, patient)
    grant = break_glass(colleague, seconds=300, patient_id=patient.id)
    if way == "opened":
        doctor.create("ENCOUNTER", patient_id=patient.id, department_id=department_id, state="IN_PROGRESS")
    elif way == "moved":
        doctor.amend("ENCOUNTER", old.id, ["department_id"], department_id=department_id)
    else:
        today = clock.now().date().isoformat()
        doctor.amend("ENCOUNTER", past.id, ["end_time"], end_time=today)
    # An emergency admission is seen by those who treat it, after the grant has ended too.
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE id = %s", [grant.id])
    assert sees(colleague, patient)
    assert not sees(other, patient)
    review(registry, grant, "NOT_JUSTIFIED")
    assert not sees(colleague, patient)


def test_what_a_department_treats_anyway_is_not_taken_back_with_a_grant(
    registry, colleague, colleague_of, department_of, charts_of
):
    patient, treating = registry.create(), colleague_of(registry)
    visit = charts_of(registry.tenant).create(
        "ENCOUNTER",
        patient_id=patient.id,
        department_id=department_of(treating.tenant.user_id),
        state="IN_PROGRESS",
    )
    restrict(registry, patient)
    grant = break_glass(colleague, patient_id=patient.id)
    charts_of(colleague.tenant).amend("ENCOUNTER", visit.id, ["note"], note="came by ambulance")
    charts_of(colleague.tenant).amend("ENCOUNTER", visit.id, ["state"], state="ON_HOLD")
    review(registry, grant, "NOT_JUSTIFIED")
    assert sees(treating, patient)
    assert not sees(colleague, patient)


def reasons(ward):
    """What the audit records of the hospital give as reason, beside that of the restriction itself."""
    rows = ward.owner.execute(
        "SELECT record ->> 'reason' FROM audit_outbox WHERE tenant_id = %s", [ward.tenant_id]
    )
    return {reason for (reason,) in rows if reason and reason != "a member of staff"}


def test_the_departments_of_users_are_a_list_that_is_set_as_a_whole(
    app_database, keys, registry, department_of, new_tenant
):
    book = UserDepartmentBook(database=app_database, request_ids=RequestIds(keys.request_hash))
    user_id = registry.tenant.user_id
    first, second = department_of(user_id), department_of(user_id)

    def put(*found, tenant=registry.tenant, **fields):
        request = user_department_pb2.SetUserDepartmentsRequest(
            user_id=user_id, department_ids=found, **fields
        )
        return list(book.set(request, tenant.call("AdminService/SetUserDepartments")).department_ids)

    def read(tenant=registry.tenant):
        request = user_department_pb2.GetUserDepartmentsRequest(user_id=user_id)
        return list(book.get(request, tenant.call("AdminService/GetUserDepartments")).department_ids)

    assert read() == [second]
    assert put(second, first) == sorted([first, second]) == read()
    request_id = ids.uuid7()
    assert put(request_id=request_id) == []
    put(first)
    assert put(request_id=request_id) == [first]
    with pytest.raises(errors.InvalidArgument) as caught:
        put(first, ids.uuid7())
    assert [v.field for v in caught.value.violations] == ["department_ids[1]"]
    stranger = new_tenant()
    for refused in (lambda: put(tenant=stranger), lambda: read(stranger)):
        with pytest.raises(errors.NotFound):
            refused()
    assert read() == [first]


def test_the_glass_is_broken_by_id_or_uhid_for_a_while_and_for_one_patient(
    registry, colleague, colleague_of, owner
):
    patient, other = registry.create(), registry.create()
    for each in (patient, other):
        restrict(registry, each)
    before = metrics.BREAK_GLASS._value.get()
    grant = break_glass(colleague, uhid=f" {patient.uhid.lower()} ")
    assert metrics.BREAK_GLASS._value.get() == before + 1
    assert (grant.patient_id, grant.user_id) == (patient.id, colleague.tenant.user_id)
    assert grant.expire_time.seconds - grant.create_time.seconds == 3600
    assert (sees(colleague, patient), sees(colleague, other)) == (True, False)
    assert not sees(colleague_of(registry), patient)
    assert colleague.search(uhid=patient.uhid) == [patient.id]
    assert colleague.search("Asha") == [patient.id]
    assert registry.search("Asha") == []
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE id = %s", [grant.id])
    assert not sees(colleague, patient)
    # Again, if it must be.
    again = break_glass(colleague, patient_id=patient.id.upper())
    assert again.id != grant.id
    assert sees(colleague, patient)


def test_the_glass_cannot_be_broken_for_nobody(registry, colleague, new_tenant, servicer):
    patient = registry.create()
    for named in ({"patient_id": ids.uuid7()}, {"uhid": "H00000000000"}):
        with pytest.raises(errors.NotFound):
            break_glass(colleague, **named)
    for named in ({}, {"patient_id": patient.id, "uhid": patient.uhid}, {"uhid": " - "}):
        with pytest.raises(errors.InvalidArgument):
            break_glass(colleague, **named)
    for named in ({"patient_id": patient.id}, {"uhid": patient.uhid}):
        with pytest.raises(errors.NotFound):
            break_glass(Registry(servicer, new_tenant()), **named)
    assert grants(registry) == []


def test_a_repeated_request_breaks_the_glass_once(registry, colleague):
    patient, request_id = registry.create(), ids.uuid7()
    first = break_glass(colleague, patient_id=patient.id, request_id=request_id)
    assert break_glass(colleague, patient_id=patient.id, request_id=request_id) == first
    assert grants(registry) == [first]


def test_a_request_id_of_somebody_else_gives_his_answer_to_nobody(registry, colleague, colleague_of):
    patient, request_id = registry.create(), ids.uuid7()
    restrict(registry, patient)
    first = break_glass(colleague, patient_id=patient.id, request_id=request_id)
    other = colleague_of(registry)
    second = break_glass(other, patient_id=patient.id, request_id=request_id)
    assert (second.id == first.id, second.user_id) == (False, other.tenant.user_id)


def test_a_grant_is_reviewed_once_and_by_somebody_else(registry, colleague, colleague_of):
    patient = registry.create()
    restrict(registry, patient)
    grant = break_glass(colleague, patient_id=patient.id)
    with pytest.raises(errors.FailedPrecondition):
        review(colleague, grant)
    request_id = ids.uuid7()
    done = review(registry, grant, note="the ward confirms", request_id=request_id)
    assert (done.outcome, done.note) == (pb.BREAK_GLASS_OUTCOME_JUSTIFIED, "the ward confirms")
    assert (done.reviewer_id, done.HasField("review_time")) == (registry.tenant.user_id, True)
    assert sees(colleague, patient)
    assert review(registry, grant, note="the ward confirms", request_id=request_id) == done
    with pytest.raises(errors.FailedPrecondition):
        review(colleague_of(registry), grant, "NOT_JUSTIFIED")


def test_a_grant_that_was_not_justified_ends_at_once(registry, colleague):
    patient = registry.create()
    restrict(registry, patient)
    grant = break_glass(colleague, patient_id=patient.id)
    assert sees(colleague, patient)
    review(registry, grant, "NOT_JUSTIFIED")
    assert not sees(colleague, patient)


def test_the_privacy_officer_finds_the_grants_by_patient_user_and_state(registry, colleague, colleague_of):
    one, other = registry.create(), registry.create()
    third = colleague_of(registry)
    made = [
        break_glass(colleague, patient_id=one.id),
        break_glass(third, patient_id=one.id),
        break_glass(third, patient_id=other.id),
    ]
    review(registry, made[1])
    newest_first = [grant.id for grant in reversed(made)]
    assert [g.id for g in grants(registry)] == newest_first
    assert [g.id for g in grants(registry, patient_id=one.id)] == newest_first[1:]
    assert [g.id for g in grants(registry, user_id=third.tenant.user_id)] == newest_first[:2]
    assert [g.id for g in grants(registry, unreviewed=True)] == [newest_first[0], newest_first[2]]
    assert {g.reason for g in grants(registry)} == {REASON}
    seen, token = [], ""
    for _ in range(3):
        page = registry.ListBreakGlass(pb.ListBreakGlassRequest(page_size=1, page_token=token))
        seen += [g.id for g in page.grants]
        token, back = page.next_page_token, page.previous_page_token
    assert (seen, token) == (newest_first, "")
    page = registry.ListBreakGlass(pb.ListBreakGlassRequest(page_size=1, page_token=back))
    assert [g.id for g in page.grants] == [newest_first[1]]


def test_records_that_were_merged_into_a_patient_are_hidden_with_it_and_found_by_their_uhid(
    ward, registry, colleague
):
    survivor, merged = registry.create(), registry.create()
    merge = ward.merge(survivor, merged)
    with pytest.raises(errors.FailedPrecondition):
        restrict(registry, merged)
    restrict(registry, survivor)
    assert not sees(registry, survivor)
    assert not sees(registry, merged)
    for refused in (
        lambda: registry.GetMerge(merge_pb2.GetMergeRequest(id=merge.id)),
        lambda: registry.ListMerges(merge_pb2.ListMergesRequest(patient_id=merged.id)),
        lambda: ward.unmerge(merge),
    ):
        with pytest.raises(errors.NotFound):
            refused()
    assert break_glass(colleague, uhid=merged.uhid).patient_id == survivor.id
    assert sees(colleague, survivor)
    assert sees(colleague, merged)
    assert colleague.search(uhid=merged.uhid) == [survivor.id]
    restrict(colleague, survivor, restricted=False)
    assert sees(registry, merged)
    ward.unmerge(merge)
    assert sees(registry, merged)


def test_a_merge_moves_no_restriction_it_has_to_be_lifted_first(ward, registry, colleague, colleague_of):
    one, other = registry.create(), registry.create()
    restrict(registry, other)
    break_glass(colleague, patient_id=other.id)
    theirs = Ward(ward.owner, colleague)
    for survivor, merged in ((one, other), (other, one)):
        with pytest.raises(errors.NotFound):
            ward.merge(survivor, merged)
        with pytest.raises(errors.FailedPrecondition) as caught:
            theirs.merge(survivor, merged)
        assert "restricted" in caught.value.message
    restrict(colleague, other, restricted=False)
    merge = theirs.merge(one, other)
    restrict(colleague, one)
    third = colleague_of(registry)
    break_glass(third, patient_id=one.id)
    with pytest.raises(errors.FailedPrecondition):
        Ward(ward.owner, third).unmerge(merge)


def test_a_merge_that_was_taken_back_is_hidden_with_either_side(ward, registry):
    one, other = registry.create(), registry.create()
    merge = ward.merge(one, other)
    ward.unmerge(merge)
    restrict(registry, other)
    with pytest.raises(errors.NotFound):
        registry.GetMerge(merge_pb2.GetMergeRequest(id=merge.id))
    assert not registry.ListMerges(merge_pb2.ListMergesRequest(patient_id=one.id)).merges


def test_duplicates_are_told_to_those_alone_who_see_both(registry, colleague):
    same = {"birth_date": "1987-04-21"}
    one, other, third = (registry.create(**same) for _ in range(3))
    restrict(registry, other)
    break_glass(colleague, patient_id=other.id)

    def pairs(of):
        found = of.ListDuplicatePairs(merge_pb2.ListDuplicatePairsRequest()).pairs
        return {frozenset((p.first.patient_id, p.second.patient_id)) for p in found}

    assert pairs(registry) == {frozenset((one.id, third.id))}
    assert len(pairs(colleague)) == 3
    near = registry.ListDuplicateCandidates(patient_pb2.ListDuplicateCandidatesRequest(patient_id=one.id))
    assert [candidate.patient_id for candidate in near.candidates] == [third.id]
    assert other.id not in {c.patient_id for c in registry.create(**same).duplicate_candidates}


def test_everything_under_a_grant_is_marked_in_the_audit_and_nothing_else(ward, registry, colleague):
    patient = registry.create()
    restrict(registry, patient)
    grant = break_glass(colleague, patient_id=patient.id)
    assert reasons(ward) == set()
    colleague.search("Asha")
    colleague.UpdatePatient(patient_pb2.UpdatePatientRequest(patient={"id": patient.id, "gender": "male"}))
    rows = ward.owner.execute(
        "SELECT split_part(record ->> 'method', '/', 2), record ->> 'reason' FROM audit_outbox"
        " WHERE tenant_id = %s ORDER BY position DESC LIMIT 2",
        [ward.tenant_id],
    ).fetchall()
    mark = f"BREAK_GLASS:{grant.id}"
    assert rows == [("UpdatePatient", mark), ("SearchPatients", mark)]
    registry.search("Asha")
    assert reasons(ward) == {mark}


def test_an_import_of_a_patient_whom_the_importer_does_not_see_is_refused_with_its_place(
    fhir_servicer, registry, colleague, owner
):
    imports = Imports(fhir_servicer, registry.tenant, owner)
    asha = resource()
    imports.send(bundle(asha, observation(asha)))
    owner.execute("UPDATE patient SET restricted = true WHERE tenant_id = %s", [registry.tenant.id])
    before = imports.sizes()
    changed = {**asha, "gender": "female"}
    (patient_fault, reference_fault) = imports.refused(bundle(changed, observation(asha)))
    assert patient_fault[0] == "entry[0].resource"
    assert reference_fault[0] == "entry[1].resource.subject"
    for _, text in (patient_fault, reference_fault):
        assert "restricted" in text
    # By an id from before, and with an unchanged patient.
    later = observation(asha, subject={"reference": f"Patient/{asha['id']}"})
    assert imports.refused(bundle(later))[0][0] == "entry[0].resource.subject"
    assert imports.refused(bundle(asha, observation(asha)))[0][0] == "entry[1].resource.subject"
    assert {**imports.sizes(), "audit_outbox": 0} == {**before, "audit_outbox": 0}

    (patient_id,) = owner.execute(
        "SELECT id::text FROM patient WHERE tenant_id = %s", [registry.tenant.id]
    ).fetchone()
    break_glass(colleague, patient_id=patient_id)
    theirs = Imports(fhir_servicer, colleague.tenant, owner)
    assert theirs.counts(bundle(changed, observation(asha)))["Patient"] == (0, 1, 0)
