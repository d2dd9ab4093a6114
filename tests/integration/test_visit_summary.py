"""The summary of a visit, and the whole visit in one read."""

from __future__ import annotations

import datetime
import json

import pytest

from hms_server import errors, ids
from tests.fix_clinical import concept
from tests.fix_orders import ITEMS, result


@pytest.fixture
def book(owner):
    """Makes an appointment's row."""

    def make(charts, patient_id, practitioner_id, start, **columns):
        appointment_id = ids.uuid7()
        fields = {
            "tenant_id": charts.tenant.id,
            "id": appointment_id,
            "patient_id": patient_id,
            "practitioner_id": practitioner_id,
            "department_id": charts.department_id,
            "state": "BOOKED",
            "start_time": start,
            "end_time": start + datetime.timedelta(minutes=15),
            "seat": 1,
            "capacity": 1,
            "document": json.dumps({"note": "as agreed"}),
            "actor_id": charts.tenant.user_id,
            **columns,
        }
        owner.execute(
            f"INSERT INTO appointment ({', '.join(fields)}) VALUES ({', '.join(['%s'] * len(fields))})",
            list(fields.values()),
        )
        return appointment_id

    return make


@pytest.fixture
def visit(charts, patient_id, book, owner):
    """A visit that began with an appointment and a token: the encounter's and the practitioner's ids."""
    doctor = charts.entry("practitioner", {"names": [{"given_names": ["Meera"], "family_name": "Iyer"}]})
    start = datetime.datetime(2026, 3, 1, 4, 30, tzinfo=datetime.UTC)
    appointment = book(charts, patient_id, doctor, start, state="FULFILLED")
    token = ids.uuid7()
    owner.execute(
        "INSERT INTO queue_token (tenant_id, id, patient_id, practitioner_id, department_id, session_start,"
        " number, token, appointment_id, state, urgency, order_time, issue_time, actor_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, 1, 'T001', %s, 'COMPLETED', 3, %s, %s, %s)",
        [
            charts.tenant.id,
            token,
            patient_id,
            doctor,
            charts.department_id,
            start,
            appointment,
            start,
            start - datetime.timedelta(minutes=10),
            charts.tenant.user_id,
        ],
    )
    encounter = charts.create(
        "ENCOUNTER",
        patient_id=patient_id,
        practitioner_id=doctor,
        department_id=charts.department_id,
        start_time="2026-03-01T10:05:00+05:30",
        reasons=[concept("25064002", "Headache")],
    )
    owner.execute(
        "UPDATE encounter SET appointment_id = %s, queue_token_id = %s WHERE tenant_id = %s AND id = %s",
        [appointment, token, charts.tenant.id, encounter.id],
    )
    return encounter.id, doctor, appointment, token


def test_a_summary_holds_what_a_patient_takes_home(charts, patient_id, visit, book):
    encounter_id, doctor, appointment, _ = visit
    for value in (150, 132):
        charts.create(
            "OBSERVATION",
            encounter_id=encounter_id,
            code=concept("8480-6", "Systolic", "http://loinc.org"),
            quantity={"value": value, "unit": "mmHg"},
            interpretations=["H"],
            effective_time=f"2026-03-01T04:{50 if value == 132 else 40}:00Z",
        )
    charts.create("CONDITION", encounter_id=encounter_id, code=concept("37796009", "Migraine"))
    charts.create(
        "CONDITION",
        encounter_id=encounter_id,
        code=concept("73211009", "Not so"),
        verification_state="REFUTED",
    )
    charts.create("CONDITION", patient_id=patient_id, code=concept("195967001", "Of another day"))
    charts.create("ALLERGY", patient_id=patient_id)
    charts.create("PRESCRIPTION", encounter_id=encounter_id)
    charts.create("PRESCRIPTION", encounter_id=encounter_id, state="CANCELLED")
    order = charts.create("ORDER", encounter_id=encounter_id, items=ITEMS, priority="urgent")
    revoked = charts.create("ORDER", encounter_id=encounter_id, items=[{"code": concept("3", "Unwanted")}])
    charts.RevokeOrder(id=revoked.id, reason="x")
    charts.RecordResults(id=order.id, results=[result(0, 6.9), result(1, 150)])
    charts.create("REFERRAL", encounter_id=encounter_id, service=concept("4", "Neurology"))
    wrong = charts.create("REFERRAL", encounter_id=encounter_id, service=concept("5", "Mistake"))
    charts.mark("REFERRAL", wrong.id)
    start = datetime.datetime(2026, 3, 8, 4, 30, tzinfo=datetime.UTC)
    follow_up = book(charts, patient_id, doctor, start, previous_appointment_id=appointment)
    gone = {"previous_appointment_id": appointment, "state": "CANCELLED"}
    book(charts, patient_id, doctor, start, **gone)
    summary = charts.GetVisitSummary(id=encounter_id)
    assert summary.patient.id == patient_id
    assert summary.practitioner.id == doctor
    assert [each.quantity.value for each in summary.vital_signs] == [132]
    assert [each.code.text for each in summary.diagnoses] == ["Migraine"]
    assert [each.id for each in summary.follow_ups] == [follow_up]
    assert [each.id for each in summary.orders] == [order.id]
    assert len(summary.results) == 2
    assert len(summary.prescriptions) == len(summary.prescription_lines) == 1
    for line in (
        summary.hospital_name,
        f"UHID {summary.patient.uhid}",
        "Seen by: Meera Iyer",
        "Department: Cardiology",
        "Reason: Headache",
        "- Penicillin (high risk)",
        "- Systolic: 132 mmHg (high)",
        "- Potassium: 6.9 mmol/L (CRITICALLY HIGH)",
        "- Sodium: 150 mmol/L (high)",
        "- Potassium, Sodium (laboratory, urgent): completed",
        f"- {summary.prescription_lines[0]}",
        ", 1 tablet, 3 times a day for 5 days",
        "- Neurology: Hypertension - active",
        "with Meera Iyer",
    ):
        assert line in summary.text, summary.text
    for left_out in ("Not so", "Of another day", "Unwanted", "Mistake", "150 mmHg"):
        assert left_out not in summary.text


