"""Jobs of the queue `email`."""

from __future__ import annotations

import contextlib
import logging

import redis

from hms_server import errors
from hms_server.jobs import dead_letters, queues
from hms_server.notify import store
from hms_server.notify.post import Delivered, Post
from hms_server.notify.store import Failed
from hms_server.telemetry import logs
from hms_server.workers import failures
from hms_server.workers.measured import JobFailed, measured
from hms_server.workers.parts import Parts, parts

_log = logging.getLogger(__name__)

# Of failed mails, how many are looked for in the dead-letter list at a time.
_TOLD = 1000


class MailFailed(errors.FailedPrecondition):
    """A mail failed for good again; the text is codes."""


def deliver(tenant_id: str) -> int:
    """Sends the mails of a tenant that are due; returns how many.

    With the database away it ends quietly, as with no SMTP server or one that is away: the mails wait, and
    the sweep asks again. With Redis away it goes on.
    """
    work = parts()
    post = work.post
    if post is None:
        return 0
    try:
        done = measured("mail", lambda: _deliver(work, post, tenant_id))
    except JobFailed:
        with contextlib.suppress(redis.RedisError):
            failures.note(work.mail_requests, tenant_id)
        raise
    if done is None:
        return 0
    with contextlib.suppress(redis.RedisError):
        for failed in done.failed:
            tell(work.redis, failed)
        if quiet := post.quiet_seconds:
            work.mail_requests.hold(tenant_id, quiet)
        elif done.finished:
            work.mail_requests.succeeded(tenant_id)
        else:
            work.mail_requests.ask([tenant_id])
    return done.sent


def _deliver(work: Parts, post: Post, tenant_id: str) -> Delivered | None:
    def clear_flag() -> None:
        with contextlib.suppress(redis.RedisError):
            work.mail_requests.clear(tenant_id)

    try:
        return post.run(tenant_id, before_look=clear_flag)
    except (errors.Unavailable, errors.DeadlineExceeded) as error:
        logs.event(
            _log, logging.WARNING, "the database is away: the sweep will ask again", error=error.reason
        )
        return None


def again(tenant_id: str, mail_id: str, recipient: int) -> None:
    """Tries a mail again that failed for good, as the operator asked; raises JobFailed if it fails."""
    post = parts().post
    if post is None:
        raise JobFailed("HMS_SMTP_URL is not set")

    def try_again() -> None:
        if reply := post.again(Failed(tenant_id, mail_id, recipient, "")):
            raise MailFailed(reply)

    measured("mail_again", try_again)


def tell(connection: redis.Redis, failed: Failed) -> bool:
    """Puts a mail that failed for good into the dead-letter list; False where it is there."""
    return dead_letters.add(
        connection,
        queues.EMAIL,
        f"mail-{failed.id}-{failed.recipient}",
        queues.MAIL_AGAIN_JOB,
        [failed.tenant_id, failed.id, failed.recipient],
        f"MailFailed: {failed.reply}",
    )


def tell_all(work: Parts) -> int:
    """Puts back into the dead-letter list what a Redis that came back empty has lost; returns how many."""
    found = store.failed(work.database, queues.DEAD_LETTER_SECONDS, _TOLD)
    return sum(tell(work.redis, failed) for failed in found)
