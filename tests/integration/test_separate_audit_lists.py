"""AuditService with the audit in a database of its own: every test of the one database, once more."""

from __future__ import annotations

import pytest

from hms_server.audit.servicer import AuditServicer
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from tests.integration.test_audit_service import *  # noqa: F403 - its tests are these


@pytest.fixture(scope="module")
def servicer(app_database, app_audit):
    return AuditServicer(app_database, Pages(b"p" * 32), RequestIds(b"r" * 32), app_audit)


@pytest.fixture(scope="module")
def drain(apart_drain):
    return apart_drain
