"""The drain into a database of its own: each record an event exactly once, whatever dies in between."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading

import psycopg
import pytest

from hms_server import config, errors
from hms_server.audit import store
from hms_server.audit.drain import ChainBroken, Drain
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.telemetry import metrics
from hms_server.workers import cron


def holds(verifier, tenant_id, events):
    verdict = verifier.verify(tenant_id)
    return (verdict.fault, verdict.events) == (None, events)


def test_records_become_events_there_and_leave_nothing_here(
    apart_drain, apart_outbox, apart_verifier, owner, audit_owner, new_tenant
):
    tenant = new_tenant()
    made = apart_outbox.put(tenant.id, 25)
    assert apart_drain.run(tenant.id).events == 25
    assert apart_outbox.events(tenant.id) == made
    assert holds(apart_verifier, tenant.id, 25)
    for table in ("audit_outbox", "audit_event", "audit_event_patient"):
        count = f"SELECT count(*) FROM {table} WHERE tenant_id = %s"
        assert owner.execute(count, [tenant.id]).fetchone() == (0,)
    links = "SELECT count(*) FROM audit_event_patient WHERE tenant_id = %s"
    assert audit_owner.execute(links, [tenant.id]).fetchone() == (25,)
    assert audit_owner.execute("SELECT count(*) FROM audit_outbox").fetchone() == (0,)


class Killed(BaseException):
    """What a kill is to the code that runs."""


STEPS = [
    (step, when)
    for step in ("lock_chain", "open_chain", "take", "stored", "append_apart", "leave")
    for when in ("before", "after")
]


@pytest.mark.parametrize(("step", "when"), STEPS)
@pytest.mark.parametrize("call", [1, 2])
def test_a_crash_at_any_step_loses_and_doubles_nothing(
    step, when, call, apart_drain, apart_outbox, apart_verifier, new_tenant, monkeypatch
):
    tenant = new_tenant()
    made = apart_outbox.put(tenant.id, 15)
    real, calls = getattr(store, step), []

    def crash(*arguments, **named):
        calls.append(step)
        if len(calls) < call:
            return real(*arguments, **named)
        if when == "after":
            real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(store, step, crash)
    with pytest.raises(Killed):
        apart_drain.run(tenant.id)
    monkeypatch.undo()
    made += apart_outbox.put(tenant.id, 3)
    apart_drain.run(tenant.id)
    assert apart_outbox.events(tenant.id) == made
    assert apart_outbox.waiting(tenant.id) == 0
    assert holds(apart_verifier, tenant.id, 18)


def test_a_batch_of_another_size_over_a_half_done_one(
    worker_database, worker_audit, keys, apart_outbox, apart_verifier, new_tenant, monkeypatch
):
    tenant = new_tenant()
    made = apart_outbox.put(tenant.id, 30)

    def crash(*arguments):
        raise Killed

    repeated = metrics.REPEATED._value.get()
    for size in (10, 20):
        # Ten of the twenty are events of the first half already.
        monkeypatch.setattr(store, "leave", crash)
        with pytest.raises(Killed):
            Drain(worker_database, keys, batch=size, audit=worker_audit).run(tenant.id)
    monkeypatch.undo()
    assert apart_outbox.events(tenant.id) == made[:20]
    assert apart_outbox.waiting(tenant.id) == 30
    assert Drain(worker_database, keys, batch=7, audit=worker_audit).run(tenant.id).events == 10
    assert apart_outbox.events(tenant.id) == made
    assert metrics.REPEATED._value.get() - repeated == 10 + 20
    assert holds(apart_verifier, tenant.id, 30)


def end_transactions(database):
    with psycopg.connect(database.admin) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
        )


def test_a_drain_that_lost_the_outbox_while_another_one_takes_it(
    worker_database, worker_audit, keys, database, apart_outbox, apart_verifier, new_tenant, monkeypatch
):
    """The first loses its connection to the outbox, and its lock, and goes on to commit the events."""
    tenant = new_tenant()
    made = apart_outbox.put(tenant.id)
    # The chain stands: whoever begins one waits for another who does.
    Drain(worker_database, keys, audit=worker_audit).run(tenant.id)
    made += apart_outbox.put(tenant.id, 12)
    real, second = store.append_apart, Drain(worker_database, keys, batch=10, audit=worker_audit)
    met = []

    def lose(transaction, events, last):
        written = real(transaction, events, last)
        monkeypatch.undo()
        end_transactions(database)
        # Events stand there, not committed: the other must not take the chain's end for the old one.
        met.append(second.run(tenant.id))
        return written

    monkeypatch.setattr(store, "append_apart", lose)
    with pytest.raises(errors.Unavailable):
        Drain(worker_database, keys, batch=10, audit=worker_audit).run(tenant.id)
    assert met[0].events == 0
    assert apart_outbox.events(tenant.id) == made[:11]
    assert second.run(tenant.id).events == 2
    assert apart_outbox.events(tenant.id) == made
    assert holds(apart_verifier, tenant.id, 13)


@pytest.mark.parametrize("lost", ["main", "audit"])
def test_connections_that_end_at_any_moment_under_several_drains(
    lost, worker_database, worker_audit, keys, database, audit_urls, apart_outbox, apart_verifier, new_tenant
):
    tenant = new_tenant()
    made: list[str] = []
    stop = threading.Event()
    failures = []

    def work():
        one = Drain(worker_database, keys, batch=3, audit=worker_audit)
        try:
            while not stop.is_set():
                with contextlib.suppress(errors.Unavailable):
                    one.run(tenant.id)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(25):
        made += apart_outbox.put(tenant.id, 7)
        end_transactions({"main": database, "audit": audit_urls}[lost])
    stop.set()
    for thread in threads:
        thread.join()
    Drain(worker_database, keys, audit=worker_audit).run(tenant.id)
    assert not failures
    assert sorted(apart_outbox.events(tenant.id)) == sorted(made)
    assert apart_outbox.waiting(tenant.id) == 0
    assert holds(apart_verifier, tenant.id, 175)


KILLED_BETWEEN_COMMITS = textwrap.dedent("""
    import os, signal, sys
    from hms_server import config, keyring
    from hms_server.audit import store
    from hms_server.audit.drain import Drain
    from hms_server.workers import parts

    tenant_id, batches = sys.argv[1], int(sys.argv[2])
    opened = parts.open_parts(config.load(), 2)
    real, left = store.leave, []

    def leave(*arguments):
        left.append(1)
        if len(left) == batches:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    store.leave = leave
    drain = Drain(opened.database, keyring.KeyFile(config.load().keys_file), batch=5, audit=opened.audit)
    while True:
        drain.run(tenant_id)
