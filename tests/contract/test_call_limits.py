"""How large a hospital's calls may be and how many at once: on the running system, by gRPC and REST."""

from __future__ import annotations

import concurrent.futures

import grpc
import pytest
from google.api import httpbody_pb2

from hms.admin.v1 import admin_pb2
from hms.fhir.v1 import fhir_pb2, fhir_pb2_grpc
from hms.patient.v1 import patient_pb2
from hms_server import ids
from tests.fix_client import eventually, hospital, platform, reason, refused

TOO_LARGE = ("RESOURCE_EXHAUSTED", "OVER_REQUEST_SIZE_OF_TENANT")
TOO_MANY = ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS_AT_ONCE")
CREATE = "/hms.patient.v1.PatientService/CreatePatient"
LIST = "/hms.patient.v1.PatientService/ListPatients"
# Connections of their own meet every process.
APART = [("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture(scope="module")
def administrator(stack):
    made = platform(stack)
    yield made
    made.close()


@pytest.fixture(scope="module")
def channels(stack):
    made = [grpc.insecure_channel(stack.env["HMS_GRPC_TARGET"], APART) for _ in range(12)]
    yield made
    for channel in made:
        channel.close()


@pytest.fixture
def clinic(stack):
    made = hospital(stack)
    yield made
    made.close()


@pytest.fixture
def limit(administrator, clinic):
    """Sets the clinic's limits; none takes them back."""

    def limit(**limits):
        request = admin_pb2.UpdateTenantRequest(
            tenant=admin_pb2.Tenant(id=clinic.tenant_id, call_limits=admin_pb2.CallLimits(**limits))
        )
        request.update_mask.paths.append("call_limits")
        administrator.admin.UpdateTenant(request, metadata=administrator.metadata, timeout=15)

    return limit


def patient(size):
    document = patient_pb2.Patient(given_name="Asha", family_name="Rao")
    request = patient_pb2.CreatePatientRequest(patient=document, request_id=ids.uuid7())
    text = request.SerializeToString()
    # An unknown field: what the message is, the server learns when it parses it.
    fill = size - len(text) - 5
    return text + b"\xc2\x3e" + bytes((fill & 127 | 128, fill >> 7 & 127 | 128, fill >> 14)) + b"x" * fill


def ask(channel, name, request, caller):
    return channel.unary_unary(name)(request, metadata=caller.metadata, timeout=15)


def test_a_request_over_the_hospitals_size_is_refused_by_every_process_with_the_answer(
    channels, clinic, ours, limit
):
    limit(max_request_bytes=20_000)
    for channel in channels:
        assert refused(lambda c=channel: ask(c, CREATE, patient(20_001), clinic)) == TOO_LARGE
    assert ask(channels[0], CREATE, patient(20_000), clinic)
    assert ask(channels[0], CREATE, patient(20_001), ours)
    limit()
    for channel in channels:
        assert ask(channel, CREATE, patient(20_001), clinic)


def test_size_is_told_before_the_message_is_read_and_says_what_to_do(channels, clinic, limit):
    limit(max_request_bytes=1024)
    with pytest.raises(grpc.RpcError) as caught:
        ask(channels[0], CREATE, b"\xff" * 1025, clinic)
    assert reason(caught.value) == TOO_LARGE
    assert "1025 bytes; 1024 is the limit of your hospital: send less at once" in caught.value.details()
    assert refused(lambda: ask(channels[0], CREATE, b"\xff" * 1024, clinic))[1] == "MALFORMED_REQUEST"


def test_rest_tells_the_same(clinic, limit):
    limit(max_request_bytes=1024)
    assert clinic.rest("POST", "/v1/patients", {"family_name": "Rao", "given_name": "A" * 200}).status == 200
    large = clinic.rest("POST", "/v1/patients:search", {"query": "x" * 2000})
    assert (large.status, large.json["details"][0]["reason"]) == (429, "OVER_REQUEST_SIZE_OF_TENANT")
    quota = next(d for d in large.json["details"] if d["@type"].endswith("QuotaFailure"))
    assert quota["violations"][0]["subject"] == "tenant"


def test_an_upload_over_the_hospitals_size_is_refused_and_other_hospitals_are_not(clinic, ours, limit):
    limit(max_stream_bytes=5000)

    def upload(caller, pieces):
        stub = fhir_pb2_grpc.FhirServiceStub(caller.channel)
        piece = fhir_pb2.ImportBundleRequest(bundle=httpbody_pb2.HttpBody(data=b" " * 1000))
        return stub.ImportBundle(iter([piece] * pieces), metadata=caller.metadata, timeout=15)

    assert refused(lambda: upload(clinic, 20)) == TOO_LARGE
    assert refused(lambda: upload(clinic, 4))[1] != TOO_LARGE[1]
    assert refused(lambda: upload(ours, 20))[1] != TOO_LARGE[1]


def burst(channels, caller, number):
    """What each of many calls at once is told."""

    def one(n):
        try:
            ask(channels[n % len(channels)], LIST, b"", caller)
        except grpc.RpcError as error:
            return reason(error)
        return "OK"

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        return list(pool.map(one, range(number)))


def test_calls_at_once_are_limited_for_the_hospital_alone_and_served_again_when_the_limit_goes(
    channels, clinic, ours, limit
):
    limit(concurrent_calls=1)
    # Every process has heard, and knows the token.
    for channel in channels * 2:
        burst([channel], clinic, 1)
    told = eventually(lambda: (found := burst(channels, clinic, 300)) and TOO_MANY in found and found)
    assert set(told) == {"OK", TOO_MANY}
    assert set(burst(channels, ours, 300)) == {"OK"}
    assert ask(channels[0], LIST, b"", clinic) is not None
    limit()
    eventually(lambda: set(burst(channels, clinic, 300)) == {"OK"}, 5.0)


def test_a_hospital_that_floods_leaves_another_every_answer(channels, clinic, ours):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        flood = pool.submit(burst, channels, clinic, 2000)
        answers = [burst(channels[:1], ours, 1) for _ in range(60)]
        assert set(flood.result()) == {"OK"}
    assert answers == [["OK"]] * 60
