"""A reminder by the very processes of an installation: planned by a booking, mailed by cron and worker."""

from __future__ import annotations

from hms.patient.v1 import patient_pb2
from tests.fix_booking import tomorrow
from tests.integration.test_mail_workers import processes, processes_with  # noqa: F401 - fixtures
from tests.integration.test_workers import eventually

ADDRESS = "asha@home.example"


def test_a_reminder_that_is_due_is_in_the_patients_mailbox_once(desk, owner, smtp_server, processes):  # noqa: F811
    owner.execute("UPDATE appointment_reminder SET state = 'CANCELLED' WHERE state = 'SCHEDULED'")
    owner.execute("DELETE FROM mail")
    patient = desk.registry.create(telecoms=[patient_pb2.Telecom(system="email", value=ADDRESS)])
    booked = desk.book(
        desk.practitioner(), tomorrow(9, days=3), patient.id, reasons=[{"text": "Pain in the chest"}]
    )
    owner.execute(
        "UPDATE appointment_reminder SET due_time = now() WHERE id = (SELECT id FROM appointment_reminder"
        " WHERE tenant_id = %s AND appointment_id = %s ORDER BY due_time LIMIT 1)",
        [desk.tenant.id, booked.id],
    )
    processes.start("worker", "cron")
    eventually(lambda: smtp_server.to(ADDRESS))
    # Whoever comes up next finds nothing left to send.
    processes.kill("cron")
    eventually(lambda: {row[0] for row in owner.execute("SELECT state FROM mail").fetchall()} == {"SENT"})
    (mail,) = smtp_server.to(ADDRESS)
    assert f"{tomorrow(9, days=3):%Y-%m-%d %H:%M} (UTC)" in mail.text
    assert not {"Asha", "Rao", "chest", "Cardiology"} & set(mail.raw.decode().replace(".", " ").split())
    states = [each.state for each in desk.ListReminders(id=booked.id).reminders]
    assert states == ["SENT", "SCHEDULED"]
    assert ADDRESS not in processes.log("worker") + processes.log("cron")
