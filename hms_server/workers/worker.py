"""The RQ worker: jobs run in this process, without a fork, one after another.

RQ's own worker ends where Redis goes away in the middle of a job, and answers SIGTERM by calls to Redis.
This one goes on until it is told to stop: it waits for Redis, registers anew, and finishes the job it is at.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.worker.base import WorkerStatus

from hms_server import ids
from hms_server.jobs import queues
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)

# A worker that is not seen for this long is dead. RQ waits for a job 15 seconds less: one second.
_TTL_SECONDS = 16
# How long an answer of Redis may take, a second of waiting for a job included: one that hangs is away.
ANSWER_SECONDS = 3
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 2.0


class _Worker(SimpleWorker):
    """One registration with Redis, for as long as the connection holds."""

    # What RQ logs per job is in the metrics.
    log_result_lifespan = False

    def __init__(self, stopping: threading.Event, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stopping = stopping
        self._lost = False

    @property
    def connection_timeout(self) -> int:
        """What RQ sets as the connection's time-out."""
        return ANSWER_SECONDS

    def _install_signal_handlers(self) -> None:
        """The process has its own (see run)."""

    def subscribe(self) -> None:
        """RQ's commands to workers are not used; its thread would outlive the connection."""

    def teardown(self) -> None:
        """Signs off, unless there is nobody to tell."""
        if not self._lost:
            super().teardown()  # type: ignore[no-untyped-call]

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Waits for a job, a second at a time; None when the process is to stop.

        Raises redis.RedisError, where RQ's own waits by itself and could not be stopped meanwhile.
        """
        try:
            self.set_state(WorkerStatus.IDLE)
            while not self._stopping.is_set():
                self.heartbeat()
                if self.should_run_maintenance_tasks:
                    self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
                with contextlib.suppress(DequeueTimeout):
                    return self._dequeue()
        except redis.RedisError as error:
            self._lost = True
            # RQ tells a time-out by a log line of its own.
            raise redis.ConnectionError from error
        return None

    def _dequeue(self) -> tuple[Job, Queue] | None:
        found = self.queue_class.dequeue_any(
            self._ordered_queues,
            self.dequeue_timeout,
            connection=self.connection,
            job_class=self.job_class,
            serializer=self.serializer,
            death_penalty_class=self.death_penalty_class,
        )
        if found is not None:
            found[0].redis_server_version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
        return found


class _Filter(logging.Filter):
    """Of RQ's log: faults only, without the values its messages quote, and without Redis's outages."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if record.levelno < logging.ERROR or isinstance(error, redis.RedisError):
            return False
        record.msg, record.args = str(record.msg).partition("\n")[0], ()
        return True


def _tame_rq_log() -> None:
    # A logger's filter does not see what its children log: each gets its own.
    for name in ("rq.worker", "rq.job", "rq.queue", "rq.registry", "rq.scheduler"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.addFilter(_Filter())


def run(connection: redis.Redis, names: tuple[str, ...] = queues.QUEUES) -> None:
    """Works until SIGTERM or SIGINT; the job at hand is finished first.

    `connection` must allow an answer ANSWER_SECONDS.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _tame_rq_log()
    work_until(stopping, connection, names)


def work_until(
    stopping: threading.Event, connection: redis.Redis, names: tuple[str, ...] = queues.QUEUES
) -> None:
    """Works until `stopping` is set, through every outage of Redis."""
    pause = _FIRST_PAUSE
    away = False
    while not stopping.is_set():
        try:
            connection.ping()
            if away:
                logs.event(_log, logging.INFO, "Redis is back")
            away, pause = False, _FIRST_PAUSE
            _Worker(
                stopping,
                [queues.open_queue(connection, name) for name in names],
                name=f"worker-{ids.uuid7()}",
                connection=connection,
                serializer=queues.SERIALIZER,
                worker_ttl=_TTL_SECONDS,
                log_job_description=False,
            ).work(logging_level=None)
        except redis.RedisError as error:
            if not away:
                logs.event(_log, logging.WARNING, "Redis is away: waiting", error=type(error).__name__)
            away = True
        # Also after RQ gave up for a reason of its own, which it has logged.
        stopping.wait(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
