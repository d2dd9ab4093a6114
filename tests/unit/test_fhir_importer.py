"""The importer on a registry of memory: what it calls, how it waits, what it tells.

tests/integration/test_fhir_import.py does it on the real one.
"""

import copy
import threading
import uuid

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from hms.patient.v1 import patient_pb2 as pb
from hms_server.fhir import calls as calls_module
from hms_server.fhir.calls import Calls, Refusal
from hms_server.fhir.importer import Importer
from hms_server.fhir.reader import find_files
from hms_server.fhir.registry import SYSTEM, Outcome, Registry


class Failed(grpc.RpcError):
    """A failed call as a stub raises it."""

    def __init__(self, code, reason="", *details):
        packed = [any_pb2.Any() for _ in range(len(details) + 1)]
        packed[0].Pack(error_details_pb2.ErrorInfo(reason=reason, domain="hms"))
        for place, detail in zip(packed[1:], details, strict=True):
            place.Pack(detail)
        self._code = code
        self._details = status_pb2.Status(details=packed).SerializeToString()

    def code(self):
        return self._code

    def details(self):
        return "no"

    def trailing_metadata(self):
        return (("grpc-status-details-bin", self._details),)


class Fake:
    """PatientService in memory. `failures` holds, by method, what the next calls fail with."""

    def __init__(self):
        self.lock = threading.Lock()
        self.patients = {}
        self.requests = {}
        self.calls = []
        self.failures = {}

    def _begin(self, method):
        self.calls.append(method)
        if self.failures.get(method):
            raise self.failures[method].pop(0)

    def ListPatients(self, request):
        self._begin("ListPatients")
        return pb.ListPatientsResponse(patients=list(self.patients.values())[:1])

    def SearchPatients(self, request):
        with self.lock:
            self._begin("SearchPatients")
            found = [
                patient
                for patient in self.patients.values()
                if not patient.HasField("delete_time")
                and any(f"{i.system}|{i.value}" == request.identifier for i in patient.identifiers)
            ]
            return pb.SearchPatientsResponse(patients=copy.deepcopy(found))

    def GetPatient(self, request):
        with self.lock:
            self._begin("GetPatient")
            return copy.deepcopy(self.patients[request.id])

    def CreatePatient(self, request):
        with self.lock:
            self._begin("CreatePatient")
            body = request.SerializeToString(deterministic=True)
            if request.request_id in self.requests:
                known, patient_id = self.requests[request.request_id]
                if known != body:
                    raise Failed(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
                return copy.deepcopy(self.patients[patient_id])
            made = copy.deepcopy(request.patient)
            made.id, made.etag = str(uuid.uuid4()), "1"
            self.patients[made.id] = made
            self.requests[request.request_id] = body, made.id
            return copy.deepcopy(made)

    def UpdatePatient(self, request):
        with self.lock:
            self._begin("UpdatePatient")
            present = self.patients[request.patient.id]
            if request.patient.etag != present.etag:
                raise Failed(grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
            request.update_mask.MergeMessage(request.patient, present, True, True)
            present.etag = str(int(present.etag) + 1)
            return copy.deepcopy(present)


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def registry(fake, waits):
    def make(source=""):
        return Registry(fake, Calls(threading.Event(), waits.append), source)

    return make


def asha(**fields):
    return pb.Patient(**{"names": [pb.HumanName(family_name="Rao", given_names=["Asha"])], **fields})


def test_an_empty_hospital_needs_no_look_up(fake, registry):
    assert registry().bring("a", asha()) is Outcome.CREATED
    assert fake.calls == ["ListPatients", "CreatePatient"]
    (patient,) = fake.patients.values()
    assert patient.identifiers[-1] == pb.Identifier(use="secondary", system=SYSTEM, value="a")
    assert patient.active


def test_a_second_import_changes_nothing_and_a_third_what_differs(fake, registry):
    registry().bring("a", asha())
    fake.requests.clear()  # a day later
    assert registry().bring("a", asha()) is Outcome.UNCHANGED
    assert registry().bring("a", asha(birth_date="1980", telecoms=[pb.Telecom(value="1")])) is Outcome.UPDATED
    assert registry().bring("a", asha(telecoms=[pb.Telecom(value="1")])) is Outcome.UPDATED
    (patient,) = fake.patients.values()
    assert (patient.etag, patient.birth_date, patient.telecoms[0].value) == ("3", "", "1")


def test_the_staffs_own_identifiers_are_kept(fake, registry):
    registry().bring("a", asha(identifiers=[pb.Identifier(system="urn:s", value="1")]))
    (patient,) = fake.patients.values()
    patient.identifiers.insert(0, pb.Identifier(system="urn:abha", value="91"))
    assert (
        registry().bring("a", asha(identifiers=[pb.Identifier(system="urn:s", value="1")]))
        is Outcome.UNCHANGED
    )
    assert (
        registry().bring("a", asha(identifiers=[pb.Identifier(system="urn:s", value="2")])) is Outcome.UPDATED
    )
    (patient,) = fake.patients.values()
    assert sorted(i.value for i in patient.identifiers) == ["2", "91", "a"]


@pytest.mark.parametrize("second", [asha(), asha(gender="female")])
def test_two_imports_at_once_make_one_patient(fake, registry, second):
    one, other = registry(), registry()  # both saw an empty hospital
    one.bring("a", asha())
    other.bring("a", second)
    (patient,) = fake.patients.values()
    assert patient.gender == second.gender


def test_sources_are_kept_apart(fake, registry):
    registry("lab").bring("1", asha())
    registry("ward").bring("1", asha())
    assert sorted(p.identifiers[0].value for p in fake.patients.values()) == ["lab:1", "ward:1"]


def test_a_deleted_patient_is_registered_anew(fake, registry):
    registry().bring("a", asha())
    (first,) = fake.patients.values()
    first.delete_time.GetCurrentTime()
    for patient in (asha(), asha(gender="male")):
        assert registry().bring("a", patient) in (Outcome.CREATED, Outcome.UPDATED)
    assert len(fake.patients) == 2


def test_a_change_by_somebody_else_is_met(fake, registry):
    registry().bring("a", asha())
    fake.failures["UpdatePatient"] = [Failed(grpc.StatusCode.ABORTED, "ETAG_MISMATCH")]
    assert registry().bring("a", asha(gender="male")) is Outcome.UPDATED
    assert fake.calls[-2:] == ["GetPatient", "UpdatePatient"]


def test_several_records_of_one_source_are_left_to_a_person(fake, registry):
    registry().bring("a", asha())
    (first,) = list(fake.patients.values())
    fake.patients["x"] = copy.deepcopy(first)
    with pytest.raises(Refusal, match="several records"):
        registry().bring("a", asha())


def test_it_waits_as_long_as_the_server_says(fake, registry, waits, monkeypatch):
    slept = []
    monkeypatch.setattr(threading.Event, "wait", lambda self, seconds=None: slept.append(seconds))
    retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=7))
    fake.failures["CreatePatient"] = [Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", retry)]
    assert registry().bring("a", asha()) is Outcome.CREATED
    assert waits == [7.0]
    assert len(slept) == 1
    assert 6.5 < slept[0] < 7.5


def test_what_may_pass_is_tried_again_and_what_stays_ends_the_import(fake, registry, monkeypatch):
    monkeypatch.setattr(calls_module, "_BACKOFF_SECONDS", (0.0, 0.0))
    away = [Failed(grpc.StatusCode.UNAVAILABLE) for _ in range(3)]
    fake.failures["CreatePatient"] = away[:2]
    made = registry()
    assert made.bring("a", asha()) is Outcome.CREATED
    fake.failures["CreatePatient"] = away
    with pytest.raises(Refusal) as caught:
        made.bring("b", asha())
    assert caught.value.ends_all


class Run:
    def __init__(self, registry, threads=3):
        self.lines = []
        self.importer = Importer(
            registry,
            threading.Event(),
            threads=threads,
            on_progress=lambda report: None,
            on_rejected=self.lines.append,
        )

    def __call__(self, *paths):
        return self.importer.run(find_files([str(path) for path in paths]))


def test_a_whole_run(fake, registry, tmp_path):
    (tmp_path / "a.json").write_text(
        '{"resourceType": "Bundle", "type": "batch", "entry": ['
        '{"resource": {"resourceType": "Observation"}},'
        '{"resource": {"resourceType": "Patient", "id": "1", "birthDate": "1999-02-30", '
        '"name": [{"text": "A"}]}},'
        '{"resource": {"resourceType": "Patient", "id": "2", "name": [{"text": "B"}]}},'
        '{"resource": {"resourceType": "Patient", "name": [{"text": "C"}]}}]}'
    )
    (tmp_path / "b.json.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "c.ndjson").write_text(
        "\n".join(
            f'{{"resourceType": "Patient", "id": "n{i}", "name": [{{"text": "N"}}]}}' for i in range(200)
        )
    )
    run = Run(registry())
    report = run(tmp_path)
    assert report.outcomes == {Outcome.CREATED: 201}
    assert (report.rejected, report.files, dict(report.skipped)) == (3, 3, {"Observation": 1})
    assert not report.is_whole
    assert sorted(run.lines) == [
        'a.json: entry[1].resource.birthDate: "1999-02-30" is no date',
        "a.json: entry[3].resource.id: neither an id nor a fullUrl: it could not be found again",
        "b.json.gz: the gzip file ends too early: it was cut off",
    ]
    again = Run(registry())(tmp_path / "c.ndjson")
    assert (again.outcomes, again.is_whole) == ({Outcome.UNCHANGED: 200}, True)


def test_what_the_server_refuses_is_told_with_its_place(fake, registry, tmp_path):
    (tmp_path / "a.ndjson").write_text('{"resourceType": "Patient", "id": "1", "name": [{"text": "A"}]}')
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="patient.names[0].given_names[1]", description="is odd")
    fake.failures["CreatePatient"] = [Failed(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", bad)]
    run = Run(registry())
    assert run(tmp_path).rejected == 1
    assert run.lines == ["a.ndjson:1: name[0].given[1]: is odd"]


def test_a_server_that_refuses_everything_ends_the_run(fake, registry, tmp_path):
    (tmp_path / "a.ndjson").write_text(
        "\n".join(
            f'{{"resourceType": "Patient", "id": "{i}", "name": [{{"text": "A"}}]}}' for i in range(500)
        )
    )
    fake.failures["CreatePatient"] = [Failed(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")] * 500
    report = Run(registry())(tmp_path)
    assert "PERMISSION_DENIED" in report.ended_by
    assert not report.is_whole
    assert fake.calls.count("CreatePatient") < 10


def test_a_fault_of_a_thread_ends_the_run_and_is_told(fake, registry, tmp_path):
    (tmp_path / "a.ndjson").write_text(
        "\n".join(
            f'{{"resourceType": "Patient", "id": "{i}", "name": [{{"text": "A"}}]}}' for i in range(500)
        )
    )
    fake.failures["CreatePatient"] = [ZeroDivisionError()] * 500
    with pytest.raises(ZeroDivisionError):
        Run(registry())(tmp_path)
