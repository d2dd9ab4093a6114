"""Certificates for tests: an authority, what it signs, and what a server shows."""

import datetime
import ipaddress
import itertools
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path
    serial: int

    def move_over(self, other: "Pair") -> "Pair":
        """Takes the other's place, as certbot does: key first, so that the two do not fit for a moment."""
        self.key.replace(other.key)
        self.certificate.replace(other.certificate)
        return Pair(other.certificate, other.key, self.serial)


@dataclass
class Authority:
    """Signs certificates; `file` holds its own."""

    folder: Path
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"authority {next(_numbers)}")
        self.file = self.folder / f"authority-{next(_numbers)}.pem"
        builder = _builder(self._name, self._key.public_key(), self._name)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        signed = builder.sign(self._key, hashes.SHA256())
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def sign(self, *names: str, days: float = 1) -> Pair:
        """A new certificate for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(names[0]), key.public_key(), self._name, days)
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_alternative, names))), False)
        signed = builder.sign(self._key, hashes.SHA256())
        number = next(_numbers)
        made = Pair(
            self.folder / f"certificate-{number}.pem", self.folder / f"key-{number}.pem", signed.serial_number
        )
        made.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        made.key.touch(mode=0o600)
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made


def shown_serial(port: int, client: Pair | None = None) -> int:
    """The serial number of the certificate that a new connection sees."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    with (
        socket.create_connection((HOST, port), timeout=10) as connection,
        context.wrap_socket(connection) as secure,
    ):
        return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"").serial_number


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    name: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, days: float = 1
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=3))
        .not_valid_after(now + datetime.timedelta(days=days))
    )
