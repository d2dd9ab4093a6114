"""Orders: their states, who works on them, and where they wait."""

from __future__ import annotations

import itertools

import pytest

from hms_server import errors, ids
from hms_server.clinical.transitions import STATES
from tests.fix_clinical import concept
from tests.fix_orders import ITEMS, result

METHODS = {
    "IN_PROGRESS": ("CollectOrder", {}),
    "REVOKED": ("RevokeOrder", {"reason": "not wanted"}),
    "COMPLETED": ("RecordResults", {"results": [result(0, 4)]}),
}


def test_a_specimen_is_collected_once_and_by_somebody(charts, patient_id):
    order = charts.create("ORDER", patient_id=patient_id)
    assert (order.state, order.priority) == ("ACTIVE", "routine")
    nurse = charts.entry("practitioner", {"names": [{"family_name": "Rao"}]})
    collected = charts.CollectOrder(
        id=order.id, etag=order.etag, practitioner_id=nurse, collect_time="2026-03-01T09:00:00Z"
    )
    assert collected.state == "IN_PROGRESS"
    assert collected.collected_by_id == nurse
    assert collected.collect_user_id == charts.tenant.user_id
    assert collected.collect_time == "2026-03-01T09:00:00Z"
    assert collected.etag == "2"
    with pytest.raises(errors.FailedPrecondition):
        charts.CollectOrder(id=order.id)
    with pytest.raises(errors.Aborted):
        charts.RevokeOrder(id=order.id, etag="1", reason="x")


def test_a_repeated_act_is_done_once(charts, patient_id):
    order = charts.create("ORDER", patient_id=patient_id)
    request_id = ids.uuid7()
    first = charts.CollectOrder(id=order.id, request_id=request_id)
    assert charts.CollectOrder(id=order.id, request_id=request_id) == first


def test_a_collector_or_a_time_that_is_wrong_is_named(charts, patient_id):
    order = charts.create("ORDER", patient_id=patient_id)
    with pytest.raises(errors.InvalidArgument, match="collected_by_id"):
        charts.CollectOrder(id=order.id, practitioner_id=ids.uuid7())
    with pytest.raises(errors.InvalidArgument, match="collect_time"):
        charts.CollectOrder(id=order.id, collect_time="yesterday")
    with pytest.raises(errors.NotFound):
        charts.CollectOrder(id=ids.uuid7())


def in_state(charts, patient_id, state):
    order = charts.create("ORDER", patient_id=patient_id, state="DRAFT" if state == "DRAFT" else "ACTIVE")
    if state in METHODS:
        method, fields = METHODS[state]
        getattr(charts, method)(id=order.id, **fields)
    return order.id


@pytest.mark.parametrize(("state", "step"), list(itertools.product(STATES["ORDER"], METHODS)))
def test_an_order_takes_the_steps_of_the_table_alone(charts, patient_id, state, step):
    order_id = in_state(charts, patient_id, state)
    method, fields = METHODS[step]
    if step in STATES["ORDER"][state]:
        getattr(charts, method)(id=order_id, **fields)
        assert charts.get("ORDER", order_id).state == step
    else:
        with pytest.raises((errors.FailedPrecondition, errors.InvalidArgument)):
            getattr(charts, method)(id=order_id, **fields)
        assert charts.get("ORDER", order_id).state == state


@pytest.mark.parametrize("state", ["IN_PROGRESS", "COMPLETED", "REVOKED", "ENTERED_IN_ERROR"])
def test_an_amendment_takes_no_step_that_is_an_act(charts, patient_id, state):
    with pytest.raises(errors.InvalidArgument, match="state"):
        charts.create("ORDER", patient_id=patient_id, state=state)
    order = charts.create("ORDER", patient_id=patient_id)
    with pytest.raises(errors.FailedPrecondition):
        charts.amend("ORDER", order.id, state=state)


def test_a_draft_becomes_active_and_what_is_worked_on_stays(charts, patient_id):
    order = charts.create("ORDER", patient_id=patient_id, state="DRAFT")
    assert charts.amend("ORDER", order.id, state="ACTIVE", items=ITEMS).state == "ACTIVE"
    charts.CollectOrder(id=order.id)
    with pytest.raises(errors.FailedPrecondition, match="items"):
        charts.amend("ORDER", order.id, items=ITEMS[:1])
    assert charts.amend("ORDER", order.id, note="call me").note == "call me"


