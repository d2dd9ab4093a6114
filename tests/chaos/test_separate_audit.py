"""A whole system whose audit stands on a PostgreSQL server of its own: parts are killed, and that server is
away for a time. What was acknowledged is an event there, exactly once."""

from __future__ import annotations

import collections
import concurrent.futures
import os
import signal
import subprocess
import sys
import time

import grpc
import psutil
import psycopg
import pytest

from hms.audit.v1 import audit_pb2
from hms_server.devstack.stack import Stack
from tests.chaos.test_kill import PATIENCE, SECONDS, Writers
from tests.fix_client import eventually, hospital, http


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("apart"), workers=2, job_workers=1, separate_audit=True) as whole:
        whole.start()
        yield whole


def owners(stack):
    """Connections of the owner to the main and to the audit database."""
    env = stack.env
    return psycopg.connect(env["HMS_DATABASE_URL"]), psycopg.connect(env["HMS_AUDIT_DATABASE_URL"])


def settled(stack, tenant_id):
    """How many CREATE events each patient has, and the patients; None while records wait."""
    main, audit = owners(stack)
    with main, audit:
        waiting = main.execute("SELECT count(*) FROM audit_outbox WHERE tenant_id = %s", [tenant_id])
        if waiting.fetchone() != (0,):
            return None
        here = main.execute("SELECT count(*) FROM audit_event").fetchone()
        assert here == (0,), "events in the main database"
        rows = audit.execute(
            "SELECT entity_id, count(*) FROM audit_event"
            " WHERE tenant_id = %s AND method LIKE '%%/CreatePatient' AND action = 'CREATE'"
            " AND outcome = 'OK' GROUP BY entity_id",
            [tenant_id],
        ).fetchall()
        patients = main.execute("SELECT id::text FROM patient WHERE tenant_id = %s", [tenant_id]).fetchall()
    return collections.Counter(dict(rows)), {patient for (patient,) in patients}


def hms(stack, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "hms_server", *arguments],
        env={**stack.environment.set_up()},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def assert_whole(stack, caller, acknowledged):
    events, patients = eventually(lambda: settled(stack, caller.tenant_id), PATIENCE)
    assert set(acknowledged) <= patients
    assert set(events) == patients
    assert set(events.values()) == {1}
    verified = hms(stack, "audit", "verify", "--tenant", caller.tenant)
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", ["worker-1", "postgres-audit", "postgres", "server-1"])
def test_every_acknowledged_write_is_one_event_in_the_audit_database(apart, victim):
    caller = hospital(apart)
    writers = Writers(caller)
    # A worker is killed again and again, wherever it is between its two commits.
    for _ in range(6 if victim == "worker-1" else 1):
        time.sleep(SECONDS / 2)
        before = len(writers.acknowledged)
        eventually(lambda: killed(apart, victim), PATIENCE)
    eventually(lambda: len(writers.acknowledged) > before + 20, PATIENCE)
    acknowledged = writers.finish()
    assert writers.refused == []
    apart.wait_healthy(PATIENCE)
    assert_whole(apart, caller, acknowledged)
    caller.close()


def killed(stack, victim):
    try:
        return stack.kill(victim, signal.SIGKILL)
    except LookupError:
        return None


def scrape(stack):
    text = http("GET", stack.env["HMS_METRICS_URL"]).body.decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


@pytest.mark.timeout(240)
def test_with_the_audits_server_away_calls_go_on_and_looks_wait(apart):
    caller = hospital(apart)
    patient = caller.create_patient()
    eventually(lambda: caller.events(patient_id=patient.id), PATIENCE)
    data = apart.audit_postgres.data
    away = data.with_name("away")
    pid = apart.pid("postgres-audit")
    data.rename(away)
    os.kill(pid, signal.SIGKILL)
    try:
        writers = Writers(caller)
        eventually(lambda: len(writers.acknowledged) > 100, PATIENCE)
        for path in ("/v1/auditEvents", f"/v1/patients/{patient.id}:disclosureReport"):
            answer = caller.rest("GET", path)
            assert (answer.status, "The audit database is away" in answer.body.decode()) == (503, True)
        with pytest.raises(grpc.RpcError) as refused:
            caller.audit.ListAuditEvents(
                audit_pb2.ListAuditEventsRequest(), metadata=caller.metadata, timeout=10
            )
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        eventually(lambda: scrape(apart)["hms_audit_database_up"] == "0.0", PATIENCE)
        assert float(scrape(apart)["hms_outbox_records"]) > 100
        assert scrape(apart)["hms_database_up"] == "1.0"
        acknowledged = writers.finish()
        assert (writers.refused, writers.repeats) == ([], 0)
    finally:
        away.rename(data)
    apart.wait_healthy(PATIENCE * 2)
    assert_whole(apart, caller, [*acknowledged, patient.id])
    eventually(lambda: scrape(apart)["hms_audit_database_up"] == "1.0", PATIENCE)
    assert caller.rest("GET", f"/v1/patients/{patient.id}:disclosureReport").status == 200
    caller.close()


@pytest.mark.timeout(240)
def test_an_audits_server_that_hangs_holds_up_no_call(apart):
    """A network that swallows everything: nothing is refused, nothing is answered."""
    caller = hospital(apart)
    eventually(caller.events, PATIENCE)
    postmaster = psutil.Process(apart.pid("postgres-audit"))
    frozen = [*postmaster.children(recursive=True), postmaster]
    for process in frozen:
        process.suspend()
    try:
        writers, looks = Writers(caller), concurrent.futures.ThreadPoolExecutor(8)
        answers = [looks.submit(caller.rest, "GET", "/v1/auditEvents") for _ in range(16)]
        eventually(lambda: all(answer.done() for answer in answers), PATIENCE)
        assert {answer.result().status for answer in answers} <= {503, 504}
        before = len(writers.acknowledged)
        eventually(lambda: len(writers.acknowledged) > before + 50, PATIENCE)
        acknowledged = writers.finish()
        assert writers.refused == []
        looks.shutdown()
    finally:
        for process in frozen:
            process.resume()
    assert_whole(apart, caller, acknowledged)
    caller.close()


@pytest.mark.timeout(120)
def test_the_command_line_works_on_both(apart, tmp_path):
    caller = hospital(apart)
    patient = caller.create_patient()
    eventually(lambda: caller.events(patient_id=patient.id), PATIENCE)
    exported = hms(apart, "audit", "export", "--tenant", caller.tenant, "--from", "2020-01-01")
    assert (exported.returncode, patient.id in exported.stdout) == (0, True), exported.stderr
    folder = tmp_path / "export"
    left = hms(apart, "tenant", "export", caller.tenant, "--to", str(folder))
    assert left.returncode == 0, left.stderr
    assert patient.id in (folder / "audit_event.ndjson").read_text()
    caller.close()
