"""Workers, cron and metrics as processes beside a Redis of their own, all of which are killed."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import sys
import threading
import time
import urllib.request

import psycopg
import pytest
import redis

from hms_server import config, ids
from hms_server.cli import jobs as jobs_command
from hms_server.devstack.ports import free_ports
from hms_server.devstack.redis import Redis
from hms_server.errors import ConfigError
from hms_server.jobs import dead_letters, queues
from hms_server.jobs.drains import DrainRequests
from hms_server.jobs.nudge import AuditNudger
from hms_server.supervise import ChildSpec, Supervisor
from hms_server.telemetry import metrics
from hms_server.workers import cron

SOON = 20.0
_numbers = itertools.count(1)


def eventually(condition, seconds=SOON):
    """Waits until `condition()` is true; returns how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - started


def free_port():
    return free_ports().rest


class Processes:
    """Children that are started again when they end, as in production."""

    def __init__(self, folder, environment):
        (folder / "redis").mkdir()
        self.folder = folder
        self.redis = Redis(folder / "redis", free_port(), "secret", folder / "redis.log")
        self.metrics_port = free_port()
        self.environment = {
            **environment,
            "HMS_QUEUE_REDIS_URL": self.redis.url,
            "HMS_METRICS_DIR": str(folder / "metrics"),
            "HMS_METRICS_LISTEN": f"127.0.0.1:{self.metrics_port}",
        }
        (folder / "metrics").mkdir()
        self._supervisor = Supervisor()
        self.start_redis()

    def start_redis(self):
        if "redis" not in self._supervisor.names():
            self._supervisor.start(self.redis.prepare())
        eventually(self.redis.is_ready)

    def start(self, *names, options=()):
        for name in names:
            self._supervisor.start(
                ChildSpec(
                    name=name,
                    argv=(sys.executable, "-m", "hms_server", name, *options),
                    environment=self.environment,
                    log_path=self.folder / f"{name}.log",
                    rank=1,
                )
            )

    def pid(self, name):
        return self._supervisor.pid(name)

    def kill(self, name, number=signal.SIGKILL):
        return self._supervisor.kill(name, number)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def stop(self):
        self._supervisor.stop()

    def connect(self):
        return redis.Redis.from_url(self.redis.url)

    def scrape(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=8) as answer:
            lines = answer.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


@pytest.fixture
def processes(tmp_path, database, keys_file):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    environment = {
        **kept,
        "HMS_MODE": "development",
        "HMS_WORKER_DATABASE_URL": database.worker,
        "HMS_KEYS_FILE": str(keys_file),
    }
    made = Processes(tmp_path, environment)
    yield made
    made.stop()


@pytest.fixture
def queue(processes):
    connection = queues.connect(config.Settings(queue_redis_url=processes.redis.url))
    yield queues.open_queue(connection)
    connection.close()


def end_connections(database):
    """What a restart of PostgreSQL is to its clients."""
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'hms_worker'"
        )


def test_each_record_becomes_one_event_whatever_is_killed(processes, database, outbox, verifier, new_tenant):
    processes.start("worker", "cron")
    tenants = [new_tenant().id for _ in range(3)]
    made = {tenant_id: [] for tenant_id in tenants}
    stop = threading.Event()

    def write():
        for tenant_id in itertools.cycle(tenants):
            made[tenant_id] += outbox.put(tenant_id, 20)
            if stop.wait(0.01):
                return

    writer = threading.Thread(target=write)
    writer.start()
    for name in ("worker", "redis", "worker", "cron", "redis"):
        eventually(lambda: sum(len(outbox.events(tenant_id)) for tenant_id in tenants) > 0)
        with contextlib.suppress(LookupError):
            processes.kill(name)
        time.sleep(0.35)
        end_connections(database)
        time.sleep(0.35)
    stop.set()
    writer.join()
    took = eventually(lambda: not any(outbox.waiting(tenant_id) for tenant_id in tenants))
    assert took < 15
    for tenant_id in tenants:
        assert sorted(outbox.events(tenant_id)) == sorted(made[tenant_id])
        assert verifier.verify(tenant_id).fault is None
    # A worker that was not killed itself lived through Redis's end, without a storm of lines.
    assert processes.log("worker").count("Redis is away") <= 2
    assert "Traceback" not in processes.log("worker")
    assert len(processes.log("worker").splitlines()) < 20
    assert len(processes.log("cron").splitlines()) < 20


