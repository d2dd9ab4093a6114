"""What `hms metrics` finds out at the moment it is asked: depth of outboxes and queues, parts that are up.

The look-ups themselves are handed in. Each has a second to answer, and they run beside each other: a part
that hangs costs its own numbers, never the scrape.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client.metrics_core import GaugeMetricFamily, Metric


class Outbox(NamedTuple):
    """Audit records that wait for the drain, and how far back events are there."""

    records: int
    age_seconds: float
    oldest_month_seconds: float  # since the oldest month of events began


class Mails(NamedTuple):
    """Mails that wait and that failed for good, and the age of the oldest that waits."""

    waiting: int
    failed: int
    age_seconds: float


class Queue(NamedTuple):
    """One queue: jobs that wait, and jobs that failed for good."""

    name: str
    jobs: int
    failed: int


class ScrapeCollector:
    """Collects anew for every scrape. A look-up raises where its part is away."""

    def __init__(
        self,
        outbox: Callable[[], Outbox],
        queues: Callable[[], list[Queue]],
        seconds: float = 2.0,
        mails: Callable[[], Mails] | None = None,
        audit: Callable[[], float] | None = None,
    ) -> None:
        """`audit` finds in the separate audit database how old its oldest month is; None where there is
        none."""
        self._outbox = outbox
        self._queues = queues
        self._mails = mails
        self._audit = audit
        self._seconds = seconds
        # One thread for each look-up: one that hangs is not asked again before it has ended.
        self._pool = concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="hms-scrape")
        self._running: dict[str, concurrent.futures.Future[object]] = {}

    def describe(self) -> Iterable[Metric]:
        """Nothing: else the registry would collect once when this is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The families, without the numbers of a part that is away."""
        self._ask("database", self._outbox)
        self._ask("redis", self._queues)
        if self._mails is not None:
            self._ask("mails", self._mails)
        if self._audit is not None:
            self._ask("audit", self._audit)
        outbox, queues = self._answer("database"), self._answer("redis")
        yield GaugeMetricFamily(
            "hms_database_up", "Whether PostgreSQL answers.", float(isinstance(outbox, Outbox))
        )
        yield GaugeMetricFamily(
            "hms_redis_up", "Whether the queues' Redis answers.", float(isinstance(queues, list))
        )
        oldest = outbox.oldest_month_seconds if isinstance(outbox, Outbox) else None
        if self._audit is not None:
            answer = self._answer("audit")
            oldest = answer if isinstance(answer, float) else None
            yield GaugeMetricFamily(
                "hms_audit_database_up",
                "Whether the separate audit database answers.",
                float(oldest is not None),
            )
        if isinstance(outbox, Outbox):
            yield GaugeMetricFamily(
                "hms_outbox_records", "Audit records that wait for the drain.", outbox.records
            )
            yield GaugeMetricFamily(
                "hms_outbox_age_seconds", "Age of the oldest waiting audit record.", outbox.age_seconds
            )
        if oldest is not None:
            yield GaugeMetricFamily(
                "hms_audit_oldest_month_seconds",
                "Time since the oldest month of audit events that stands began.",
                oldest,
            )
        mails = self._answer("mails") if self._mails is not None else None
        if isinstance(mails, Mails):
            yield GaugeMetricFamily("hms_mail_waiting", "Mails that wait to be sent.", mails.waiting)
            yield GaugeMetricFamily("hms_mail_failed", "Mails kept that failed for good.", mails.failed)
            yield GaugeMetricFamily(
                "hms_mail_age_seconds", "Age of the oldest waiting mail.", mails.age_seconds
            )
        if isinstance(queues, list):
            yield from _queue_families(queues)

    def _ask(self, name: str, look_up: Callable[[], object]) -> None:
        running = self._running.get(name)
        if running is None or running.done():
            self._running[name] = self._pool.submit(look_up)

    def _answer(self, name: str) -> object:
        try:
            return self._running[name].result(self._seconds)
        except Exception:  # noqa: BLE001 - whatever it is: the part did not answer
            return None


def _queue_families(queues: list[Queue]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("hms_queue_jobs", "Jobs that wait, by queue.", labels=["queue"])
    failed = GaugeMetricFamily(
        "hms_queue_failed_jobs", "Jobs in the dead-letter list, by queue.", labels=["queue"]
    )
    for queue in queues:
        jobs.add_metric([queue.name], queue.jobs)
        failed.add_metric([queue.name], queue.failed)
    yield jobs
    yield failed
