"""Nudges: after its commit a call says that its tenant has audit records (or mails) at the cost of a set-add.

A thread sends them on, coalesced by tenant. A nudge is a courtesy: one that does not reach Redis is
counted and forgotten, since the records are safe in PostgreSQL and the sweep (workers/cron.py) finds
them within seconds.
"""

from __future__ import annotations

import logging
import threading

import redis
import rq

from hms_server.jobs.drains import AUDIT, MAIL, DrainRequests, Outbox
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.1
# Mails are few, and nobody waits for one.
_MAIL_PAUSE_SECONDS = 0.5


class AuditNudger:
    """Collects nudges of this process and sends them. `start` it after the process was forked."""

    outbox: Outbox = AUDIT

    def __init__(self, queue: rq.Queue, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._requests = DrainRequests(queue, self.outbox)
        self._pause = pause_seconds
        # add and pop of a set are each one step under the interpreter's lock: no lock of our own.
        self._tenants: set[str] = set()
        self._stopping = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._run, name=f"hms-nudger-{self.outbox.name}", daemon=True)

    def start(self) -> None:
        """Starts sending."""
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Sends what is collected and ends the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def nudge(self, tenant_id: str) -> None:
        """The tenant has something new in the outbox. Never blocks, never raises."""
        self._tenants.add(tenant_id)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            self._send()
        self._send()

    def _send(self) -> None:
        tenants: list[str] = []
        while self._tenants:
            tenants.append(self._tenants.pop())
        if not tenants:
            return
        try:
            self._requests.ask(tenants)
        except redis.RedisError as error:
            metrics.NUDGES_LOST.inc(len(tenants))
            if not self._away:
                logs.event(_log, logging.WARNING, "nudges do not reach Redis", error=type(error).__name__)
            self._away = True
        except Exception:  # noqa: BLE001 - the thread must live as long as the process
            metrics.NUDGES_LOST.inc(len(tenants))
            _log.exception("nudges failed")
        else:
            if self._away:
                logs.event(_log, logging.INFO, "nudges reach Redis again")
            self._away = False


class MailNudger(AuditNudger):
    """The same for mails."""

    outbox = MAIL

    def __init__(self, queue: rq.Queue, pause_seconds: float = _MAIL_PAUSE_SECONDS) -> None:
        super().__init__(queue, pause_seconds)
