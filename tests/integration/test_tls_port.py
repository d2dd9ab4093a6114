"""TLS of the gRPC port: who is served, who is refused, and certificates that are renewed while it runs."""

import contextlib
import logging
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hms_server import config
from hms_server.cli import channel, health
from hms_server.edge import certificates
from hms_server.edge.server import Server
from hms_server.errors import ConfigError
from tests.certificates import HOST, Authority, shown_serial
from tests.contract.gateway_stand import free_port


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def server_settings(pair, **more):
    return config.Settings(grpc_tls_cert_file=pair.certificate, grpc_tls_key_file=pair.key, **more)


@contextlib.contextmanager
def serving(settings):
    port = free_port()
    server = Server({}, threads=1, max_request_bytes=1024, certificates=certificates.from_settings(settings))
    server.start(f"{HOST}:{port}")
    try:
        yield port
    finally:
        server.stop(0)


def check(opened):
    with opened as made:
        stub = health_pb2_grpc.HealthStub(made)
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status


def served(port, settings):
    return check(channel.open_channel(f"{HOST}:{port}", settings)) == health_pb2.HealthCheckResponse.SERVING


def unavailable(port, settings):
    with pytest.raises(grpc.RpcError) as caught:
        served(port, settings)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    return True


def test_a_plain_client_is_refused_and_one_that_trusts_the_authority_is_served(authority, tmp_path):
    stranger = Authority(tmp_path)
    with serving(server_settings(authority.sign("localhost", HOST))) as port:
        assert served(port, config.Settings(grpc_ca_file=authority.file))
        assert unavailable(port, config.Settings())
        assert unavailable(port, config.Settings(grpc_ca_file=stranger.file))


def test_a_certificate_of_another_name_is_refused_unless_that_name_is_expected(authority):
    with serving(server_settings(authority.sign("hms.example.org"))) as port:
        assert unavailable(port, config.Settings(grpc_ca_file=authority.file))
        assert served(port, config.Settings(grpc_ca_file=authority.file, grpc_server_name="hms.example.org"))


def test_with_a_client_authority_only_its_certificates_are_let_in(authority, tmp_path):
    clients, stranger = Authority(tmp_path), Authority(tmp_path)
    right, wrong = clients.sign("gateway"), stranger.sign("gateway")

    def settings(pair):
        return config.Settings(
            grpc_ca_file=authority.file, grpc_client_cert_file=pair.certificate, grpc_client_key_file=pair.key
        )

    pair = authority.sign(HOST)
    with serving(server_settings(pair, grpc_tls_client_ca_file=clients.file)) as port:
        assert served(port, settings(right))
        assert unavailable(port, settings(wrong))
        assert unavailable(port, config.Settings(grpc_ca_file=authority.file))
        assert unavailable(port, config.Settings())


def test_a_renewed_certificate_is_served_to_new_connections_and_the_old_ones_live_on(authority):
    pair = authority.sign(HOST)
    trusting = config.Settings(grpc_ca_file=authority.file)
    with serving(server_settings(pair)) as port:
        with channel.open_channel(f"{HOST}:{port}", trusting) as old:
            stub = health_pb2_grpc.HealthStub(old)
            assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == 1
            assert shown_serial(port) == pair.serial
            renewed = authority.sign(HOST).move_over(pair)
            assert shown_serial(port) == renewed.serial != pair.serial
            assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == 1
        assert served(port, trusting)


def test_a_renewed_client_authority_lets_its_clients_in_and_the_former_ones_no_more(authority, tmp_path):
    former, latter = Authority(tmp_path), Authority(tmp_path)
    old, new = former.sign("gateway"), latter.sign("gateway")

    def settings(pair):
        return config.Settings(
            grpc_ca_file=authority.file, grpc_client_cert_file=pair.certificate, grpc_client_key_file=pair.key
        )

    with serving(server_settings(authority.sign(HOST), grpc_tls_client_ca_file=former.file)) as port:
        assert served(port, settings(old))
        latter.file.replace(former.file)
        assert served(port, settings(new))
        assert unavailable(port, settings(old))


