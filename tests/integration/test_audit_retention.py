"""Old months of the audit are archived and dropped, and nothing that somebody keeps, on real PostgreSQL."""

from __future__ import annotations

import datetime
import json
import logging

import pytest

from hms_server import config, ids
from hms_server.audit import retention_store
from hms_server.audit.archive import ArchiveFault
from hms_server.audit.retention import Retention
from hms_server.database.faults import DatabaseFault
from hms_server.workers import cron, parts
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


def test_the_drop_is_in_the_chain_of_each_tenant_and_of_the_platform(
    tenant, new_tenant, old, retention, fault_of
):
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
    everyone = (tenant.id, other.id, untouched.id, ids.PLATFORM_TENANT)
    assert [fault_of(each) for each in everyone] == [None] * 4


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
