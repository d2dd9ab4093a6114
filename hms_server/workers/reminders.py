"""Reminders of appointments: handed to the mail when they are due."""

from __future__ import annotations

import contextlib

import redis

from hms_server.database.queries import compile_query
from hms_server.workers.parts import Parts

_AT_ONCE = 500
_HAND_OVER = compile_query(
    "reminders.hand_over",
    "SELECT r.tenant_id, r.state FROM hand_over_reminders(:rows::integer) r",
)


def hand_over(parts: Parts) -> int:
    """Hands every reminder that is due to the mail, some in each commit; returns how many were looked at.

    Each goes out once, however many processes do this at once. Without an SMTP server the mails wait.
    """
    total = 0
    while True:
        with parts.database.platform_transaction() as transaction:
            done = transaction.queue(_HAND_OVER, rows=_AT_ONCE)
        tenants = sorted({row.tenant_id for row in done.rows if row.state == "SENT"})
        if tenants and parts.post is not None:
            # The sweep of mails finds them all the same.
            with contextlib.suppress(redis.RedisError):
                parts.mail_requests.ask(tenants)
        total += len(done.rows)
        if len(done.rows) < _AT_ONCE:
            return total
