"""The drain on the real database: in order, exactly once, whatever happens in between."""

from __future__ import annotations

import contextlib
import threading

import psycopg
import pytest

from hms_server import errors, ids
from hms_server.audit import store
from hms_server.audit.drain import ChainBroken, Drain
from hms_server.workers import cron


def holds(verifier, tenant_id, events):
    verdict = verifier.verify(tenant_id)
    return (verdict.fault, verdict.events) == (None, events)


def test_records_become_events_in_order(drain, outbox, verifier, new_tenant):
    tenant = new_tenant()
    made = outbox.put(tenant.id, 25)
    done = drain.run(tenant.id)
    assert (done.events, done.finished) == (25, True)
    assert outbox.events(tenant.id) == made
    assert outbox.waiting(tenant.id) == 0
    assert holds(verifier, tenant.id, 25)


def test_a_later_drain_goes_on_with_the_chain(drain, outbox, verifier, new_tenant):
    tenant = new_tenant()
    made = []
    for _ in range(3):
        made += outbox.put(tenant.id, 4)
        drain.run(tenant.id)
    assert outbox.events(tenant.id) == made
    assert holds(verifier, tenant.id, 12)


def test_an_empty_outbox_is_no_work(drain, outbox, verifier, new_tenant):
    tenant = new_tenant()
    assert drain.run(tenant.id).events == 0
    assert holds(verifier, tenant.id, 0)


def test_an_event_says_what_the_record_said(drain, outbox, owner, new_tenant):
    tenant, patients = new_tenant(), sorted([ids.uuid7(), ids.uuid7()])
    record = {
        "action": "UPDATE",
        "method": "m/M",
        "actor_id": tenant.user_id,
        "actor_name": "आशा",
        "old_version": 1,
        "new_version": 2,
        "address": "192.0.2.7",
        "reason": "R",
    }
    (event_id,) = outbox.put(tenant.id, 1, record=record, patient_ids=[*reversed(patients), patients[0]])
    (time,) = owner.execute("SELECT record_time FROM audit_outbox WHERE event_id = %s", [event_id]).fetchone()
    drain.run(tenant.id)
    row = owner.execute(
        "SELECT action, method, actor_id::text, actor_name, old_version, new_version, address, reason,"
        " patient_ids::text[], record_time, session_id, outcome FROM audit_event WHERE id = %s",
        [event_id],
    ).fetchone()
    assert row[:8] == ("UPDATE", "m/M", tenant.user_id, "आशा", 1, 2, "192.0.2.7", "R")
    assert row[8:] == (patients, time, None, "OK")
    linked = owner.execute(
        "SELECT patient_id::text FROM audit_event_patient WHERE tenant_id = %s AND sequence = 1 ORDER BY 1",
        [tenant.id],
    ).fetchall()
    assert [patient for (patient,) in linked] == patients


class Killed(BaseException):
    """What a kill is to the code that runs."""


STEPS = [
    (step, when) for step in ("lock_chain", "open_chain", "take", "append") for when in ("before", "after")
]


@pytest.mark.parametrize(("step", "when"), STEPS)
def test_a_crash_at_any_step_loses_and_doubles_nothing(
    step, when, drain, outbox, verifier, new_tenant, monkeypatch
):
    tenant = new_tenant()
    made = outbox.put(tenant.id, 15)
    real = getattr(store, step)

    def crash(*arguments, **named):
        if when == "after":
            real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(store, step, crash)
    with pytest.raises(Killed):
        drain.run(tenant.id)
    monkeypatch.undo()
    assert outbox.waiting(tenant.id) + len(outbox.events(tenant.id)) == 15
    drain.run(tenant.id)
    assert outbox.events(tenant.id) == made
    assert holds(verifier, tenant.id, 15)


def test_a_connection_lost_between_the_writes_and_the_commit(
    drain, outbox, database, verifier, new_tenant, monkeypatch
):
    tenant = new_tenant()
    made = outbox.put(tenant.id, 5)
    real = store.append

    def lose(transaction, *arguments):
        written = real(transaction, *arguments)
        with psycopg.connect(database.admin) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )
        return written

    monkeypatch.setattr(store, "append", lose)
    with pytest.raises(errors.Unavailable):
        drain.run(tenant.id)
    monkeypatch.undo()
    assert outbox.waiting(tenant.id) == 5
    drain.run(tenant.id)
    assert outbox.events(tenant.id) == made
    assert holds(verifier, tenant.id, 5)


