"""The queues (RQ on Redis) and how a job fails: three more tries, then the dead-letter list.

RQ's own `unique` is never used: it keeps a job's name taken long after the job has ended or its worker was
killed. Whoever must not ask twice keeps a flag with a short life (jobs/drains.py).
"""

from __future__ import annotations

import redis
import rq
from redis.backoff import NoBackoff
from redis.retry import Retry

from hms_server.config import Settings

AUDIT = "audit"
EMAIL = "email"
# In this order: a worker takes the audit's jobs first.
QUEUES = (AUDIT, EMAIL)
SERIALIZER = "json"

# Jobs are named by path: those who ask for one need not be able to import what it needs.
DRAIN_JOB = "hms_server.workers.audit.drain"
MAIL_JOB = "hms_server.workers.mail.deliver"
MAIL_AGAIN_JOB = "hms_server.workers.mail.again"

RETRIES = 3
RETRY_SECONDS = (2, 8, 32)
TIMEOUT_SECONDS = 120
# Less than a mail is taken for (notify/post.py).
MAIL_TIMEOUT_SECONDS = 60
# A job that went well is of no interest; one that failed waits for an operator.
RESULT_SECONDS = 30
DEAD_LETTER_SECONDS = 14 * 24 * 3600


def connect(settings: Settings, seconds: float | None = None) -> redis.Redis:
    """A client of the queues' Redis. Connects when first used.

    One more try and no pause: it takes care of a pooled connection whose server was restarted; a Redis
    that is away is told at once.
    """
    wait = seconds or max(settings.redis_timeout_seconds, 1.0)
    return redis.Redis.from_url(
        settings.queue_redis_url or settings.redis_url,
        socket_timeout=wait,
        socket_connect_timeout=wait,
        retry=Retry(NoBackoff(), 1),
    )


def open_queue(connection: redis.Redis, name: str = AUDIT) -> rq.Queue:
    """A queue by name."""
    return rq.Queue(name, connection=connection, serializer=SERIALIZER)


def retry_policy() -> rq.Retry:
    """How a failing job is tried again."""
    return rq.Retry(max=RETRIES, interval=list(RETRY_SECONDS))
