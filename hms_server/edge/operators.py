"""Channelz for operators: whoever is on the server's own machine.

It names every peer with its address and what it sends, and stands outside the chain: no token, no limit.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import unquote

import grpc
from grpc_channelz.v1 import channelz, channelz_pb2, channelz_pb2_grpc

_METHODS = tuple(channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].methods_by_name)


def add_channelz(server: grpc.Server) -> None:
    """Adds the service."""
    guarded = channelz_pb2_grpc.ChannelzServicer()
    for name in _METHODS:
        setattr(guarded, name, _of_this_machine(getattr(channelz.ChannelzServicer, name)))
    channelz_pb2_grpc.add_ChannelzServicer_to_server(guarded, server)


def is_local(peer: str) -> bool:
    """Whether a peer, as grpc writes it ("ipv4:127.0.0.1:5000"), is on this machine."""
    family, _, rest = peer.partition(":")
    if family == "unix":
        return True
    host = unquote(rest).rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _of_this_machine(method: Any) -> Any:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if not is_local(context.peer()):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Channelz answers its own machine alone.")
        return method(request, context)

    return answer
