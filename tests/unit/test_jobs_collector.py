"""The scrape: parts that are away or hang cost their own numbers only; dead processes stay counted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from hms_server.telemetry.collector import Outbox, Queue, ScrapeCollector
from hms_server.telemetry.merge import MergingCollector

# A process that counts once and waits for its end.
COUNTS = """
from prometheus_client import Counter, Gauge, Histogram
Counter("calls", "Calls.", ["code"]).labels("OK").inc(3)
Histogram("wait_seconds", "Waits.", buckets=[1, 2]).observe(1.5)
Gauge("used", "Used.", multiprocess_mode="livesum").set(5)
print("there", flush=True)
input()
"""


def scraped(*collectors):
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_all_parts_are_there():
    numbers = scraped(ScrapeCollector(lambda: Outbox(3, 1.5, 7.0), lambda: [Queue("audit", 2, 1)]))
    assert numbers == {
        "hms_database_up": "1.0",
        "hms_redis_up": "1.0",
        "hms_outbox_records": "3.0",
        "hms_outbox_age_seconds": "1.5",
        "hms_audit_oldest_month_seconds": "7.0",
        'hms_queue_jobs{queue="audit"}': "2.0",
        'hms_queue_failed_jobs{queue="audit"}': "1.0",
    }


def test_a_part_that_is_away_is_told():
    def away():
        raise OSError("gone")

    numbers = scraped(ScrapeCollector(away, lambda: [Queue("audit", 0, 0)]))
    assert (numbers["hms_database_up"], numbers["hms_redis_up"]) == ("0.0", "1.0")
    assert "hms_outbox_records" not in numbers


def test_a_part_that_hangs_is_waited_for_once_and_asked_once():
    release, asked = threading.Event(), []

    def hang():
        asked.append(1)
        release.wait(20)
        return [Queue("audit", 0, 0)]

    collector = ScrapeCollector(lambda: Outbox(0, 0.0, 0.0), hang, seconds=0.2)
    started = time.monotonic()
    for _ in range(3):
        assert scraped(collector)["hms_redis_up"] == "0.0"
    assert time.monotonic() - started < 2
    assert len(asked) == 1
    release.set()
    deadline = time.monotonic() + 5
    while scraped(collector)["hms_redis_up"] == "0.0":
        assert time.monotonic() < deadline


def test_a_separate_audit_database_has_its_own_numbers():
    def away():
        raise ConnectionError

    def collector(**audit):
        return ScrapeCollector(lambda: Outbox(2, 1.0, 9.0), list, **audit)

    one = scraped(collector())
    assert (one["hms_audit_oldest_month_seconds"], "hms_audit_database_up" in one) == ("9.0", False)
    two = scraped(collector(audit=lambda: 5.0))
    assert (two["hms_audit_oldest_month_seconds"], two["hms_audit_database_up"]) == ("5.0", "1.0")
    lost = scraped(collector(audit=away))
    assert (lost["hms_audit_database_up"], lost["hms_outbox_records"]) == ("0.0", "2.0")
    assert "hms_audit_oldest_month_seconds" not in lost


@pytest.fixture
def process(tmp_path):
    started = []

    def start():
        child = subprocess.Popen(
            [sys.executable, "-c", COUNTS],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout.readline() == b"there\n"
        started.append(child)
        return child

    def end(child):
        child.kill()
        child.communicate()

    yield start, end
    for child in started:
        end(child)


def test_processes_are_summed_and_dead_ones_stay_counted(tmp_path, process):
    start, end = process
    collector = MergingCollector(tmp_path)
    first, _second = start(), start()
    both = scraped(collector)
    assert (both['calls_total{code="OK"}'], both["used"]) == ("6.0", "10.0")
    end(first)
    for _ in range(2):
        numbers = scraped(collector)
        assert numbers['calls_total{code="OK"}'] == "6.0"
        assert numbers["wait_seconds_count"] == "2.0"
        assert numbers["wait_seconds_sum"] == "3.0"
        assert numbers['wait_seconds_bucket{le="2.0"}'] == "2.0"
        assert numbers["used"] == "5.0"
    assert not list(tmp_path.glob(f"*_{first.pid}.db"))


def test_files_of_many_dead_processes_do_not_pile_up(tmp_path, process):
    start, end = process
    collector = MergingCollector(tmp_path)
    for _ in range(3):
        end(start())
        collector.fold()
    assert scraped(collector)['calls_total{code="OK"}'] == "9.0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counter_0.db", "histogram_0.db"]
