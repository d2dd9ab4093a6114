"""Mails by the very processes of an installation: worker, cron and Redis, all of which are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest

from hms_server import config
from hms_server.admin.settings import SettingsBook
from hms_server.cli import mail as mail_command
from hms_server.database.requests import RequestIds
from hms_server.errors import ConfigError
from hms_server.jobs import dead_letters, queues
from hms_server.jobs.drains import MAIL, DrainRequests
from hms_server.jobs.nudge import MailNudger
from tests.fix_mail import HEAD
from tests.integration.test_mail_post import OFFICER, SECOND, House
from tests.integration.test_workers import Processes, alive, command, eventually


@pytest.fixture
def hospital(registry, owner, app_database, keys):
    owner.execute("DELETE FROM mail")
    return House(
        registry, owner, SettingsBook(database=app_database, request_ids=RequestIds(keys.request_hash))
    )


@pytest.fixture
def processes_with(tmp_path, database, keys_file):
    """Makes the processes, with a server for mail or without."""
    made = []

    def make(**environment):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        kept |= {
            "HMS_MODE": "development",
            "HMS_WORKER_DATABASE_URL": database.worker,
            "HMS_KEYS_FILE": str(keys_file),
        }
        made.append(Processes(tmp_path, {**kept, **environment}))
        return made[-1]

    yield make
    for processes in made:
        processes.stop()


@pytest.fixture
def processes(processes_with, smtp_server):
    return processes_with(**mail_settings(smtp_server))


def mail_settings(smtp_server):
    return {
        "HMS_SMTP_URL": smtp_server.url(),
        "HMS_MAIL_FROM": HEAD.sender,
        "HMS_FRONT_END_URL": HEAD.front_end_url,
    }


@pytest.fixture
def queue(processes):
    connection = queues.connect(config.Settings(queue_redis_url=processes.redis.url))
    yield queues.open_queue(connection, queues.EMAIL)
    connection.close()


def test_no_mail_is_lost_whatever_is_killed(processes, hospital, smtp_server):
    hospital.officers(OFFICER, SECOND)
    processes.start("worker", "cron")
    grants = []
    stop = threading.Event()

    def break_glasses():
        while not stop.wait(0.3):
            grants.append(hospital.break_glass().id)

    writer = threading.Thread(target=break_glasses)
    writer.start()
    for name in ("worker", "redis", "worker", "cron", "redis"):
        before = len(smtp_server.taken)
        eventually(lambda: len(smtp_server.taken) > before)  # noqa: B023
        with contextlib.suppress(LookupError):
            processes.kill(name)
    stop.set()
    writer.join()
    # A mail that a killed worker was at waits until that worker's time is over.
    time.sleep(0.5)
    hospital.due()
    eventually(lambda: {row[2] for row in hospital.mails()} == {"SENT"}, 60)
    assert grants
    for address in (OFFICER, SECOND):
        told = {taken.text.partition("BREAK_GLASS:")[2].split()[0] for taken in smtp_server.to(address)}
        assert told == set(grants)
    # What was sent twice can be told by its Message-ID.
    assert len({taken.identity for taken in smtp_server.taken}) == 2 * len(grants)
    assert "Traceback" not in processes.log("worker") + processes.log("cron")


def test_a_worker_killed_when_the_server_had_the_mail_leaves_it_to_the_next(processes, hospital, smtp_server):
    hospital.officers(OFFICER)
    killed = []

    def kill_once(taken):
        if not killed:
            killed.append(processes.kill("worker"))
        return "250 2.0.0 taken"

    smtp_server.after_data = kill_once
    processes.start("worker", "cron")
    hospital.break_glass()
    eventually(lambda: len(smtp_server.taken) == 1)
    assert killed
    assert not alive(killed[0])
    assert hospital.states() == {OFFICER: "WAITING"}
    hospital.due()
    eventually(lambda: hospital.states() == {OFFICER: "SENT"})
    assert len(smtp_server.taken) == 2
    assert len({taken.identity for taken in smtp_server.taken}) == 1


def test_a_nudge_is_a_mail_without_waiting_for_the_sweep(processes, queue, hospital, smtp_server):
    hospital.officers(OFFICER)
    processes.start("worker")
    nudger = MailNudger(queue)
    nudger.start()
    hospital.break_glass()
    nudger.nudge(hospital.tenant.id)
    eventually(lambda: len(smtp_server.taken) == 1)
    nudger.stop()
    assert queue.jobs == []


def test_a_refused_mail_is_in_the_dead_letter_list_and_is_replayed(
    processes, queue, hospital, smtp_server, monkeypatch, capsys
):
    hospital.officers(OFFICER)
    smtp_server.answers[OFFICER] = f"550 5.1.1 <{OFFICER}> unknown"
    processes.start("worker", "cron")
    hospital.break_glass()
    (letter,) = eventually_some(lambda: dead_letters.list_all(queue.connection))
    assert (letter.queue, letter.failure) == ("email", "MailFailed: 550 5.1.1")
    assert letter.job_id in command(processes, monkeypatch, capsys, "failed")
    shown = command(processes, monkeypatch, capsys, "show", letter.job_id)
    assert OFFICER not in shown
    assert hospital.tenant.id in shown
    # Redis comes back empty: the list is made again of what PostgreSQL knows.
    processes.kill("redis")
    eventually(processes.redis.is_ready)
    assert dead_letters.list_all(processes.connect()) == []
    processes.kill("cron")
    (letter,) = eventually_some(lambda: dead_letters.list_all(queue.connection))
    smtp_server.answers.clear()
    assert "queued again" in command(processes, monkeypatch, capsys, "replay", letter.job_id)
    eventually(lambda: hospital.states() == {OFFICER: "SENT"})
    assert len(smtp_server.taken) == 1
    eventually(lambda: dead_letters.list_all(queue.connection) == [])
    assert OFFICER not in processes.log("worker")


def test_a_replayed_mail_that_is_refused_again_comes_back_to_the_list(
    processes, queue, hospital, smtp_server, monkeypatch, capsys
):
    hospital.officers(OFFICER)
    smtp_server.answers[OFFICER] = "550 5.1.1 unknown"
    processes.start("worker", "cron")
    hospital.break_glass()
    (letter,) = eventually_some(lambda: dead_letters.list_all(queue.connection))
    smtp_server.answers[OFFICER] = "552 5.2.2 full"
    monkeypatch.setattr(queues, "RETRIES", 0)
    command(processes, monkeypatch, capsys, "replay", letter.job_id)
    (again,) = eventually_some(
        lambda: [each for each in dead_letters.list_all(queue.connection) if "552" in each.failure]
    )
    assert again.job_id == letter.job_id
    assert hospital.states() == {OFFICER: "FAILED"}


def test_without_a_server_mails_wait_and_the_log_says_so_once(processes_with, hospital, queue_of):
    hospital.officers(OFFICER)
    processes = processes_with()
    processes.start("worker", "cron")
    eventually(lambda: processes.connect().scard("rq:workers") == 1)
    grant = hospital.break_glass()
    queue = queue_of(processes)
    DrainRequests(queue, MAIL).ask([hospital.tenant.id])
    eventually(lambda: queue.count == 0)
    assert hospital.states() == {OFFICER: "WAITING"}
    assert hospital.notice(grant) == "WAITING"
    for name in ("worker", "cron"):
        eventually(lambda: processes.log(name).count("HMS_SMTP_URL is not set") == 1)  # noqa: B023
    assert dead_letters.list_all(queue.connection) == []


@pytest.fixture
def queue_of():
    with contextlib.ExitStack() as stack:

        def make(processes):
            connection = queues.connect(config.Settings(queue_redis_url=processes.redis.url))
            stack.callback(connection.close)
            return queues.open_queue(connection, queues.EMAIL)

        yield make


def test_a_server_that_hangs_does_not_keep_the_worker_from_the_audit(
    processes, hospital, outbox, smtp_server, new_tenant
):
    hospital.officers(OFFICER)
    hanging = threading.Event()

    def hang(taken):
        hanging.wait(5)
        return "250 2.0.0 taken"

    smtp_server.after_data = hang
    processes.start("worker", "cron")
    hospital.break_glass()
    other = new_tenant()
    made = outbox.put(other.id, 3)
    eventually(lambda: outbox.events(other.id) == made)
    hanging.set()
    eventually(lambda: hospital.states() == {OFFICER: "SENT"})


def test_a_worker_of_the_audit_alone_sends_no_mail(
    processes, queue, hospital, outbox, smtp_server, new_tenant
):
    hospital.officers(OFFICER)
    processes.start("worker", options=("--queue", "audit"))
    hospital.break_glass()
    DrainRequests(queue, MAIL).ask([hospital.tenant.id])
    tenant = new_tenant()
    made = outbox.put(tenant.id)
    DrainRequests(queues.open_queue(queue.connection)).ask([tenant.id])
    eventually(lambda: outbox.events(tenant.id) == made)
    assert queue.count == 1
    assert smtp_server.taken == []


def test_a_fault_of_ours_makes_no_storm_and_loses_no_mail(processes, hospital, smtp_server, owner):
    hospital.officers(OFFICER)
    owner.execute("REVOKE UPDATE ON mail FROM hms_worker")
    try:
        hospital.break_glass()
        processes.start("worker", "cron")
        eventually(lambda: "a job failed" in processes.log("worker"))
        time.sleep(4)
        assert processes.log("worker").count("a job failed") <= 3
    finally:
        owner.execute("GRANT UPDATE (state, tries, reply, due_time, end_time) ON mail TO hms_worker")
    eventually(lambda: hospital.states() == {OFFICER: "SENT"}, 30)


def test_metrics_tell_what_waits_and_what_failed(processes, hospital, smtp_server):
    hospital.officers(OFFICER, SECOND)
    smtp_server.answers[OFFICER] = "550 5.1.1 unknown"
    hospital.break_glass()
    processes.start("metrics")
    eventually(lambda: scraped(processes).get("hms_mail_waiting") == "2.0")
    assert float(scraped(processes)["hms_mail_age_seconds"]) > 0
    processes.start("worker", "cron")
    eventually(lambda: scraped(processes).get("hms_mail_waiting") == "0.0")
    assert scraped(processes)["hms_mail_failed"] == "1.0"
    eventually(lambda: scraped(processes).get('hms_mails_total{kind="BREAK_GLASS",result="sent"}') == "1.0")
    assert 'hms_queue_failed_jobs{queue="email"}' in scraped(processes)


def scraped(processes):
    with contextlib.suppress(OSError):
        return processes.scrape()
    return {}


def eventually_some(look):
    eventually(look)
    return look()


def test_a_worker_that_is_told_to_stop_ends_its_mail(processes, hospital, smtp_server):
    hospital.officers(OFFICER)
    reached, go_on = threading.Event(), threading.Event()

    def slow(taken):
        reached.set()
        go_on.wait(5)
        return "250 2.0.0 taken"

    smtp_server.after_data = slow
    processes.start("worker", "cron")
    hospital.break_glass()
    assert reached.wait(20)
    processes.kill("worker", signal.SIGTERM)
    go_on.set()
    eventually(lambda: hospital.states() == {OFFICER: "SENT"})
    assert len(smtp_server.taken) == 1


def test_hms_mail_test_says_what_the_server_says(smtp_server, monkeypatch, capsys):
    import argparse

    for name, value in mail_settings(smtp_server).items():
        monkeypatch.setenv(name, value)
    parser = argparse.ArgumentParser()
    mail_command.register(parser.add_subparsers(dest="command"))
    assert mail_command.run(parser.parse_args(["mail", "test", OFFICER])) == 0
    assert smtp_server.taken[0].identity in capsys.readouterr().out
    assert HEAD.front_end_url in smtp_server.taken[0].text
    smtp_server.answers[OFFICER] = "550 5.1.1 unknown"
    for address, said in ((OFFICER, "550 5.1.1"), ("nobody", "address")):
        with pytest.raises(ConfigError, match=said):
            mail_command.run(parser.parse_args(["mail", "test", address]))
    smtp_server.stop()
    with pytest.raises(ConfigError, match="ConnectionRefusedError"):
        mail_command.run(parser.parse_args(["mail", "test", OFFICER]))
