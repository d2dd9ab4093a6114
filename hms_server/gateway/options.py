"""What can be chosen about a gateway. Defaults are the ones to run with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import hms

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class GatewayOptions:
    """Where the gateway listens, where it sends to, and its limits."""

    listen_host: str
    listen_port: int
    grpc_host: str
    grpc_port: int
    admin_port: int
    # Envoy's own administration: never reachable from outside the machine or pod.
    admin_host: str = "127.0.0.1"
    # The descriptor set as Envoy will find it; the other generated files lie in the same folder.
    descriptor_path: str = ""
    # Origins of browser applications, as exact text: "https://app.example.org".
    allowed_origins: tuple[str, ...] = ()
    max_request_bytes: int = 4 * MEBIBYTE
    max_response_bytes: int = 32 * MEBIBYTE
    max_header_kilobytes: int = 32
    # For calls whose caller sets no deadline, and the most that a caller may ask for.
    default_timeout_ms: int = 15_000
    max_timeout_ms: int = 60_000
    # Proxies in front (load balancer, CDN) whose x-forwarded-for entry is true.
    trusted_proxy_hops: int = 0
    # Server processes that share a port are reached by different connections: few calls on each
    # spread the load.
    streams_per_connection: int = 8
    max_client_connections: int = 20_000
    # Requests a second of one client address, and of all together, on each Envoy; 0 for no limit. Far above
    # what a hospital behind one address does: they keep floods from the servers, whose own limits know users.
    address_requests_per_second: int = 2_000
    requests_per_second: int = 20_000
    # Certificate and key of the listener; without them it speaks plain HTTP (TLS ends in front of it).
    tls_certificate_path: str = ""
    tls_private_key_path: str = ""
    access_log: bool = True

    def __post_init__(self) -> None:
        if bool(self.tls_certificate_path) != bool(self.tls_private_key_path):
            raise ValueError("a TLS certificate and its private key go together")
        if min(self.address_requests_per_second, self.requests_per_second) < 0:
            raise ValueError("requests a second cannot be negative: 0 is no limit")
        if self.max_client_connections < 1:
            raise ValueError("at least one client connection is needed")

    @property
    def files(self) -> GatewayFiles:
        """The generated files Envoy reads."""
        return GatewayFiles(Path(self.descriptor_path or default_descriptor_path()))


@dataclass(frozen=True)
class GatewayFiles:
    """The generated files, all in the folder of the descriptor set."""

    descriptors: Path

    @property
    def guard(self) -> Path:
        """The Lua script before the transcoder."""
        return self.descriptors.with_name("guard.lua")

    @property
    def status(self) -> Path:
        """The Lua script behind the transcoder."""
        return self.descriptors.with_name("status.lua")

    @property
    def openapi(self) -> Path:
        """The API's description."""
        return self.descriptors.with_name("openapi.json")

    @property
    def docs(self) -> Path:
        """The page that shows it."""
        return self.descriptors.with_name("docs.html")


def default_descriptor_path() -> Path:
    """The descriptor set beside the installed stubs: in a checkout, `generated/hms.binpb`."""
    path = Path(hms.__path__[0]).parent / "hms.binpb"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run scripts/generate, or name descriptor_path")
    return path
