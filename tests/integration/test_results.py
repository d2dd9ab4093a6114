"""Results of orders: flagged, critical ones acknowledged, corrected, and never two at once."""

from __future__ import annotations

import threading

import pytest

from hms.patient.v1 import patient_pb2
from hms_server import errors, ids
from tests.fix_clinical import concept
from tests.fix_orders import ITEMS, LOINC, POTASSIUM, SODIUM, flags, result


@pytest.fixture
def order(charts, patient_id):
    """An order of potassium and sodium."""
    return charts.create("ORDER", patient_id=patient_id, items=ITEMS)


def test_results_make_observations_a_report_and_complete_the_order(charts, patient_id):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id, department_id=charts.department_id)
    doctor, technician = (
        charts.entry("practitioner", {"names": [{"family_name": n}]}) for n in ("Iyer", "Das")
    )
    order = charts.create("ORDER", encounter_id=encounter.id, practitioner_id=doctor, items=ITEMS)
    charts.CollectOrder(id=order.id, collect_time="2026-03-01T09:00:00Z")
    answer = charts.RecordResults(
        id=order.id,
        etag="2",
        results=[result(1, 140, practitioner_id=technician), result(0, 5.6, note="seen twice")],
        conclusion="Mild hyperkalaemia.",
        practitioner_id=technician,
    )
    assert (answer.order.state, list(answer.order.final_items)) == ("COMPLETED", [0, 1])
    report = answer.report
    assert (report.state, report.critical, report.conclusion) == ("FINAL", False, "Mild hyperkalaemia.")
    assert (report.order_id, report.requester_id) == (order.id, doctor)
    assert report.requester_department_id == charts.department_id
    assert answer.order.report_id == report.id
    assert flags(answer) == ["H", "N"]
    potassium = answer.observations[0]
    assert list(report.result_ids) == [each.id for each in answer.observations]
    assert potassium.effective_time == "2026-03-01T09:00:00Z"
    assert (potassium.encounter_id, potassium.patient_id) == (encounter.id, patient_id)
    assert list(potassium.categories) == ["laboratory"]
    # What was answered is what is read.
    assert charts.get("OBSERVATION", potassium.id) == potassium
    assert charts.get("DIAGNOSTIC_REPORT", report.id) == report
    assert charts.get("ORDER", order.id) == answer.order
    whole = charts.GetEncounter(id=encounter.id)
    assert [each.id for each in whole.orders] == [order.id]
    assert {each.id for each in whole.observations} == set(report.result_ids)


def test_an_order_is_complete_once_every_item_is_final(charts, order):
    first = charts.RecordResults(id=order.id, results=[result(0, 4)], state="PRELIMINARY")
    assert (first.order.state, first.report.state) == ("IN_PROGRESS", "PRELIMINARY")
    second = charts.RecordResults(id=order.id, results=[result(1, 140)])
    assert (second.order.state, second.report.state) == ("IN_PROGRESS", "PARTIAL")
    assert list(second.order.final_items) == [1]
    third = charts.RecordResults(id=order.id, results=[result(0, 4)])
    assert (third.order.state, third.report.state) == ("COMPLETED", "FINAL")
    assert third.report.id == first.report.id
    # The preliminary result became the final one: a version of it, not another.
    assert third.observations[0].id == first.observations[0].id
    assert [each.state for each in third.observations] == ["FINAL", "FINAL"]


def test_a_panel_has_many_results_of_one_item(charts, patient_id):
    panel = charts.create(
        "ORDER", patient_id=patient_id, items=[{"code": concept("24326-1", "Electrolytes", LOINC)}]
    )
    results = [result(0, 4, code=POTASSIUM), result(0, 140, code=SODIUM)]
    answer = charts.RecordResults(id=panel.id, results=results)
    assert (answer.order.state, len(answer.observations)) == ("COMPLETED", 2)
    with pytest.raises(errors.InvalidArgument, match=r"results\[1\]"):
        charts.RecordResults(id=panel.id, etag=answer.order.etag, results=[results[0], results[0]])


