"""What else reads or writes the audit, with the audit in a database of its own: looks of callers, the command
line, anchors, and hospitals that leave."""

from __future__ import annotations

import csv
import io
import json

import psycopg
import pytest

from hms.audit.v1 import audit_pb2 as pb
from hms.patient.v1 import break_glass_pb2, patient_pb2
from hms_server import __main__ as command_line
from hms_server import bootstrap, errors, ids, keyring
from hms_server.audit import store
from hms_server.audit.anchoring import Anchors
from hms_server.audit.servicer import AuditServicer
from hms_server.cache import client as redis_client
from hms_server.database.pages import Pages
from hms_server.database.pool import Pool
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.door import Door
from hms_server.identity.permissions import Catalogue
from hms_server.policy import load_policies
from tests.fix_database import Tenant

LIST, GET, REPORT = (
    f"AuditService/{name}" for name in ("ListAuditEvents", "GetAuditEvent", "GetDisclosureReport")
)


@pytest.fixture(scope="module")
def apart(app_database, app_audit, keys, settings, redis_url):
    """Every service, as a server with two databases puts it together."""
    publisher = GatePublisher(redis_client.connect(redis_url, settings))
    door = Door(admit=lambda tenant_id, address: None, count_wrong=lambda account, address: None)
    return bootstrap.servicers(
        settings, keys, app_database, app_database, publisher, Catalogue(load_policies()), door, app_audit
    )


@pytest.fixture
def auditor(apart):
    return apart["hms.audit.v1.AuditService"]


class Ward:
    """A hospital with a patient who was changed once, and whose events are in the audit database."""

    def __init__(self, apart, tenant, apart_drain):
        self.tenant, self._apart, self._drain = tenant, apart, apart_drain
        made = self.patients("CreatePatient", self._patient("Asha", request_id=ids.uuid7()))
        self.patient_id = made.id
        self.patients(
            "UpdatePatient",
            patient_pb2.UpdatePatientRequest(
                patient=patient_pb2.Patient(
                    id=made.id, etag=made.etag, names=[patient_pb2.HumanName(given_names=["Usha"])]
                ),
                update_mask={"paths": ["names"]},
                request_id=ids.uuid7(),
            ),
        )
        self.drain()

    def _patient(self, name, **fields):
        return patient_pb2.CreatePatientRequest(
            patient=patient_pb2.Patient(names=[patient_pb2.HumanName(given_names=[name])]), **fields
        )

    def drain(self):
        self._drain.run(self.tenant.id)

    def patients(self, method, request, tenant=None):
        service = self._apart["hms.patient.v1.PatientService"]
        return getattr(service, method)(request, (tenant or self.tenant).call(f"PatientService/{method}"))

    def audit(self, method, request, tenant=None):
        service = self._apart["hms.audit.v1.AuditService"]
        return getattr(service, method)(request, (tenant or self.tenant).call(f"AuditService/{method}"))

    def update_event(self, tenant=None):
        listed = self.audit("ListAuditEvents", pb.ListAuditEventsRequest(patient_id=self.patient_id), tenant)
        (event_id,) = [e.id for e in listed.audit_events if e.action == "UPDATE"]
        return self.audit("GetAuditEvent", pb.GetAuditEventRequest(id=event_id), tenant)

    def report(self, tenant=None):
        request = pb.GetDisclosureReportRequest(patient_id=self.patient_id, format=pb.REPORT_FORMAT_CSV)
        answer = self.audit("GetDisclosureReport", request, tenant)
        return list(csv.DictReader(io.StringIO(answer.data.decode())))


@pytest.fixture
def ward(apart, new_tenant, apart_drain):
    return Ward(apart, new_tenant(), apart_drain)


@pytest.fixture
def colleague(ward, owner):
    made = Tenant(ward.tenant.id, ids.uuid7())
    owner.execute(
        "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
        " VALUES (%s, %s, 'ravi', 'ravi', '-')",
        [made.id, made.user_id],
    )
    return made


