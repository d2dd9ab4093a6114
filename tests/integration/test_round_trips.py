"""What the hot path promises: one flush to PostgreSQL for a read, two for a write, one trip to Redis."""

from __future__ import annotations

import pytest
import redis

from hms.patient.v1 import patient_pb2 as pb
from hms_server import ids
from hms_server.database import transaction as transactions
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.gate.gate import Gate
from hms_server.gate.publisher import GatePublisher
from hms_server.gate.runner import ScriptRunner
from hms_server.patient.servicer import PatientServicer
from tests.integration.test_gate import Loader
from tests.unit.edge_fixtures import principal


@pytest.fixture
def flushes(monkeypatch):
    """Counts round trips of transactions."""
    counted = []
    original = transactions.run

    def run(connection, commands, seconds):
        counted.append(len(commands))
        return original(connection, commands, seconds)

    monkeypatch.setattr(transactions, "run", run)
    return counted


@pytest.fixture(scope="module")
def servicer(app_database, keys):
    return PatientServicer(app_database, Pages(keys.page_token), RequestIds(keys.request_hash))


@pytest.fixture
def hospital(new_tenant, servicer):
    tenant = new_tenant()

    def call(method, request):
        return getattr(servicer, method)(request, tenant.call(f"PatientService/{method}"))

    return call


def created(hospital):
    # The first takes a block of numbers, which is a transaction of its own.
    return hospital(
        "CreatePatient",
        pb.CreatePatientRequest(
            patient=pb.Patient(given_name="Asha", family_name="Rao"), request_id=ids.uuid7()
        ),
    )


READS = [
    ("GetPatient", lambda patient_id: pb.GetPatientRequest(id=patient_id)),
    ("BatchGetPatients", lambda patient_id: pb.BatchGetPatientsRequest(ids=[patient_id])),
    ("ListPatients", lambda patient_id: pb.ListPatientsRequest()),
    ("SearchPatients", lambda patient_id: pb.SearchPatientsRequest(query="rao")),
    ("ListPatientVersions", lambda patient_id: pb.ListPatientVersionsRequest(patient_id=patient_id)),
]


@pytest.mark.parametrize(("method", "request_of"), READS)
def test_a_read_is_one_round_trip(hospital, flushes, method, request_of):
    patient = created(hospital)
    flushes.clear()
    hospital(method, request_of(patient.id))
    # BEGIN, tenant, caller, the statement with its audit record, COMMIT
    assert flushes == [5]


WRITES = [
    (
        "UpdatePatient",
        lambda patient_id: pb.UpdatePatientRequest(
            patient=pb.Patient(id=patient_id, gender="female"), request_id=ids.uuid7()
        ),
    ),
    (
        "DeletePatient",
        lambda patient_id: pb.DeletePatientRequest(id=patient_id, request_id=ids.uuid7()),
    ),
]


@pytest.mark.parametrize(("method", "request_of"), WRITES)
def test_a_write_is_two_round_trips(hospital, flushes, method, request_of):
    patient = created(hospital)
    flushes.clear()
    hospital(method, request_of(patient.id))
    assert len(flushes) == 2


def test_registering_a_patient_is_two_round_trips_once_a_block_of_numbers_is_taken(hospital, flushes):
    created(hospital)
    flushes.clear()
    created(hospital)
    assert len(flushes) == 2


def test_the_gate_is_one_round_trip(redis_url, monkeypatch):
    counted = []
    original = ScriptRunner._ask

    def ask(self, connection, packed, command):
        counted.append(command[0])
        return original(self, connection, packed, command)

    monkeypatch.setattr(ScriptRunner, "_ask", ask)
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        gate = Gate(client, GatePublisher(client), Loader())
        caller = principal(tenant_id=ids.uuid7(), user_id=ids.uuid7(), session_id=ids.uuid7())
        gate.check(caller, "DEFAULT")
        counted.clear()
        gate.check(caller, "DEFAULT")
    assert counted == ["EVALSHA"]