""")


@pytest.mark.timeout(180)
def test_workers_killed_between_the_two_commits_under_writes(
    database, audit_urls, redis_url, keys_file, apart_drain, apart_outbox, apart_verifier, new_tenant
):
    tenant = new_tenant()
    made: list[str] = []
    stop = threading.Event()

    def write():
        while not stop.wait(0.01):
            made.extend(apart_outbox.put(tenant.id, 2))

    environment = {
        **os.environ,
        "HMS_WORKER_DATABASE_URL": database.worker,
        "HMS_AUDIT_WORKER_DATABASE_URL": audit_urls.worker,
        "HMS_REDIS_URL": redis_url,
        "HMS_KEYS_FILE": str(keys_file),
    }
    made += apart_outbox.put(tenant.id, 20)
    writer = threading.Thread(target=write)
    writer.start()
    chance = random.Random(16)
    try:
        for _ in range(12):
            command = [sys.executable, "-c", KILLED_BETWEEN_COMMITS, tenant.id, str(chance.randint(1, 4))]
            done = subprocess.run(command, check=False, capture_output=True, env=environment, timeout=60)
            assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    finally:
        stop.set()
        writer.join()
    half_done = len(set(apart_outbox.events(tenant.id)))
    assert half_done + apart_outbox.waiting(tenant.id) > len(made)
    # The last one's connection may not have ended yet.
    while apart_outbox.waiting(tenant.id):
        apart_drain.run(tenant.id)
    events = apart_outbox.events(tenant.id)
    assert sorted(events) == sorted(made)
    assert holds(apart_verifier, tenant.id, len(made))


def test_with_the_audit_database_away_records_wait(
    worker_database, worker_audit, keys, settings, audit_urls, apart_outbox, apart_verifier, new_tenant
):
    tenant = new_tenant()
    away = settings.model_copy(update={"pool_wait_seconds": 0.2})
    pool = Pool("postgresql://hms_worker:none@127.0.0.1:1/none", away, "away")
    pool.open()
    made = apart_outbox.put(tenant.id, 3)
    try:
        with pytest.raises(errors.Unavailable):
            Drain(worker_database, keys, audit=Database(pool, 1.0)).run(tenant.id)
    finally:
        pool.close()
    assert apart_outbox.waiting(tenant.id) == 3
    Drain(worker_database, keys, audit=worker_audit).run(tenant.id)
    assert apart_outbox.events(tenant.id) == made
    assert holds(apart_verifier, tenant.id, 3)


def test_partitions_are_made_where_the_events_stand(
    apart_drain, apart_outbox, apart_verifier, worker_audit, owner, audit_owner, new_tenant
):
    tenant = new_tenant()
    made = apart_outbox.put(tenant.id, 2, record_time="2019-03-31T23:59:59.999999Z")
    made += apart_outbox.put(tenant.id, 2, record_time="2019-04-01T00:00:00Z")
    apart_drain.run(tenant.id)
    assert apart_outbox.events(tenant.id) == made
    assert audit_owner.execute("SELECT count(*) FROM audit_event_201903").fetchone() == (2,)
    assert owner.execute("SELECT to_regclass('audit_event_201903')").fetchone() == (None,)
    assert holds(apart_verifier, tenant.id, 4)
    cron.make_partitions(worker_audit)
    assert store.make_partitions_ahead(worker_audit, cron.MONTHS_AHEAD) == []


LOST = {
    "its newest events": "DELETE FROM audit_event WHERE tenant_id = %s AND sequence > 6",
    "everything": "DELETE FROM audit_event WHERE tenant_id = %s",
}


@pytest.mark.parametrize("what", LOST)
def test_an_audit_database_that_lost_its_end_is_not_gone_on_with(
    what, apart_drain, apart_outbox, apart_verifier, owner, audit_owner, new_tenant
):
    """Restored from an old copy, or cut: the main database remembers, without any anchor."""
    tenant = new_tenant()
    apart_outbox.put(tenant.id, 10)
    apart_drain.run(tenant.id)
    audit_owner.execute(LOST[what], [tenant.id])
    if what == "everything":
        audit_owner.execute("DELETE FROM audit_event_patient WHERE tenant_id = %s", [tenant.id])
        audit_owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    else:
        audit_owner.execute(
            "UPDATE audit_chain SET sequence = 6, hash = (SELECT hash FROM audit_event e"
            " WHERE e.tenant_id = audit_chain.tenant_id AND e.sequence = 6) WHERE tenant_id = %s",
            [tenant.id],
        )
    apart_outbox.put(tenant.id)
    with pytest.raises(ChainBroken):
        apart_drain.run(tenant.id)
    assert apart_outbox.waiting(tenant.id) == 1
    fault = apart_verifier.verify(tenant.id).fault
    assert fault.kind == "TRUNCATION"
    assert "main database's last link" in fault.reason
    # As docs/operations.md says for what is lost for good.
    owner.execute(
        "UPDATE audit_chain SET sequence = 0, hash = '' WHERE elsewhere AND tenant_id = %s", [tenant.id]
    )
    apart_drain.run(tenant.id)
    assert apart_outbox.waiting(tenant.id) == 0


def test_a_chain_made_anew_in_the_audit_database_is_found(
    apart_drain, apart_outbox, apart_verifier, worker_audit, keys, owner, audit_owner, new_tenant
):
    """Whoever owns the audit database and has a key file of the past cannot rewrite it unnoticed."""
    tenant = new_tenant()
    apart_outbox.put(tenant.id, 4)
    apart_drain.run(tenant.id)
    for table in ("audit_event", "audit_event_patient", "audit_chain"):
        audit_owner.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.id])
    kept = owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s RETURNING *", [tenant.id]).fetchone()
    apart_outbox.put(tenant.id, 4)
    apart_drain.run(tenant.id)
    owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    owner.execute("INSERT INTO audit_chain VALUES (%s, %s, %s, %s, %s)", kept)
    assert apart_verifier.verify(tenant.id).fault.kind == "REWRITING"
    apart_outbox.put(tenant.id)
    with pytest.raises(ChainBroken):
        apart_drain.run(tenant.id)


def test_a_chain_goes_on_in_no_other_database_than_its_own(
    drain, apart_drain, apart_outbox, verifier, apart_verifier, owner, new_tenant
):
    here, there = new_tenant(), new_tenant()
    for tenant, its_own, other in ((here, drain, apart_drain), (there, apart_drain, drain)):
        # A chain that was opened and never written to binds nobody.
        other.run(tenant.id)
        apart_outbox.put(tenant.id, 2)
        its_own.run(tenant.id)
        apart_outbox.put(tenant.id)
        with pytest.raises(ChainBroken, match="the chain stands in"):
            other.run(tenant.id)
        assert apart_outbox.waiting(tenant.id) == 1
        its_own.run(tenant.id)
    for tenant, wrong in ((here, apart_verifier), (there, verifier)):
        with pytest.raises(errors.ConfigError, match="stands in"):
            wrong.verify(tenant.id)
    assert holds(verifier, here.id, 3)
    assert holds(apart_verifier, there.id, 3)


def test_every_tenant_of_either_database_is_verified(
    apart_drain, apart_outbox, apart_verifier, audit_owner, new_tenant
):
    known, gone = new_tenant(), new_tenant()
    apart_outbox.put(gone.id, 2)
    apart_drain.run(gone.id)
    tenants = dict(apart_verifier.tenants())
    assert tenants[known.id] == f"t{known.id[-12:]}"
    assert gone.id in tenants


def test_the_drain_looks_for_events_by_their_index(apart_drain, apart_outbox, audit_urls, new_tenant):
    """Whatever the statistics say: a batch's look must not read a month."""
    query = store._SQL["stored_events"]
    with psycopg.connect(audit_urls.worker) as connection:
        rows = connection.execute(b"EXPLAIN (GENERIC_PLAN, COSTS OFF) " + query.sql).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on audit_event" not in plan, plan
    assert "Hash Join" not in plan, plan


def test_workers_open_both_databases(database, audit_urls, redis_url, keys_file):
    from hms_server.workers import parts

    one = config.Settings(worker_database_url=database.worker, redis_url=redis_url, keys_file=keys_file)
    opened = parts.open_parts(one, 1)
    assert opened.audit is opened.database
    opened.close()
    two = one.model_copy(update={"audit_worker_database_url": audit_urls.worker})
    opened = parts.open_parts(two, 1)
    assert opened.audit is not opened.database
    assert store.make_partitions_ahead(opened.audit, 0) == []
    opened.close()
