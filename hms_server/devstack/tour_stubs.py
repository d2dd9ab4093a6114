"""Steps of the guided tour: the same jobs by generated stubs over gRPC, health and reflection."""

from typing import Any

from google.protobuf import field_mask_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from hms.patient.v1 import patient_pb2 as pb
from hms.patient.v1 import patient_pb2_grpc
from hms_server import ids
from hms_server.devstack.tour_visit import TIMEOUT, Visit, expect, refusal

_DEADLINE = 2.0
_SERVICES = {f"hms.{room}.v1.{room.title()}Service" for room in ("identity", "patient", "admin", "audit")} | {
    "grpc.health.v1.Health"
}


def create(visit: Visit) -> str:
    """By stubs: register a patient."""
    request = pb.CreatePatientRequest(
        patient=pb.Patient(given_name="Imran", family_name="Qureshi", birth_date="1972-11"),
        request_id=ids.uuid7(),
    )
    patient = _stub(visit).CreatePatient(
        request, timeout=TIMEOUT, metadata=visit.me.metadata("CreatePatient")
    )
    expect(patient.uhid and patient.active, "incomplete")
    expect(patient.names[0].family_name == "Qureshi", "the name is not in names")
    visit.keep("patient by stubs", patient)
    return f"UHID {patient.uhid}"


def get(visit: Visit) -> str:
    """By stubs: read the patient who was registered by REST."""
    made = visit.made("patient")
    patient = _stub(visit).GetPatient(
        pb.GetPatientRequest(id=made["id"]), timeout=TIMEOUT, metadata=visit.me.metadata("GetPatient")
    )
    expect((patient.uhid, patient.etag) == (made["uhid"], made["etag"]), "another record")
    return f"UHID {patient.uhid}"


def update(visit: Visit) -> str:
    """By stubs: change a field by mask and etag; an outdated etag is refused."""
    before = visit.made("patient by stubs")
    request = pb.UpdatePatientRequest(
        patient=pb.Patient(id=before.id, gender="male", etag=before.etag),
        update_mask=field_mask_pb2.FieldMask(paths=["gender"]),
    )
    after = _stub(visit).UpdatePatient(request, timeout=TIMEOUT, metadata=visit.me.metadata("UpdatePatient"))
    expect(after.gender == "male" and after.etag != before.etag, "the change was not made")
    authorization = (("authorization", f"Bearer {visit.me.access_token}"),)
    refused = refusal(lambda: _stub(visit).UpdatePatient(request, timeout=TIMEOUT, metadata=authorization))
    expect(refused == ("ABORTED", "ETAG_MISMATCH"), f"answered {' '.join(refused)}")
    return "ABORTED ETAG_MISMATCH"


def list_with_deadline(visit: Visit) -> str:
    """By stubs: list patients within a deadline."""
    page = _stub(visit).ListPatients(
        pb.ListPatientsRequest(page_size=10, order_by="create_time desc"),
        timeout=_DEADLINE,
        metadata=visit.me.metadata("ListPatients"),
    )
    expect(page.patients, "no patient is listed")
    times = [patient.create_time.ToNanoseconds() for patient in page.patients]
    expect(times == sorted(times, reverse=True), "not in the order asked")
    return f"{len(page.patients)} patients, {_DEADLINE:.0f} s"


def health(visit: Visit) -> str:
    """The gRPC health service answers."""
    answer = health_pb2_grpc.HealthStub(visit.channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
    state: str = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    expect(state == "SERVING", f"it says {state}")
    return state


def reflection(visit: Visit) -> str:
    """The gRPC reflection service names all services."""
    stub = reflection_pb2_grpc.ServerReflectionStub(visit.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = stub.ServerReflectionInfo(iter([request]), timeout=TIMEOUT)
    named = {s.name for answer in answers for s in answer.list_services_response.service}
    expect(named >= _SERVICES, f"missing are {sorted(_SERVICES - named)}")
    return f"{len(named)} services"


def _stub(visit: Visit) -> Any:
    return patient_pb2_grpc.PatientServiceStub(visit.channel)


STEPS = (create, get, update, list_with_deadline, health, reflection)
