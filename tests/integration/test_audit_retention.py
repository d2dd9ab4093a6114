"""Old months of the audit are archived and dropped, and nothing that somebody keeps, on real PostgreSQL."""

from __future__ import annotations

import datetime
import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import threading

import psycopg
import pytest

from hms_server import config, ids
from hms_server.audit import archive, archive_proof, retention_store
from hms_server.audit.archive import ArchiveFault
from hms_server.audit.retention import Retention
from hms_server.database.faults import DatabaseFault
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.workers import cron, parts
from tests.fix_client import eventually
from tests.fix_retention import LONG_AGO, NOW, month

NAME = f"{LONG_AGO:%Y-%m}"


@pytest.fixture
def tenant(new_tenant, old):
    """A hospital with events of eight years ago, of seven years ago, and of today."""
    made = new_tenant()
    old.plant(made.id, LONG_AGO, 8)
    old.plant(made.id, month(7), 4)
    old.plant(made.id, NOW, 3)
    return made


def lines(root, name, tenant_id):
    with gzip.open(root / name / f"{tenant_id}.ndjson.gz") as file:
        return [json.loads(line) for line in file]


def test_months_past_six_years_are_archived_and_dropped_and_the_rest_goes_on(
    tenant, old, retention, root, fault_of, drain
):
    assert retention.run() == 2
    assert old.old_months() == []
    assert old.count(tenant.id) == 3
    assert [e["sequence"] for e in lines(root, NAME, tenant.id)] == list(range(1, 9))
    assert [e["sequence"] for e in lines(root, f"{month(7):%Y-%m}", tenant.id)] == list(range(9, 13))
    assert fault_of(tenant.id) is None
    old.plant(tenant.id, NOW, 2)
    assert fault_of(tenant.id) is None
    assert retention.run() == 0


def test_the_archive_holds_every_field_of_the_hash(tenant, old, retention, root, owner):
    sequence, patients, actor = owner.execute(
        "SELECT sequence, patient_ids::text[], actor_id::text FROM audit_event WHERE tenant_id = %s"
        " ORDER BY sequence LIMIT 1",
        [tenant.id],
    ).fetchone()
    retention.run()
    first = lines(root, NAME, tenant.id)[0]
    assert (first["sequence"], first["patient_ids"], first["actor_id"]) == (sequence, patients, actor)
    assert first["record_time"] == f"{LONG_AGO:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_the_drop_is_in_the_chain_of_each_tenant_and_of_the_platform(tenant, new_tenant, old, retention):
    other, untouched = new_tenant(), new_tenant()
    old.plant(other.id, LONG_AGO)
    old.plant(untouched.id, NOW)
    retention.run()
    assert old.told(tenant.id) == [
        f"ARCHIVED_AND_DROPPED {NAME}: events 1 to 8",
        f"ARCHIVED_AND_DROPPED {month(7):%Y-%m}: events 9 to 12",
    ]
    assert old.told(other.id) == [f"ARCHIVED_AND_DROPPED {NAME}: events 1 to 5"]
    assert old.told(untouched.id) == []
    assert old.told(ids.PLATFORM_TENANT)[0] == f"ARCHIVED_AND_DROPPED {NAME}: no events, 3 chains in all"
    retention.run()
    assert len(old.told(other.id)) == 1


def test_without_a_folder_nothing_is_dropped_and_that_is_said_once(
    tenant, old, worker_database, keys, caplog
):
    kept = Retention(worker_database, worker_database, keys, None)
    with caplog.at_level(logging.WARNING):
        assert (kept.run(), kept.run()) == (0, 0)
    assert len([r for r in caplog.records if "HMS_AUDIT_ARCHIVE_DIR" in r.getMessage()]) == 1
    assert old.count(tenant.id) == 15


def test_a_folder_that_is_not_there_is_told_and_not_made(tenant, old, worker_database, keys, tmp_path):
    lost = Retention(worker_database, worker_database, keys, tmp_path / "unmounted")
    with pytest.raises(ArchiveFault, match="unmounted cannot be written"):
        lost.run()
    assert (old.count(tenant.id), list(tmp_path.iterdir())) == (15, [])


