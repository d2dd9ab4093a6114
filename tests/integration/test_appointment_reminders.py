"""Reminders: planned with the appointment, sent once to the patient's address, and never for what is over."""

from __future__ import annotations

import types

import pytest

from hms.patient.v1 import patient_pb2
from hms_server import errors, ids
from hms_server.workers import reminders
from tests.fix_booking import tomorrow
from tests.fix_merge import Ward

ADDRESS = "asha@home.example"


@pytest.fixture
def hand_over(worker_database, owner):
    """The cron task, on an empty table of mails."""
    owner.execute("UPDATE appointment_reminder SET state = 'CANCELLED' WHERE state = 'SCHEDULED'")
    owner.execute("DELETE FROM mail")
    return lambda: reminders.hand_over(types.SimpleNamespace(database=worker_database, post=None))


@pytest.fixture
def booked(desk, hand_over):
    patient = desk.registry.create(telecoms=[patient_pb2.Telecom(system="email", value=ADDRESS)])
    return desk.book(desk.practitioner(), tomorrow(9, days=3), patient.id)


def states(desk, appointment):
    return [(r.state, r.reason) for r in desk.ListReminders(id=appointment.id).reminders]


def make_due(owner, appointment, order="DESC"):
    """The reminder that comes last is due."""
    owner.execute(
        "UPDATE appointment_reminder SET due_time = now() - interval '1 second' WHERE id = (SELECT id FROM"
        f" appointment_reminder WHERE appointment_id = %s AND state = 'SCHEDULED' ORDER BY due_time {order}"
        " LIMIT 1)",
        [appointment.id],
    )


def test_reminders_are_planned_moved_and_cancelled_with_the_appointment(desk, booked):
    due = [r.due_time.ToDatetime() for r in desk.ListReminders(id=booked.id).reminders]
    begin = booked.start_time.ToDatetime()
    assert [(begin - each).total_seconds() / 60 for each in due] == [1440, 120]
    desk.ConfirmAppointment(id=booked.id)
    assert states(desk, booked) == [("SCHEDULED", "")] * 2
    moved = desk.RescheduleAppointment(id=booked.id, start_time=tomorrow(9, days=4))
    assert sorted(states(desk, moved)) == [("CANCELLED", "")] * 2 + [("SCHEDULED", "")] * 2
    desk.CancelAppointment(id=booked.id, reason="gone")
    assert states(desk, moved) == [("CANCELLED", "")] * 4


def test_only_times_to_come_are_planned(desk, owner):
    owner.execute(
        "UPDATE tenant_setting SET reminder_minutes = '{60,100000}' WHERE tenant_id = %s", [desk.tenant.id]
    )
    assert len(states(desk, desk.book(desk.practitioner(), tomorrow(9, days=2)))) == 1


def test_a_hold_is_not_reminded_of(desk):
    held = desk.HoldAppointment(
        patient_id=desk.patient(), practitioner_id=desk.practitioner(), start_time=tomorrow(9, days=2)
    )
    assert states(desk, held) == []
    desk.BookHeldAppointment(id=held.id)
    assert len(states(desk, held)) == 2


def test_a_reminder_comes_once_and_says_when_but_not_why(desk, booked, owner, hand_over, post, smtp_server):
    owner.execute(
        "UPDATE tenant_setting SET time_zone = 'Asia/Kolkata' WHERE tenant_id = %s", [desk.tenant.id]
    )
    make_due(owner, booked, "ASC")
    assert hand_over() == 1
    assert hand_over() == 0
    assert post.run(desk.tenant.id).sent == 1
    (mail,) = smtp_server.to(ADDRESS)
    assert f"{tomorrow(14, 30, days=3):%Y-%m-%d %H:%M} (Asia/Kolkata)" in mail.text
    assert "Hospital" in mail.message["Subject"]
    assert not {"Rao", "Asha ", "Cardiology"} & set(mail.text.split())
    assert states(desk, booked) == [("SENT", ""), ("SCHEDULED", "")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE patient SET document = document - 'telecoms' WHERE id = %(patient)s", "NO_ADDRESS"),
        ("UPDATE patient SET delete_time = now() WHERE id = %(patient)s", "PATIENT_DELETED"),
        (
            "UPDATE patient SET document = document || '{\"deceased\": true}' WHERE id = %(patient)s",
            "PATIENT_DECEASED",
        ),
        (
            (
                "UPDATE appointment SET end_time = now() + interval '5 min',"
                " start_time = now() - interval '1 min' WHERE id = %(appointment)s"
            ),
            "TOO_LATE",
        ),
    ],
    ids=["no-address", "deleted", "deceased", "late"],
)
def test_who_cannot_be_reminded_is_skipped_with_the_reason(desk, booked, owner, hand_over, change, reason):
    named = {"patient": booked.patient_id, "appointment": booked.id}
    if reason == "TOO_LATE":
        # Nothing plans them anew: they stand as they stood when the server went down.
        owner.execute("ALTER TABLE appointment DISABLE TRIGGER remind_changed")
    owner.execute(change, named)
    owner.execute("ALTER TABLE appointment ENABLE TRIGGER remind_changed")
    make_due(owner, booked)
    assert hand_over() == 1
    rows = owner.execute(
        "SELECT reason FROM appointment_reminder WHERE appointment_id = %s AND state = 'SKIPPED'", [booked.id]
    ).fetchall()
    assert rows == [(reason,)]
    assert owner.execute("SELECT count(*) FROM mail").fetchone() == (0,)


def test_of_two_that_are_due_at_once_one_goes_out(desk, booked, owner, hand_over):
    make_due(owner, booked, "ASC")
    make_due(owner, booked)
    hand_over()
    assert sorted(states(desk, booked)) == [("SENT", ""), ("SKIPPED", "SUPERSEDED")]


def test_reminders_of_an_appointment_that_is_not_there_are_not_found(desk):
    with pytest.raises(errors.NotFound):
        desk.ListReminders(id=ids.uuid7())


def test_a_reminder_of_a_merged_patient_goes_to_the_survivor(
    desk, booked, owner, hand_over, post, smtp_server
):
    survivor = desk.registry.create(
        "Asha", "Rao", telecoms=[patient_pb2.Telecom(system="email", value="asha@new.example")]
    )
    waiting = desk.JoinWaitingList(
        appointment={"patient_id": booked.patient_id, "department_id": desk.department()}
    )
    Ward(owner, desk.registry).merge(survivor, booked.patient_id)
    for appointment in (booked, waiting):
        assert desk.GetAppointment(id=appointment.id).patient_id == survivor.id
    make_due(owner, booked)
    assert hand_over() == 1
    post.run(desk.tenant.id)
    assert [mail.recipients for mail in smtp_server.taken] == [["asha@new.example"]]
