"""Channelz names every peer: it answers nobody but whoever is on the server's machine."""

from __future__ import annotations

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from hms_server.edge import operators
from hms_server.edge.server import Server
from tests.contract.gateway_stand import HOST, free_port


@pytest.fixture
def servers():
    """Asks the server for what it knows of itself."""
    port = free_port()
    server = Server({}, threads=1, max_request_bytes=1024)
    server.start(f"{HOST}:{port}")
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        yield lambda: stub.GetServers(channelz_pb2.GetServersRequest(), timeout=10)
    server.stop(0)


def test_an_operator_on_the_machine_is_answered(servers):
    assert servers().server


def test_every_method_refuses_who_comes_from_elsewhere(servers, monkeypatch):
    monkeypatch.setattr(operators, "is_local", lambda peer: False)
    with pytest.raises(grpc.RpcError) as caught:
        servers()
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert len(operators._METHODS) == 7


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv6:[::1]:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv6:[::ffff:127.0.0.1]:5000", True),
        ("unix:", True),
        ("ipv4:10.0.0.7:5000", False),
        ("ipv6:[2001:db8::1]:5000", False),
        ("ipv6:[::ffff:10.0.0.7]:5000", False),
        ("ipv4:localhost:5000", False),
        ("", False),
    ],
)
def test_who_is_on_the_machine(peer, local):
    assert operators.is_local(peer) is local