def test_two_drains_at_once_do_each_record_once(worker_database, keys, outbox, verifier, new_tenant):
    tenant = new_tenant()
    made: list[str] = []
    stop = threading.Event()
    failures = []

    def work():
        one = Drain(worker_database, keys, batch=3)
        try:
            while not stop.is_set():
                one.run(tenant.id)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        made += outbox.put(tenant.id, 7)
    stop.set()
    for thread in threads:
        thread.join()
    Drain(worker_database, keys).run(tenant.id)
    assert not failures
    assert sorted(outbox.events(tenant.id)) == sorted(made)
    assert holds(verifier, tenant.id, 140)


def test_one_record_cannot_become_two_events(drain, outbox, owner, new_tenant):
    tenant = new_tenant()
    outbox.put(tenant.id)
    drain.run(tenant.id)
    with pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute(
            "INSERT INTO audit_event SELECT (jsonb_populate_record(e, '{\"sequence\": 2}')).*"
            " FROM audit_event e WHERE tenant_id = %s",
            [tenant.id],
        )


def test_records_of_a_month_without_a_partition_make_it(drain, outbox, owner, verifier, new_tenant):
    tenant = new_tenant()
    made = outbox.put(tenant.id, 2, record_time="2019-03-31T23:59:59.999999Z")
    made += outbox.put(tenant.id, 2, record_time="2019-04-01T00:00:00Z")
    made += outbox.put(tenant.id, 2)
    drain.run(tenant.id)
    assert outbox.events(tenant.id) == made
    assert owner.execute("SELECT count(*) FROM audit_event_201903").fetchone() == (2,)
    assert owner.execute("SELECT count(*) FROM audit_event_patient_201904").fetchone() == (2,)
    assert holds(verifier, tenant.id, 6)


def test_partitions_ahead_are_made_once(worker_database, owner):
    cron.make_partitions(worker_database)
    assert store.make_partitions_ahead(worker_database, cron.MONTHS_AHEAD) == []
    made = store.make_partitions_ahead(worker_database, cron.MONTHS_AHEAD + 1)
    assert len(made) == 2
    protected = owner.execute(
        "SELECT bool_and(relrowsecurity AND relforcerowsecurity) FROM pg_class WHERE relname = ANY(%s)",
        [made],
    ).fetchone()
    assert protected == (True,)


def test_a_chain_whose_last_link_is_gone_does_not_begin_anew(drain, outbox, owner, verifier, new_tenant):
    tenant = new_tenant()
    outbox.put(tenant.id, 2)
    drain.run(tenant.id)
    owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s", [tenant.id])
    outbox.put(tenant.id)
    with pytest.raises(ChainBroken):
        drain.run(tenant.id)
    assert outbox.waiting(tenant.id) == 1


def test_the_sweep_finds_every_tenant_that_waits(worker_database, outbox, drain, new_tenant):
    waiting = [new_tenant().id for _ in range(3)]
    for number, tenant_id in enumerate(waiting, start=1):
        outbox.put(tenant_id, number)
    found = store.waiting_tenants(worker_database, 1000)
    assert set(waiting) <= set(found)
    assert found == sorted(set(found))
    state = store.outbox_state(worker_database, 1000)
    assert state.records >= 6
    assert state.age_seconds >= 0
    for tenant_id in found:
        with contextlib.suppress(ChainBroken):
            drain.run(tenant_id)
    assert not set(waiting) & set(store.waiting_tenants(worker_database, 1000))


def test_a_drain_stops_after_its_time(drain, outbox, new_tenant):
    tenant = new_tenant()
    outbox.put(tenant.id, 25)
    done = drain.run(tenant.id, seconds=0)
    assert (done.events, done.finished) == (10, False)


def test_old_request_records_are_purged(worker_database, owner, new_tenant):
    tenant = new_tenant()
    for age in ("25 hours", "23 hours"):
        owner.execute(
            "INSERT INTO request_record (tenant_id, principal_id, method, request_id, request_hash,"
            " entity_id, entity_version, create_time)"
            " VALUES (%s, %s, 'm', gen_random_uuid(), '', %s, 1, now() - %s::interval)",
            [tenant.id, tenant.user_id, ids.uuid7(), age],
        )
    assert cron.purge(worker_database, cron.PURGE_REQUEST_RECORDS) == 1