def test_an_item_is_found_by_its_code(charts, order):
    sent = {"code": SODIUM, "quantity": {"value": 140, "code": "mmol/L"}}
    answer = charts.RecordResults(id=order.id, results=[sent])
    assert answer.observations[0].order_item == 1
    sent["code"] = concept("1-1", "Other", LOINC)
    with pytest.raises(errors.InvalidArgument, match=r"results\[0\].item"):
        charts.RecordResults(id=order.id, results=[sent])
    with pytest.raises(errors.InvalidArgument, match=r"results\[0\].item"):
        charts.RecordResults(id=order.id, results=[result(2, 4)])


def test_a_wrong_result_leaves_nothing_behind(charts, order, patient_id):
    for wrong in (
        result(1, 140, practitioner_id=ids.uuid7()),
        result(1, 140, effective_time="noon"),
        result(5, 140),
    ):
        with pytest.raises(errors.InvalidArgument, match=r"results\[1\]"):
            charts.RecordResults(id=order.id, results=[result(0, 4), wrong])
    assert charts.get("ORDER", order.id) == order
    assert charts.listed("OBSERVATION", patient_id=patient_id) == []


def test_a_result_that_cannot_be_flagged_says_why(charts, order):
    answer = charts.RecordResults(id=order.id, results=[result(0, 4, "mg/dL"), result(1, 140)])
    assert flags(answer) == ["", "N"]
    (warning,) = answer.warnings
    assert warning.startswith("results[0]: the unit")


def test_an_imaging_result_is_a_text(charts, patient_id):
    order = charts.create(
        "ORDER",
        patient_id=patient_id,
        category="imaging",
        items=[{"code": concept("36643-5", "Chest X-ray", LOINC)}],
    )
    answer = charts.RecordResults(
        id=order.id,
        results=[{"text": "Tension pneumothorax.", "interpretation": "AA"}],
        conclusion="Act now.",
    )
    assert answer.report.critical
    assert list(answer.report.categories) == ["RAD"]
    assert list(answer.observations[0].categories) == ["imaging"]


def test_a_repeated_request_records_once(charts, order, patient_id):
    request_id = ids.uuid7()
    sent = {"id": order.id, "results": [result(0, 7)], "request_id": request_id}
    first = charts.RecordResults(**sent)
    again = charts.RecordResults(**sent)
    assert (again.order, again.report, again.observations) == (first.order, first.report, first.observations)
    assert again.critical_observation_ids == first.critical_observation_ids
    assert len(charts.listed("OBSERVATION", patient_id=patient_id)) == 1
    with pytest.raises(errors.InvalidArgument):
        charts.RecordResults(**{**sent, "results": [result(0, 8)]})


def test_results_that_say_nothing_new_make_no_version(charts, order):
    first = charts.RecordResults(id=order.id, results=[result(0, 4, effective_time="2026-03-01")])
    again = charts.RecordResults(id=order.id, results=[result(0, 4, effective_time="2026-03-01")])
    assert (again.order.etag, again.report.etag) == (first.order.etag, first.report.etag)


