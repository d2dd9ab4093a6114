"""Archiving and dropping is killed between any two steps, runs twice at once, and meets readers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from hms_server import ids
from hms_server.audit import archive, archive_proof, retention_store
from hms_server.audit.retention import Retention
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from tests.fix_retention import LONG_AGO, NOW, lines, month

NAME = f"{LONG_AGO:%Y-%m}"


@pytest.fixture
def tenant(new_tenant, old):
    """A hospital with events of eight years ago, of seven years ago, and of today."""
    made = new_tenant()
    old.plant(made.id, LONG_AGO, 8)
    old.plant(made.id, month(7), 4)
    old.plant(made.id, NOW, 3)
    return made


# Killed at any moment.

STEPS = {
    "while the first file is written": ("archive.PieceWriter", "close", "before"),
    "before the manifest": ("archive", "finish", "before"),
    "when the archive is there": ("archive", "finish", "after"),
    "amid the checkpoints": ("retention_store", "add_checkpoint", "after"),
    "before the drop": ("retention_store", "drop_month", "before"),
    "after the drop, before its commit": ("retention_store", "drop_month", "after"),
    "before the drop is told": ("retention_store", "tell", "before"),
    "amid the telling": ("retention_store", "tell", "after"),
    "at the end": ("retention_store", "mark_audited", "after"),
}
KILLED = """
import os, pathlib, signal, sys
from hms_server import config, keyring
from hms_server.audit import archive, retention, retention_store
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database

url, keys, root, owner, name, when = sys.argv[1:]
holder = eval(owner)
real = getattr(holder, name)

def killed(*arguments, **named):
    if when == "after":
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(holder, name, killed)
settings = config.load()
pool = Pool(url, settings, "killed", size=1)
pool.open()
database = Database(pool, 15)
retention.Retention(database, database, keyring.load(pathlib.Path(keys)), pathlib.Path(root), piece=3).run()
"""


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_moment_it_goes_on_and_nothing_is_lost(
    step, tenant, new_tenant, old, retention, root, database, keys, keys_file, fault_of
):
    other = new_tenant()
    old.plant(other.id, LONG_AGO)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, database.worker, str(keys_file), str(root), *STEPS[step]],
        check=False,
        capture_output=True,
        env={**os.environ},
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert fault_of(tenant.id) is None
    retention.run()
    assert old.old_months() == []
    for each, archived in ((tenant.id, 8), (other.id, 5)):
        assert len(lines(root, NAME, each)) == archived
        assert fault_of(each) is None
    found = [(f, archive_proof.prove(f, keys, lambda *_: ())) for f in archive.months(root)]
    archive_proof.join(found)
    assert [reason.split(":")[0] for reason in old.told(tenant.id)] == [
        f"ARCHIVED_AND_DROPPED {NAME}",
        f"ARCHIVED_AND_DROPPED {month(7):%Y-%m}",
    ]
    assert (len(old.told(other.id)), len(old.told(ids.PLATFORM_TENANT))) == (1, 2)


def test_events_and_tenants_may_be_reached_by_two_databases(
    tenant, old, root, worker_database, database, settings, keys, fault_of
):
    pool = Pool(database.worker, settings, "audit", size=1)
    pool.open()
    apart = Database(pool, 15)
    keeper = Retention(worker_database, apart, keys, root)
    old.hold(tenant.id)
    assert keeper.run() == 0
    old.release()
    assert keeper.run() == 2
    pool.close()
    assert (fault_of(tenant.id), len(old.told(tenant.id))) == (None, 2)


def test_two_at_once_do_no_harm(tenant, old, retention, root, worker_database, keys, monkeypatch):
    second = Retention(worker_database, worker_database, keys, root)
    finish, done = archive.finish, []

    def both(*arguments):
        done.append(second.run())
        return finish(*arguments)

    monkeypatch.setattr(archive, "finish", both)
    assert retention.run() == 2
    assert done == [0, 0]


def test_who_reads_the_audit_meanwhile_is_not_sent_away(tenant, old, retention, database, monkeypatch):
    """A reader holds the tables: the drop waits, gives up for a moment, and comes again."""
    monkeypatch.setattr("hms_server.audit.retention._PAUSE_SECONDS", 0.01)
    with psycopg.connect(database.owner) as reader:
        reader.execute("SELECT count(*) FROM audit_event_patient")
        tries = []
        drop = retention_store.drop_month

        def counted(*arguments):
            tries.append(1)
            if len(tries) == 2:
                reader.execute("SELECT count(*) FROM audit_event")
                reader.rollback()
            drop(*arguments)

        monkeypatch.setattr(retention_store, "drop_month", counted)
        assert retention.run() == 2
    assert len(tries) == 3
