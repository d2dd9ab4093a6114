"""`hms envoy-config`: prints the gateway's configuration as YAML. deploy/envoy/envoy.yaml came from it."""

from __future__ import annotations

import argparse
import dataclasses

from hms_server.errors import ConfigError
from hms_server.gateway.config import bootstrap
from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.yaml_text import to_yaml

HEADER = """\
# The gateway of HMS: REST, gRPC and gRPC-Web on one listener. Made by:
#   hms envoy-config {arguments}
# `--files` must hold hms.binpb, guard.lua, status.lua, openapi.json and docs.html from generated/.
"""

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(GatewayOptions)}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser("envoy-config", help="print the gateway's configuration")
    parser.add_argument("--listen", default="0.0.0.0:8080", metavar="HOST:PORT")
    parser.add_argument("--servers", default="hms-server:50051", metavar="HOST:PORT")
    parser.add_argument("--admin", default="127.0.0.1:9901", metavar="HOST:PORT")
    parser.add_argument("--files", default="/etc/envoy/hms", help="where Envoy finds the generated files")
    parser.add_argument("--origin", action="append", default=[], help="a browser origin to allow")
    parser.add_argument("--trusted-hops", type=int, default=0, help="proxies in front of the gateway")
    parser.add_argument(
        "--max-connections",
        type=int,
        default=_DEFAULTS["max_client_connections"],
        metavar="N",
        help="of clients",
    )
    parser.add_argument(
        "--requests-per-second",
        type=int,
        default=_DEFAULTS["requests_per_second"],
        metavar="N",
        help="of all clients together; 0 for no limit",
    )
    parser.add_argument(
        "--address-requests-per-second",
        type=int,
        default=_DEFAULTS["address_requests_per_second"],
        metavar="N",
        help="of one client address; 0 for no limit",
    )
    parser.add_argument("--tls-certificate", default="", metavar="PATH")
    parser.add_argument("--tls-key", default="", metavar="PATH")


def run(arguments: argparse.Namespace) -> int:
    """Prints the configuration."""
    print(render(arguments), end="")
    return 0


def render(arguments: argparse.Namespace) -> str:
    """The configuration with the command that makes it on top."""
    listen_host, listen_port = _address(arguments.listen)
    grpc_host, grpc_port = _address(arguments.servers)
    admin_host, admin_port = _address(arguments.admin)
    try:
        options = GatewayOptions(
            listen_host=listen_host,
            listen_port=listen_port,
            grpc_host=grpc_host,
            grpc_port=grpc_port,
            admin_host=admin_host,
            admin_port=admin_port,
            descriptor_path=f"{arguments.files.rstrip('/')}/hms.binpb",
            allowed_origins=tuple(arguments.origin),
            trusted_proxy_hops=arguments.trusted_hops,
            max_client_connections=arguments.max_connections,
            requests_per_second=arguments.requests_per_second,
            address_requests_per_second=arguments.address_requests_per_second,
            tls_certificate_path=arguments.tls_certificate,
            tls_private_key_path=arguments.tls_key,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return HEADER.format(arguments=_command(arguments)) + to_yaml(bootstrap(options))


def _command(arguments: argparse.Namespace) -> str:
    words = [f"--listen {arguments.listen}", f"--servers {arguments.servers}"]
    words += [f"--admin {arguments.admin}", f"--files {arguments.files}"]
    words += [f"--origin {origin}" for origin in arguments.origin]
    if arguments.trusted_hops:
        words.append(f"--trusted-hops {arguments.trusted_hops}")
    words += [
        f"--{option} {value}"
        for option, name, value in (
            ("max-connections", "max_client_connections", arguments.max_connections),
            ("requests-per-second", "requests_per_second", arguments.requests_per_second),
            (
                "address-requests-per-second",
                "address_requests_per_second",
                arguments.address_requests_per_second,
            ),
        )
        if value != _DEFAULTS[name]
    ]
    if arguments.tls_certificate:
        words.append(f"--tls-certificate {arguments.tls_certificate} --tls-key {arguments.tls_key}")
    return " ".join(words)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise ConfigError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