def test_times_are_told_by_the_hospitals_clock(charts, patient_id, owner):
    owner.execute(
        "INSERT INTO tenant_setting (tenant_id, time_zone) VALUES (%s, 'Asia/Kolkata')"
        " ON CONFLICT (tenant_id) DO UPDATE SET time_zone = excluded.time_zone",
        [charts.tenant.id],
    )
    made = charts.create("ENCOUNTER", patient_id=patient_id, start_time="2026-03-01T20:05:00Z")
    assert "Visit: Mon 2026-03-02 01:35\n" in charts.GetVisitSummary(id=made.id).text
    made = charts.create("ENCOUNTER", patient_id=patient_id, start_time="2026-03")
    assert "Visit: 2026-03\n" in charts.GetVisitSummary(id=made.id).text


def test_a_bare_visit_has_a_bare_summary(charts, patient_id):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id)
    summary = charts.GetVisitSummary(id=encounter.id)
    assert summary.encounter == encounter
    assert "Results:" not in summary.text
    assert "Medicines:" not in summary.text


def test_there_is_no_summary_of_nothing_or_of_a_mistake(charts, patient_id):
    with pytest.raises(errors.NotFound):
        charts.GetVisitSummary(id=ids.uuid7())
    encounter = charts.create("ENCOUNTER", patient_id=patient_id)
    charts.mark("ENCOUNTER", encounter.id)
    with pytest.raises(errors.FailedPrecondition):
        charts.GetVisitSummary(id=encounter.id)


def test_the_whole_visit_is_one_read(charts, visit):
    encounter_id, doctor, appointment, token = visit
    order = charts.create("ORDER", encounter_id=encounter_id)
    referral = charts.create("REFERRAL", encounter_id=encounter_id)
    whole = charts.GetEncounter(id=encounter_id)
    assert (whole.appointment.id, whole.appointment.state) == (appointment, "FULFILLED")
    assert (whole.appointment.note, whole.appointment.practitioner_id) == ("as agreed", doctor)
    assert whole.appointment.start_time.seconds == 1772339400
    assert (whole.queue_token.id, whole.queue_token.token) == (token, "T001")
    assert whole.queue_token.session_start_time.seconds == 1772339400
    assert [each.id for each in whole.orders] == [order.id]
    assert [each.id for each in whole.referrals] == [referral.id]


def test_the_timeline_holds_the_whole_day_in_one_order(charts, patient_id, visit, book):
    encounter_id, doctor, appointment, token = visit
    charts.create("ORDER", encounter_id=encounter_id, authored_time="2026-03-01T05:00:00Z")
    charts.create("REFERRAL", encounter_id=encounter_id, authored_time="2026-03-01T05:10:00Z")
    start = datetime.datetime(2026, 3, 8, 4, 30, tzinfo=datetime.UTC)
    hold = {"state": "HELD", "hold_expire_time": start}
    book(charts, patient_id, doctor, start, **hold)
    wanted = ["QUEUE_TOKEN", "APPOINTMENT", "ENCOUNTER", "ORDER", "REFERRAL"]
    pages, token_of_page = [], ""
    while True:
        page = charts.GetPatientTimeline(
            patient_id=patient_id, page_size=2, order_by="clinical_time", page_token=token_of_page
        )
        pages.append(page)
        token_of_page = page.next_page_token
        if not token_of_page:
            break
    assert [each.type for page in pages for each in page.records] == wanted
    back = charts.GetPatientTimeline(
        patient_id=patient_id,
        page_size=2,
        order_by="clinical_time",
        page_token=pages[-1].previous_page_token,
    )
    assert [each.type for each in back.records] == wanted[2:4]
    latest = charts.GetPatientTimeline(patient_id=patient_id)
    assert [each.type for each in latest.records] == wanted[::-1]
    some = charts.GetPatientTimeline(patient_id=patient_id, types=["APPOINTMENT", "QUEUE_TOKEN"])
    assert [getattr(each, each.type.lower()).id for each in some.records] == [appointment, token]


def test_the_patient_summary_shows_the_next_appointments(charts, patient_id, visit, book):
    _, doctor, *_ = visit
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=123400)
    made = [
        book(charts, patient_id, doctor, now + datetime.timedelta(days=day)) for day in (9, 1, 2, 3, 4, 5, 6)
    ]
    book(charts, patient_id, doctor, now + datetime.timedelta(days=7), state="CANCELLED")
    shown = charts.GetPatientSummary(patient_id=patient_id).upcoming_appointments
    assert [each.id for each in shown] == made[1:6]
    assert shown[0].start_time.nanos == 123400000


def test_the_plan_of_a_signed_note_is_taken_home_and_that_of_a_draft_is_not(charts, patient_id):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id)
    signed = charts.create("NOTE", encounter_id=encounter.id, plan="Rest.\nDrink much.")
    charts.SignNote(id=signed.id, etag=signed.etag)
    charts.create("NOTE", encounter_id=encounter.id, plan="Not thought through.")
    summary = charts.GetVisitSummary(id=encounter.id)
    assert list(summary.plans) == ["Rest.\nDrink much."]
    assert "Plan:\n- Rest.\n  Drink much." in summary.text
    assert [each.id for each in charts.GetEncounter(id=encounter.id).notes] != []
