"""Channels of the commands: plain, or TLS as the settings of a client say.

Also how `hms health` reaches the server beside it, whose name it does not know.
"""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl

import grpc
from cryptography import x509

from hms_server.config import Settings
from hms_server.errors import ConfigError

_SECONDS = 3.0
_OPTIONS: list[tuple[str, int | str]] = [("grpc.max_receive_message_length", -1)]


def open_channel(target: str, settings: Settings | None) -> grpc.Channel:
    """A channel to `target`, with TLS where HMS_GRPC_CA_FILE is set; raises ConfigError for its files."""
    if settings is None or settings.grpc_ca_file is None:
        return grpc.insecure_channel(target, options=_OPTIONS)
    authority = _read("HMS_GRPC_CA_FILE", settings.grpc_ca_file)
    return _secure(target, authority, settings.grpc_server_name, settings)


def open_probe(host: str, port: int, settings: Settings) -> grpc.Channel:
    """A channel to this machine's own server, which is trusted as it stands: a probe sends no secret.

    The certificate may name another host than the loopback address, and its authority need not be known
    here. Raises OSError where nobody answers, ConfigError for the files of the client's certificate.
    """
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if settings.grpc_tls_cert_file is None:
        return grpc.insecure_channel(target)
    shown = _shown_by(host, port, settings)
    return _secure(target, shown.encode(), _name_in(shown), settings)


def _secure(target: str, authority: bytes, name: str, settings: Settings) -> grpc.Channel:
    certificate, key = settings.grpc_client_cert_file, settings.grpc_client_key_file
    own = (
        (_read("HMS_GRPC_CLIENT_KEY_FILE", key), _read("HMS_GRPC_CLIENT_CERT_FILE", certificate))
        if certificate and key
        else (None, None)
    )
    options = [*_OPTIONS, *([("grpc.ssl_target_name_override", name)] if name else [])]
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority, *own), options=options)


def _read(setting: str, path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: cannot read {path}: {error.strerror}") from None


def _shown_by(host: str, port: int, settings: Settings) -> str:
    """The certificate a server shows, in PEM form."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if settings.grpc_client_cert_file:
        context.load_cert_chain(settings.grpc_client_cert_file, settings.grpc_client_key_file)
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as connection,
        context.wrap_socket(connection) as secure,
    ):
        return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"")


def _name_in(pem: str) -> str:
    """A name that the certificate is for, empty where it holds none."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for name in [
            *names.get_values_for_type(x509.DNSName),
            *map(str, names.get_values_for_type(x509.IPAddress)),
        ]:
            return name.replace("*", "probe", 1)
    return ""
