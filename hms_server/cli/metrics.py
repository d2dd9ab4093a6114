"""`hms metrics`: one Prometheus endpoint for all processes of this host, on HMS_METRICS_LISTEN."""

from __future__ import annotations

import argparse
import signal
import threading

import redis
from prometheus_client import CollectorRegistry, start_http_server

from hms_server import config, errors
from hms_server.audit import retention_store, store
from hms_server.config import Settings
from hms_server.database.pool import Pool
from hms_server.database.transaction import Database
from hms_server.jobs import queues
from hms_server.notify import store as mail_store
from hms_server.telemetry import logs, sampler
from hms_server.telemetry.collector import Mails, Outbox, Queue, ScrapeCollector
from hms_server.telemetry.merge import MergingCollector

# A part that is away is told within a scrape's patience (Prometheus waits 10 seconds by default).
_SECONDS = 1.0
# The outbox is counted up to here; beyond it the number is of no more use than "very many".
_CEILING = 100_000


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    subparsers.add_parser("metrics", help="serve the merged Prometheus metrics of this host")


def run(arguments: argparse.Namespace) -> int:
    """Serves /metrics until SIGTERM or SIGINT."""
    settings = config.load()
    settings.require("worker_database_url", "metrics_dir")
    logs.configure(settings.log_level)
    host, _, port = settings.metrics_listen.rpartition(":")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    pool = Pool(
        settings.worker_database_url,
        settings.model_copy(update={"pool_wait_seconds": _SECONDS}),
        name="metrics",
        size=1,
    )
    pool.open()
    sampler.start()
    audit_pool = None
    if settings.audit_worker_database_url:
        audit_pool = Pool(
            settings.audit_worker_database_url,
            settings.model_copy(update={"pool_wait_seconds": _SECONDS}),
            name="audit-metrics",
            size=1,
        )
        audit_pool.open()
    try:
        server, _ = start_http_server(int(port), host.strip("[]"), _registry(settings, pool, audit_pool))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "host:port is expected"
        raise errors.ConfigError(f"HMS_METRICS_LISTEN={settings.metrics_listen}: {reason}") from None
    stopping.wait()
    server.shutdown()
    pool.close()
    if audit_pool is not None:
        audit_pool.close()
    return 0


def _registry(settings: Settings, pool: Pool, audit_pool: Pool | None) -> CollectorRegistry:
    if settings.metrics_dir is None:
        raise errors.ConfigError("set HMS_METRICS_DIR")
    settings.metrics_dir.mkdir(parents=True, exist_ok=True)
    database = Database(pool, _SECONDS)
    audit = Database(audit_pool, _SECONDS) if audit_pool is not None else None
    connection = queues.connect(settings, _SECONDS)
    registry = CollectorRegistry()
    registry.register(MergingCollector(settings.metrics_dir))
    registry.register(
        ScrapeCollector(
            outbox=lambda: Outbox(
                *store.outbox_state(database, _CEILING), retention_store.oldest_month_age(database)
            ),
            queues=lambda: _queues(connection),
            mails=lambda: Mails(*mail_store.mail_state(database, _CEILING)),
            audit=(lambda: retention_store.oldest_month_age(audit)) if audit is not None else None,
        )
    )
    return registry


def _queues(connection: redis.Redis) -> list[Queue]:
    found = []
    for name in queues.QUEUES:
        queue = queues.open_queue(connection, name)
        failed = queue.failed_job_registry.get_job_count(cleanup=False)
        found.append(Queue(name, queue.count, failed))
    return found
