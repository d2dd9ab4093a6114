"""A system whose every connection is TLS: gRPC with certificates of clients, PostgreSQL, Redis and queues."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
import redis

from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms_server import config, errors
from hms_server.cache import client as redis_client
from hms_server.cli.client import Client
from hms_server.database.create import create
from hms_server.database.migrate import folder, migrate, read
from hms_server.database.pool import Pool
from hms_server.devstack.environment import PLATFORM_ADMIN, PLATFORM_TENANT
from hms_server.devstack.stack import Stack
from hms_server.jobs import queues
from tests.certificates import HOST, Authority
from tests.contract.gateway_stand import free_port, wait_until
from tests.fix_stack import DatabaseUrls
from tests.tls_front import TlsFront


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def postgres_front(parts: Stack, authority: Authority) -> Iterator[TlsFront]:
    with TlsFront(parts.ports.postgres, authority.sign(HOST), postgres=True) as front:
        yield front


@pytest.fixture
def redis_front(parts: Stack, authority: Authority) -> Iterator[TlsFront]:
    with TlsFront(parts.ports.redis, authority.sign(HOST)) as front:
        yield front


def over_tls(url: str, front: TlsFront, authority: Authority) -> str:
    """A PostgreSQL address through the front, whose certificate is checked in full."""
    place = f"{url.rpartition(':')[0]}:{front.port}/{url.rpartition('/')[2]}"
    return f"{place}?sslmode=verify-full&sslrootcert={authority.file}"


def redis_over_tls(parts: Stack, front: TlsFront, authority: Authority) -> str:
    password = parts.environment.passwords.redis
    return f"rediss://:{password}@{HOST}:{front.port}/0?ssl_ca_certs={authority.file}"


def test_the_pool_checks_the_server_of_the_database(
    database: DatabaseUrls, authority: Authority, postgres_front: TlsFront, tmp_path
) -> None:
    settings = config.Settings(pool_wait_seconds=2)
    pool = Pool(over_tls(database.app, postgres_front, authority), settings)
    pool.open()
    connection = pool.acquire(10)
    assert connection.pgconn.ssl_in_use
    pool.release(connection)
    pool.close()
    served = postgres_front.served
    assert served
    stranger = Authority(tmp_path)
    pool = Pool(over_tls(database.app, postgres_front, stranger), settings)
    pool.open()
    with pytest.raises(errors.Unavailable):
        pool.acquire(2)
    pool.close()
    assert postgres_front.served == served


def test_set_up_and_migration_speak_tls(
    parts: Stack, postgres: DatabaseUrls, authority: Authority, postgres_front: TlsFront
) -> None:
    urls = [
        over_tls(url, postgres_front, authority)
        for url in (postgres.admin, postgres.owner, postgres.app, postgres.worker)
    ]
    assert create(*urls) == []
    assert not any(line.startswith("applied") for line in migrate(urls[1], read(folder())))
    assert postgres_front.served >= 2
    # The passwords are set anew, and still what the addresses say.
    with psycopg.connect(postgres.app) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_gate_and_queues_check_the_server_of_redis(
    parts: Stack, authority: Authority, redis_front: TlsFront, tmp_path
) -> None:
    def clients(url):
        settings = config.Settings(queue_redis_url=url, redis_timeout_seconds=5)
        return redis_client.connect(url, settings), queues.connect(settings, 5)

    for connection in clients(redis_over_tls(parts, redis_front, authority)):
        assert connection.ping()
        connection.close()
    served = redis_front.served
    assert served == 2
    for connection in clients(redis_over_tls(parts, redis_front, Authority(tmp_path))):
        with pytest.raises(redis.ConnectionError):
            connection.ping()
        connection.close()
    assert redis_front.served == served


def test_the_whole_system_over_tls(
    parts: Stack,
    database: DatabaseUrls,
    authority: Authority,
    postgres_front: TlsFront,
    redis_front: TlsFront,
    tmp_path,
) -> None:
    passwords = parts.environment.passwords
    set_up = {
        **parts.environment.set_up(),
        "HMS_APP_DATABASE_URL": database.app,
        "HMS_BOOTSTRAP_PASSWORD": passwords.platform_admin,
    }
    made = _hms("platform", set_up, "create-admin", "--username", PLATFORM_ADMIN)
    assert made.returncode == 0, made.stderr
    clients = Authority(tmp_path)
    server, own = authority.sign("hms.example.org"), clients.sign("microservice")
    port = free_port()
    redis_url = tmp_path / "redis-url"
    redis_url.write_text(redis_over_tls(parts, redis_front, authority) + "\n")
    plain = parts.environment
    environment = {
        **{name: value for name, value in plain.server().items() if "REDIS_URL" not in name},
        "HMS_REDIS_URL_FILE": str(redis_url),
        "HMS_REDIS_TIMEOUT_SECONDS": "5",
        "HMS_APP_DATABASE_URL": over_tls(database.app, postgres_front, authority),
        "HMS_WORKER_DATABASE_URL": over_tls(database.worker, postgres_front, authority),
        "HMS_GRPC_LISTEN": f"{HOST}:{port}",
        "HMS_GRPC_TLS_CERT_FILE": str(server.certificate),
        "HMS_GRPC_TLS_KEY_FILE": str(server.key),
        "HMS_GRPC_TLS_CLIENT_CA_FILE": str(clients.file),
        "HMS_GRPC_CLIENT_CERT_FILE": str(own.certificate),
        "HMS_GRPC_CLIENT_KEY_FILE": str(own.key),
    }
    with ExitStack() as stack:
        for command in ("serve", "worker", "cron"):
            log = stack.enter_context(open(tmp_path / f"{command}.log", "wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "hms_server", command], env=environment, stderr=log, stdout=log
            )
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        wait_until(lambda: _hms("health", environment).returncode == 0, 30)
        settings = config.Settings(
            grpc_ca_file=authority.file,
            grpc_server_name="hms.example.org",
            grpc_client_cert_file=own.certificate,
            grpc_client_key_file=own.key,
        )
        with Client(f"{HOST}:{port}", settings=settings) as client:
            client.login(PLATFORM_TENANT, PLATFORM_ADMIN, passwords.platform_admin)
            stub = identity_pb2_grpc.IdentityServiceStub(client.channel)
            assert stub.ListUsers(identity_pb2.ListUsersRequest(), timeout=15).users
        with psycopg.connect(database.owner, autocommit=True) as owner:
            # The worker drained what the calls left, asked for through the queue or by cron's sweep.
            def drained():
                left = owner.execute("SELECT count(*) FROM audit_outbox").fetchone()
                return left == (0,)

            wait_until(drained, 30)
    assert postgres_front.served >= 3
    assert redis_front.served >= 3


def test_production_does_not_start_with_what_a_development_stack_made(parts: Stack) -> None:
    environment = {**parts.environment.server(), "HMS_MODE": "production"}
    ended = _hms("serve", environment)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert "HMS_APP_DATABASE_URL holds a password of a development stack" in line
    assert "HMS_REDIS_URL holds a password of a development stack" in line
    assert "HMS_KEYS_FILE holds keys of a development stack" in line
    assert parts.environment.passwords.app not in line


def test_a_port_without_its_certificate_does_not_start(parts: Stack, tmp_path) -> None:
    missing = str(tmp_path / "missing.pem")
    environment = {
        **parts.environment.server(),
        "HMS_GRPC_TLS_CERT_FILE": missing,
        "HMS_GRPC_TLS_KEY_FILE": missing,
    }
    for workers in ((), ("--workers", "2")):
        ended = _hms("serve", environment, *workers)
        assert ended.returncode == 2
        assert ended.stderr.splitlines() == [
            f"hms serve: HMS_GRPC_TLS_CERT_FILE: cannot read {missing}: No such file or directory"
        ]


def _hms(command: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hms_server", command, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
