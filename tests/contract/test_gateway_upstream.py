"""The gateway between clients and servers: retries, servers that go away, TLS, streams, browsers."""

import base64
import datetime
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from tests.contract.cutter import Cutter
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
GET_PATIENT = "/hms.patient.v1.PatientService/GetPatient"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for `localhost` and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    with running_stand_in(port) as stand_in:
        with running_envoy(
            tmp_path_factory.mktemp("gateway"), stand_in, port, allowed_origins=(ORIGIN,)
        ) as gateway:
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200)
            yield gateway


@pytest.fixture(scope="module")
def orphan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with no server behind it."""
    port = free_port()
    with running_stand_in(free_port()) as stand_in:
        with running_envoy(tmp_path_factory.mktemp("orphan"), stand_in, port) as gateway:
            yield gateway


def test_nobody_behind_the_gateway(orphan: Gateway) -> None:
    reply = orphan.call("GET", "/v1/patients")
    assert (reply.status, reply.reason, reply.json["code"]) == (503, "UNAVAILABLE", 14)
    assert reply.headers["retry-after"] == "1"
    assert orphan.call("POST", "/v1/patients", {}).reason == "UNAVAILABLE"
    health = orphan.call("GET", "/healthz")
    assert (health.status, health.reason) == (503, "UNAVAILABLE")
    with grpc.insecure_channel(f"{HOST}:{orphan.port}") as channel:
        error = refused(channel, GET_PATIENT)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error_info(error)[1].reason == "UNAVAILABLE"
    kind = {"content-type": "application/grpc-web+proto"}
    reply = orphan.call("POST", GET_PATIENT, None, kind, raw=b"\0\0\0\0\0")
    assert reply.headers["grpc-status"] == "14"


def test_browsers_of_allowed_origins_alone(gateway: Gateway) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    reply = gateway.call("OPTIONS", "/v1/patients", headers={"origin": ORIGIN, **asked})
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in reply.headers["access-control-allow-headers"]
    reply = gateway.call("GET", "/v1/patients?nope=1", headers={"origin": ORIGIN})
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "retry-after" in reply.headers["access-control-expose-headers"]
    reply = gateway.call("OPTIONS", "/v1/patients", headers={"origin": "https://evil.example.org", **asked})
    assert reply.status == 405
    assert "access-control-allow-origin" not in reply.headers


def test_health_description_and_page(gateway: Gateway) -> None:
    health = gateway.call("GET", "/healthz")
    assert (health.status, health.json) == (200, {"status": "SERVING"})
    description = gateway.call("GET", "/openapi.json")
    assert description.json["openapi"].startswith("3.1")
    page = gateway.call("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert page.body.startswith(b"<!doctype html>")
    assert gateway.call("HEAD", "/docs").status == 200
    assert gateway.call("POST", "/docs", {}).status == 404


def test_grpc_web(gateway: Gateway) -> None:
    kind = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    reply = gateway.call("POST", GET_PATIENT, None, kind, raw=b"\0\0\0\0\0")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/grpc-web+proto"
    assert b"grpc-status:0" in reply.body
    reply = gateway.call(
        "POST", GET_PATIENT, None, {**kind, "x-test-code": "8", "x-test-bare": "1"}, raw=b"\0\0\0\0\0"
    )
    assert reply.headers["grpc-status"] == "8"
    assert reply.headers["grpc-status-details-bin"]
    text = {"content-type": "application/grpc-web-text", "accept": "application/grpc-web-text"}
    reply = gateway.call("POST", GET_PATIENT, None, text, raw=base64.b64encode(b"\0\0\0\0\0"))
    assert reply.headers["content-type"] == "application/grpc-web-text+proto"
    assert reply.status == 200


def test_reads_are_tried_again_and_writes_are_not(gateway: Gateway) -> None:
    before = len(gateway.stand_in.seen)
    assert gateway.call("GET", "/v1/patients/p-1", headers={"x-test-code": "14"}).status == 503
    assert len(gateway.stand_in.seen) - before == 3
    before = len(gateway.stand_in.seen)
    assert gateway.call("POST", "/v1/patients", {}, {"x-test-code": "14"}).status == 503
    assert len(gateway.stand_in.seen) - before == 1
    before = len(gateway.stand_in.seen)
    assert gateway.call("GET", "/v1/patients/p-1", headers={"x-test-code": "13"}).status == 500
    assert len(gateway.stand_in.seen) - before == 1


def test_a_server_that_dies_in_the_middle(tmp_path: Path) -> None:
    port = free_port()
    with running_stand_in(port) as stand_in:
        cutter = Cutter(port)
        with running_envoy(tmp_path, stand_in, cutter.port) as gateway:
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200)
            assert gateway.call("GET", "/v1/patients").status == 200
            cutter.cut_next = True
            assert gateway.call("GET", "/v1/patients").status == 200
            assert not cutter.cut_next
            cutter.cut_next = True
            reply = gateway.call("POST", "/v1/patients", {})
            assert (reply.status, reply.reason) == (503, "UNAVAILABLE")
        cutter.close()


def test_a_server_that_comes_back_is_found(tmp_path: Path) -> None:
    port = free_port()
    with running_stand_in(port) as stand_in, running_envoy(tmp_path, stand_in, port) as gateway:
        wait_until(lambda: gateway.call("GET", "/v1/patients").status == 200)
    with running_stand_in(free_port()) as stand_in, running_envoy(tmp_path, stand_in, port) as gateway:
        assert gateway.call("GET", "/v1/patients").status == 503
        with running_stand_in(port):
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200, 10)
            assert gateway.call("GET", "/v1/patients").status == 200
        wait_until(lambda: gateway.call("GET", "/healthz").status == 503, 10)


def test_standard_health_and_its_stream(gateway: Gateway) -> None:
    with grpc.insecure_channel(f"{HOST}:{gateway.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest()).status == 1
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == 1
        watch.cancel()


def test_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    port = free_port()
    public, private = certificate
    with (
        running_stand_in(port) as stand_in,
        running_envoy(
            tmp_path,
            stand_in,
            port,
            tls_certificate_path=str(public),
            tls_private_key_path=str(private),
        ) as gateway,
    ):
        trust = ssl.create_default_context(cafile=str(public))
        connection = http.client.HTTPSConnection("localhost", gateway.port, context=trust, timeout=10)
        wait_until(lambda: "healthy: 1" in gateway.admin("/stats?filter=membership_healthy"))
        connection.request("GET", "/v1/patients")
        assert connection.getresponse().read().startswith(b'{"patients"')
        connection.close()
        credentials = grpc.ssl_channel_credentials(public.read_bytes())
        with grpc.secure_channel(f"localhost:{gateway.port}", credentials) as channel:
            stub = patient_pb2_grpc.PatientServiceStub(channel)
            stub.GetPatient(patient_pb2.GetPatientRequest(id="p-1"), timeout=5)
