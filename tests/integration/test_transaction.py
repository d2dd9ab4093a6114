"""Transactions on the real database: what they carry, what they leave behind, what stops them."""

from __future__ import annotations

import concurrent.futures
import threading
import time

import psycopg
import pytest

from hms_server import clock, errors, ids
from hms_server.database.queries import compile_query
from hms_server.database.transaction import Database

SLEEP = compile_query("test.sleep", "SELECT pg_sleep(:seconds::double precision)")
TIMEOUT = compile_query("test.timeout", "SELECT current_setting('statement_timeout') AS timeout")
TENANT = compile_query("test.tenant", "SELECT current_setting('app.tenant_id', true) AS tenant")
ADD = compile_query(
    "test.add", "UPDATE uhid_counter SET next_number = next_number + 1 WHERE tenant_id = :tenant_id"
)
NUMBER = compile_query("test.number", "SELECT next_number FROM uhid_counter WHERE tenant_id = :tenant_id")
BROKEN = compile_query("test.broken", "SELECT 1 / (random() * 0)::integer")
ECHO = compile_query("test.echo", "SELECT :text::text AS text")


def number(database, tenant):
    with database.tenant_transaction(tenant.id) as transaction:
        result = transaction.queue(NUMBER)
    return result.first.next_number


def test_a_read_is_there_after_the_transaction(app_database, new_tenant):
    assert number(app_database, new_tenant()) == 1


def test_the_tenant_does_not_outlive_its_transaction(app_database, new_tenant):
    tenant = new_tenant()
    with app_database.tenant_transaction(tenant.id) as transaction:
        inside = transaction.queue(TENANT)
    with app_database.platform_transaction() as transaction:
        after = transaction.queue(TENANT)
    assert (inside.first.tenant, after.first.tenant) == (tenant.id, ids.PLATFORM_TENANT)


def test_an_error_undoes_every_flush(app_database, new_tenant):
    tenant = new_tenant()
    with pytest.raises(RuntimeError), app_database.tenant_transaction(tenant.id) as transaction:
        transaction.queue(ADD)
        transaction.flush()
        raise RuntimeError
    assert number(app_database, tenant) == 1


def test_a_failing_statement_undoes_those_before_it_in_the_same_flush(app_database, new_tenant):
    tenant = new_tenant()
    with pytest.raises(errors.Internal), app_database.tenant_transaction(tenant.id) as transaction:
        transaction.queue(ADD)
        transaction.queue(BROKEN)
    assert number(app_database, tenant) == 1


def test_the_callers_deadline_is_the_statement_timeout(app_database, new_tenant):
    tenant = new_tenant()
    call = tenant.call("PatientService/GetPatient")
    call.deadline = clock.monotonic() + 0.2
    started = time.monotonic()
    with (
        pytest.raises(errors.DeadlineExceeded),
        app_database.tenant_transaction(tenant.id, call) as transaction,
    ):
        transaction.queue(SLEEP, seconds=5)
    assert time.monotonic() - started < 2


def test_without_a_deadline_the_ceiling_is_the_statement_timeout(app_database, new_tenant):
    with app_database.tenant_transaction(new_tenant().id) as transaction:
        result = transaction.queue(TIMEOUT)
    assert result.first.timeout == "15s"


@pytest.mark.parametrize(("ceiling", "timeout"), [(14.5, "15s"), (13.0, "13s"), (300.0, "5min")])
def test_a_ceiling_that_is_not_the_usual_one_is_the_statement_timeout_of_its_transactions_alone(
    app_database, new_tenant, ceiling, timeout
):
    tenant = new_tenant()
    other = Database(app_database._pool, ceiling)
    for database, expected in ((other, timeout), (app_database, "15s"), (other, timeout)):
        with database.tenant_transaction(tenant.id) as transaction:
            result = transaction.queue(TIMEOUT)
        assert result.first.timeout == expected


def test_a_connection_keeps_nothing_of_the_rows_it_read(app_database, new_tenant):
    with app_database.tenant_transaction(new_tenant().id) as transaction:
        result = transaction.queue(TIMEOUT)
    assert result.first is not None
    connection = app_database._pool.acquire(1)
    try:
        assert connection.transformer.pgresult is None  # a patient must not stay in memory with it
    finally:
        app_database._pool.release(connection)


def test_a_caller_who_goes_away_stops_the_statement_and_the_pool_stays_whole(app_database, new_tenant):
    tenant = new_tenant()
    call = tenant.call("PatientService/GetPatient")
    threading.Timer(0.2, call.cancel).start()
    started = time.monotonic()
    with (
        pytest.raises(errors.Cancelled),
        app_database.tenant_transaction(tenant.id, call) as transaction,
    ):
        transaction.queue(SLEEP, seconds=5)
    assert time.monotonic() - started < 2
    assert [number(app_database, tenant) for _ in range(10)] == [1] * 10


def test_a_nul_character_is_refused_and_the_pool_stays_whole(app_database, new_tenant):
    tenant = new_tenant()
    with (
        pytest.raises(errors.InvalidArgument),
        app_database.tenant_transaction(tenant.id) as transaction,
    ):
        transaction.queue(ECHO, text="a\0b")
    assert number(app_database, tenant) == 1


@pytest.mark.parametrize("text", ["", "ā", "प्रिया", "'; DROP TABLE patient; --", "\\", "🏥", "a" * 100_000])
def test_any_text_travels_unchanged(app_database, new_tenant, text):
    with app_database.tenant_transaction(new_tenant().id) as transaction:
        result = transaction.queue(ECHO, text=text)
    assert result.first.text == text


@pytest.mark.parametrize("tenant", ["", "x", "'; RESET ROLE; --", "00000000-0000-0000-0000-00000000000G"])
def test_only_a_uuid_becomes_a_tenant(app_database, tenant):
    with pytest.raises(errors.InvalidArgument), app_database.tenant_transaction(tenant):
        pass


def test_connections_that_the_server_closed_are_replaced_without_a_failing_call(
    app_database, database, new_tenant
):
    tenant = new_tenant()
    # All of the pool's connections are open and then idle.
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: number(app_database, tenant), range(60)))
    with psycopg.connect(database.admin) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'hms_app' AND datname = current_database()"
        )
    time.sleep(0.1)
    assert [number(app_database, tenant) for _ in range(8)] == [1] * 8
