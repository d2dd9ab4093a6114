"""Asks for drains of an outbox (the audit's, or that of mails), at most one waiting job a tenant.

A flag in Redis says that a drain is asked for and has not had its last look yet. It lives a few seconds
only, so that a lost job (killed worker, restarted Redis) costs no more than that: the sweep asks again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import redis
import rq
from rq.job import Job

from hms_server import ids
from hms_server.jobs import queues

_FLAG_MILLISECONDS = 3000
# Tenants of one pipeline.
_PIECE = 500


class Outbox(NamedTuple):
    """What is drained, and by which job."""

    name: str
    job: str
    timeout_seconds: int

    def flag(self, tenant_id: str) -> str:
        """Says that a drain is asked for."""
        return f"hms:nudge:{self.name}:{{{tenant_id}}}"

    def dead_letter(self, tenant_id: str) -> str:
        """Names the drain that failed for good."""
        return f"hms:dead:{self.name}:{{{tenant_id}}}"


AUDIT = Outbox("audit", queues.DRAIN_JOB, queues.TIMEOUT_SECONDS)
MAIL = Outbox("mail", queues.MAIL_JOB, queues.MAIL_TIMEOUT_SECONDS)


class DrainRequests:
    """Requests on one queue. Methods raise redis.RedisError where Redis is away."""

    def __init__(self, queue: rq.Queue, outbox: Outbox = AUDIT) -> None:
        self._queue = queue
        self._outbox = outbox
        self._redis: redis.Redis = queue.connection

    def ask(self, tenants: Collection[str]) -> int:
        """Enqueues a drain for every tenant that has none waiting; returns how many those were."""
        waiting = list(tenants)
        asked = 0
        for start in range(0, len(waiting), _PIECE):
            asked += self._ask(waiting[start : start + _PIECE])
        return asked

    def _ask(self, tenants: list[str]) -> int:
        with self._redis.pipeline(transaction=False) as pipeline:
            for tenant_id in tenants:
                pipeline.set(self._outbox.flag(tenant_id), "1", nx=True, px=_FLAG_MILLISECONDS)
            fresh = [t for t, is_set in zip(tenants, pipeline.execute(), strict=True) if is_set]
        if fresh:
            self._queue.enqueue_many([self._drain(tenant_id) for tenant_id in fresh])
        return len(fresh)

    def _drain(self, tenant_id: str) -> rq.queue.EnqueueData:
        return rq.Queue.prepare_data(
            self._outbox.job,
            args=[tenant_id],
            job_id=f"drain-{ids.uuid7()}",
            timeout=self._outbox.timeout_seconds,
            result_ttl=queues.RESULT_SECONDS,
            failure_ttl=queues.DEAD_LETTER_SECONDS,
            retry=queues.retry_policy(),
        )

    def clear(self, tenant_id: str) -> None:
        """A drain begins to look: from now on the next record asks anew."""
        self._redis.delete(self._outbox.flag(tenant_id))

    def hold(self, tenant_id: str, seconds: float) -> None:
        """Nobody asks for this tenant's drain for a while, since it fails at present."""
        self._redis.set(self._outbox.flag(tenant_id), "1", px=int(seconds * 1000))

    def failed_for_good(self, tenant_id: str, job_id: str) -> None:
        """The tenant's drain goes to the dead-letter list, in place of an earlier one."""
        name = self._outbox.dead_letter(tenant_id)
        earlier = self._redis.set(name, job_id, ex=queues.DEAD_LETTER_SECONDS, get=True)
        self._forget(earlier, job_id)

    def succeeded(self, tenant_id: str) -> None:
        """The tenant's outbox is empty: an earlier failure is settled."""
        self._forget(self._redis.getdel(self._outbox.dead_letter(tenant_id)), "")

    def _forget(self, earlier: object, job_id: str) -> None:
        if not isinstance(earlier, bytes) or earlier.decode() == job_id:
            return
        job = self._queue.fetch_job(earlier.decode())
        if isinstance(job, Job):
            job.delete()
