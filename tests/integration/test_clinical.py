"""Records of every type: written, read, amended, marked, refused."""

from __future__ import annotations

import pytest

from hms_server import errors, ids
from hms_server.clinical.kinds import KINDS
from tests.fix_clinical import TYPES, concept

NOTED = [type_ for type_ in TYPES if "note" in KINDS[type_].message.DESCRIPTOR.fields_by_name]
WITH_TIME = {type_: KINDS[type_].times[-1] for type_ in TYPES}


@pytest.mark.parametrize("type_", TYPES)
def test_what_was_written_is_what_is_read(charts, patient_id, type_):
    made = charts.create(type_, patient_id=patient_id)
    read = charts.get(type_, made.id)
    for name in KINDS[type_].embedded:
        read.ClearField(name)
    assert read == made
    assert made.patient_id == patient_id
    assert made.etag == "1"


@pytest.mark.parametrize("type_", TYPES)
def test_a_repeated_request_makes_one_record(charts, patient_id, type_):
    request_id = ids.uuid7()
    first = charts.create(type_, patient_id=patient_id, request_id=request_id)
    assert charts.create(type_, patient_id=patient_id, request_id=request_id) == first
    assert charts.listed(type_, patient_id=patient_id) == [first.id]


@pytest.mark.parametrize("type_", TYPES)
def test_an_amended_record_keeps_the_version_that_stood(charts, patient_id, type_):
    made = charts.create(type_, patient_id=patient_id)
    name = WITH_TIME[type_]
    amended = charts.amend(type_, made.id, **{name: "2026-02-03T04:05:06Z"})
    assert getattr(amended, name) == "2026-02-03T04:05:06Z"
    assert amended.etag == "2"
    history = charts.ListRecordVersions(record_id=made.id).versions
    assert [getattr(v.record, type_.lower()).etag for v in history] == ["2", "1"]
    assert getattr(history[1].record, type_.lower()) == made
    assert history[0].actor_id == charts.tenant.user_id


@pytest.mark.parametrize("type_", TYPES)
def test_a_record_entered_in_error_stays_readable_and_leaves_the_lists(charts, patient_id, type_):
    made = charts.create(type_, patient_id=patient_id)
    marked = charts.mark(type_, made.id)
    assert marked.error_reason == "wrong patient"
    assert charts.listed(type_, patient_id=patient_id) == []
    assert charts.listed(type_, patient_id=patient_id, show_entered_in_error=True) == [made.id]
    assert charts.get(type_, made.id).error_reason == "wrong patient"
    with pytest.raises(errors.FailedPrecondition):
        charts.amend(type_, made.id, **{WITH_TIME[type_]: "2026-02-03"})


@pytest.mark.parametrize("type_", TYPES)
def test_a_stale_etag_is_refused(charts, patient_id, type_):
    made = charts.create(type_, patient_id=patient_id)
    charts.amend(type_, made.id, etag="1", **{WITH_TIME[type_]: "2026-02-03"})
    with pytest.raises(errors.Aborted) as caught:
        charts.mark(type_, made.id, etag="1")
    assert caught.value.reason == "ETAG_MISMATCH"


@pytest.mark.parametrize("type_", TYPES)
def test_an_amendment_that_changes_nothing_makes_no_version(charts, patient_id, type_):
    made = charts.create(type_, patient_id=patient_id)
    name = WITH_TIME[type_]
    assert charts.amend(type_, made.id, **{name: getattr(made, name)}).etag == "1"


@pytest.mark.parametrize("type_", [t for t in TYPES if t != "ENCOUNTER"])
def test_a_record_of_an_encounter_takes_its_patient_and_is_listed_there(charts, patient_id, type_):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id)
    made = charts.create(type_, encounter_id=encounter.id)
    assert made.patient_id == patient_id
    assert charts.listed(type_, encounter_id=encounter.id) == [made.id]
    assert charts.listed(type_, encounter_id=encounter.id, patient_id=patient_id) == [made.id]


def test_a_record_of_nobody_is_not_found(charts):
    with pytest.raises(errors.NotFound):
        charts.create("OBSERVATION", patient_id=ids.uuid7())
    with pytest.raises(errors.NotFound):
        charts.create("OBSERVATION", encounter_id=ids.uuid7())
    with pytest.raises(errors.InvalidArgument, match="patient_id"):
        charts.create("OBSERVATION")


def test_a_deleted_patients_record_does_not_grow(charts, registry, patient_id):
    from hms.patient.v1 import patient_pb2

    registry.DeletePatient(patient_pb2.DeletePatientRequest(id=patient_id))
    with pytest.raises(errors.FailedPrecondition):
        charts.create("CONDITION", patient_id=patient_id)


NOBODY = "01a20e0b-4367-7330-add1-8f44dd1455f4"