def test_cron_drops_by_its_settings_and_metrics_show_how_far_back_the_audit_goes(
    tenant, old, worker_database, database, keys_file, redis_url, root
):
    age = retention_store.oldest_month_age(worker_database)
    assert 7 * 365 * 86400 < age < 9 * 366 * 86400
    settings = config.Settings(
        worker_database_url=database.worker, keys_file=keys_file, redis_url=redis_url, audit_archive_dir=root
    )
    opened = parts.open_parts(settings, 2)
    (task,) = [task for task in cron.tasks(opened) if task.name == "audit_retention"]
    assert task.work() == 2
    opened.close()
    assert retention_store.oldest_month_age(worker_database) < 6 * 366 * 86400


def test_a_month_that_is_not_six_years_old_stays(new_tenant, old, retention, root):
    tenant = new_tenant()
    # Its last day is younger than six years, its first may be older.
    old.plant(tenant.id, datetime.datetime(NOW.year - 6, NOW.month, 1, tzinfo=datetime.UTC))
    assert retention.run() == 0
    assert (old.count(tenant.id), list(root.glob("20*"))) == (5, [])


def test_one_tenant_that_keeps_longer_keeps_the_month_for_all(tenant, new_tenant, old, retention, root):
    keeper = new_tenant()
    old.plant(keeper.id, LONG_AGO)
    old.keep(keeper.id, 10)
    assert retention.run() == 0
    assert (old.count(tenant.id), old.count(keeper.id), list(root.glob("20*"))) == (15, 5, [])
    old.keep(keeper.id, 7)
    # Of seven years ago it has nothing: that month is another's to keep.
    assert retention.run() == 2


def test_a_hold_of_one_tenant_keeps_the_month(tenant, new_tenant, old, retention, root, fault_of):
    held = new_tenant()
    old.plant(held.id, LONG_AGO)
    old.hold(held.id)
    assert retention.run() == 0
    assert (old.count(tenant.id), list(root.glob("20*"))) == (15, [])
    old.release(held.id)
    assert retention.run() == 2
    assert (fault_of(tenant.id), fault_of(held.id)) == (None, None)


def test_an_erased_tenant_keeps_its_audit_as_long_as_it_had_said(tenant, old, retention, owner, fault_of):
    owner.execute(
        "INSERT INTO tenant_erasure (tenant_id, operator, audit_retention_years) VALUES (%s, 'vera', 10)",
        [tenant.id],
    )
    owner.execute("DELETE FROM tenant_setting WHERE tenant_id = %s", [tenant.id])
    owner.execute("UPDATE tenant SET state = 'ERASED' WHERE id = %s", [tenant.id])
    assert retention.run() == 0
    owner.execute("UPDATE tenant_erasure SET audit_retention_years = NULL")
    assert retention.run() == 2
    assert (old.count(tenant.id), fault_of(tenant.id)) == (3, None)


def test_a_tenant_that_nobody_knows_keeps_everything(old, retention):
    old.plant(ids.uuid7(), LONG_AGO)
    assert retention.run() == 0


# The database's own look, where the program is not to be believed.


def refusal(database_urls, month_, keep_from="{}"):
    """What PostgreSQL says when hms_worker itself asks for a drop."""
    with psycopg.connect(database_urls.worker) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT drop_audit_month(%s, %s::jsonb)", [month_, keep_from])
    assert caught.value.sqlstate == "HMS01"
    return str(caught.value.diag.message_primary)