def test_a_change_and_a_report_are_put_together_from_both_databases(ward):
    (change,) = [c for c in ward.update_event().changes if c.field == "names"]
    assert ("Asha" in change.old_value, "Usha" in change.new_value) == (True, True)
    assert [line["act"].partition(":")[0] for line in ward.report()] == ["CREATE", "UPDATE"]
    ward.drain()
    # The looks themselves: of the list by patient, of the change, and of the report.
    assert [line["act"] for line in ward.report()][2:] == [
        "READ: list audit events",
        "READ: get audit event",
        "READ: get disclosure report",
    ]


def test_another_hospital_sees_nothing_of_it(ward, new_tenant):
    stranger, event = new_tenant(), ward.update_event()
    request = pb.ListAuditEventsRequest(patient_id=ward.patient_id)
    assert not ward.audit("ListAuditEvents", request, stranger).audit_events
    with pytest.raises(errors.NotFound):
        ward.audit("GetAuditEvent", pb.GetAuditEventRequest(id=event.id), stranger)
    with pytest.raises(errors.NotFound):
        ward.report(stranger)


def test_a_restricted_patient_stays_hidden_and_breaking_the_glass_is_marked(ward, colleague, owner):
    owner.execute(
        "UPDATE patient SET restricted = true WHERE tenant_id = %s AND id = %s",
        [ward.tenant.id, ward.patient_id],
    )
    hidden = ward.update_event(colleague)
    assert not hidden.changes
    with pytest.raises(errors.NotFound):
        ward.report(colleague)
    request = break_glass_pb2.BreakGlassRequest(
        patient_id=ward.patient_id, reason="unconscious", duration_seconds=600
    )
    grant = ward.patients("BreakGlass", request, colleague)
    assert ward.update_event(colleague).changes
    assert ward.report(colleague)
    marked = owner.execute(
        "SELECT record ->> 'method' FROM audit_outbox WHERE tenant_id = %s"
        " AND record ->> 'reason' LIKE %s ORDER BY position",
        [ward.tenant.id, f"BREAK_GLASS:{grant.id}%"],
    ).fetchall()
    assert [method.rpartition("/")[2] for (method,) in marked] == ["GetAuditEvent", "GetDisclosureReport"]


@pytest.fixture
def away(settings):
    """An audit database that does not answer."""
    impatient = settings.model_copy(update={"pool_wait_seconds": 0.2})
    pool = Pool("postgresql://hms_app:none@127.0.0.1:1/none", impatient, "away")
    pool.open()
    yield Database(pool, 1.0)
    pool.close()


def made(*databases):
    database, *audit = databases
    return AuditServicer(database, Pages(b"p" * 32), RequestIds(b"r" * 32), *audit)


def looks(servicer, ward):
    patient, event = ward.patient_id, ids.uuid7()
    return [
        (servicer.ListAuditEvents, pb.ListAuditEventsRequest(), LIST),
        (servicer.GetAuditEvent, pb.GetAuditEventRequest(id=event), GET),
        (servicer.GetDisclosureReport, pb.GetDisclosureReportRequest(patient_id=patient), REPORT),
    ]


def test_with_the_audit_database_away_looks_say_so(ward, app_database, away):
    for rpc, request, name in looks(
        AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32), away), ward
    ):
        with pytest.raises(errors.Unavailable, match="The audit database is away: what is done"):
            rpc(request, ward.tenant.call(name))


def test_a_server_that_looks_in_the_wrong_database_shows_no_empty_audit(
    ward, app_database, app_audit, outbox, drain, new_tenant
):
    """Its settings lack the separate database, or an audit of before was not moved there."""
    for rpc, request, name in looks(
        AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32)), ward
    ):
        with pytest.raises(errors.Unavailable, match="does not stand in the database"):
            rpc(request, ward.tenant.call(name))
    of_before = new_tenant()
    outbox.put(of_before.id)
    drain.run(of_before.id)
    for rpc, request, name in looks(made(app_database, app_audit), ward)[:2]:
        with pytest.raises(errors.Unavailable, match="does not stand in the database"):
            rpc(request, of_before.call(name))


