"""`hms envoy-config`: prints the gateway's configuration as YAML. deploy/envoy/envoy.yaml came from it."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib

from hms_server.errors import ConfigError
from hms_server.gateway import secrets
from hms_server.gateway.config import bootstrap
from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.yaml_text import to_yaml

HEADER = """\
# The gateway of HMS: REST, gRPC and gRPC-Web on one listener. Made by:
#   hms envoy-config {arguments}
# `--files` must hold hms.binpb, guard.lua, status.lua, openapi.json and docs.html from generated/.
"""

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(GatewayOptions)}
_TLS_PATHS = {
    "tls-cert": "the certificate chain that clients see",
    "tls-key": "its private key",
    "client-ca": "clients must show a certificate of this authority",
    "upstream-ca": "speak TLS to the servers, whose certificates must be of this authority",
    "upstream-cert": "the certificate chain shown to the servers",
    "upstream-key": "its private key",
}


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
    tls = parser.add_argument_group(
        "TLS", "Paths as Envoy finds them. It reads a file again when another is moved into its place."
    )
    for flag, text in _TLS_PATHS.items():
        names = [f"--{flag}", *(["--tls-certificate"] if flag == "tls-cert" else [])]
        tls.add_argument(*names, default="", metavar="PATH", help=text)
    tls.add_argument("--upstream-name", default="", help="name in the servers' certificates (their host)")
    tls.add_argument(
        "--secrets", default="/etc/envoy/hms", help="where Envoy finds the files of --write-secrets"
    )
    tls.add_argument(
        "--write-secrets", default="", metavar="FOLDER", help="write the files for --secrets here"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the configuration."""
    print(render(arguments), end="")
    if arguments.write_secrets:
        try:
            secrets.write(_options(arguments), pathlib.Path(arguments.write_secrets))
        except OSError as error:
            raise ConfigError(f"--write-secrets: {error.filename}: {error.strerror}") from None
    return 0


def render(arguments: argparse.Namespace) -> str:
    """The configuration with the command that makes it on top."""
    text = to_yaml(bootstrap(_options(arguments)))
    return HEADER.format(arguments=_command(arguments)) + text


def _options(arguments: argparse.Namespace) -> GatewayOptions:
    listen_host, listen_port = _address(arguments.listen)
    grpc_host, grpc_port = _address(arguments.servers)
    admin_host, admin_port = _address(arguments.admin)
    try:
        return GatewayOptions(
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
            tls_certificate_path=arguments.tls_cert,
            tls_private_key_path=arguments.tls_key,
            tls_client_ca_path=arguments.client_ca,
            upstream_ca_path=arguments.upstream_ca,
            upstream_name=arguments.upstream_name,
            upstream_certificate_path=arguments.upstream_cert,
            upstream_key_path=arguments.upstream_key,
            secrets_folder=arguments.secrets,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None


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
    chosen = {
        name: str(getattr(arguments, name.replace("-", "_"))) for name in (*_TLS_PATHS, "upstream-name")
    }
    words += [f"--{name} {value}" for name, value in chosen.items() if value]
    if any(chosen.values()):
        words.append(f"--secrets {arguments.secrets}")
    return " ".join(words)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise ConfigError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
