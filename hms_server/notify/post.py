"""Sends the mails that wait, one tenant's at a time: each at least once, always under the same Message-ID.

A mail is taken for a time in which nobody else takes it, sent, and noted. A worker that is killed in between
leaves it waiting, so that it is sent again: whoever gets it twice can tell by its Message-ID.

A server that is away is left alone for a while by this process, and no mail is given up for it. A mail that
the server puts off is tried again, later each time, for three days. One that it refuses, or that cannot be
made, has failed for good: its row says so until an operator has it tried again (`hms jobs replay`).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Protocol

from hms_server import clock
from hms_server.database.transaction import Database
from hms_server.notify import message, smtp, store
from hms_server.notify.kinds import Mail
from hms_server.notify.store import Failed
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

# Longer than a job may take (jobs/queues.py): whoever holds a mail that long is gone.
TAKEN_SECONDS = 75.0
_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 1800.0
_GIVEN_UP_SECONDS = 3 * 24 * 3600.0
# How long a server that is away is left alone: doubled each time.
_QUIET_FIRST, _QUIET_LONGEST = 5.0, 60.0


class Sends(Protocol):
    """An SMTP server (notify/smtp.py)."""

    def send(self, sender: str, address: str, message: bytes) -> None:
        """Hands a mail over; raises ServerAway, TryLater and Refused."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Letterhead:
    """What every mail of this installation has."""

    sender: str  # "HMS <hms@hospital.example>"
    front_end_url: str  # what links begin with


@dataclasses.dataclass(frozen=True, slots=True)
class Delivered:
    """What a round did: mails sent, those that failed for good, and whether others are due."""

    sent: int
    failed: tuple[Failed, ...]
    finished: bool


class Post:
    """Sends mails for one process."""

    def __init__(self, database: Database, server: Sends, head: Letterhead) -> None:
        self._database = database
        self._server = server
        self._head = head
        self._quiet_until = 0.0
        self._quiet_seconds = _QUIET_FIRST

    def run(
        self, tenant_id: str, seconds: float = 2.0, before_look: Callable[[], None] | None = None
    ) -> Delivered:
        """Sends the tenant's mails that are due, for `seconds`, so that others get their turn.

        `before_look` runs before each look (it clears the nudge flag).
        """
        end = clock.monotonic() + seconds
        sent = 0
        failed: list[Failed] = []
        while True:
            if before_look is not None:
                before_look()
            if self.quiet_seconds:
                return Delivered(sent, tuple(failed), finished=True)
            mail = store.take(self._database, tenant_id, TAKEN_SECONDS)
            if mail is None:
                return Delivered(sent, tuple(failed), finished=True)
            reply = self._deliver(mail)
            if reply is None:
                sent += 1
            elif reply:
                failed.append(Failed(tenant_id, mail.id, mail.recipient, reply))
            if clock.monotonic() > end:
                return Delivered(sent, tuple(failed), finished=False)

    def again(self, failed: Failed) -> str:
        """One more try for a mail that failed for good; returns the codes of another failure, "" if there is
        none: it was sent, or waits. A mail that is gone or was sent meanwhile is left alone."""
        mail = store.take_failed(self._database, failed, TAKEN_SECONDS)
        return "" if mail is None else self._deliver(mail) or ""

    @property
    def quiet_seconds(self) -> float:
        """How long the server is still left alone."""
        return max(0.0, self._quiet_until - clock.monotonic())

    def _deliver(self, mail: Mail) -> str | None:
        """Sends one mail and notes what became of it: None where it was sent, "" where it waits, and the
        codes of a failure for good."""
        try:
            made = message.render(mail, self._head.sender, self._head.front_end_url)
            self._server.send(message.sender_address(self._head.sender), mail.address, made)
        except smtp.ServerAway as away:
            self._leave_alone(mail, str(away))
            return ""
        except smtp.TryLater as later:
            return self._put_off(mail, str(later))
        except (smtp.Refused, message.Unsendable) as refused:
            return self._fail(mail, str(refused))
        except (KeyError, ValueError, TypeError) as error:
            # A row that its kind cannot read: waiting would not help.
            return self._fail(mail, f"UNREADABLE {type(error).__name__}")
        self._quiet_seconds = _QUIET_FIRST
        store.end(self._database, mail, "SENT")
        metrics.MAILS.labels(mail.kind, "sent").inc()
        return None

    def _leave_alone(self, mail: Mail, reply: str) -> None:
        logs.event(
            _log,
            logging.WARNING,
            "the SMTP server is away: mails wait",
            reply=reply,
            seconds=self._quiet_seconds,
        )
        metrics.MAILS.labels(mail.kind, "away").inc()
        self._quiet_until = clock.monotonic() + self._quiet_seconds
        store.put_off(self._database, mail, self._quiet_seconds, reply)
        self._quiet_seconds = min(self._quiet_seconds * 2, _QUIET_LONGEST)

    def _put_off(self, mail: Mail, reply: str) -> str:
        if (clock.now() - mail.create_time).total_seconds() > _GIVEN_UP_SECONDS and mail.tries > 1:
            return self._fail(mail, reply)
        metrics.MAILS.labels(mail.kind, "put_off").inc()
        pause = min(_FIRST_PAUSE * 2.0 ** min(mail.tries - 1, 16), _LONGEST_PAUSE)
        store.put_off(self._database, mail, pause, reply)
        return ""

    def _fail(self, mail: Mail, reply: str) -> str:
        store.end(self._database, mail, "FAILED", reply)
        metrics.MAILS.labels(mail.kind, "failed").inc()
        logs.event(
            _log,
            logging.ERROR,
            "a mail failed for good",
            kind=mail.kind,
            tenant_id=mail.tenant_id,
            mail=f"{mail.id}.{mail.recipient}",
            reply=reply,
        )
        return reply
