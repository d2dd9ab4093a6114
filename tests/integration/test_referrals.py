"""Referrals: to whom, the steps of their table, and the inbox of whom they are to."""

from __future__ import annotations

import itertools

import pytest

from hms_server import errors, ids
from hms_server.clinical.transitions import STATES
from tests.fix_clinical import concept

METHODS = {
    "ACCEPTED": ("AcceptReferral", {}),
    "DECLINED": ("DeclineReferral", {"reason": "no such service here"}),
    "COMPLETED": ("CompleteReferral", {"note": "seen"}),
    "REVOKED": ("RevokeReferral", {"reason": "not needed"}),
}


def in_state(charts, patient_id, state):
    made = charts.create("REFERRAL", patient_id=patient_id, state="DRAFT" if state == "DRAFT" else "ACTIVE")
    if state == "COMPLETED":
        charts.AcceptReferral(id=made.id)
    if state in METHODS:
        method, fields = METHODS[state]
        getattr(charts, method)(id=made.id, **fields)
    return made.id


@pytest.mark.parametrize(("state", "step"), list(itertools.product(STATES["REFERRAL"], METHODS)))
def test_a_referral_takes_the_steps_of_the_table_alone(charts, patient_id, state, step):
    referral_id = in_state(charts, patient_id, state)
    method, fields = METHODS[step]
    if step in STATES["REFERRAL"][state]:
        done = getattr(charts, method)(id=referral_id, **fields)
        assert done.state == step
        assert done.answer == next(iter(fields.values()), "")
        assert done.answer_user_id == charts.tenant.user_id
        assert done.answer_time
    else:
        with pytest.raises(errors.FailedPrecondition):
            getattr(charts, method)(id=referral_id, **fields)
        assert charts.get("REFERRAL", referral_id).state == state


def test_a_referral_is_to_somebody_for_a_reason(charts, patient_id):
    for wrong in (
        {"to_department_id": ""},
        {"reasons": []},
        {"to_department_id": ids.uuid7()},
        {"to_practitioner_id": ids.uuid7()},
        {"to_organization_id": ids.uuid7()},
        {"reason_condition_ids": [ids.uuid7()]},
    ):
        (name,) = wrong
        with pytest.raises(errors.InvalidArgument, match=name):
            charts.create("REFERRAL", patient_id=patient_id, **wrong)
    outside = charts.entry("organization", {"display_name": "Heart Institute"})
    assert charts.create("REFERRAL", patient_id=patient_id, to_organization_id=outside).to_department_id == ""


def test_a_stale_etag_and_a_repeat(charts, patient_id):
    made = charts.create("REFERRAL", patient_id=patient_id)
    request_id = ids.uuid7()
    accepted = charts.AcceptReferral(id=made.id, etag="1", request_id=request_id)
    assert charts.AcceptReferral(id=made.id, etag="1", request_id=request_id) == accepted
    with pytest.raises(errors.Aborted):
        charts.CompleteReferral(id=made.id, etag="1")


def test_whom_it_is_to_stays_once_it_was_accepted(charts, patient_id):
    made = charts.create("REFERRAL", patient_id=patient_id)
    doctor = charts.entry("practitioner", {"names": [{"family_name": "Iyer"}]})
    charts.amend("REFERRAL", made.id, to_practitioner_id=doctor)
    charts.AcceptReferral(id=made.id)
    with pytest.raises(errors.FailedPrecondition, match="to_practitioner_id"):
        charts.amend("REFERRAL", made.id, ["to_practitioner_id"])
    with pytest.raises(errors.FailedPrecondition):
        charts.amend("REFERRAL", made.id, state="COMPLETED")


def inbox(charts, **fields):
    pages, token = [], ""
    while True:
        page = charts.ListReferralInbox(page_token=token, page_size=2, **fields)
        pages.append(page)
        token = page.next_page_token
        if not token:
            break
    back = [pages[-1]]
    while back[0].previous_page_token:
        token = back[0].previous_page_token
        back.insert(0, charts.ListReferralInbox(page_token=token, page_size=2, **fields))
    found = [[each.referral.id for page in way for each in page.referrals] for way in (pages, back)]
    assert found[0] == found[1]
    return found[0]


def test_the_inbox_holds_what_waits_for_a_department_or_a_practitioner(charts, patient_id):
    here, there = (charts.entry("department", {"display_name": name}) for name in ("Here", "There"))
    doctor = charts.entry("practitioner", {"names": [{"family_name": "Iyer"}]})
    made = [
        charts.create(
            "REFERRAL", patient_id=patient_id, to_department_id=here, authored_time=f"2026-01-0{n}"
        ).id
        for n in (3, 1, 2)
    ]
    both = charts.create(
        "REFERRAL",
        patient_id=patient_id,
        to_department_id=here,
        to_practitioner_id=doctor,
        authored_time="2026-01-04",
        priority="urgent",
    ).id
    charts.create("REFERRAL", patient_id=patient_id, to_department_id=there)
    charts.create("REFERRAL", patient_id=patient_id, to_department_id=here, state="DRAFT")
    assert inbox(charts, department_id=here) == [made[1], made[2], made[0], both]
    assert inbox(charts, department_id=here, order_by="clinical_time desc")[0] == both
    assert inbox(charts, practitioner_id=doctor) == [both]
    assert inbox(charts, practitioner_id=doctor, department_id=there) == []
    assert inbox(charts, department_id=here, priorities=["urgent"]) == [both]
    charts.AcceptReferral(id=made[1])
    assert inbox(charts, department_id=here, states=["ACCEPTED"]) == [made[1]]
    charts.CompleteReferral(id=made[1])
    charts.DeclineReferral(id=made[2], reason="x")
    charts.mark("REFERRAL", made[0])
    assert inbox(charts, department_id=here) == [both]
    with pytest.raises(errors.InvalidArgument):
        charts.ListReferralInbox()


def test_referrals_and_orders_move_with_a_merge(ward, charts_of):
    charts = charts_of(ward.registry.tenant)
    survivor, merged = ward.registry.create(), ward.registry.create()
    order = charts.create("ORDER", patient_id=merged.id)
    referral = charts.create("REFERRAL", patient_id=merged.id, service=concept())
    ward.merge(survivor, merged)
    assert charts.get("ORDER", order.id).patient_id == survivor.id
    assert inbox(charts, department_id=charts.department_id) == [referral.id]
    shown = charts.ListReferralInbox(department_id=charts.department_id).referrals[0]
    assert shown.patient.id == survivor.id
    assert [each.order.id for each in charts.ListOrderWorklist(category="laboratory").orders] == [order.id]
    answer = charts.RecordResults(
        id=order.id, results=[{"quantity": {"value": 7, "unit": "mmol/L", "code": "mmol/L"}}]
    )
    assert answer.report.patient_id == survivor.id
