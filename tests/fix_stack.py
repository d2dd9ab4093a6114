"""Real parts for tests: PostgreSQL, Redis, and the whole system with its gateway.

Started once for a test run, on free ports and temporary folders, and stopped at its end, whatever
happens: the processes end with the test run even if that is killed.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from hms_server.devstack.postgres import DATABASE, SUPERUSER
from hms_server.devstack.stack import Stack

# The databases of tests need not survive a power cut. (The whole systems below are set as in use.)
QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}

_numbers = itertools.count(1)


@dataclass(frozen=True)
class DatabaseUrls:
    """One database, by the account that opens it. `admin` is PostgreSQL's superuser."""

    name: str
    admin: str
    owner: str
    app: str
    worker: str


def _urls(stack: Stack, database: str) -> DatabaseUrls:
    passwords = stack.environment.passwords
    return DatabaseUrls(
        name=database,
        admin=stack.postgres.url(SUPERUSER, passwords.postgres, database),
        owner=stack.postgres.url("hms_owner", passwords.owner, database),
        app=stack.postgres.url("hms_app", passwords.app, database),
        worker=stack.postgres.url("hms_worker", passwords.worker, database),
    )


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL with roles and an empty migrated database, Redis, and keys; no process of HMS."""
    folder = tmp_path_factory.mktemp("parts")
    with Stack(folder, postgres_settings=QUICK) as stack:
        stack.make_keys()
        stack.start_postgres()
        stack.start_redis()
        stack.prepare_database()
        yield stack


@pytest.fixture(scope="session")
def postgres(parts: Stack) -> DatabaseUrls:
    """The migrated database that others are copied from: look, but change nothing in it."""
    return _urls(parts, DATABASE)


@pytest.fixture(scope="session")
def redis_url(parts: Stack) -> str:
    """A Redis server of the test run."""
    return parts.redis.url


@pytest.fixture(scope="session")
def keys_file(parts: Stack) -> Path:
    """A key ring made by `hms keys create`."""
    return parts.layout.keys


@pytest.fixture(scope="module")
def database(parts: Stack, postgres: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """A fresh migrated database for each test module."""
    with fresh_database(parts, postgres) as urls:
        yield urls


@contextlib.contextmanager
def fresh_database(parts: Stack, postgres: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """A migrated database, gone at the end of the `with` block."""
    name = f"test_{next(_numbers)}"
    server = parts.postgres.url(SUPERUSER, parts.environment.passwords.postgres, "postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER hms_owner").format(
                sql.Identifier(name), sql.Identifier(postgres.name)
            )
        )
        # Grants and settings of a database as a whole are not copied from its template.
        connection.execute(
            "UPDATE pg_database SET datacl = template.datacl FROM pg_database template "
            "WHERE pg_database.datname = %s AND template.datname = %s",
            (name, postgres.name),
        )
        connection.execute(
            "INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig) "
            "SELECT copy.oid, setrole, setconfig FROM pg_db_role_setting "
            "JOIN pg_database template ON template.oid = setdatabase, pg_database copy "
            "WHERE copy.datname = %s AND template.datname = %s",
            (name, postgres.name),
        )
        yield _urls(parts, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system with the demo hospital: two servers, a worker, cron, metrics, gateway."""
    with Stack(tmp_path_factory.mktemp("stack"), workers=2, job_workers=1) as whole:
        whole.start()
        yield whole


@pytest.fixture
def fresh_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A whole system for one test that kills parts of it."""
    with Stack(tmp_path_factory.mktemp("fresh"), workers=2, job_workers=1) as whole:
        whole.start()
        yield whole
