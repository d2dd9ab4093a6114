"""Uploads by REST, through a real Envoy to the edge as it is: what is refused, when, and in which words."""

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from hms.fhir.v1 import fhir_pb2
from hms_server import errors
from hms_server.edge import chain
from hms_server.edge.server import Server, behaviours
from tests.contract.gateway_stand import Gateway, StandIn, free_port, running_envoy, wait_until
from tests.unit.edge_fixtures import principal
from tests.unit.test_chain import parts, servicers

PATH = "/v1/fhir/bundles:import"
MEBIBYTE = 1024 * 1024
TOKEN = {"authorization": "Bearer good", "content-type": "application/fhir+json"}


class Verifier:
    def verify(self, token: str) -> Any:
        if token == "good":
            return principal(permissions=frozenset({"fhir.import"}))
        if token == "other":
            return principal()
        raise errors.Unauthenticated("forged")


class Fhir:
    """Counts bytes; remembers how each upload ended."""

    def __init__(self) -> None:
        self.started: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ImportBundle(self, requests: Iterator[fhir_pb2.ImportBundleRequest], call: Any) -> Any:
        total = 0
        try:
            for index, request in enumerate(requests):
                if index == 0:
                    self.started.put(request.source)
                total += len(request.bundle.data)
        except errors.HmsError as error:
            self.ended.put(type(error))
            raise
        self.ended.put(total)
        response = fhir_pb2.ImportBundleResponse()
        response.counts.add(type="Bundle", created=total)
        return response


@pytest.fixture(scope="module")
def fhir() -> Fhir:
    return Fhir()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, fhir: Fhir) -> Iterator[Gateway]:
    port = free_port()
    methods = behaviours(
        servicers() | {"hms.fhir.v1.FhirService": fhir},
        chain.build(parts(verifier=Verifier())),
        lambda context, metadata: "192.0.2.7",
        4 * MEBIBYTE,
    )
    server = Server(methods, threads=2, max_request_bytes=4 * MEBIBYTE)
    server.start(f"127.0.0.1:{port}")
    try:
        with running_envoy(tmp_path_factory.mktemp("edge"), StandIn(), port) as gateway:
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200)
            yield gateway
    finally:
        server.stop(1)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_bundle_of_60_megabytes_is_taken(gateway: Gateway, fhir: Fhir, chunked: bool) -> None:
    reply = gateway.call(
        "POST", f"{PATH}?source=his-2", headers=TOKEN, raw=b" " * 60 * MEBIBYTE, chunked=chunked
    )
    assert reply.status == 200, reply.body
    assert reply.json["counts"] == [
        {"type": "Bundle", "created": 60 * MEBIBYTE, "updated": 0, "unchanged": 0}
    ]
    assert reply.headers["x-ratelimit-remaining"] == "99"
    assert (fhir.started.get(), fhir.ended.get()) == ("his-2", 60 * MEBIBYTE)


def test_a_body_that_does_not_say_its_length_is_refused_at_the_limit(gateway: Gateway, fhir: Fhir) -> None:
    reply = gateway.call("POST", PATH, headers=TOKEN, raw=b" " * 66 * MEBIBYTE, chunked=True)
    assert (reply.status, reply.reason) == (400, "REQUEST_TOO_LARGE")
    assert "67108864 bytes" in reply.json["message"]
    assert (fhir.started.get(), fhir.ended.get()) == ("", errors.InvalidArgument)


@pytest.mark.parametrize(
    ("token", "status", "why"),
    [("bad", 401, "TOKEN_INVALID"), ("other", 403, "PERMISSION_DENIED")],
)
def test_who_may_not_upload_is_told_so_whatever_is_being_sent(
    gateway: Gateway, fhir: Fhir, token: str, status: int, why: str
) -> None:
    headers = TOKEN | {"authorization": f"Bearer {token}"}
    reply = gateway.call("POST", PATH, headers=headers, raw=b" " * 40 * MEBIBYTE)
    assert (reply.status, reply.reason) == (status, why)
    assert fhir.started.empty()


def test_a_source_that_breaks_its_rule_is_refused_with_its_field(gateway: Gateway, fhir: Fhir) -> None:
    reply = gateway.call("POST", f"{PATH}?source=a%20b", {}, TOKEN)
    assert (reply.status, reply.reason, reply.fields) == (400, "INVALID_ARGUMENT", ["source"])
    assert fhir.ended.get() is errors.InvalidArgument


def test_a_client_that_hangs_up_ends_its_upload(gateway: Gateway, fhir: Fhir) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += "authorization: Bearer good\r\ncontent-length: 9\r\n\r\n"
    for _ in range(20):
        with gateway.connected() as connection:
            connection.sendall(head.encode() + b"{")
            assert fhir.started.get(timeout=20) == ""
        assert fhir.ended.get(timeout=20) is errors.Cancelled


def test_a_client_that_stalls_is_told_the_deadline(gateway: Gateway, fhir: Fhir) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += "authorization: Bearer good\r\nx-request-timeout: 0.3\r\ncontent-length: 9\r\n\r\n"
    answer = gateway.raw(head.encode() + b"{")
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"DEADLINE_EXCEEDED" in answer
    assert fhir.started.get(timeout=20) == ""
    assert fhir.ended.get(timeout=20) in (errors.DeadlineExceeded, errors.Cancelled)