def checkpointed(retention, monkeypatch):
    """Everything but the drop itself."""
    monkeypatch.setattr(Retention, "_drop", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        retention.run()
    monkeypatch.undo()


FIRST = LONG_AGO.date().replace(day=1)


def test_the_database_drops_no_month_without_a_checkpoint(tenant, old, database):
    assert "no checkpoint" in refusal(database, FIRST)
    assert old.count(tenant.id) == 15


def test_the_database_drops_no_month_that_is_held_whatever_the_program_says(
    tenant, old, database, retention, monkeypatch
):
    checkpointed(retention, monkeypatch)
    old.hold(tenant.id)
    said = json.dumps({tenant.id: NOW.isoformat(), ids.PLATFORM_TENANT: NOW.isoformat()})
    assert "keeps the month" in refusal(database, FIRST, said)
    old.release()
    old.keep(tenant.id, 20)
    assert "keeps the month" in refusal(database, FIRST, said)
    old.keep(tenant.id, None)
    with psycopg.connect(database.worker) as connection:
        connection.execute("SELECT drop_audit_month(%s, '{}')", [FIRST])
    assert old.count(tenant.id) == 7


def test_the_database_drops_none_but_the_oldest_and_no_recent_one(
    tenant, old, database, retention, monkeypatch
):
    assert "oldest" in refusal(database, month(7).date().replace(day=1))
    assert "oldest" in refusal(database, LONG_AGO.date())
    assert "oldest" in refusal(database, None)
    retention.run()
    recent = old.months()[0]
    assert "younger than six years" in refusal(database, datetime.date(int(recent[:4]), int(recent[4:]), 1))


def test_the_database_drops_no_event_that_came_behind_the_checkpoint(
    tenant, old, database, retention, monkeypatch
):
    checkpointed(retention, monkeypatch)
    old.plant(tenant.id, LONG_AGO, 1)
    assert "no checkpoint at its last event" in refusal(database, FIRST)


def test_in_a_database_without_tenants_what_the_other_one_said_counts(
    tenant, old, database, retention, monkeypatch, owner
):
    checkpointed(retention, monkeypatch)
    with owner.transaction(force_rollback=True):
        owner.execute("ALTER FUNCTION audit_retention() RENAME TO elsewhere")
        for keep_from in ({}, {tenant.id: "-infinity"}, {tenant.id: f"{NAME}-20"}):
            with pytest.raises(psycopg.Error) as caught, owner.transaction():
                owner.execute("SELECT drop_audit_month(%s, %s::jsonb)", [FIRST, json.dumps(keep_from)])
            assert caught.value.sqlstate == "HMS01"
        owner.execute(
            "SELECT drop_audit_month(%s, %s::jsonb)", [FIRST, json.dumps({tenant.id: "2099-01-01"})]
        )


@pytest.mark.parametrize("role", ["app", "worker"])
def test_no_role_of_the_program_drops_or_forges_by_itself(tenant, old, database, role, owner):
    statements = [
        f"DROP TABLE audit_event_{LONG_AGO:%Y%m}",
        f"ALTER TABLE audit_event DETACH PARTITION audit_event_{LONG_AGO:%Y%m}",
        "DELETE FROM audit_event",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_checkpoint SET drop_time = now()",
        "UPDATE audit_checkpoint SET sequence = 1",
    ]
    if role == "app":
        statements += [
            "SELECT drop_audit_month('2018-01-01', '{}')",
            "INSERT INTO audit_checkpoint DEFAULT VALUES",
        ]
    else:
        statements += ["UPDATE legal_hold SET release_time = now()", "UPDATE tenant_setting SET version = 1"]
    for statement in statements:
        with psycopg.connect(getattr(database, role)) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    assert old.count(tenant.id) == 15


def test_a_hold_that_comes_in_the_middle_is_in_time_or_waits(tenant, old, retention, owner, monkeypatch):
    """Placed after the archive is written: nothing goes. The archive is of use once the hold is released."""
    drop = Retention._drop

    def held_first(self, *arguments):
        old.hold(tenant.id)
        drop(self, *arguments)

    monkeypatch.setattr(Retention, "_drop", held_first)
    with pytest.raises(ArchiveFault, match="refused"):
        retention.run()
    assert old.count(tenant.id) == 15
    monkeypatch.undo()
    assert retention.run() == 0
    old.release()
    assert retention.run() == 2


def test_a_hold_that_is_placed_during_the_drop_is_answered_after_it(
    tenant, old, retention, database, monkeypatch
):
    """Whoever gets the answer that a hold stands knows that nothing is dropped from then on."""
    answered, moments = threading.Event(), []

    def place():
        with psycopg.connect(database.owner, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO legal_hold (tenant_id, id, reason, of_platform, user_id, username)"
                " VALUES (%s, gen_random_uuid(), 'a matter', false, gen_random_uuid(), 'vera')",
                [tenant.id],
            )
        moments.append(old_months_at_answer())
        answered.set()

    def old_months_at_answer():
        with psycopg.connect(database.owner, autocommit=True) as connection:
            return connection.execute("SELECT to_regclass(%s)", [f"audit_event_{LONG_AGO:%Y%m}"]).fetchone()[
                0
            ]

    drop = retention_store.drop_month
    placer = threading.Thread(target=place)

    def drop_while_one_waits(transaction, *arguments):
        if not placer.ident:
            placer.start()
            assert eventually(lambda: waiting(database)), "the hold does not wait"
            assert not answered.is_set()
        drop(transaction, *arguments)

    monkeypatch.setattr(retention_store, "drop_month", drop_while_one_waits)
    assert retention.run() == 1  # the next month is held
    placer.join(10)
    assert moments == [None]


def waiting(database):
    with psycopg.connect(database.owner, autocommit=True) as connection:
        return connection.execute(
            "SELECT 1 FROM pg_locks WHERE relation = 'legal_hold'::regclass AND NOT granted"
        ).fetchone()


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


# Events whose place in the chain is not that of their time.


def test_events_of_the_next_month_amid_those_of_the_last_stand_on_and_are_proven(
    new_tenant, old, retention, root, owner, fault_of
):
    tenant = new_tenant()
    end = datetime.datetime(LONG_AGO.year, 2, 1, tzinfo=datetime.UTC)
    second = datetime.timedelta(seconds=1)
    # 1-3 January, 4-5 February, 6 January, 7 of today, 8 January, 9-10 of today
    for time, count in (
        (end - second, 3), (end + second, 2), (end - second, 1), (NOW, 1), (end - second, 1), (NOW, 2),
    ):  # fmt: skip
        old.plant(tenant.id, time, count)
    keeper = new_tenant()
    old.plant(keeper.id, end + second)
    old.hold(keeper.id)
    assert retention.run() == 1
    assert [e["sequence"] for e in lines(root, NAME, tenant.id)] == list(range(1, 9))
    left = owner.execute(
        "SELECT array_agg(sequence ORDER BY sequence) FROM audit_event WHERE tenant_id = %s", [tenant.id]
    ).fetchone()[0]
    assert left == [4, 5, 7, 9, 10]
    assert fault_of(tenant.id) is None
    attacks = {
        "EDIT": "UPDATE audit_event SET actor_name = 'x' WHERE tenant_id = %s AND sequence = 7",
        "DELETION": "DELETE FROM audit_event WHERE tenant_id = %s AND sequence = 5",
        "INSERTION": """INSERT INTO audit_event SELECT (jsonb_populate_record(e, (
          '{"sequence": 6, "id": "' || gen_random_uuid() || '"}')::jsonb)).*
          FROM audit_event e WHERE e.tenant_id = %s AND e.sequence = 7""",
        "LINKS": "DELETE FROM audit_event_patient WHERE tenant_id = %s AND sequence = 7",
    }
    for kind, attack in attacks.items():
        before = owner.execute(
            "SELECT to_jsonb(e) FROM audit_event e WHERE tenant_id = %s", [tenant.id]
        ).fetchall()
        links = owner.execute(
            "SELECT to_jsonb(l) FROM audit_event_patient l WHERE tenant_id = %s", [tenant.id]
        ).fetchall()
        owner.execute(attack, [tenant.id])
        assert fault_of(tenant.id).kind == kind
        for table, rows in (("audit_event", before), ("audit_event_patient", links)):
            owner.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.id])
            for (row,) in rows:
                owner.execute(
                    f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, %s::jsonb)).*",
                    [json.dumps(row)],
                )
        assert fault_of(tenant.id) is None
    old.release()
    # February goes with nothing of its own left to archive: its events were in January's piece.
    assert retention.run() == 1
    assert lines(root, f"{LONG_AGO.year}-02", tenant.id) == []
    assert fault_of(tenant.id) is None
    assert old.count(tenant.id) == 3


