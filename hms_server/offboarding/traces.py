"""What Redis holds of a tenant: gate keys, cached values, nudges, and jobs that name it."""

from __future__ import annotations

from typing import NamedTuple

import redis
from rq.job import Job

from hms_server.jobs import queues

_PIECE = 1000


class Dropped(NamedTuple):
    """How many were dropped."""

    keys: int
    jobs: int


def drop(shared: redis.Redis, queued: redis.Redis, tenant_id: str) -> Dropped:
    """Drops all of it. `shared` is the Redis of gate and cache, `queued` that of the queues.

    Every key of a tenant has its id as hash tag. Jobs that run at present end by themselves. Raises
    redis.RedisError.
    """
    jobs = sum(_drop_jobs(queued, name, tenant_id) for name in queues.QUEUES)
    keys = _drop_keys(shared, tenant_id) + _drop_keys(queued, tenant_id)
    return Dropped(keys, jobs)


def _drop_keys(client: redis.Redis, tenant_id: str) -> int:
    found = list(client.scan_iter(match=f"hms:*{{{tenant_id}}}*", count=_PIECE))
    dropped = 0
    for start in range(0, len(found), _PIECE):
        dropped += int(client.unlink(*found[start : start + _PIECE]))
    return dropped


def _drop_jobs(client: redis.Redis, name: str, tenant_id: str) -> int:
    """Jobs that wait, that wait for another try, or that failed for good."""
    queue = queues.open_queue(client, name)
    waiting = [*queue.get_job_ids(), *queue.scheduled_job_registry.get_job_ids()]
    waiting += queue.failed_job_registry.get_job_ids(cleanup=False)
    dropped = 0
    for start in range(0, len(waiting), _PIECE):
        piece = waiting[start : start + _PIECE]
        for job in Job.fetch_many(piece, connection=client, serializer=queues.SERIALIZER):
            if job is not None and tenant_id in job.args:
                job.delete()
                dropped += 1
    return dropped
