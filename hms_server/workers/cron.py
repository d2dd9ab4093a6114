"""The cron process: what has to happen by itself. Each task has a thread of its own.

RQ's CronScheduler is not used: it ends with the first command that Redis does not answer, and its jobs
need Redis and a free worker, while making partitions must not depend on either. Several cron processes do
no harm: every task may run twice.
"""

from __future__ import annotations

import dataclasses
import logging
import signal
import threading
from collections.abc import Callable

import redis
from rq.scheduler import RQScheduler

from hms_server import clock
from hms_server.audit import store
from hms_server.database.queries import Query, compile_query
from hms_server.database.transaction import Database
from hms_server.jobs import queues
from hms_server.notify import store as mail_store
from hms_server.scheduling import freed
from hms_server.telemetry import logs
from hms_server.workers import mail, reminders
from hms_server.workers.measured import JobFailed, measured
from hms_server.workers.parts import Parts

_log = logging.getLogger(__name__)

MONTHS_AHEAD = 3
_SWEPT_TENANTS = 10_000
_PURGED_ROWS = 5_000
_RETRY_SECONDS = 10.0
# The same failure is told again after this time.
_SILENCE_SECONDS = 60.0

# AIP-155 records are kept a day; a session that is over for 30 days explains nothing any more.
PURGE_REQUEST_RECORDS = compile_query(
    "cron.purge_request_records",
    "SELECT purge_request_records(interval '24 hours', :rows::integer) AS gone",
)
PURGE_SESSIONS = compile_query(
    "cron.purge_sessions",
    "SELECT purge_sessions(interval '30 days', :rows::integer) AS gone",
)
# The record of a mail explains, for a while, who was told.
PURGE_MAILS = compile_query(
    "cron.purge_mails",
    "SELECT purge_mails(interval '90 days', :rows::integer) AS gone",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """What runs at the start and then every so many seconds."""

    name: str
    seconds: float
    work: Callable[[], object]
    retry_seconds: float = _RETRY_SECONDS  # after a failure, where that is sooner


def tasks(parts: Parts) -> list[Task]:
    """Every task of this release."""
    retries = _Retries(parts.redis)
    return [
        Task("audit_sweep", 2.0, lambda: sweep(parts)),
        Task("mail_sweep", 2.0, lambda: sweep_mails(parts)),
        # Holds that ran out: their seats go to the waiting list.
        Task("expire_holds", 5.0, lambda: freed.sweep(parts.database)),
        Task("reminders", 10.0, lambda: reminders.hand_over(parts)),
        Task("retries", 1.0, retries.enqueue_due),
        Task("audit_partitions", 3600.0, lambda: make_partitions(parts.audit)),
        # Once a day and tenant; looked for every hour, so that a new hospital need not wait for a day.
        Task("audit_anchors", 3600.0, parts.anchors.run),
        Task("audit_safeguards", 86_400.0, parts.leave_safeguards),
        # An archive that fails is written anew, which may be much to write.
        Task("audit_retention", 3600.0, parts.retention.run, retry_seconds=600.0),
        Task("purge_request_records", 3600.0, lambda: purge(parts.database, PURGE_REQUEST_RECORDS)),
        Task("purge_sessions", 3600.0, lambda: purge(parts.database, PURGE_SESSIONS)),
        Task("purge_mails", 3600.0, lambda: purge(parts.database, PURGE_MAILS)),
        Task("mail_dead_letters", 60.0, lambda: mail.tell_all(parts)),
    ]


def sweep(parts: Parts) -> int:
    """Asks for a drain of every tenant with records; returns how many were asked for."""
    waiting = store.waiting_tenants(parts.database, _SWEPT_TENANTS)
    return parts.requests.ask(waiting) if waiting else 0


def sweep_mails(parts: Parts) -> int:
    """Asks for a delivery for every tenant with mails that are due; returns how many were asked for."""
    if parts.post is None:
        return 0
    waiting = mail_store.waiting_tenants(parts.database, _SWEPT_TENANTS)
    return parts.mail_requests.ask(waiting) if waiting else 0


def make_partitions(database: Database) -> None:
    """Makes the audit partitions of the months ahead."""
    made = store.make_partitions_ahead(database, MONTHS_AHEAD)
    if made:
        logs.event(_log, logging.INFO, "partitions made", names=made)


def purge(database: Database, query: Query) -> int:
    """Deletes what is old, a few rows at a time; returns how many."""
    total = 0
    while True:
        with database.platform_transaction() as transaction:
            purged = transaction.queue(query, rows=_PURGED_ROWS)
        gone = int(purged.rows[0].gone)
        total += gone
        if gone < _PURGED_ROWS:
            return total


class _Retries:
    """Brings jobs whose pause before a retry is over back into their queues."""

    def __init__(self, connection: redis.Redis) -> None:
        self._scheduler = RQScheduler(
            list(queues.QUEUES),
            connection=connection,
            serializer=queues.SERIALIZER,
            logging_level=logging.ERROR,
        )

    def enqueue_due(self) -> None:
        # Only the holder of RQ's lock does it: a job must not be enqueued by two.
        self._scheduler.acquire_locks()  # type: ignore[no-untyped-call]
        self._scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]


class Cron:
    """Runs tasks until stopped; one that fails is tried again and holds up no other."""

    def __init__(self, planned: list[Task]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(task,), name=f"hms-cron-{task.name}", daemon=True)
            for task in planned
        ]

    def start(self) -> None:
        """Starts every task."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 20.0) -> None:
        """Lets what is under way come to its end."""
        self._stopping.set()
        end = clock.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - clock.monotonic()))

    def run_until_signal(self) -> None:
        """Starts, and stops at SIGTERM or SIGINT."""
        asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        self.start()
        asked.wait()
        self.stop()

    def _run(self, task: Task) -> None:
        told, told_at = "", 0.0
        while not self._stopping.is_set():
            pause = task.seconds
            try:
                measured(task.name, task.work, log_failures=False)
                told = ""
            except JobFailed as failed:
                pause = min(pause, task.retry_seconds)
                failure = str(failed)
                if failure != told or clock.monotonic() - told_at > _SILENCE_SECONDS:
                    logs.event(_log, logging.ERROR, "a task failed", task=task.name, failure=failure)
                    told, told_at = failure, clock.monotonic()
            self._stopping.wait(pause)