def test_a_chain_that_does_not_hold_is_not_archived_as_if_it_did(tenant, old, retention, owner):
    owner.execute(
        "UPDATE audit_event SET actor_name = 'x' WHERE tenant_id = %s AND sequence = 3", [tenant.id]
    )
    with pytest.raises(ArchiveFault, match=f"tenant {tenant.id}: event 3"):
        retention.run()
    assert old.count(tenant.id) == 15


def test_a_clock_that_was_wrong_drops_nothing(tenant, old, retention, monkeypatch):
    monkeypatch.setattr("hms_server.audit.retention.MOST_STANDING", 5)
    old.plant(tenant.id, LONG_AGO, 1)
    with pytest.raises(ArchiveFault, match="clock was wrong"):
        retention.run()
    assert old.count(tenant.id) == 16


def test_a_month_that_comes_again_is_not_dropped_twice(tenant, old, retention):
    retention.run()
    old.plant(tenant.id, LONG_AGO, 1)
    with pytest.raises(ArchiveFault, match="was dropped before"):
        retention.run()


def test_another_fault_of_the_database_is_told_as_such(tenant, old, retention, owner):
    owner.execute("REVOKE EXECUTE ON FUNCTION drop_audit_month(date, jsonb) FROM hms_worker")
    try:
        with pytest.raises(DatabaseFault):
            retention.run()
    finally:
        owner.execute("GRANT EXECUTE ON FUNCTION drop_audit_month(date, jsonb) TO hms_worker")
