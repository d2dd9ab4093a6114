"""Parts are killed during a stream of writes: what was acknowledged is there, audited exactly once.

Nothing is mended by hand: the test only waits.
"""

from __future__ import annotations

import collections
import concurrent.futures
import signal
import threading
import time

import grpc
import psycopg
import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import ids
from tests.fix_client import eventually, hospital

SECONDS = 4.0
PATIENCE = 40.0
REPEATED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
}


class Writers:
    """Clients that register patients one after another, and repeat what was not answered."""

    def __init__(self, caller, threads=4):
        self.caller = caller
        self.acknowledged = []  # ids, in the order of the answers
        self.repeats = 0
        self.refused = []
        self._stop = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(threads)
        self._done = [self._pool.submit(self._write) for _ in range(threads)]

    def _write(self):
        while not self._stop.is_set():
            request = pb.CreatePatientRequest(
                patient=pb.Patient(given_name="Chaos", family_name="Writer"), request_id=ids.uuid7()
            )
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    made = self.caller.patients.CreatePatient(
                        request, metadata=self.caller.metadata, timeout=5
                    )
                    self.acknowledged.append(made.id)
                    break
                except grpc.RpcError as error:
                    if error.code() not in REPEATED or time.monotonic() > until:
                        self.refused.append(error.code().name)
                        return
                    self.repeats += 1
                    time.sleep(0.1)

    def finish(self):
        self._stop.set()
        concurrent.futures.wait(self._done)
        self._pool.shutdown()
        return list(self.acknowledged)


def created_events(stack, tenant_id):
    """How many CREATE events each patient of the tenant has, and how many records still wait."""
    with psycopg.connect(stack.env["HMS_DATABASE_URL"]) as owner:
        waiting = owner.execute(
            "SELECT count(*) FROM audit_outbox WHERE tenant_id = %s", [tenant_id]
        ).fetchone()[0]
        rows = owner.execute(
            "SELECT entity_id, count(*) FROM audit_event"
            " WHERE tenant_id = %s AND method LIKE '%%/CreatePatient' AND action = 'CREATE'"
            " AND outcome = 'OK' GROUP BY entity_id",
            [tenant_id],
        ).fetchall()
        patients = {
            str(row[0]) for row in owner.execute("SELECT id FROM patient WHERE tenant_id = %s", [tenant_id])
        }
    return collections.Counter(dict(rows)), waiting, patients


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    from hms_server.devstack.stack import Stack

    with Stack(tmp_path_factory.mktemp("chaos"), workers=2, job_workers=1) as whole:
        whole.start()
        yield whole


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["redis", "worker-1", "server-1", "cron", "postgres"])
def test_every_acknowledged_write_is_there_with_exactly_one_audit_event(system, victim):
    caller = hospital(system)
    writers = Writers(caller)
    time.sleep(SECONDS / 2)
    before = len(writers.acknowledged)
    system.kill(victim, signal.SIGKILL)
    time.sleep(SECONDS / 2)
    eventually(lambda: len(writers.acknowledged) > before + 20, PATIENCE)
    acknowledged = writers.finish()
    assert writers.refused == []
    system.wait_healthy(PATIENCE)

    def settled():
        events, waiting, patients = created_events(system, caller.tenant_id)
        return (events, patients) if waiting == 0 else None

    events, patients = eventually(settled, PATIENCE)
    assert set(acknowledged) <= patients
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(events) == patients
    assert set(events.values()) == {1}
    caller.close()


@pytest.mark.timeout(120)
def test_a_server_that_is_asked_to_stop_finishes_its_calls(system):
    caller = hospital(system)
    writers = Writers(caller)
    time.sleep(1)
    system.kill("server-2", signal.SIGTERM)
    time.sleep(2)
    acknowledged = writers.finish()
    assert writers.refused == []
    _, _, patients = created_events(system, caller.tenant_id)
    assert set(acknowledged) <= patients
    caller.close()
