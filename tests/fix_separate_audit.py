"""A second database that holds the audit, and the parts that work with both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from hms_server import config
from hms_server.audit.drain import Drain
from hms_server.audit.verify import Verifier
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.devstack.stack import Stack
from hms_server.keyring import Keyring
from tests.fix_audit import Outbox
from tests.fix_stack import DatabaseUrls, fresh_database


@pytest.fixture(scope="module")
def audit_urls(parts: Stack, postgres: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """A separate audit database for each test module, on the server of all test databases."""
    with fresh_database(parts, postgres) as urls:
        yield urls


@pytest.fixture(scope="module")
def audit_owner(audit_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner of the audit database."""
    with psycopg.connect(audit_urls.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def app_audit(audit_urls: DatabaseUrls, settings: config.Settings) -> Iterator[Database]:
    """The audit database as the server has it."""
    pool = Pool(audit_urls.app, settings, "audit")
    pool.open()
    yield Database(pool, settings.statement_timeout_seconds)
    pool.close()


@pytest.fixture(scope="module")
def worker_audit(audit_urls: DatabaseUrls, settings: config.Settings) -> Iterator[Database]:
    """The audit database as the workers have it."""
    pool = Pool(audit_urls.worker, settings, "audit-worker")
    pool.open()
    yield Database(pool, settings.statement_timeout_seconds)
    pool.close()


@pytest.fixture(scope="module")
def apart_outbox(owner: psycopg.Connection[Any], audit_owner: psycopg.Connection[Any]) -> Outbox:
    """The outbox of the main database, and the events of the other."""
    return Outbox(owner, audit_owner)


@pytest.fixture(scope="module")
def apart_drain(worker_database: Database, worker_audit: Database, keys: Keyring) -> Drain:
    """A drain with small batches, from the one database into the other."""
    return Drain(worker_database, keys, batch=10, audit=worker_audit)


@pytest.fixture(scope="module")
def apart_verifier(worker_database: Database, worker_audit: Database, keys: Keyring) -> Verifier:
    """A verifier that reads small pieces."""
    return Verifier(worker_audit, keys, piece=7, main=worker_database)