@pytest.mark.parametrize(
    ("type_", "pointer"),
    [
        ("OBSERVATION", {"encounter_id": NOBODY}),
        ("OBSERVATION", {"practitioner_id": NOBODY}),
        ("OBSERVATION", {"organization_id": NOBODY}),
        ("ENCOUNTER", {"department_id": NOBODY}),
        ("ENCOUNTER", {"location_id": NOBODY}),
        ("ENCOUNTER", {"participants": [{"practitioner_id": NOBODY}]}),
        ("PRESCRIPTION", {"reason_condition_ids": [NOBODY]}),
        ("DIAGNOSTIC_REPORT", {"result_ids": [NOBODY]}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_pointer_to_nothing_is_named(charts, patient_id, type_, pointer):
    (name,) = pointer
    with pytest.raises(errors.InvalidArgument, match=name):
        charts.create(type_, patient_id=patient_id, **pointer)
    made = charts.create(type_, patient_id=patient_id)
    with pytest.raises(errors.InvalidArgument, match=name):
        charts.amend(type_, made.id, **pointer)


def test_another_patients_encounter_and_records_cannot_be_pointed_to(charts, registry, patient_id):
    other = registry.create("Ravi").id
    encounter = charts.create("ENCOUNTER", patient_id=other)
    condition = charts.create("CONDITION", patient_id=other)
    result = charts.create("OBSERVATION", patient_id=other)
    for type_, pointer in (
        ("OBSERVATION", {"encounter_id": encounter.id}),
        ("PROCEDURE", {"reason_condition_ids": [condition.id]}),
        ("DIAGNOSTIC_REPORT", {"result_ids": [result.id]}),
    ):
        with pytest.raises(errors.InvalidArgument):
            charts.create(type_, patient_id=patient_id, **pointer)


def test_a_record_of_one_type_is_not_another(charts, patient_id):
    made = charts.create("CONDITION", patient_id=patient_id)
    with pytest.raises(errors.NotFound):
        charts.get("OBSERVATION", made.id)
    with pytest.raises(errors.InvalidArgument):
        charts.create("DIAGNOSTIC_REPORT", patient_id=patient_id, result_ids=[made.id])


def test_a_final_result_that_is_amended_says_so(charts, patient_id):
    made = charts.create("OBSERVATION", patient_id=patient_id)
    assert made.state == "FINAL"
    assert charts.amend("OBSERVATION", made.id, note="haemolysed").state == "AMENDED"


def test_the_fields_of_a_mask_are_cleared_where_nothing_is_sent(charts, patient_id):
    made = charts.create(
        "CONDITION", patient_id=patient_id, note="since spring", severity=concept("255604002")
    )
    amended = charts.amend("CONDITION", made.id, mask=["note", "severity"])
    assert amended.note == ""
    assert not amended.HasField("severity")
    assert amended.code == made.code


def test_a_vital_sign_needs_no_category_to_be_one(charts, patient_id):
    made = charts.create("OBSERVATION", patient_id=patient_id, categories=[])
    assert list(made.categories) == ["vital-signs"]
    assert [o.id for o in charts.ListVitalSigns(patient_id=patient_id).vital_signs] == [made.id]
    other = charts.create(
        "OBSERVATION", patient_id=patient_id, categories=[], code=concept("2951-2", "Sodium")
    )
    assert list(other.categories) == []


def test_an_observations_value_may_change_its_kind(charts, patient_id):
    made = charts.create("OBSERVATION", patient_id=patient_id)
    amended = charts.amend("OBSERVATION", made.id, text="not measurable")
    assert amended.WhichOneof("value") == "text"


@pytest.mark.parametrize(
    ("type_", "fields", "wrong"),
    [
        ("OBSERVATION", {"effective_time": "2026-02-30"}, "observation.effective_time"),
        ("OBSERVATION", {"effective_time": "2026-02-03T10:00:00"}, "observation.effective_time"),
        ("OBSERVATION", {"effective_end_time": "2020-01-01T00:00:00Z"}, "observation.effective_end_time"),
        ("CONDITION", {"code": {}}, "condition.code"),
        ("IMMUNIZATION", {"code": None}, "immunization.code"),
        ("PRESCRIPTION", {"items": []}, "prescription.items"),
        ("DOCUMENT", {"attachments": []}, "document.attachments"),
        ("CONDITION", {"abatement_time": "2020"}, "condition.abatement_time"),
        (
            "CONDITION",
            {"verification_state": "ENTERED_IN_ERROR", "clinical_state": "ACTIVE"},
            "condition.clinical",
        ),
        ("ALLERGY", {"reactions": [{"onset_time": "May"}]}, r"allergy.reactions\[0\].onset_time"),
        ("IMMUNIZATION", {"expiration_date": "2026-13"}, "immunization.expiration_date"),
        ("PROCEDURE", {"note": "a\x07b"}, "procedure.note"),
        ("ENCOUNTER", {"end_time": "2026-02-28T00:00:00Z"}, "encounter.end_time"),
    ],
    ids=str,
)
def test_what_cannot_be_so_is_refused_with_its_field(charts, patient_id, type_, fields, wrong):
    with pytest.raises(errors.InvalidArgument, match=wrong):
        charts.create(type_, patient_id=patient_id, **fields)
    assert charts.listed(type_, patient_id=patient_id) == []


def test_an_encounters_state_goes_only_its_ways(charts, patient_id):
    made = charts.create("ENCOUNTER", patient_id=patient_id)
    assert made.state == "PLANNED"
    with pytest.raises(errors.FailedPrecondition, match="COMPLETED"):
        charts.amend("ENCOUNTER", made.id, state="COMPLETED")
    for state in ("IN_PROGRESS", "ON_HOLD", "IN_PROGRESS", "COMPLETED"):
        assert charts.amend("ENCOUNTER", made.id, state=state).state == state
    with pytest.raises(errors.FailedPrecondition, match="final"):
        charts.amend("ENCOUNTER", made.id, state="IN_PROGRESS")
    assert charts.amend("ENCOUNTER", made.id, note="late entry").state == "COMPLETED"