def test_a_nudge_is_drained_without_waiting_for_the_sweep(processes, queue, outbox, new_tenant):
    processes.start("worker")
    tenant = new_tenant()
    nudger = AuditNudger(queue)
    nudger.start()
    for number in range(1, 4):
        outbox.put(tenant.id)
        nudger.nudge(tenant.id)
        took = eventually(lambda: len(outbox.events(tenant.id)) == number)  # noqa: B023
    nudger.stop()
    assert took < 2


def test_nudges_of_a_tenant_are_one_job(queue):
    first, second = ids.uuid7(), ids.uuid7()
    nudger = AuditNudger(queue, pause_seconds=0.02)
    nudger.start()
    threads = [
        threading.Thread(target=lambda: [nudger.nudge(t) for _ in range(500) for t in (first, second)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: queue.count == 2)
    nudger.nudge(first)
    time.sleep(0.2)
    assert queue.count == 2
    DrainRequests(queue).clear(first)
    nudger.nudge(first)
    nudger.stop()
    assert queue.count == 3
    assert sorted(job.args[0] for job in queue.jobs) == sorted([first, first, second])


def test_a_nudge_with_redis_away_costs_the_caller_nothing():
    connection = queues.connect(config.Settings(queue_redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    nudger = AuditNudger(queues.open_queue(connection), pause_seconds=0.01)
    before = metrics.NUDGES_LOST._value.get()
    nudger.start()
    started = time.monotonic()
    for _ in range(1000):
        nudger.nudge("one")
    assert time.monotonic() - started < 0.5
    eventually(lambda: metrics.NUDGES_LOST._value.get() > before)
    nudger.nudge("two")
    nudger.stop()
    assert metrics.NUDGES_LOST._value.get() >= before + 2


def test_a_worker_stops_at_once_when_it_has_nothing_to_do(processes, queue):
    processes.start("worker")
    eventually(lambda: queue.connection.scard("rq:workers") == 1)
    pid = processes.kill("worker", signal.SIGTERM)
    eventually(lambda: not alive(pid), 5)
    assert queue.connection.scard("rq:workers") <= 1
    assert "Traceback" not in processes.log("worker")


def test_a_worker_that_is_told_to_stop_ends_its_job(processes, queue, outbox, verifier, new_tenant):
    processes.start("worker")
    tenant = new_tenant()
    made = outbox.put(tenant.id, 8000)
    DrainRequests(queue).ask([tenant.id])
    eventually(lambda: len(outbox.events(tenant.id)) > 0)
    pid = processes.kill("worker", signal.SIGTERM)
    eventually(lambda: not alive(pid), 10)
    assert queue.connection.zcard("rq:wip:audit") == 0
    eventually(lambda: outbox.waiting(tenant.id) == 0)
    assert outbox.events(tenant.id) == made
    assert verifier.verify(tenant.id).fault is None


def test_a_worker_stops_while_redis_is_away(processes):
    processes.start("worker")
    eventually(lambda: processes.connect().scard("rq:workers") == 1)
    os.kill(processes.pid("redis"), signal.SIGSTOP)
    try:
        time.sleep(0.5)
        pid = processes.kill("worker", signal.SIGTERM)
        eventually(lambda: not alive(pid), 15)
    finally:
        os.kill(processes.pid("redis"), signal.SIGCONT)


def alive(pid):
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    return False


def command(processes, monkeypatch, capsys, *arguments):
    monkeypatch.setenv("HMS_QUEUE_REDIS_URL", processes.redis.url)
    parser = argparse.ArgumentParser()
    jobs_command.register(parser.add_subparsers(dest="command"))
    capsys.readouterr()
    assert jobs_command.run(parser.parse_args(["jobs", *arguments])) == 0
    return capsys.readouterr().out


def test_a_job_that_fails_is_tried_again_then_listed_and_replayed(
    processes, queue, outbox, drain, owner, new_tenant, monkeypatch, capsys
):
    tenant = new_tenant()
    outbox.put(tenant.id)
    drain.run(tenant.id)
    kept = owner.execute("DELETE FROM audit_chain WHERE tenant_id = %s RETURNING *", [tenant.id]).fetchone()
    outbox.put(tenant.id)
    monkeypatch.setattr(queues, "RETRY_SECONDS", (0, 0, 1))
    requests, retries = DrainRequests(queue), cron._Retries(queue.connection)
    processes.start("worker")
    for _ in range(2):
        requests.clear(tenant.id)
        assert requests.ask([tenant.id]) == 1
        known = {letter.job_id for letter in dead_letters.list_all(queue.connection)}

        def failed_anew(known=known):
            retries.enqueue_due()
            return {letter.job_id for letter in dead_letters.list_all(queue.connection)} - known

        eventually(failed_anew)
    # One dead letter a tenant, however often it failed; and it asks for no more of them at once.
    (letter,) = dead_letters.list_all(queue.connection)
    assert letter.arguments == [tenant.id]
    assert requests.ask([tenant.id]) == 0
    assert processes.log("worker").count('"a job failed"') == 8
    listed = command(processes, monkeypatch, capsys, "failed")
    assert letter.job_id in listed
    shown = command(processes, monkeypatch, capsys, "show", letter.job_id)
    assert tenant.id in shown
    assert "ChainBroken" in shown
    with pytest.raises(ConfigError):
        command(processes, monkeypatch, capsys, "show", "drain-none")
    owner.execute("INSERT INTO audit_chain VALUES (%s, %s, %s, %s, %s)", kept)
    assert "queued again" in command(processes, monkeypatch, capsys, "replay", letter.job_id)
    eventually(lambda: len(outbox.events(tenant.id)) == 2)
    assert command(processes, monkeypatch, capsys, "failed") == "no failed jobs\n"


def test_metrics_of_all_processes_and_of_what_waits(processes, queue, outbox, new_tenant):
    tenant = new_tenant()
    outbox.put(tenant.id, 3)
    processes.start("metrics")
    eventually(lambda: answers(processes))
    waiting = processes.scrape()
    assert float(waiting["hms_outbox_records"]) >= 3
    assert float(waiting["hms_outbox_age_seconds"]) > 0
    assert (waiting["hms_database_up"], waiting["hms_redis_up"]) == ("1.0", "1.0")
    assert waiting['hms_queue_jobs{queue="audit"}'] == "0.0"
    processes.start("worker", "cron")
    eventually(lambda: processes.scrape()["hms_outbox_records"] == "0.0")
    eventually(lambda: float(processes.scrape().get("hms_audit_drained_total", 0)) >= 3)
    drained = processes.scrape()["hms_audit_drained_total"]
    pid = processes.kill("worker")
    eventually(lambda: not alive(pid))
    after = processes.scrape()
    assert after["hms_audit_drained_total"] == drained
    assert float(after['hms_job_seconds_count{job="audit_drain",result="ok"}']) >= 1
    os.kill(processes.pid("redis"), signal.SIGSTOP)
    started = time.monotonic()
    assert processes.scrape()["hms_redis_up"] == "0.0"
    assert time.monotonic() - started < 5
    os.kill(processes.pid("redis"), signal.SIGCONT)
    eventually(lambda: processes.scrape()["hms_redis_up"] == "1.0")


def answers(processes):
    with contextlib.suppress(OSError):
        return bool(processes.scrape())
    return False


def test_one_task_that_fails_holds_up_no_other():
    done = []

    def fail():
        done.append("failed")
        raise RuntimeError

    def hang():
        time.sleep(1)

    clock = cron.Cron(
        [
            cron.Task("t_fail", 0.02, fail),
            cron.Task("t_hang", 9, hang),
            cron.Task("t_work", 0.02, lambda: done.append("ok")),
        ]
    )
    clock.start()
    eventually(lambda: done.count("ok") > 3 and done.count("failed") > 3)
    clock.stop()
