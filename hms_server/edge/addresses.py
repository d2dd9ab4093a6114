"""The caller's network address: the peer's, or what a trusted proxy says of it."""

from __future__ import annotations

import functools
import ipaddress
import urllib.parse
from collections.abc import Callable
from typing import Any

from hms_server.errors import ConfigError
from hms_server.gate.keys import network


def peer_address(peer: str) -> str:
    """The address of a grpc peer string: "ipv4:10.1.2.3:5000", "ipv6:%5B::1%5D:5000"."""
    kind, _, rest = peer.partition(":")
    if kind == "ipv4":
        return rest.rpartition(":")[0]
    if kind == "ipv6":
        return urllib.parse.unquote(rest).rpartition(":")[0].strip("[]")
    return kind


@functools.lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def resolver(trusted: str) -> Callable[[Any, dict[str, str]], str]:
    """A function of (grpc context, metadata). `trusted` lists the proxies' networks; raises ConfigError.

    Envoy says who its client is (x-envoy-external-address), also where further proxies stand in front of
    it. Of another proxy's x-forwarded-for only the last entry was written by the proxy itself; those before
    it are the client's own word.
    """
    try:
        networks = [ipaddress.ip_network(part.strip()) for part in trusted.split(",") if part.strip()]
    except ValueError as error:
        raise ConfigError(f"HMS_TRUSTED_PROXIES: {error}") from None

    @functools.lru_cache(maxsize=1024)
    def is_trusted(address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return address == "unix"
        return any(parsed in network for network in networks)

    def resolve(context: Any, metadata: dict[str, str]) -> str:
        address = peer_address(context.peer())
        forwarded = metadata.get("x-envoy-external-address", "")
        if not forwarded:
            forwarded = metadata.get("x-forwarded-for", "").rpartition(",")[2].strip()
        # What is no address ("unknown", one with its port) would pass every rule of addresses.
        return forwarded if forwarded and is_trusted(address) and _is_address(forwarded) else address

    return resolve


class _Arrived:
    """A call that no context was made of yet."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def peer(self) -> str:
        peer = self._call.peer()
        return peer.decode() if isinstance(peer, bytes) else str(peer)


def of_event(resolve: Callable[[Any, dict[str, str]], str]) -> Callable[[Any], str]:
    """A function of grpcio's event of a new call: whom it counts as (gate/keys.py)."""

    def address_of(event: Any) -> str:
        return network(resolve(_Arrived(event.call), dict(event.invocation_metadata)))

    return address_of
