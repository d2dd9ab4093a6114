"""What stands against a prescription stops it, is overridden with a reason, or is told."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest

from hms.clinical.v1 import prescription_warning_pb2 as pb
from hms_server import errors, ids
from tests.fix_clinical import concept
from tests.fix_prescribing import drug

BLEEDING = "INTERACTION:ibuprofen+warfarin"


def stopped(call):
    """The keys of the warnings that a call is refused with."""
    with pytest.raises(errors.FailedPrecondition) as caught:
        call()
    assert caught.value.reason == "PRESCRIPTION_WARNINGS"
    (detail,) = caught.value.details
    assert isinstance(detail, pb.PrescriptionWarnings)
    for word in ("warfarin", "ibuprofen", "amoxicillin", "penicillin"):
        assert word not in caught.value.message.lower()
    return [warning.key for warning in detail.warnings]


def override(*keys, reason="the benefit is greater"):
    return [{"warning_key": key, "reason": reason} for key in keys]


def test_an_allergy_stops_a_prescription_and_nothing_is_written(charts, prescribe, patient_id):
    allergy = charts.create("ALLERGY", patient_id=patient_id)
    with pytest.raises(errors.FailedPrecondition) as caught:
        prescribe("Amoxicillin 500 MG Oral Capsule")
    (warning,) = caught.value.details[0].warnings
    assert (warning.type, warning.severity) == ("ALLERGY", "CONTRAINDICATED")
    assert list(warning.conflicting_record_ids) == [allergy.id]
    assert charts.listed("PRESCRIPTION", patient_id=patient_id) == []


def test_an_override_with_a_reason_lets_it_pass_and_is_kept_with_who_and_when(
    charts, prescribe, patient_id, owner
):
    charts.create("ALLERGY", patient_id=patient_id)
    (key,) = stopped(lambda: prescribe("Amoxicillin"))
    made = prescribe("Amoxicillin", overrides=override(key))
    (kept,) = charts.get("PRESCRIPTION", made.id).overrides
    assert (kept.warning_key, kept.reason, kept.severity) == (
        key,
        "the benefit is greater",
        "CONTRAINDICATED",
    )
    assert kept.user_id == charts.tenant.user_id
    assert kept.override_time.endswith("Z")
    assert [warning.key for warning in made.warnings] == [key]
    reasons = owner.execute(
        "SELECT record ->> 'reason' FROM audit_outbox WHERE tenant_id = %s AND record ->> 'entity_id' = %s"
        " AND record ->> 'action' = 'CREATE'",
        [charts.tenant.id, made.id],
    ).fetchall()
    assert reasons == [("warnings overridden: ALLERGY CONTRAINDICATED",)]


def test_an_override_of_one_warning_leaves_the_other(charts, prescribe, patient_id):
    charts.create("ALLERGY", patient_id=patient_id)
    keys = stopped(lambda: prescribe("Amoxicillin", "warfarin", "ibuprofen"))
    assert len(keys) == 2
    for key in keys:
        stopped(lambda key=key: prescribe("Amoxicillin", "warfarin", "ibuprofen", overrides=override(key)))
    prescribe("Amoxicillin", "warfarin", "ibuprofen", overrides=override(*keys))


def test_what_a_caller_says_of_who_overrode_and_of_warnings_is_not_believed(charts, prescribe):
    made = prescribe(
        "warfarin",
        "ibuprofen",
        overrides=[{**override(BLEEDING)[0], "user_id": ids.uuid7(), "severity": "MINOR"}],
        warnings=[{"key": "INVENTED"}],
    )
    assert [w.key for w in made.warnings] == [BLEEDING]
    assert made.overrides[0].user_id == charts.tenant.user_id
    assert made.overrides[0].severity == "SEVERE"


def test_an_override_of_nothing_is_not_kept(prescribe):
    assert not prescribe("metformin", overrides=override("INTERACTION:a+b")).overrides


def test_a_moderate_warning_is_told_and_stored(charts, prescribe):
    first = prescribe("Amlodipine 5 MG Oral Tablet")
    second = prescribe("amlodipine 10")
    (warning,) = charts.get("PRESCRIPTION", second.id).warnings
    assert (warning.key, warning.severity) == ("DUPLICATE:amlodipine", "MODERATE")
    assert list(warning.conflicting_record_ids) == [first.id]


@pytest.mark.parametrize("state", ["STOPPED", "COMPLETED", "CANCELLED", "ON_HOLD", "DRAFT"])
def test_a_prescription_that_is_not_active_stands_against_nothing(prescribe, state):
    prescribe("warfarin", state=state)
    assert not prescribe("ibuprofen").warnings


def test_a_prescription_entered_in_error_stands_against_nothing(charts, prescribe):
    made = prescribe("warfarin")
    charts.mark("PRESCRIPTION", made.id)
    assert not prescribe("ibuprofen").warnings


def test_a_course_that_is_long_over_stands_against_nothing(prescribe):
    old = {"authored_time": "2020-01-01", "items": [drug("warfarin", duration={"value": 5, "code": "d"})]}
    prescribe(**old)
    assert not prescribe("ibuprofen", state="DRAFT").warnings
    prescribe(**{**old, "items": [drug("warfarin")]})
    stopped(lambda: prescribe("ibuprofen"))


def test_an_allergy_that_is_refuted_resolved_or_an_error_stands_against_nothing(
    charts, prescribe, patient_id
):
    charts.create("ALLERGY", patient_id=patient_id, verification_state="REFUTED")
    charts.create("ALLERGY", patient_id=patient_id, clinical_state="RESOLVED")
    charts.mark("ALLERGY", charts.create("ALLERGY", patient_id=patient_id).id)
    assert not prescribe("Amoxicillin").warnings


def test_nothing_of_another_patient_or_hospital_stands_against_it(
    charts, charts_of, prescribe, registry, new_tenant, servicer
):
    prescribe("warfarin")
    neighbour = str(registry.create().id)
    assert not prescribe("ibuprofen", patient_id=neighbour).warnings
    rule = {"first": "metformin", "second": "amlodipine", "severity": "SEVERE"}
    charts_of(new_tenant()).CreateInteractionRule(interaction_rule=rule)
    assert not prescribe("metformin", "amlodipine", patient_id=neighbour).warnings


def test_a_draft_is_warned_and_stopped_only_when_it_becomes_active(charts, prescribe):
    draft = prescribe("warfarin", "ibuprofen", state="DRAFT")
    assert [w.key for w in draft.warnings] == [BLEEDING]
    stopped(lambda: charts.amend("PRESCRIPTION", draft.id, state="ACTIVE"))
    made = charts.amend("PRESCRIPTION", draft.id, state="ACTIVE", overrides=override(BLEEDING))
    assert made.state == "ACTIVE"
    assert made.overrides[0].reason


def test_an_item_that_is_added_is_checked_and_one_overridden_before_stays_so(charts, prescribe, patient_id):
    made = prescribe("warfarin", "ibuprofen", overrides=override(BLEEDING))
    amended = charts.amend(
        "PRESCRIPTION", made.id, items=[drug("warfarin"), drug("brufen"), drug("metformin")]
    )
    assert [o.warning_key for o in amended.overrides] == [BLEEDING]
    more = [drug("warfarin"), drug("ibuprofen"), drug("aspirin")]
    assert "INTERACTION:aspirin+warfarin" in stopped(
        lambda: charts.amend("PRESCRIPTION", made.id, items=more)
    )
    with_reason = override("INTERACTION:aspirin+warfarin", "INTERACTION:aspirin+ibuprofen")
    passed = charts.amend(
        "PRESCRIPTION", made.id, mask=["items", "overrides"], items=more, overrides=with_reason
    )
    assert {o.warning_key for o in passed.overrides} >= {BLEEDING, "INTERACTION:aspirin+warfarin"}
    assert charts.listed("PRESCRIPTION", patient_id=patient_id) == [made.id]


def test_an_amendment_cannot_take_an_override_or_a_warning_away(charts, prescribe):
    made = prescribe("warfarin", "ibuprofen", overrides=override(BLEEDING))
    amended = charts.amend("PRESCRIPTION", made.id, mask=["overrides", "note"], note="x")
    assert (list(amended.overrides), list(amended.warnings)) == (list(made.overrides), list(made.warnings))
    with pytest.raises(errors.InvalidArgument):
        charts.amend("PRESCRIPTION", made.id, mask=["warnings"])


def test_a_note_is_amended_whatever_has_come_to_stand_against_it(charts, prescribe, patient_id):
    made = prescribe("Amoxicillin")
    charts.create("ALLERGY", patient_id=patient_id)
    assert charts.amend("PRESCRIPTION", made.id, note="with food").note == "with food"
    assert charts.amend("PRESCRIPTION", made.id, state="STOPPED").state == "STOPPED"


def test_an_override_for_less_does_not_hold_for_more(charts, prescribe, patient_id):
    allergy = charts.create(
        "ALLERGY", patient_id=patient_id, criticality="", code=concept("764146007", "Penicillin")
    )
    (key,) = stopped(lambda: prescribe("Amoxicillin"))
    made = prescribe("Amoxicillin", overrides=override(key))
    charts.amend("ALLERGY", allergy.id, criticality="high")
    items = [drug("Amoxicillin"), drug("metformin")]
    assert stopped(lambda: charts.amend("PRESCRIPTION", made.id, items=items)) == [key]
    again = override(key, reason="still the only one")
    amended = charts.amend("PRESCRIPTION", made.id, items=items, overrides=again)
    assert [(o.reason, o.severity) for o in amended.overrides] == [("still the only one", "CONTRAINDICATED")]


def test_a_repeated_request_is_answered_though_the_first_stands_against_it(charts, prescribe, patient_id):
    request_id = ids.uuid7()
    first = prescribe("warfarin", request_id=request_id)
    assert prescribe("warfarin", request_id=request_id) == first
    assert charts.listed("PRESCRIPTION", patient_id=patient_id) == [first.id]


def test_a_quantity_is_computed_shown_and_follows_an_amendment(charts, prescribe):
    course = {
        "dose": {"value": 1, "unit": "tablet"},
        "frequency": 3,
        "period": 1,
        "period_unit": "d",
        "duration": {"value": 5, "code": "d"},
    }
    made = prescribe(items=[drug("metformin", **course), drug("amlodipine")])
    assert (made.items[0].quantity.value, made.items[0].quantity_computed) == (15, True)
    assert not made.items[1].HasField("quantity")
    again = [*made.items]
    again[0].frequency = 2
    assert charts.amend("PRESCRIPTION", made.id, items=again).items[0].quantity.value == 10


def test_an_active_prescription_that_contradicts_itself_is_refused_by_its_field(prescribe):
    with pytest.raises(errors.InvalidArgument) as caught:
        prescribe(items=[drug("metformin"), drug("amlodipine", duration={"value": 5, "unit": "kg"})])
    assert [v.field for v in caught.value.violations] == ["prescription.items[1].duration.code"]


def test_a_check_says_the_same_and_writes_nothing(charts, prescribe, patient_id):
    prescribe("warfarin")
    asked = {"patient_id": patient_id, "items": [drug("ibuprofen")]}
    answer = charts.CheckPrescription(prescription=asked)
    assert [w.key for w in answer.warnings] == list(answer.unresolved_keys) == [BLEEDING]
    settled = charts.CheckPrescription(prescription={**asked, "overrides": override(BLEEDING)})
    assert not settled.unresolved_keys
    assert settled.warnings == answer.warnings
    assert len(charts.listed("PRESCRIPTION", patient_id=patient_id)) == 1


def test_a_check_of_a_prescription_that_stands_leaves_itself_out(charts, prescribe):
    made = prescribe("warfarin")
    answer = charts.CheckPrescription(prescription={"id": made.id, "items": [drug("warfarin")]})
    assert not answer.warnings


def test_a_check_needs_a_patient_that_is_there(charts, charts_of, patient_id, new_tenant):
    items = [drug("ibuprofen")]
    with pytest.raises(errors.InvalidArgument):
        charts.CheckPrescription(prescription={"items": items})
    with pytest.raises(errors.NotFound):
        charts.CheckPrescription(prescription={"patient_id": ids.uuid7(), "items": items})
    with pytest.raises(errors.NotFound):
        charts_of(new_tenant()).CheckPrescription(prescription={"patient_id": patient_id, "items": items})


def test_a_medicine_of_the_hospitals_list_is_known_by_its_code_alone(charts, codes, prescribe):
    codes.CreateCodeEntry(code_entry={"system": "urn:local", "code": "M1", "display": "Brufen 400"})
    prescribe("warfarin")
    coded = {"medication": {"codings": [{"system": "urn:local", "code": "M1"}]}}
    assert stopped(lambda: prescribe(items=[coded])) == [BLEEDING]


@pytest.mark.parametrize("round_", range(3))
def test_of_two_prescriptions_at_once_the_second_sees_the_first(charts, prescribe, patient_id, round_):
    barrier = threading.Barrier(2)

    def write(name):
        barrier.wait(10)
        try:
            prescribe(name)
        except errors.FailedPrecondition as refused:
            return refused.reason
        return "written"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(write, ("warfarin", "ibuprofen")))
    assert outcomes == ["PRESCRIPTION_WARNINGS", "written"]
    assert len(charts.listed("PRESCRIPTION", patient_id=patient_id)) == 1


def test_of_two_drafts_made_active_at_once_one_is_stopped(charts, prescribe):
    drafts = [prescribe(name, state="DRAFT").id for name in ("warfarin", "ibuprofen")]
    barrier = threading.Barrier(2)

    def activate(record_id):
        barrier.wait(10)
        try:
            return charts.amend("PRESCRIPTION", record_id, state="ACTIVE").state
        except errors.FailedPrecondition as refused:
            return refused.reason

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(activate, drafts))
    assert outcomes == ["ACTIVE", "PRESCRIPTION_WARNINGS"]


NONE_KNOWN = concept("716186003", "No known allergy")
NO_DRUG = concept("409137002", "No known drug allergy")


def contradicted(call):
    with pytest.raises(errors.FailedPrecondition) as caught:
        call()
    return caught.value.reason


def test_no_known_allergy_and_an_allergy_do_not_stand_together(charts, patient_id):
    none = charts.create("ALLERGY", patient_id=patient_id, code=NONE_KNOWN)
    assert contradicted(lambda: charts.create("ALLERGY", patient_id=patient_id)) == "ALLERGY_CONTRADICTED"
    charts.amend("ALLERGY", none.id, clinical_state="INACTIVE")
    charts.create("ALLERGY", patient_id=patient_id)
    assert (
        contradicted(lambda: charts.create("ALLERGY", patient_id=patient_id, code=NONE_KNOWN))
        == "ALLERGY_CONTRADICTED"
    )
    assert (
        contradicted(lambda: charts.amend("ALLERGY", none.id, clinical_state="ACTIVE"))
        == "ALLERGY_CONTRADICTED"
    )
    assert charts.amend("ALLERGY", none.id, note="asked again").note


def test_no_known_drug_allergy_stands_beside_an_allergy_to_food_alone(charts, patient_id):
    charts.create("ALLERGY", patient_id=patient_id, code=NO_DRUG)
    charts.create("ALLERGY", patient_id=patient_id, code=concept("91935009", "Peanut"), categories=["food"])
    assert contradicted(lambda: charts.create("ALLERGY", patient_id=patient_id)) == "ALLERGY_CONTRADICTED"


def test_codes_of_conditions_are_looked_up_and_displays_filled(charts, codes, patient_id):
    icd = "http://hl7.org/fhir/sid/icd-10"
    made = charts.create(
        "CONDITION", patient_id=patient_id, code={"codings": [{"system": icd, "code": "I10"}]}
    )
    assert made.code.codings[0].display == "Essential (primary) hypertension"
    with pytest.raises(errors.InvalidArgument) as caught:
        charts.amend("CONDITION", made.id, code={"codings": [{"system": icd, "code": "I10.5"}]})
    assert caught.value.violations[0].field == "condition.code.codings[0].code"
    assert "I10 (" in caught.value.message
    codes.CreateCodeEntry(
        code_entry={"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes type 2"}
    )
    coded = {"codings": [{"system": "http://snomed.info/sct", "code": "44054006"}]}
    assert charts.amend("CONDITION", made.id, code=coded).code.codings[0].display == "Diabetes type 2"
    with pytest.raises(errors.InvalidArgument, match="list"):
        charts.create("CONDITION", patient_id=patient_id)


def test_a_condition_that_was_taken_before_the_list_was_made_can_be_amended(charts, codes, patient_id):
    made = charts.create("CONDITION", patient_id=patient_id)
    codes.CreateCodeEntry(
        code_entry={"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes type 2"}
    )
    assert charts.amend("CONDITION", made.id, note="x").note == "x"


def test_codes_are_found_in_icd_10_and_in_the_hospitals_lists(charts, charts_of, codes, new_tenant):
    icd = "http://hl7.org/fhir/sid/icd-10"
    found = charts.SearchCodes(system=icd, query="acu myo inf", page_size=5)
    assert found.codes[0].code == "I21"
    assert found.more
    codes.CreateCodeEntry(code_entry={"system": icd, "code": "ZZ1", "display": "Acute myomatous influx"})
    codes.CreateCodeEntry(code_entry={"system": "urn:s", "code": "L1", "display": "Dressing, small"})
    assert charts.SearchCodes(system=icd, query="acu myo inf").codes[0].code == "ZZ1"
    assert [c.code for c in charts.SearchCodes(system="urn:s", query="sma dres").codes] == ["L1"]
    assert [c.display for c in charts.SearchCodes(system="urn:s", query="L").codes] == ["Dressing, small"]
    assert not charts_of(new_tenant()).SearchCodes(system="urn:s", query="sma dres").codes
    with pytest.raises(errors.InvalidArgument):
        charts.SearchCodes(system=icd, query="%_")
