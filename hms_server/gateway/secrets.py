"""TLS of the gateway, to clients and to servers, with certificates that Envoy reads again by itself.

Envoy watches only what a file of its secret discovery names, so each certificate has a small file in
`secrets_folder` that points to it (`files`). Once a certificate, key or CA file is replaced by a rename
into its place (as `mv`, certbot and Kubernetes do), new connections get the new one; a pair that does not
fit is refused and the earlier one stays.
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from hms_server.gateway.options import GatewayOptions
from hms_server.gateway.typed import Json, extension, typed

_TLS = "extensions.transport_sockets.tls.v3"
_LISTENER_CERTIFICATE = "listener-certificate"
_CLIENT_CA = "client-ca"
_UPSTREAM_CERTIFICATE = "upstream-certificate"
_UPSTREAM_CA = "upstream-ca"
_PARAMETERS = {"tls_minimum_protocol_version": "TLSv1_2"}


def files(options: GatewayOptions) -> dict[str, str]:
    """The files that must lie in `secrets_folder`, by name. They hold paths, no secret."""
    found: dict[str, Json] = {}
    if options.tls_certificate_path:
        found[_LISTENER_CERTIFICATE] = _pair(options.tls_certificate_path, options.tls_private_key_path)
    if options.tls_client_ca_path:
        found[_CLIENT_CA] = {"validation_context": _trusted(options.tls_client_ca_path)}
    if options.upstream_ca_path:
        found[_UPSTREAM_CA] = {
            "validation_context": {
                **_trusted(options.upstream_ca_path),
                "match_typed_subject_alt_names": [_name(_server_name(options))],
            }
        }
    if options.upstream_certificate_path:
        found[_UPSTREAM_CERTIFICATE] = _pair(options.upstream_certificate_path, options.upstream_key_path)
    return {
        _file_name(name): json.dumps({"resources": [typed(f"{_TLS}.Secret", name=name, **secret)]}, indent=1)
        for name, secret in found.items()
    }


def write(options: GatewayOptions, folder: Path) -> None:
    """Writes them; raises OSError."""
    for name, text in files(options).items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


def downstream(options: GatewayOptions) -> Json:
    """The listener's side."""
    common: Json = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": _PARAMETERS,
        "tls_certificate_sds_secret_configs": [_watched(_LISTENER_CERTIFICATE, options)],
    }
    needs_certificate = bool(options.tls_client_ca_path)
    if needs_certificate:
        common["validation_context_sds_secret_config"] = _watched(_CLIENT_CA, options)
    return extension(
        "envoy.transport_sockets.tls",
        f"{_TLS}.DownstreamTlsContext",
        common_tls_context=common,
        **({"require_client_certificate": True} if needs_certificate else {}),
    )


def upstream(options: GatewayOptions) -> Json:
    """The side of the servers."""
    common: Json = {
        # grpc's servers hang up on who does not name it.
        "alpn_protocols": ["h2"],
        "tls_params": _PARAMETERS,
        "validation_context_sds_secret_config": _watched(_UPSTREAM_CA, options),
    }
    if options.upstream_certificate_path:
        common["tls_certificate_sds_secret_configs"] = [_watched(_UPSTREAM_CERTIFICATE, options)]
    name = _server_name(options)
    return extension(
        "envoy.transport_sockets.tls",
        f"{_TLS}.UpstreamTlsContext",
        common_tls_context=common,
        **({} if _is_address(name) else {"sni": name}),
    )


def _file_name(name: str) -> str:
    return f"{name}.json"


def _watched(name: str, options: GatewayOptions) -> Json:
    path = f"{options.secrets_folder.rstrip('/')}/{_file_name(name)}"
    return {
        "name": name,
        "sds_config": {"resource_api_version": "V3", "path_config_source": {"path": path}},
    }


def _pair(certificate: str, key: str) -> Json:
    return {
        "tls_certificate": {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    }


def _trusted(path: str) -> Json:
    return {"trusted_ca": {"filename": path}}


def _server_name(options: GatewayOptions) -> str:
    return options.upstream_name or options.grpc_host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(name: str) -> Json:
    return {"san_type": "IP_ADDRESS" if _is_address(name) else "DNS", "matcher": {"exact": name}}