@pytest.mark.parametrize("damage", ["broken", "missing", "key of another", "expired"])
def test_what_cannot_be_served_with_leaves_the_earlier_certificate_and_is_logged_once(
    authority, damage, caplog
):
    pair = authority.sign(HOST)
    with serving(server_settings(pair)) as port, caplog.at_level(logging.INFO):
        assert shown_serial(port) == pair.serial
        if damage == "broken":
            pair.certificate.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        elif damage == "missing":
            pair.certificate.unlink()
        elif damage == "key of another":
            authority.sign(HOST).key.replace(pair.key)
        else:
            authority.sign(HOST, days=-1).move_over(pair)
        assert [shown_serial(port) for _ in range(3)] == [pair.serial] * 3
        told = [record for record in caplog.records if "cannot be used" in record.message]
        assert len(told) == 1
        assert str(pair.key.parent) in told[0].fields["reason"]
        renewed = authority.sign(HOST).move_over(pair)
        assert shown_serial(port) == renewed.serial


def test_many_connections_at_the_moment_of_a_renewal_are_all_served(authority):
    pair = authority.sign(HOST)
    with serving(server_settings(pair)) as port:
        seen, failed = set(), []

        def connect():
            try:
                for _ in range(20):
                    seen.add(shown_serial(port))
            except OSError as error:
                failed.append(error)

        threads = [threading.Thread(target=connect) for _ in range(4)]
        for thread in threads:
            thread.start()
        renewed = authority.sign(HOST).move_over(pair)
        for thread in threads:
            thread.join()
        assert not failed
        assert seen <= {pair.serial, renewed.serial}
        assert shown_serial(port) == renewed.serial


def test_what_is_wrong_at_the_start_is_one_line_with_the_setting(authority, tmp_path):
    pair, other = authority.sign(HOST), authority.sign(HOST)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")

    def line(certificate=pair.certificate, key=pair.key, client_ca=None):
        with pytest.raises(ConfigError) as caught:
            certificates.ServerCertificates(certificates.CertificateFiles(certificate, key, client_ca))
        (told,) = str(caught.value).splitlines()
        return told

    missing = tmp_path / "missing.pem"
    assert line(missing) == f"HMS_GRPC_TLS_CERT_FILE: cannot read {missing}: No such file or directory"
    assert line(nonsense) == f"HMS_GRPC_TLS_CERT_FILE: {nonsense} holds no certificate in PEM form"
    assert "HMS_GRPC_TLS_KEY_FILE" in line(key=nonsense)
    assert "is not the key of the certificate" in line(key=other.key)
    assert line(client_ca=nonsense).startswith("HMS_GRPC_TLS_CLIENT_CA_FILE")
    assert "ended" in line(*_paths(authority.sign(HOST, days=-1)))


def _paths(pair):
    return pair.certificate, pair.key


def test_settings_that_contradict_each_other_stop_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("HMS_GRPC_TLS_CERT_FILE", str(tmp_path / "c.pem"))
    with pytest.raises(ConfigError, match="HMS_GRPC_TLS_CERT_FILE and HMS_GRPC_TLS_KEY_FILE go together"):
        config.load()
    monkeypatch.delenv("HMS_GRPC_TLS_CERT_FILE")
    monkeypatch.setenv("HMS_GRPC_TLS_CLIENT_CA_FILE", str(tmp_path / "c.pem"))
    with pytest.raises(ConfigError, match="HMS_GRPC_TLS_CLIENT_CA_FILE needs"):
        config.load()


def test_the_health_probe_needs_neither_the_name_nor_the_authority(authority, monkeypatch, capsys, tmp_path):
    clients = Authority(tmp_path)
    pair, own = authority.sign("hms.example.org", "*.example.org"), clients.sign("probe")
    with serving(server_settings(pair, grpc_tls_client_ca_file=clients.file)) as port:
        monkeypatch.setenv("HMS_GRPC_LISTEN", f"0.0.0.0:{port}")
        monkeypatch.setenv("HMS_GRPC_TLS_CERT_FILE", str(pair.certificate))
        monkeypatch.setenv("HMS_GRPC_TLS_KEY_FILE", str(pair.key))
        assert health.run(None) == 1
        monkeypatch.setenv("HMS_GRPC_CLIENT_CERT_FILE", str(own.certificate))
        monkeypatch.setenv("HMS_GRPC_CLIENT_KEY_FILE", str(own.key))
        assert health.run(None) == 0
        assert "SERVING" in capsys.readouterr().out
    assert health.run(None) == 1
