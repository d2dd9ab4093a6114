"""The database drops nothing that somebody keeps, whatever the program says; holds that meet a drop."""

from __future__ import annotations

import datetime
import json
import threading

import psycopg
import pytest

from hms_server import ids
from hms_server.audit import retention_store
from hms_server.audit.archive import ArchiveFault
from hms_server.audit.retention import Retention
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
