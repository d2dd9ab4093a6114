"""Retention with the audit in a database of its own: what the tenants keep is asked in the one, months are
dropped in the other."""

from __future__ import annotations

import pytest

from hms_server import ids
from hms_server.audit.archive import ArchiveFault
from hms_server.audit.retention import Retention
from hms_server.database import migrate
from tests.fix_retention import LONG_AGO, NOW, OldAudit


@pytest.fixture(scope="module")
def here(owner, apart_outbox, apart_drain):
    """The main database's side: tenants, holds, settings."""
    return OldAudit(owner, apart_outbox, apart_drain)


@pytest.fixture(scope="module")
def there(audit_owner, apart_outbox, apart_drain):
    """The audit database's side: events."""
    return OldAudit(audit_owner, apart_outbox, apart_drain)


@pytest.fixture
def apart_retention(worker_database, worker_audit, keys, root):
    return Retention(worker_database, worker_audit, keys, root, piece=3)


def test_a_database_that_was_not_made_the_audits_own_drops_nothing(
    here, there, apart_retention, new_tenant, owner
):
    """`hms migrate` makes it so; before that nobody there can say what hospitals keep."""
    tenant = new_tenant()
    there.plant(tenant.id, LONG_AGO)
    with pytest.raises(ArchiveFault, match="refused to drop"):
        apart_retention.run()
    assert there.count(tenant.id) == 5


def test_months_go_there_when_nobody_here_keeps_them(
    here, there, apart_retention, apart_verifier, audit_urls, root, new_tenant
):
    migrate.make_apart(audit_urls.owner)
    tenant, keeper = new_tenant(), new_tenant()
    for each in (tenant, keeper):
        there.plant(each.id, LONG_AGO)
        there.plant(each.id, NOW, 2)
    here.hold(keeper.id)
    assert apart_retention.run() == 0
    here.release(keeper.id)
    here.keep(keeper.id, 10)
    assert apart_retention.run() == 0
    assert (there.count(tenant.id), there.count(keeper.id)) == (7, 7)
    here.keep(keeper.id, None)
    assert apart_retention.run() == 1
    assert there.old_months() == []
    for each in (tenant, keeper):
        assert there.told(each.id) == [f"ARCHIVED_AND_DROPPED {LONG_AGO:%Y-%m}: events 1 to 5"]
        verdict = apart_verifier.verify(each.id)
        assert (verdict.fault, verdict.events) == (None, 3)
    assert len(there.told(ids.PLATFORM_TENANT)) == 1
    assert apart_verifier.verify(ids.PLATFORM_TENANT).fault is None
    assert here.one("SELECT count(*) FROM audit_checkpoint") == 0
    assert there.one("SELECT count(*) FROM audit_checkpoint WHERE audited") >= 3
    assert (root / f"{LONG_AGO:%Y-%m}" / f"{tenant.id}.ndjson.gz").exists()