def test_nobody_writes_what_an_act_alone_sets(charts, patient_id):
    made = charts.create(
        "ORDER", patient_id=patient_id, report_id=ids.uuid7(), final_items=[0], revoke_reason="x"
    )
    assert (made.report_id, list(made.final_items), made.revoke_reason) == ("", [], "")
    with pytest.raises(errors.InvalidArgument, match="report_id"):
        charts.amend("ORDER", made.id, ["report_id"], report_id=ids.uuid7())
    report = charts.create("DIAGNOSTIC_REPORT", patient_id=patient_id, critical=True)
    assert not report.critical


@pytest.mark.parametrize(
    "change",
    [
        {"items": []},
        {"category": ""},
        {"performing_department_id": ids.uuid7()},
        {"reason_condition_ids": [ids.uuid7()]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_wrong_with_an_order_is_named(charts, patient_id, change):
    (name,) = change
    with pytest.raises(errors.InvalidArgument, match=name):
        charts.create("ORDER", patient_id=patient_id, **change)


def day(number):
    return f"2026-01-{number:02d}T08:00:00Z"


def worklist(charts, **fields):
    pages, token = [], ""
    while True:
        page = charts.ListOrderWorklist(page_token=token, page_size=2, **{"category": "laboratory", **fields})
        pages.append(page)
        token = page.next_page_token
        if not token:
            break
    back = [pages[-1]]
    while back[0].previous_page_token:
        back.insert(
            0,
            charts.ListOrderWorklist(
                page_token=back[0].previous_page_token, page_size=2, **{"category": "laboratory", **fields}
            ),
        )
    found = [[each.order.id for page in way for each in page.orders] for way in (pages, back)]
    assert found[0] == found[1]
    return found[0]


def test_the_worklist_holds_what_waits_the_oldest_first_both_ways(charts, registry, patient_id):
    other = str(registry.create().id)
    made = [
        charts.create("ORDER", patient_id=owner, occurrence_time=day(n)).id
        for n, owner in ((3, patient_id), (1, other), (2, patient_id), (5, other), (4, other))
    ]
    wanted = [made[1], made[2], made[0], made[4], made[3]]
    assert worklist(charts) == wanted
    assert worklist(charts, order_by="clinical_time desc") == wanted[::-1]
    shown = charts.ListOrderWorklist(category="laboratory").orders[0]
    assert shown.patient.id == other
    assert shown.patient.uhid


def test_the_worklist_filters_and_forgets_what_is_done(charts, patient_id):
    lab = charts.entry("department", {"display_name": "Laboratory"})
    here = charts.create("ORDER", patient_id=patient_id, performing_department_id=lab, priority="stat").id
    there = charts.create("ORDER", patient_id=patient_id).id
    image = charts.create("ORDER", patient_id=patient_id, category="imaging", items=[{"code": concept()}]).id
    charts.create("ORDER", patient_id=patient_id, state="DRAFT")
    assert worklist(charts) == [here, there]
    assert worklist(charts, category="imaging") == [image]
    assert worklist(charts, department_id=lab) == [here]
    assert worklist(charts, priorities=["stat"]) == [here]
    charts.CollectOrder(id=here)
    assert worklist(charts, states=["IN_PROGRESS"]) == [here]
    assert worklist(charts, states=["ACTIVE"]) == [there]
    charts.RecordResults(id=here, results=[result(0, 4)])
    assert worklist(charts) == [there]
    charts.mark("ORDER", there)
    assert worklist(charts) == []


def test_an_order_moves_to_another_department(charts, patient_id):
    one, other = (charts.entry("department", {"display_name": name}) for name in ("One", "Other"))
    order = charts.create("ORDER", patient_id=patient_id, performing_department_id=one)
    charts.amend("ORDER", order.id, performing_department_id=other)
    assert worklist(charts, department_id=one) == []
    assert worklist(charts, department_id=other) == [order.id]
    charts.amend("ORDER", order.id, ["performing_department_id"])
    assert worklist(charts, department_id=other) == []