@pytest.fixture
def hms(monkeypatch, capsysbinary, database, audit_urls, redis_url, keys_file):
    """Runs `hms` as an installation with two databases does; returns the status and what it printed."""
    for setting, name in (("DATABASE_URL", "owner"), ("WORKER_DATABASE_URL", "worker")):
        monkeypatch.setenv(f"HMS_{setting}", getattr(database, name))
        monkeypatch.setenv(f"HMS_AUDIT_{setting}", getattr(audit_urls, name))
    monkeypatch.setenv("HMS_REDIS_URL", redis_url)
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))

    def run(*arguments):
        status = command_line.main([str(each) for each in arguments])
        printed = capsysbinary.readouterr()
        return status, printed.out.decode(), printed.err.decode()

    return run


def code_of(owner, tenant):
    return owner.execute("SELECT code FROM tenant WHERE id = %s", [tenant.id]).fetchone()[0]


def test_the_command_line_verifies_and_exports_the_audit_of_both(ward, hms, owner, audit_owner):
    code = code_of(owner, ward.tenant)
    status, text, _ = hms("audit", "verify", "--tenant", code)
    assert (status, text) == (0, "the audit holds: 2 events of 1 tenants\n")
    status, text, told = hms("audit", "export", "--tenant", code, "--from", "2020-01-01")
    assert (status, len(text.splitlines())) == (0, 2), told
    recorded = owner.execute(
        "SELECT record ->> 'method' FROM audit_outbox WHERE tenant_id = %s", [ward.tenant.id]
    ).fetchall()
    assert recorded == [("hms audit export",)]
    audit_owner.execute(
        "UPDATE audit_event SET actor_name = 'x' WHERE tenant_id = %s AND sequence = 2", [ward.tenant.id]
    )
    status, text, _ = hms("audit", "verify", "--tenant", code)
    assert (status, "event 2" in text) == (1, True)


def test_the_command_line_without_the_audit_database_says_what_is_missing(ward, hms, owner, monkeypatch):
    code = code_of(owner, ward.tenant)
    monkeypatch.delenv("HMS_AUDIT_DATABASE_URL")
    status, _, told = hms("audit", "verify")
    assert (status, "HMS_AUDIT_DATABASE_URL is not" in told, len(told.splitlines())) == (2, True, 1)
    monkeypatch.delenv("HMS_AUDIT_WORKER_DATABASE_URL")
    for arguments in (
        ("audit", "verify", "--tenant", code),
        ("audit", "export", "--tenant", code, "--from", "2020-01-01"),
        ("tenant", "export", code, "--to", "never-made"),
    ):
        status, out, told = hms(*arguments)
        assert (status, out) == (2, ""), arguments
        assert "HMS_AUDIT_" in told


def test_anchors_are_made_and_kept_where_the_chains_are(
    ward, worker_audit, keys_file, owner, audit_owner, apart_verifier, tmp_path
):
    file = tmp_path / "anchors"
    assert Anchors(worker_audit, keyring.load(keys_file), file).run() >= 1
    count = "SELECT count(*) FROM audit_anchor WHERE tenant_id = %s"
    assert audit_owner.execute(count, [ward.tenant.id]).fetchone() == (1,)
    assert owner.execute(count, [ward.tenant.id]).fetchone() == (0,)
    assert apart_verifier.verify(ward.tenant.id).fault is None
    assert store.unanchored(worker_audit, None, 100) == []


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_hospital_that_leaves_takes_its_audit_along_and_leaves_it(
    ward, hms, leaving, owner, audit_owner, apart_verifier, tmp_path
):
    code, folder = leaving.suspend(ward.tenant.id), tmp_path / "export"
    ward.update_event()
    status, _, told = hms("tenant", "export", code, "--to", folder, "--operator", "vera")
    assert status == 0, told
    events = lines(folder / "audit_event.ndjson")
    assert [event["sequence"] for event in events] == [1, 2]
    assert {link["patient_id"] for link in lines(folder / "audit_event_patient.ndjson")} == {ward.patient_id}
    (chain,) = lines(folder / "audit_chain.ndjson")
    assert (chain["sequence"], chain["elsewhere"]) == (2, False)
    # Two looks, and the export's own beginning.
    assert len(lines(folder / "audit_outbox.ndjson")) == 3
    assert len(lines(folder / "patient.ndjson")) == 1
    before = audit_owner.execute("SELECT count(*) FROM audit_event").fetchone()
    certificate = tmp_path / "certificate"
    status, _, told = hms(
        "tenant", "erase", code, "--confirm", code, "--export", folder, "--certificate", certificate
    )
    assert status == 0, told
    assert audit_owner.execute("SELECT count(*) FROM audit_event").fetchone() == before
    assert set(leaving.rows(ward.tenant.id)) <= {"audit_outbox", "audit_chain", "tenant_erasure"}
    ward.drain()
    verdict = apart_verifier.verify(ward.tenant.id)
    assert (verdict.fault, verdict.events) == (None, 2 + 3 + 1 + 2)


