"""`hms audit move`: an installation that has an audit gets a database for it, and nothing of it is lost."""

from __future__ import annotations

import psycopg
import pytest

from hms_server import __main__ as command_line
from hms_server.errors import ConfigError
from hms_server.offboarding import audit_move
from tests.fix_retention import LONG_AGO

TABLES = ("audit_event", "audit_event_patient", "audit_anchor", "audit_checkpoint")


@pytest.fixture
def move(owner, audit_owner):
    """Moves; returns what it told."""

    def run():
        told = []
        audit_move.move(owner, audit_owner, told.append)
        return told

    return run


@pytest.fixture
def tenant(new_tenant, outbox, drain):
    """A hospital whose audit stands in the main database, of two months."""
    made = new_tenant()
    outbox.put(made.id, 12, record_time=LONG_AGO)
    outbox.put(made.id, 5)
    drain.run(made.id)
    return made


def counts(connection, tenant_id):
    found = {}
    for table in TABLES:
        statement = f"SELECT count(*) FROM {table} WHERE tenant_id = %s"
        found[table] = connection.execute(statement, [tenant_id]).fetchone()[0]
    return found


def digest(connection, tenant_id):
    return connection.execute(
        "SELECT md5(string_agg(e::text, '|' ORDER BY sequence)) FROM audit_event e WHERE tenant_id = %s",
        [tenant_id],
    ).fetchone()


def test_everything_goes_over_and_the_chain_goes_on_there(
    tenant, move, owner, audit_owner, apart_drain, apart_outbox, apart_verifier
):
    owner.execute("INSERT INTO audit_anchor VALUES (%s, '2020-01-01', 1, '\\x00', 'k', '\\x00')", [tenant.id])
    before, events = counts(owner, tenant.id), digest(owner, tenant.id)
    apart_outbox.put(tenant.id, 2)
    assert f"tenant {tenant.id}: 17 events" in move()
    assert counts(audit_owner, tenant.id) == before
    assert digest(audit_owner, tenant.id) == events
    assert set(counts(owner, tenant.id).values()) == {0}
    assert apart_drain.run(tenant.id).events == 2
    audit_owner.execute("DELETE FROM audit_anchor")
    verdict = apart_verifier.verify(tenant.id)
    assert (verdict.fault, verdict.events) == (None, 19)
    assert move() == []


def test_killed_between_the_two_commits_it_is_run_again(
    tenant, move, owner, audit_owner, drain, outbox, apart_verifier, monkeypatch
):
    real = audit_move._MARK
    monkeypatch.setattr(audit_move, "_MARK", "SELECT 1 / 0 FROM audit_chain WHERE tenant_id = %s")
    with pytest.raises(psycopg.errors.DivisionByZero):
        move()
    monkeypatch.setattr(audit_move, "_MARK", real)
    assert counts(audit_owner, tenant.id)["audit_event"] == 17
    # Nothing was marked: the main database goes on with the chain.
    outbox.put(tenant.id)
    drain.run(tenant.id)
    move()
    verdict = apart_verifier.verify(tenant.id)
    assert (verdict.fault, verdict.events) == (None, 18)


def test_a_longer_chain_there_is_not_overwritten(tenant, move, owner, audit_owner):
    audit_owner.execute("INSERT INTO audit_chain (tenant_id, sequence) VALUES (%s, 99)", [tenant.id])
    with pytest.raises(ConfigError, match="has 99 events in the audit database and 17"):
        move()
    assert counts(owner, tenant.id)["audit_event"] == 17
    audit_owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    move()


def test_the_command_moves_and_verifies(tenant, database, audit_urls, keys_file, monkeypatch, capsys):
    for setting, name in (("DATABASE_URL", "owner"), ("WORKER_DATABASE_URL", "worker")):
        monkeypatch.setenv(f"HMS_{setting}", getattr(database, name))
        monkeypatch.setenv(f"HMS_AUDIT_{setting}", getattr(audit_urls, name))
    monkeypatch.setenv("HMS_KEYS_FILE", str(keys_file))
    assert command_line.main(["audit", "move"]) == 0
    assert "moved the audit of 1 tenants" in capsys.readouterr().out
    assert command_line.main(["audit", "verify"]) == 0
    monkeypatch.delenv("HMS_AUDIT_DATABASE_URL")
    monkeypatch.delenv("HMS_AUDIT_WORKER_DATABASE_URL")
    assert command_line.main(["audit", "move"]) == 2
    assert "set HMS_AUDIT_DATABASE_URL" in capsys.readouterr().err
