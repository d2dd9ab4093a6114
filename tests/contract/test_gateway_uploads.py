"""Uploads through a real Envoy: they arrive whole, in pieces, and pass it without being kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from hms.fhir.v1 import fhir_pb2, fhir_pb2_grpc
from tests.contract.gateway_stand import (
    HOST,
    Gateway,
    error_info,
    free_port,
    running_envoy,
    running_stand_in,
    wait_until,
)

PATH = "/v1/fhir/bundles:import"
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("gateway")
    with running_stand_in(port) as stand_in:
        with running_envoy(folder, stand_in, port) as gateway:
            wait_until(lambda: gateway.call("GET", "/healthz").status == 200)
            yield gateway
            assert "lua.errors: 0" in gateway.admin("/stats?filter=lua.errors")
            assert "[error]" not in gateway.log.read_text()


def uploaded(gateway: Gateway) -> Any:
    return gateway.last.request


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_bundle_arrives_whole_and_is_kept_nowhere_on_the_way(gateway: Gateway, chunked: bool) -> None:
    text = json.dumps({"entry": ["नाम" * 100] * 50_000}, ensure_ascii=False).encode()
    assert len(text) > 40 * MEBIBYTE
    used: list[int] = []
    count = iter(range(1_000_000))

    def measure() -> None:
        if next(count) % 5 == 0:
            used.append(int(json.loads(gateway.admin("/memory"))["allocated"]))

    before = int(json.loads(gateway.admin("/memory"))["allocated"])
    gateway.stand_in.on_piece = measure
    try:
        reply = gateway.call("POST", PATH, raw=text, chunked=chunked)
    finally:
        gateway.stand_in.on_piece = lambda: None
    assert reply.status == 200, reply.body
    assert reply.json == {"counts": [], "skipped": {}, "left_out": {}}
    assert uploaded(gateway).bundle.data == text
    assert max(gateway.last.pieces) < 4 * MEBIBYTE  # what the server takes of one message
    assert len(used) > 5
    # What lies in Envoy's buffers when the server reads slower than the client sends: 17 MiB, of any body.
    assert max(used) - before < 24 * MEBIBYTE


def test_the_source_comes_from_the_query_and_the_body_is_left_as_it_is(gateway: Gateway) -> None:
    text = b'{"resourceType": "Bundle", "no_such_field": [1.50, {"deep": "\\u0000"}]}  '
    kind = {"content-type": "application/fhir+json; charset=utf-8"}
    reply = gateway.call("POST", f"{PATH}?source=his-2", raw=text, headers=kind)
    assert reply.status == 200, reply.body
    assert (uploaded(gateway).source, uploaded(gateway).bundle.data) == ("his-2", text)
    assert uploaded(gateway).bundle.content_type.startswith("application/fhir+json")


def test_an_empty_body_still_makes_a_call(gateway: Gateway) -> None:
    assert gateway.call("POST", f"{PATH}?source=x", raw=b"").status == 200
    assert (uploaded(gateway).source, uploaded(gateway).bundle.data) == ("x", b"")


@pytest.mark.parametrize(
    ("query", "field"), [("src=x", "src"), ("bundle.data=eA", "bundle.data"), ("source=a&x=1", "x")]
)
def test_unknown_parameters_are_refused(gateway: Gateway, query: str, field: str) -> None:
    seen = len(gateway.stand_in.seen)
    reply = gateway.call("POST", f"{PATH}?{query}", {})
    assert (reply.status, reply.reason, reply.fields) == (400, "INVALID_ARGUMENT", [field])
    assert len(gateway.stand_in.seen) == seen


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/fhir+xml"},
        {"content-type": "application/fhir+json; charset=latin1"},
        {"content-encoding": "gzip"},
    ],
)
def test_what_is_not_plain_json_is_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    reply = gateway.call("POST", PATH, {}, headers)
    assert (reply.status, reply.reason) == (415, "MALFORMED_REQUEST")


def test_other_methods_do_not_take_fhir(gateway: Gateway) -> None:
    reply = gateway.call("POST", "/v1/patients", {}, {"content-type": "application/fhir+json"})
    assert (reply.status, reply.reason) == (415, "MALFORMED_REQUEST")


def test_a_body_that_says_it_is_too_large_is_refused_unread(gateway: Gateway) -> None:
    reply = gateway.call("POST", PATH, raw=b" " * (64 * MEBIBYTE + 1))
    assert (reply.status, reply.reason, reply.json["code"]) == (413, "REQUEST_TOO_LARGE", 8)


def test_a_body_that_the_server_refuses_on_the_way_has_its_error(gateway: Gateway) -> None:
    reply = gateway.call("POST", PATH, raw=b" " * (66 * MEBIBYTE), chunked=True)
    assert reply.status == 400
    assert (reply.json["code"], reply.json["message"]) == (3, "told to")


def test_an_upload_has_more_time_than_other_calls(gateway: Gateway) -> None:
    gateway.call("POST", PATH, {})
    assert 290 < gateway.last.remaining <= 300.5
    gateway.call("POST", PATH, {}, {"x-request-timeout": "900"})
    assert 290 < gateway.last.remaining <= 300.5
    gateway.call("POST", PATH, {}, {"x-request-timeout": "40"})
    assert gateway.last.remaining <= 40.5
    gateway.call("GET", "/v1/patients", headers={"x-request-timeout": "900"})
    assert gateway.last.remaining <= 60.5


def test_stubs_upload_through_the_gateway_too(gateway: Gateway) -> None:
    with grpc.insecure_channel(f"{HOST}:{gateway.port}") as channel:
        stub = fhir_pb2_grpc.FhirServiceStub(channel)

        def pieces() -> Iterator[fhir_pb2.ImportBundleRequest]:
            yield fhir_pb2.ImportBundleRequest(source="his-2")
            for _ in range(10):
                request = fhir_pb2.ImportBundleRequest()
                request.bundle.data = b"x" * MEBIBYTE
                yield request

        stub.ImportBundle(pieces(), timeout=20)
        assert uploaded(gateway).source == "his-2"
        assert gateway.last.pieces == (0, *[MEBIBYTE] * 10)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ImportBundle(pieces(), timeout=20, metadata=(("x-test-code", "8"),))
        assert error_info(caught.value)[1].reason == "RATE_LIMITED"


def test_a_client_that_goes_away_ends_its_upload_at_the_server(gateway: Gateway) -> None:
    """That the server then takes it for broken off, and not for whole, is the edge's own test."""
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
    pieces: list[bool] = []
    gateway.stand_in.on_piece = lambda: pieces.append(True)
    try:
        with gateway.connected() as connection:
            connection.sendall(head.encode() + b"{")
            wait_until(lambda: pieces)
    finally:
        gateway.stand_in.on_piece = lambda: None
    wait_until(
        lambda: "upstream_rq_active: 0" in gateway.admin("/stats?filter=cluster.hms.upstream_rq_active")
    )