def test_migrate_brings_both_up_to_date(hms):
    status, text, told = hms("migrate")
    assert status == 0, told
    first, second = [line for line in text.splitlines() if "up to date" in line]
    assert second == f"audit database: {first}"


def test_migrate_refuses_an_audit_database_that_is_another(
    hms, database, audit_urls, audit_owner, monkeypatch
):
    # The same one by another name of its host.
    monkeypatch.setenv("HMS_AUDIT_DATABASE_URL", database.owner.replace("127.0.0.1", "localhost"))
    status, _, told = hms("migrate")
    assert (status, told.strip().endswith("HMS_AUDIT_DATABASE_URL names the main database")) == (2, True)
    monkeypatch.setenv("HMS_AUDIT_DATABASE_URL", audit_urls.owner)
    tenant_id = ids.uuid7()
    audit_owner.execute("INSERT INTO tenant (id, code, display_name) VALUES (%s, 'x', 'X')", [tenant_id])
    try:
        status, _, told = hms("migrate")
        assert (status, "in which hospitals stand" in told) == (2, True)
    finally:
        audit_owner.execute("DELETE FROM tenant WHERE id = %s", [tenant_id])
    monkeypatch.setenv("HMS_AUDIT_DATABASE_URL", "postgresql://hms_owner:none@127.0.0.1:1/none")
    status, _, told = hms("migrate")
    assert (status, "HMS_AUDIT_DATABASE_URL: " in told, "none" in told) == (2, True, False)


def test_create_makes_the_audit_database_too(hms, database, monkeypatch, request):
    name = f"audit_{ids.uuid7()[-12:]}"

    def elsewhere(url):
        return f"{url.rpartition('/')[0]}/{name}"

    for setting, account in (("", "owner"), ("APP_", "app"), ("WORKER_", "worker")):
        monkeypatch.setenv(f"HMS_{setting}DATABASE_URL", getattr(database, account))
        monkeypatch.setenv(f"HMS_AUDIT_{setting}DATABASE_URL", elsewhere(getattr(database, account)))
    monkeypatch.setenv("HMS_ADMIN_DATABASE_URL", database.admin)

    def drop():
        with psycopg.connect(database.admin, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name}")

    request.addfinalizer(drop)
    other = elsewhere(database.app).replace("@", "x@")
    monkeypatch.setenv("HMS_AUDIT_APP_DATABASE_URL", other)
    status, _, told = hms("database", "create")
    assert (status, "the same password" in told) == (2, True)
    monkeypatch.setenv("HMS_AUDIT_APP_DATABASE_URL", elsewhere(database.app))
    status, text, told = hms("database", "create")
    assert (status, text) == (0, f"created database {name} (audit)\n"), told
    assert hms("migrate")[0] == 0
    far = elsewhere(database.owner).replace("127.0.0.1", "db.example")
    monkeypatch.setenv("HMS_AUDIT_DATABASE_URL", far)
    status, _, told = hms("database", "create")
    assert (status, "set HMS_AUDIT_ADMIN_DATABASE_URL" in told) == (2, True)
