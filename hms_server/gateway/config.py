"""Envoy's configuration: one listener for REST, gRPC and gRPC-Web, one cluster of servers behind it.

Rendered from the installed stubs, so that routes, retries and transcoding follow the protos. JSON is
YAML too: the text may be given to Envoy under either name.
"""

from __future__ import annotations

import json
from typing import Any, TypedDict, Unpack

from hms_server.gateway.cluster import upstream_cluster
from hms_server.gateway.listener import listener
from hms_server.gateway.options import GatewayOptions

# Configuration of Envoy is nested JSON; its own start checks the names.
Json = dict[str, Any]


class Choices(TypedDict, total=False):
    """The options of `GatewayOptions` that have a default."""

    admin_host: str
    descriptor_path: str
    allowed_origins: tuple[str, ...]
    max_request_bytes: int
    max_response_bytes: int
    max_header_kilobytes: int
    default_timeout_ms: int
    max_timeout_ms: int
    trusted_proxy_hops: int
    streams_per_connection: int
    max_client_connections: int
    address_requests_per_second: int
    requests_per_second: int
    tls_certificate_path: str
    tls_private_key_path: str
    tls_client_ca_path: str
    upstream_ca_path: str
    upstream_name: str
    upstream_certificate_path: str
    upstream_key_path: str
    secrets_folder: str
    access_log: bool


def render_envoy_config(
    *,
    listen_host: str,
    listen_port: int,
    grpc_host: str,
    grpc_port: int,
    admin_port: int,
    **choices: Unpack[Choices],
) -> str:
    """The bootstrap of an Envoy that serves HMS, as JSON. See GatewayOptions for the choices."""
    options = GatewayOptions(
        listen_host=listen_host,
        listen_port=listen_port,
        grpc_host=grpc_host,
        grpc_port=grpc_port,
        admin_port=admin_port,
        **choices,
    )
    return json.dumps(bootstrap(options), indent=2) + "\n"


def bootstrap(options: GatewayOptions) -> Json:
    """The same as data."""
    return {
        "node": {"id": "hms-gateway", "cluster": "hms"},
        "admin": {
            "address": {
                "socket_address": {
                    "address": options.admin_host,
                    "port_value": options.admin_port,
                }
            }
        },
        "static_resources": {
            "listeners": [listener(options)],
            "clusters": [upstream_cluster(options)],
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors"
                        ".downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": options.max_client_connections,
                    },
                }
            ]
        },
    }
