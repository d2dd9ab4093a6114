"""The gateway's errors, headers and deadlines: one shape for REST, a proper status for gRPC."""

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from tests.contract.gateway_stand import (
    HOST,
    Gateway,
    error_info,
    free_port,
    refused,
    running_envoy,
    running_stand_in,
    wait_until,
)

ORIGIN = "https://app.example.org"
HTTP_OF_CODE = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429,
    9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("gateway")
    with running_stand_in(port) as stand_in:
        with running_envoy(
            folder, stand_in, port, allowed_origins=(ORIGIN,), default_timeout_ms=3000, max_timeout_ms=4000
        ) as gateway:
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200)
            yield gateway
            assert "lua.errors: 0" in gateway.admin("/stats?filter=lua.errors")


@pytest.fixture(scope="module")
def channel(gateway: Gateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"{HOST}:{gateway.port}") as channel:
        yield channel


@pytest.mark.parametrize("code", HTTP_OF_CODE)
def test_statuses_of_the_server(gateway: Gateway, code: int) -> None:
    reply = gateway.call("GET", "/v1/patients/p-1", headers={"x-test-code": str(code)})
    assert reply.status == HTTP_OF_CODE[code]
    assert reply.json["code"] == code
    assert reply.json["message"] == "told to"
    assert reply.reason == "RATE_LIMITED"


@pytest.mark.parametrize("code", HTTP_OF_CODE)
def test_statuses_without_details_get_a_reason(gateway: Gateway, channel: grpc.Channel, code: int) -> None:
    told = {"x-test-code": str(code), "x-test-bare": "1"}
    reply = gateway.call("GET", "/v1/patients/p-1", headers=told)
    assert reply.json["code"] == code
    assert reply.json["message"] == "told to"
    error = refused(channel, "/hms.patient.v1.PatientService/GetPatient", tuple(told.items()))
    assert error_info(error)[1].reason == reply.reason


def test_rate_limit_headers(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients", headers={"x-test-limits": "1"})
    assert reply.status == 200
    assert reply.headers["x-ratelimit-limit"] == "10"
    assert reply.headers["x-ratelimit-remaining"] == "0"
    assert reply.headers["x-ratelimit-reset"] == "7"
    assert "retry-after" not in reply.headers


def test_over_the_limit_says_when_to_come_back(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients", headers={"x-test-limits": "1", "x-test-code": "8"})
    assert reply.status == 429
    assert reply.headers["retry-after"] == reply.headers["x-ratelimit-reset"] == "7"
    reply = gateway.call("GET", "/v1/patients", headers={"x-test-code": "8"})
    assert (reply.status, reply.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/v1", "/v1/nope", "/v1/patients/a/b/c", "/v1/patients:nope", "//"]
)
def test_unknown_paths(gateway: Gateway, path: str) -> None:
    reply = gateway.call("GET", path)
    assert (reply.status, reply.reason, reply.json["code"]) == (404, "UNIMPLEMENTED", 12)


def test_unknown_methods_of_a_path(gateway: Gateway) -> None:
    for method in ("PUT", "HEAD", "OPTIONS", "TRACE"):
        reply = gateway.call(method, "/v1/patients")
        assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")
    assert gateway.call("PUT", "/v1/patients").reason == "UNIMPLEMENTED"


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/patients/%zz",
        b"/v1/patients/%",
        b"/v1/patients/%4",
        b"/v1/patients/%00",
        b"/v1/patients/%ff",
        b"/v1/patients/a%2fb",
        b"/v1/patients/a%5Cb",
        b"/v1/patients/\xff",
        b"/v1/patients/\x01",
        b"/v1/patients:search?query=%00",
        b"/v1/patients:search?query=%ff",
        b"/v1/patients:search?query=%c0%af",
        b"/v1/patients:search?query=%ed%a0%80",
        b"/v1/patients:search?query=%zz",
        b"/v1/patients:search?query=%",
        b"/v1/patients:search?%ff=1",
        b"/v1/patients#x",
    ],
)
def test_odd_addresses(gateway: Gateway, target: bytes) -> None:
    answer = gateway.raw(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    if b"\x01" not in target and b"\xff" not in target and b"#" not in target:
        assert b'"MALFORMED_REQUEST"' in answer
    assert b"content-length: 0" in answer or b'"code":3' in answer


def test_what_is_not_http(gateway: Gateway) -> None:
    for bytes_sent in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"hello\r\n\r\n"):
        answer = gateway.raw(bytes_sent)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer


