"""Jobs of the queue `audit`."""

from __future__ import annotations

import contextlib
import logging

import redis
import rq

from hms_server import errors
from hms_server.audit.drain import Drained
from hms_server.telemetry import logs
from hms_server.workers.measured import JobFailed, measured
from hms_server.workers.parts import Parts, parts

_log = logging.getLogger(__name__)

# After a failure for good, how long nobody asks for this tenant's drain by itself.
_HOLD_SECONDS = 300.0
# How much longer than the pause before a retry others wait with asking.
_MARGIN_SECONDS = 3.0


def drain(tenant_id: str) -> int:
    """Drains the audit outbox of a tenant; returns how many events that were.

    With the database away it ends quietly: the records wait there, and the sweep asks again as long as
    there are any. With Redis away it goes on: nothing it does there is needed.
    """
    work = parts()
    try:
        done = measured("audit_drain", lambda: _drain(work, tenant_id))
    except JobFailed:
        with contextlib.suppress(redis.RedisError):
            _note_failure(work, tenant_id)
        raise
    if done is None:
        return 0
    with contextlib.suppress(redis.RedisError):
        if done.finished:
            work.requests.succeeded(tenant_id)
        else:
            work.requests.ask([tenant_id])
    return done.events


def _drain(work: Parts, tenant_id: str) -> Drained | None:
    def clear_flag() -> None:
        with contextlib.suppress(redis.RedisError):
            work.requests.clear(tenant_id)

    try:
        return work.drain.run(tenant_id, before_look=clear_flag)
    except (errors.Unavailable, errors.DeadlineExceeded) as error:
        logs.event(
            _log, logging.WARNING, "the database is away: the sweep will ask again", error=error.reason
        )
        return None


def _note_failure(work: Parts, tenant_id: str) -> None:
    job = rq.get_current_job()
    if job is not None and job.retries_left:
        work.requests.hold(tenant_id, job.get_retry_interval() + _MARGIN_SECONDS)
        return
    work.requests.hold(tenant_id, _HOLD_SECONDS)
    if job is not None:
        work.requests.failed_for_good(tenant_id, job.id)
