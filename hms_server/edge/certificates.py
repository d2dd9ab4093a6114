"""Certificates of the gRPC port: read from files, checked, and read again when the files change.

grpc asks before each new connection, so that a renewed certificate is served without a restart and calls
under way are not disturbed. Files that are broken or half replaced change nothing: what was good stays in
use, and the log says why, once for each state of the files.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import threading
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hms_server import clock
from hms_server.config import Settings
from hms_server.errors import ConfigError
from hms_server.telemetry import logs

_LOGGER = logging.getLogger(__name__)

# What tells one state of the files from another.
Stamp = tuple[tuple[int, int, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the certificate chain and its key lie; `client_ca` where clients must show one of their own."""

    certificate: pathlib.Path
    key: pathlib.Path
    client_ca: pathlib.Path | None = None

    @property
    def _paths(self) -> tuple[pathlib.Path, ...]:
        return (self.certificate, self.key, *((self.client_ca,) if self.client_ca else ()))

    def stamp(self) -> Stamp:
        """Changes when a file is replaced or written to, or a link to it (Kubernetes); raises OSError."""
        found = (path.stat() for path in self._paths)
        return tuple((status.st_mtime_ns, status.st_size, status.st_ino) for status in found)

    def read(self) -> grpc.ServerCertificateConfiguration:
        """The files' content, checked; raises ConfigError with one line that names the setting."""
        chain = _content("HMS_GRPC_TLS_CERT_FILE", self.certificate)
        key = _content("HMS_GRPC_TLS_KEY_FILE", self.key)
        client_ca = _content("HMS_GRPC_TLS_CLIENT_CA_FILE", self.client_ca) if self.client_ca else None
        first = _certificates("HMS_GRPC_TLS_CERT_FILE", self.certificate, chain)[0]
        if first.not_valid_after_utc <= clock.now():
            ended = first.not_valid_after_utc.isoformat()
            raise ConfigError(f"HMS_GRPC_TLS_CERT_FILE: the certificate of {self.certificate} ended {ended}")
        try:
            private = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError):
            raise ConfigError(
                f"HMS_GRPC_TLS_KEY_FILE: {self.key} holds no private key in PEM form without a passphrase"
            ) from None
        if private.public_key() != first.public_key():
            raise ConfigError(
                f"HMS_GRPC_TLS_KEY_FILE: {self.key} is not the key of the certificate in {self.certificate}"
            )
        if self.client_ca and client_ca is not None:
            _certificates("HMS_GRPC_TLS_CLIENT_CA_FILE", self.client_ca, client_ca)
        return grpc.ssl_server_certificate_configuration([(key, chain)], client_ca)


def _content(setting: str, path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: cannot read {path}: {error.strerror}") from None


def _certificates(setting: str, path: pathlib.Path, content: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigError(f"{setting}: {path} holds no certificate in PEM form") from None


class ServerCertificates:
    """The certificates a server shows, kept fresh."""

    def __init__(self, files: CertificateFiles) -> None:
        """Reads the files; raises ConfigError where they cannot be served with."""
        self._files = files
        self._lock = threading.Lock()
        try:
            # Before the content: a change in between is seen as one.
            self._seen: Stamp | None = files.stamp()
        except OSError:
            self._seen = None  # reading says which one
        self._first = files.read()

    def credentials(self) -> grpc.ServerCredentials:
        """What a secure port is opened with."""
        # It may answer None, which the stubs do not know.
        fetch: Any = self.renewed
        return grpc.dynamic_ssl_server_credentials(
            self._first, fetch, require_client_authentication=self._files.client_ca is not None
        )

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new certificates where the files have changed since they were last looked at, else None."""
        with self._lock:
            try:
                stamp = self._files.stamp()
            except OSError as error:
                stamp = None
                reason = f"{error.filename}: {error.strerror}"
            if stamp == self._seen:
                return None
            self._seen = stamp
            if stamp is not None:
                try:
                    fresh = self._files.read()
                except ConfigError as error:
                    reason = str(error)
                else:
                    logs.event(_LOGGER, logging.INFO, "certificates were read anew")
                    return fresh
        logs.event(
            _LOGGER, logging.ERROR, "certificates cannot be used, the earlier ones stay", reason=reason
        )
        return None


def from_settings(settings: Settings) -> ServerCertificates | None:
    """The certificates that the settings name, None for a plain port; raises ConfigError."""
    certificate, key = settings.grpc_tls_cert_file, settings.grpc_tls_key_file
    if certificate is None or key is None:
        return None
    return ServerCertificates(CertificateFiles(certificate, key, settings.grpc_tls_client_ca_file))
