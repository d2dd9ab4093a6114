"""Jobs of the queue `audit`."""

from __future__ import annotations

import contextlib
import logging

import redis

from hms_server import errors
from hms_server.audit.drain import Drained
from hms_server.telemetry import logs
from hms_server.workers import failures
from hms_server.workers.measured import JobFailed, measured
from hms_server.workers.parts import Parts, parts

_log = logging.getLogger(__name__)


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
            failures.note(work.requests, tenant_id)
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
