"""The dead-letter list: jobs that failed every try. An operator lists, inspects and replays them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

import redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.results import Result

from hms_server import clock
from hms_server.errors import ConfigError
from hms_server.jobs import queues


class DeadLetter(NamedTuple):
    """A job that failed for good."""

    job_id: str
    queue: str
    job: str  # path of the job's function
    arguments: list[Any]  # ids
    end_time: datetime.datetime | None
    failure: str


def list_all(connection: redis.Redis) -> list[DeadLetter]:
    """Every dead letter of every queue, the latest first."""
    found = []
    for name in queues.QUEUES:
        registry = queues.open_queue(connection, name).failed_job_registry
        names = registry.get_job_ids()
        jobs = Job.fetch_many(names, connection=connection, serializer=queues.SERIALIZER)
        found += [_letter(job) for job in jobs if job is not None]
    return sorted(found, key=lambda letter: str(letter.end_time), reverse=True)


def find(connection: redis.Redis, job_id: str) -> DeadLetter:
    """One dead letter; raises ConfigError where there is none of that id."""
    return _letter(_fetch(connection, job_id))


def replay(connection: redis.Redis, job_id: str) -> None:
    """Gives a dead letter all its tries again and enqueues it; ConfigError where there is none."""
    job = _fetch(connection, job_id)
    job.retries_left = queues.RETRIES
    try:
        queues.open_queue(connection, job.origin).failed_job_registry.requeue(job)
    except InvalidJobOperation:
        raise ConfigError(f"job {job_id} is not in the dead-letter list any more") from None


def add(
    connection: redis.Redis, queue: str, job_id: str, job: str, arguments: Sequence[Any], why: str
) -> bool:
    """Puts a job that never ran into the list: what it is to do failed without it. False where it is there.

    For what PostgreSQL keeps, so that it can be told again; the list itself lives in Redis.
    """
    if Job.exists(job_id, connection=connection):
        return False
    opened = queues.open_queue(connection, queue)
    made = Job.create(
        job,
        args=list(arguments),
        id=job_id,
        connection=connection,
        origin=queue,
        status=JobStatus.FAILED,
        timeout=queues.MAIL_TIMEOUT_SECONDS,
        result_ttl=queues.RESULT_SECONDS,
        failure_ttl=queues.DEAD_LETTER_SECONDS,
        serializer=queues.SERIALIZER,
    )
    made.retry_intervals = list(queues.RETRY_SECONDS)
    made.ended_at = clock.now()
    made.save()
    Result.create_failure(made, queues.DEAD_LETTER_SECONDS, why)
    opened.failed_job_registry.add(made, queues.DEAD_LETTER_SECONDS)
    return True


def _fetch(connection: redis.Redis, job_id: str) -> Job:
    try:
        job = Job.fetch(job_id, connection=connection, serializer=queues.SERIALIZER)
    except (NoSuchJobError, ValueError):
        job = None
    if job is None or job.origin not in queues.QUEUES or not job.is_failed:
        raise ConfigError(f"no job {job_id} in the dead-letter list (see `hms jobs failed`)")
    return job


def _letter(job: Job) -> DeadLetter:
    result = job.latest_result()
    text = (result.exc_string if result is not None else None) or ""
    lines = text.strip().splitlines()
    return DeadLetter(
        job_id=job.id,
        queue=job.origin,
        job=job.func_name or "",
        arguments=list(job.args),
        end_time=job.ended_at,
        failure=lines[-1] if lines else "",
    )
