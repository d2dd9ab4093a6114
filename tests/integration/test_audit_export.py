"""`hms audit export`: what an auditor's own tools take in, whole, in order, and itself in the audit."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from hms_server import __main__ as hms
from hms_server import ids
from hms_server.audit.export import Exporter
from tests.fix_audit import read_event

DAY = "2026-03-0{}T10:00:00Z"
PATIENT, USER, SESSION = ids.uuid7(), ids.uuid7(), ids.uuid7()


@pytest.fixture
def tenant(new_tenant, outbox, drain):
    """A hospital with events of three days."""
    made = new_tenant()
    for day in (1, 2, 3):
        outbox.put(made.id, 4, record_time=DAY.format(day), patient_ids=[PATIENT])
    drain.run(made.id)
    return made


@pytest.fixture
def export(database, keys_file, monkeypatch, capfdbinary):
    """Runs the command; what it wrote."""
    monkeypatch.setenv("HMS_WORKER_DATABASE_URL", database.worker)
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))

    def run(tenant, *arguments, start="2026-01-01"):
        status = hms.main(["audit", "export", "--tenant", tenant.id, "--from", start, *arguments])
        assert status == 0, capfdbinary.readouterr().err
        return capfdbinary.readouterr().out.decode()

    return run


def resources(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_events_of_the_days_asked_for_come_in_order(tenant, export, outbox):
    found = resources(export(tenant, "--to", "2026-03-03", start="2026-03-02"))
    assert [each["id"] for each in found] == outbox.events(tenant.id)[4:8]
    assert {each["recorded"][:10] for each in found} == {"2026-03-02"}


def test_the_export_is_in_the_audit_before_it_begins(tenant, export, outbox, drain, owner):
    export(tenant)
    drain.run(tenant.id)
    row = owner.execute(
        "SELECT action, method, entity_type, outcome, actor_name FROM audit_event WHERE tenant_id = %s"
        " ORDER BY sequence DESC LIMIT 1",
        [tenant.id],
    ).fetchone()
    assert row[:4] == ("READ", "hms audit export", "audit_event", "OK")
    assert "hms audit export" in row[4]


def test_an_export_in_pieces_loses_and_doubles_nothing(tenant, worker_database, outbox):
    for sizes in ((5, 2**20), (500, 1)):
        exporter = Exporter(worker_database, *sizes)
        rows = exporter.export(tenant.id, "-infinity", "2026-04-01", actor_name="asha", address="")
        assert [row.id for row in rows] == outbox.events(tenant.id)[:12]


@pytest.mark.parametrize(
    ("record", "kind", "subtype", "action"),
    [
        ({}, "rest", "read", "R"),
        ({"action": "UPDATE", "old_version": 1, "new_version": 2}, "rest", "update", "U"),
        ({"method": "hms.patient.v1.PatientService/SearchPatients"}, "rest", "search-type", "R"),
        (
            {
                "action": "EXECUTE",
                "method": "hms.identity.v1.IdentityService/Login",
                "entity_type": "session",
            },
            "110114",
            "110122",
            "E",
        ),
        (
            {
                "action": "EXECUTE",
                "method": "hms.identity.v1.IdentityService/Logout",
                "entity_type": "session",
            },
            "110114",
            "110123",
            "E",
        ),
        (
            {
                "action": "DELETE",
                "method": "hms.identity.v1.IdentityService/DeleteRole",
                "entity_type": "role",
            },
            "110113",
            "110136",
            "D",
        ),
        (
            {
                "action": "UPDATE",
                "method": "hms.admin.v1.AdminService/UpdateSettings",
                "entity_type": "settings",
            },
            "110113",
            "110131",
            "U",
        ),
    ],
)
def test_an_event_is_the_fhir_resource_of_its_kind(
    new_tenant, outbox, drain, export, record, kind, subtype, action
):
    tenant = new_tenant()
    outbox.put(
        tenant.id,
        record=read_event(entity_id=PATIENT, actor_id=USER, session_id=SESSION, **record),
        patient_ids=[PATIENT],
    )
    drain.run(tenant.id)
    (event,) = resources(export(tenant))
    assert event["resourceType"] == "AuditEvent"
    assert (event["type"]["code"], event["subtype"][0]["code"], event["action"]) == (kind, subtype, action)
    assert event["outcome"] == "0"
    (agent,) = event["agent"]
    assert agent["requestor"] is True
    assert agent["who"]["identifier"]["value"] == USER
    assert agent["network"] == {"address": "192.0.2.1", "type": "2"}
    assert agent["policy"] == [f"urn:uuid:{SESSION}"]
    assert agent["purposeOfUse"][0]["coding"][0]["system"].endswith("v3-ActReason")
    version = "/_history/2" if record.get("new_version") and "entity_type" not in record else ""
    patient = event["entity"][0]
    assert patient["what"]["reference"] == f"Patient/{PATIENT}{version}"
    assert (patient["type"]["code"], patient["role"]["code"]) == ("1", "1")
    assert event["entity"][-1]["type"]["code"] == "XrequestId"
    assert event["source"]["observer"]["identifier"]["value"] == tenant.id


def test_a_refusal_is_a_minor_failure_with_its_reason(new_tenant, outbox, drain, export, owner):
    tenant = new_tenant()
    outbox.put(tenant.id, record=read_event(reason="PERMISSION_DENIED", actor_name="", actor_id=None))
    owner.execute("UPDATE audit_outbox SET outcome = 'PERMISSION_DENIED' WHERE tenant_id = %s", [tenant.id])
    drain.run(tenant.id)
    (event,) = resources(export(tenant))
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "PERMISSION_DENIED PERMISSION_DENIED")
    assert "who" not in event["agent"][0]


def test_the_entities_of_an_import_are_named(new_tenant, outbox, drain, export):
    tenant = new_tenant()
    made = [ids.uuid7() for _ in range(3)]
    groups = [{"type": "observation", "action": "CREATE", "ids": made}]
    outbox.put(tenant.id, record=read_event(entities=groups), patient_ids=[PATIENT])
    drain.run(tenant.id)
    (event,) = resources(export(tenant))
    named = [e["what"]["identifier"] for e in event["entity"] if e.get("description") == "CREATE"]
    assert named == [{"system": "urn:hms:observation", "value": each} for each in made]


def test_csv_has_every_column_and_runs_nothing_in_a_spreadsheet(new_tenant, outbox, drain, export):
    tenant = new_tenant()
    outbox.put(tenant.id, record=read_event(actor_name='=HYPERLINK("http://x")', reason='a "b", c'))
    drain.run(tenant.id)
    (row,) = csv.DictReader(io.StringIO(export(tenant, "--format", "csv")))
    assert row["actor_name"] == '\'=HYPERLINK("http://x")'
    assert row["reason"] == 'a "b", c'
    assert (row["sequence"], len(row["hash"])) == ("1", 64)


def test_nothing_of_another_hospital_is_exported(tenant, new_tenant, outbox, drain, export):
    other = new_tenant()
    outbox.put(other.id, 3)
    drain.run(other.id)
    assert {e["source"]["observer"]["identifier"]["value"] for e in resources(export(tenant))} == {tenant.id}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["--tenant", "nobody", "--from", "2026-01-01"], "no tenant 'nobody'")],
)
def test_a_wrong_tenant_is_one_line(database, monkeypatch, capsys, arguments, text):
    monkeypatch.setenv("HMS_WORKER_DATABASE_URL", database.worker)
    assert hms.main(["audit", "export", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_a_reader_who_has_enough_ends_the_export_without_a_fault(
    database, keys_file, new_tenant, outbox, drain
):
    """As `hms audit export ... | head -1` does."""
    tenant = new_tenant()
    outbox.put(tenant.id, 400, record_time=DAY.format(1))
    drain.run(tenant.id)
    command = [sys.executable, "-m", "hms_server", "audit", "export", "--tenant", tenant.id]
    with subprocess.Popen(
        [*command, "--from", "2026-01-01"],
        env={**os.environ, "HMS_WORKER_DATABASE_URL": database.worker, "HMS_KEYS_FILE": str(keys_file)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("{")
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, "")
