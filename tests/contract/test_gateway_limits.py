"""Envoy refuses a flood by itself, in the words of the API, and lets others go on."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from tests.contract.gateway_stand import HOST, Gateway, free_port, running_envoy, running_stand_in, wait_until


@pytest.fixture(scope="module")
def behind() -> Iterator[tuple[object, int]]:
    port = free_port()
    with running_stand_in(port) as stand_in:
        yield stand_in, port


@pytest.fixture
def limited(behind: tuple[object, int], tmp_path: Path) -> Iterator[Gateway]:
    """Ten requests a second and address, with a proxy in front that tells addresses."""
    with running_envoy(
        tmp_path, *behind, address_requests_per_second=10, requests_per_second=1000, trusted_proxy_hops=1
    ) as gateway:
        yield gateway


def ask(gateway: Gateway, address: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(HOST, gateway.port, timeout=20)
    connection.request("GET", "/v1/patients", headers={"x-forwarded-for": address})
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def test_a_flood_of_one_address_is_refused_and_another_address_goes_on(limited: Gateway) -> None:
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: ask(limited, "203.0.113.9"), range(200)))
    refused = [reply for reply in replies if reply[0] == 429]
    assert len(refused) > 100
    _, headers, body = refused[0]
    status = json.loads(body)
    assert status["code"] == 8
    assert status["details"][0]["reason"] == "RATE_LIMITED"
    assert headers["retry-after"] == "1"
    assert ask(limited, "203.0.113.10")[0] != 429


def test_grpc_callers_are_told_resource_exhausted(limited: Gateway) -> None:
    with grpc.insecure_channel(f"{HOST}:{limited.port}") as channel:
        call = channel.unary_unary("/hms.patient.v1.PatientService/GetPatient")
        codes = set()
        for _ in range(100):
            with suppress(grpc.RpcError):
                call(b"", timeout=10)
                continue
            try:
                call(b"", timeout=10)
            except grpc.RpcError as error:
                codes.add(error.code())
    assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes
    assert grpc.StatusCode.UNAVAILABLE not in codes


def test_health_checks_are_never_refused(limited: Gateway) -> None:
    for _ in range(60):
        connection = http.client.HTTPConnection(HOST, limited.port, timeout=20)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()


def test_connections_above_the_limit_are_not_served(behind: tuple[object, int], tmp_path: Path) -> None:
    with running_envoy(tmp_path, *behind, max_client_connections=5) as gateway:
        kept = []
        refused = 0
        for _ in range(12):
            connection = http.client.HTTPConnection(HOST, gateway.port, timeout=20)
            try:
                connection.request("GET", "/healthz")
                assert connection.getresponse().read()
                kept.append(connection)
            except (http.client.HTTPException, OSError):
                connection.close()
                refused += 1
        assert (len(kept), refused) == (5, 7)
        for connection in kept:
            connection.close()

        def served() -> bool:
            fresh = http.client.HTTPConnection(HOST, gateway.port, timeout=20)
            try:
                fresh.request("GET", "/healthz")
                return fresh.getresponse().status == 200
            finally:
                fresh.close()

        wait_until(served)