def test_headers_above_the_limit(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients", headers={"x-much": "a" * 40_000})
    assert (reply.status, reply.reason) == (431, "REQUEST_TOO_LARGE")


def test_request_ids(gateway: Gateway) -> None:
    reply = gateway.call("GET", "/v1/patients", headers={"x-request-id": "web-1:2.3_4"})
    assert reply.headers["x-request-id"] == "web-1:2.3_4" == gateway.last.metadata["x-request-id"]
    reply = gateway.call("GET", "/v1/patients")
    assert len(reply.headers["x-request-id"]) == 36
    assert reply.headers["x-request-id"] == gateway.last.metadata["x-request-id"]
    for wrong in ("a b", "a" * 129, "ä"):
        reply = gateway.call("GET", "/v1/patients", headers={"x-request-id": wrong})
        assert (reply.status, reply.reason, reply.fields) == (400, "INVALID_ARGUMENT", ["x-request-id"])


def test_errors_name_the_request(gateway: Gateway) -> None:
    told = {"x-request-id": "web-1"}
    for path in ("/nope", "/v1/patients?nope=1", "/v1/patients?page_size=x", "/v1/patients/%00"):
        reply = gateway.call("GET", path, headers=told)
        assert reply.json["details"][0]["metadata"] == {"request_id": "web-1"}


def test_a_client_cannot_forge_its_address(gateway: Gateway) -> None:
    forged = "203.0.113.9"
    gateway.call(
        "GET",
        "/v1/patients",
        headers={
            "x-forwarded-for": forged,
            "x-envoy-external-address": forged,
            "x-envoy-upstream-rq-timeout-ms": "1",
            "x-envoy-original-path": "/x",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )
    metadata = gateway.last.metadata
    assert metadata["x-envoy-external-address"] == HOST
    assert metadata["x-forwarded-for"] == HOST
    assert "x-envoy-original-path" not in metadata
    assert metadata["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3),
        ({"x-request-timeout": "1.5"}, 1.5),
        ({"grpc-timeout": "700m"}, 0.7),
        ({"x-request-timeout": "3600"}, 4),
        ({"grpc-timeout": "9H"}, 4),
    ],
)
def test_the_server_has_a_deadline(gateway: Gateway, headers: dict[str, str], seconds: float) -> None:
    gateway.call("GET", "/v1/patients", headers=headers)
    assert seconds - 0.6 < gateway.last.remaining < seconds + 0.1
    assert "x-request-timeout" not in gateway.last.metadata


@pytest.mark.parametrize(
    "headers",
    [
        {"x-request-timeout": "soon"},
        {"x-request-timeout": "-1"},
        {"x-request-timeout": "1e9"},
        {"grpc-timeout": "5"},
    ],
)
def test_a_deadline_that_cannot_be_read(gateway: Gateway, headers: dict[str, str]) -> None:
    reply = gateway.call("GET", "/v1/patients", headers=headers)
    assert (reply.status, reply.reason) == (400, "INVALID_ARGUMENT")


def test_a_server_that_hangs_is_not_waited_for(gateway: Gateway, channel: grpc.Channel) -> None:
    start = time.monotonic()
    reply = gateway.call("POST", "/v1/patients", {}, {"x-test-sleep": "2", "x-request-timeout": "0.2"})
    assert (reply.status, reply.reason, reply.json["code"]) == (504, "DEADLINE_EXCEEDED", 4)
    assert time.monotonic() - start < 1.9
    # A caller whose own clock is slower than its deadline: the gateway ends the call.
    error = refused(channel, "/hms.patient.v1.PatientService/CreatePatient", (("x-test-sleep", "8"),))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 8


def test_grpc_passes_unchanged(gateway: Gateway, channel: grpc.Channel) -> None:
    stub = patient_pb2_grpc.PatientServiceStub(channel)
    reply, call = stub.GetPatient.with_call(  # type: ignore[attr-defined]
        patient_pb2.GetPatientRequest(id="p-1"), timeout=2, metadata=(("x-test-limits", "1"),)
    )
    assert reply == patient_pb2.Patient()
    assert dict(call.initial_metadata())["x-ratelimit-reset"] == "7"
    assert dict(call.initial_metadata())["x-request-id"]
    assert 1 < gateway.last.remaining < 2.1
    stub.GetPatient(patient_pb2.GetPatientRequest(id="p-1"))  # no deadline: the default
    assert 2 < gateway.last.remaining < 3.1


def test_grpc_messages_above_the_json_limit_are_the_servers_to_judge(channel: grpc.Channel) -> None:
    request = patient_pb2.CreatePatientRequest(patient={"given_name": "x" * (5 * 1024 * 1024)})
    with pytest.raises(grpc.RpcError) as caught:
        patient_pb2_grpc.PatientServiceStub(channel).CreatePatient(request, timeout=10)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error_info(caught.value)[1].reason == "REQUEST_TOO_LARGE"


@pytest.mark.parametrize(
    "path",
    [
        "/hms.patient.v1.PatientService/Nope",
        "/hms.nope.v1.Nope/Get",
        "/nope.Nope/Get",
        "/grpc.channelz.v1.Channelz/GetServers",
    ],
)
def test_unknown_grpc_methods(channel: grpc.Channel, path: str) -> None:
    error = refused(channel, path)
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error_info(error)[1].reason == "UNIMPLEMENTED"


def test_grpc_refusals_of_the_gateway_itself(channel: grpc.Channel) -> None:
    error = refused(channel, "/hms.patient.v1.PatientService/GetPatient", (("x-request-id", "a b"),))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info(error)[1].reason == "INVALID_ARGUMENT"


def test_the_log_holds_no_query(gateway: Gateway) -> None:
    gateway.call("GET", "/v1/patients:search?query=secretname")
    wait_until(lambda: '"path":"/v1/patients:search"' in gateway.log.read_text())
    assert "secretname" not in gateway.log.read_text()