def test_two_laboratories_record_one_order_and_one_wins(charts_of, charts, order):
    start, outcomes = threading.Barrier(4), []

    def record(value):
        own = charts_of(charts.tenant)
        start.wait()
        try:
            own.RecordResults(id=order.id, etag=order.etag, results=[result(0, value), result(1, 140)])
            outcomes.append("won")
        except errors.Aborted as lost:
            outcomes.append(lost.reason)

    threads = [threading.Thread(target=record, args=(4 + n / 10,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ETAG_MISMATCH"] * 3 + ["won"]
    assert len(charts.listed("OBSERVATION", patient_id=order.patient_id)) == 2
    assert len(charts.listed("DIAGNOSTIC_REPORT", patient_id=order.patient_id)) == 1


def test_a_correction_keeps_what_stood_and_says_so(charts, order):
    first = charts.RecordResults(id=order.id, results=[result(0, 4), result(1, 140)])
    with pytest.raises(errors.InvalidArgument, match="etag"):
        charts.RecordResults(id=order.id, results=[result(0, 7)])
    with pytest.raises(errors.FailedPrecondition) as refused:
        charts.RecordResults(id=order.id, etag=first.order.etag, results=[result(0, 7)], state="PRELIMINARY")
    assert refused.value.reason == "RESULTS_ARE_FINAL"
    second = charts.RecordResults(id=order.id, etag=first.order.etag, results=[result(0, 7)])
    assert (second.order.state, second.report.state, second.report.critical) == (
        "COMPLETED",
        "CORRECTED",
        True,
    )
    assert [each.state for each in second.observations] == ["CORRECTED", "FINAL"]
    assert second.report.id == first.report.id
    versions = charts.ListRecordVersions(record_id=first.observations[0].id).versions
    assert [each.record.observation.quantity.value for each in versions] == [7, 4]
    versions = charts.ListRecordVersions(record_id=first.report.id).versions
    assert [each.record.diagnostic_report.state for each in versions] == ["CORRECTED", "FINAL"]


def test_a_final_result_is_not_replaced_by_a_preliminary_one_or_unread(charts, order):
    first = charts.RecordResults(id=order.id, results=[result(0, 4)])
    with pytest.raises(errors.InvalidArgument, match="etag"):
        charts.RecordResults(id=order.id, results=[result(0, 5)])
    assert charts.get("ORDER", order.id) == first.order
    with pytest.raises(errors.FailedPrecondition) as refused:
        charts.RecordResults(id=order.id, results=[result(0, 5)], state="PRELIMINARY")
    assert refused.value.reason == "RESULTS_ARE_FINAL"


@pytest.mark.parametrize("how", ["draft", "revoked", "marked"])
def test_an_order_that_is_not_open_takes_no_results(charts, patient_id, how):
    order = charts.create("ORDER", patient_id=patient_id, state="DRAFT" if how == "draft" else "ACTIVE")
    if how == "revoked":
        charts.RevokeOrder(id=order.id, reason="x")
    elif how == "marked":
        charts.mark("ORDER", order.id)
    with pytest.raises(errors.FailedPrecondition) as refused:
        charts.RecordResults(id=order.id, results=[result(0, 4)])
    assert refused.value.reason == "ORDER_NOT_OPEN"


def test_results_of_nobodys_order_or_of_a_deleted_patient_are_refused(charts, registry, order):
    with pytest.raises(errors.NotFound):
        charts.RecordResults(id=ids.uuid7(), results=[result(0, 4)])
    registry.DeletePatient(patient_pb2.DeletePatientRequest(id=order.patient_id))
    with pytest.raises(errors.FailedPrecondition):
        charts.RecordResults(id=order.id, results=[result(0, 4)])


def unacknowledged(charts, **fields):
    return [each.report.id for each in charts.ListUnacknowledgedResults(**fields).results]


def test_a_critical_result_waits_until_it_is_acknowledged(charts, patient_id):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id, department_id=charts.department_id)
    doctor = charts.entry("practitioner", {"names": [{"family_name": "Iyer"}]})
    order = charts.create("ORDER", encounter_id=encounter.id, practitioner_id=doctor, items=ITEMS)
    answer = charts.RecordResults(id=order.id, results=[result(0, 6.9), result(1, 150)])
    assert flags(answer) == ["HH", "H"]
    assert list(answer.critical_observation_ids) == [answer.observations[0].id]
    report = answer.report
    assert report.critical
    everywhere = ({}, {"practitioner_id": doctor}, {"department_id": charts.department_id})
    both = {"practitioner_id": doctor, "department_id": charts.department_id}
    for fields in (*everywhere, both):
        assert unacknowledged(charts, **fields) == [report.id]
    assert unacknowledged(charts, practitioner_id=ids.uuid7()) == []
    assert unacknowledged(charts, practitioner_id=doctor, department_id=ids.uuid7()) == []
    with pytest.raises(errors.Aborted):
        charts.AcknowledgeResult(id=report.id, etag="9")
    seen = charts.AcknowledgeResult(id=report.id, etag=report.etag, note="Calcium given.")
    assert (seen.acknowledge_user_id, seen.acknowledge_note) == (charts.tenant.user_id, "Calcium given.")
    assert seen.acknowledge_time
    # Once more changes nothing, whatever was read before.
    assert charts.AcknowledgeResult(id=report.id, etag=report.etag, note="other") == seen
    for fields in everywhere:
        assert unacknowledged(charts, **fields) == []


def test_a_new_critical_result_takes_the_acknowledgement_back(charts, order):
    first = charts.RecordResults(id=order.id, results=[result(0, 7)])
    charts.AcknowledgeResult(id=first.report.id)
    second = charts.RecordResults(id=order.id, results=[result(1, 140)])
    assert second.report.acknowledge_time
    third = charts.RecordResults(id=order.id, etag=second.order.etag, results=[result(1, 110)])
    assert not third.report.acknowledge_time
    assert unacknowledged(charts) == [first.report.id]
    # Corrected to what is not critical: nobody has to be told any more.
    charts.RecordResults(id=order.id, etag=third.order.etag, results=[result(0, 4), result(1, 140)])
    assert unacknowledged(charts) == []


def test_what_is_not_critical_or_was_never_so_needs_nobody(charts, order):
    answer = charts.RecordResults(id=order.id, results=[result(0, 4)])
    with pytest.raises(errors.FailedPrecondition) as refused:
        charts.AcknowledgeResult(id=answer.report.id)
    assert refused.value.reason == "NOTHING_TO_ACKNOWLEDGE"
    charts.RecordResults(id=order.id, results=[result(1, 100)])
    charts.mark("DIAGNOSTIC_REPORT", answer.report.id)
    assert unacknowledged(charts) == []
    with pytest.raises(errors.FailedPrecondition):
        charts.AcknowledgeResult(id=answer.report.id)


def test_a_report_that_was_entered_in_error_is_followed_by_another(charts, order):
    first = charts.RecordResults(id=order.id, results=[result(0, 4)])
    charts.mark("DIAGNOSTIC_REPORT", first.report.id)
    charts.mark("OBSERVATION", first.observations[0].id)
    second = charts.RecordResults(id=order.id, results=[result(0, 5), result(1, 140)])
    assert second.report.id != first.report.id
    assert first.observations[0].id not in second.report.result_ids
    assert second.order.report_id == second.report.id


def test_critical_results_are_walked_both_ways(charts, patient_id):
    made = []
    for number in range(5):
        order = charts.create("ORDER", patient_id=patient_id)
        charts.CollectOrder(id=order.id, collect_time=f"2026-01-0{number + 1}T08:00:00Z")
        made.append(charts.RecordResults(id=order.id, results=[result(0, 7)]).report.id)
    pages, token = [], ""
    while True:
        pages.append(charts.ListUnacknowledgedResults(page_size=2, page_token=token))
        token = pages[-1].next_page_token
        if not token:
            break
    assert [each.report.id for page in pages for each in page.results] == made
    back = charts.ListUnacknowledgedResults(page_size=2, page_token=pages[-1].previous_page_token)
    assert [each.report.id for each in back.results] == made[2:4]
    assert unacknowledged(charts, order_by="clinical_time desc") == made[::-1]


def test_an_observation_names_an_order_of_its_own_patient_alone(charts, registry, order):
    other = str(registry.create().id)
    with pytest.raises(errors.InvalidArgument, match="order_id"):
        charts.create("OBSERVATION", patient_id=other, order_id=order.id)
    with pytest.raises(errors.InvalidArgument, match="order_id"):
        charts.create("DIAGNOSTIC_REPORT", patient_id=other, order_id=order.id)
    assert charts.create("OBSERVATION", patient_id=order.patient_id, order_id=order.id).order_id == order.id
