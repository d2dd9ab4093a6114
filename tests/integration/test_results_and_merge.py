"""Results that are recorded while the patient is merged into another go along, or are refused."""

from __future__ import annotations

import threading

import pytest

from hms_server import errors
from tests.fix_orders import ITEMS, result


@pytest.mark.parametrize("round_", range(5))
def test_no_result_is_left_behind_with_a_merged_patient(ward, charts_of, owner, round_):
    charts = charts_of(ward.registry.tenant)
    survivor, merged = ward.registry.create(), ward.registry.create()
    order = charts.create("ORDER", patient_id=merged.id, items=ITEMS)
    start, outcomes = threading.Barrier(3), []

    def record(item):
        own = charts_of(charts.tenant)
        start.wait()
        try:
            own.RecordResults(id=order.id, results=[result(item, 140)])
            outcomes.append("OK")
        except errors.HmsError as refused:
            outcomes.append(refused.reason)

    threads = [threading.Thread(target=record, args=(item,)) for item in (0, 1)]
    for thread in threads:
        thread.start()
    start.wait()
    ward.merge(survivor, merged)
    for thread in threads:
        thread.join()
    assert set(outcomes) <= {"OK", "PATIENT_MERGED"}
    # Whoever was refused records once more: the order is the survivor's now.
    for item in (0, 1):
        charts.RecordResults(
            id=order.id, etag=charts.get("ORDER", order.id).etag, results=[result(item, 140)]
        )
    assert charts.get("ORDER", order.id).state == "COMPLETED"
    left = owner.execute(
        "SELECT count(*) FROM clinical_record WHERE tenant_id = %s AND patient_id = %s",
        [charts.tenant.id, merged.id],
    ).fetchone()
    assert left == (0,)
    assert len(charts.listed("OBSERVATION", patient_id=survivor.id)) == 2
    assert len(charts.listed("DIAGNOSTIC_REPORT", patient_id=survivor.id)) == 1
