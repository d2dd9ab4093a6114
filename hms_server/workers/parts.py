"""What jobs work with. RQ finds a job's function by its path, so its parts stand in this module.

Opened once in a worker or cron process, after it was started.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from functools import partial

import redis

from hms_server import errors, keyring
from hms_server.audit import process_record
from hms_server.audit.anchoring import Anchors
from hms_server.audit.drain import Drain
from hms_server.audit.retention import Retention
from hms_server.config import Settings
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.jobs import queues
from hms_server.jobs.drains import MAIL, DrainRequests
from hms_server.notify.post import Letterhead, Post
from hms_server.notify.smtp import Server
from hms_server.telemetry import logs

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one process."""

    pool: Pool
    database: Database  # as hms_worker
    audit_pool: Pool | None  # of the separate audit database
    audit: Database  # where the audit stands: `database`, or the separate one
    drain: Drain
    anchors: Anchors
    retention: Retention
    leave_safeguards: Callable[[], None]
    redis: redis.Redis
    requests: DrainRequests
    mail_requests: DrainRequests
    post: Post | None  # None: no SMTP server is set

    def close(self) -> None:
        """Closes connections."""
        self.pool.close()
        if self.audit_pool is not None:
            self.audit_pool.close()
        self.redis.close()


def open_parts(settings: Settings, connections: int) -> Parts:
    """Opens the parts; raises ConfigError where a setting or the key file is missing."""
    settings.require("worker_database_url", "keys_file")
    if not (settings.queue_redis_url or settings.redis_url):
        settings.require("redis_url")
    if settings.keys_file is None:
        raise errors.ConfigError("set HMS_KEYS_FILE")
    keys = keyring.KeyFile(settings.keys_file)
    if not keys.current().audit:
        raise errors.ConfigError(f"HMS_KEYS_FILE: {settings.keys_file} holds no audit key")
    pool = Pool(settings.worker_database_url, settings, name="worker", size=connections)
    database = Database(pool, settings.statement_timeout_seconds)
    audit_pool, apart = None, None
    if settings.audit_worker_database_url:
        audit_pool = Pool(settings.audit_worker_database_url, settings, name="audit", size=connections)
        apart = Database(audit_pool, settings.statement_timeout_seconds)
        audit_pool.open()
    audit = apart or database
    connection = queues.connect(settings)
    pool.open()
    return Parts(
        pool=pool,
        database=database,
        audit_pool=audit_pool,
        audit=audit,
        drain=Drain(database, keys, audit=apart),
        anchors=Anchors(audit, keys.current(), settings.anchor_file),
        retention=Retention(database, audit, keys, settings.audit_archive_dir),
        leave_safeguards=partial(
            process_record.leave_safeguards,
            database,
            anchor_file=settings.anchor_file,
            archive=settings.audit_archive_dir,
            apart=apart is not None,
        ),
        redis=connection,
        requests=DrainRequests(queues.open_queue(connection)),
        mail_requests=DrainRequests(queues.open_queue(connection, queues.EMAIL), MAIL),
        post=_post(settings, database),
    )


def _post(settings: Settings, database: Database) -> Post | None:
    if not settings.smtp_url:
        logs.event(_log, logging.WARNING, "HMS_SMTP_URL is not set: mails wait until it is")
        return None
    server = Server(settings.smtp_url, development=settings.mode == "development")
    return Post(database, server, Letterhead(settings.mail_from, settings.front_end_url.rstrip("/")))


_installed: list[Parts] = []


def install(opened: Parts) -> None:
    """Makes the parts known to the jobs of this process."""
    _installed[:] = [opened]


def parts() -> Parts:
    """The parts of this process."""
    return _installed[0]
