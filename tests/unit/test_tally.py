"""Tallies say what the metrics themselves would have said."""

from __future__ import annotations

import random
import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hms_server.telemetry.tally import LevelTally, Tally, TimeTally

_BOUNDS = (0.001, 0.01, 0.1, 1.0)


def samples(registry: CollectorRegistry, name: str) -> dict[tuple[str, str], float]:
    """Values by sample name and `le`."""
    return {
        (sample.name.removeprefix(name), sample.labels.get("le", "")): round(sample.value, 9)
        for family in registry.collect()
        for sample in family.samples
        if sample.name.startswith(name) and not sample.name.endswith("_created")
    }


def in_threads(count: int, work: object) -> None:
    """Runs `work` in several threads at once."""
    threads = [threading.Thread(target=work) for _ in range(count)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_counts_of_several_threads_are_all_handed_over_and_once_only() -> None:
    registry = CollectorRegistry()
    tally = Tally(Counter("counted", "", registry=registry))
    handing = threading.Lock()

    def work() -> None:
        for number in range(2000):
            tally.inc()
            if number % 500 == 0:
                with handing:
                    tally.hand_over()

    in_threads(8, work)
    tally.hand_over()
    tally.hand_over()
    assert registry.get_sample_value("counted_total") == 16_000


def test_a_time_tally_says_what_the_histogram_would_have_said() -> None:
    registry = CollectorRegistry()
    plain = Histogram("plain", "", buckets=_BOUNDS, registry=registry)
    handed = Histogram("handed", "", buckets=_BOUNDS, registry=registry)
    tally = TimeTally(handed, _BOUNDS)
    chance = random.Random(7)
    values = [*_BOUNDS, 0.0, 5.0, *(chance.expovariate(5) for _ in range(500))]
    for number, value in enumerate(values):
        plain.observe(value)
        tally.observe(value)
        if number % 100 == 0:
            tally.hand_over()
    tally.hand_over()
    assert samples(registry, "handed") == samples(registry, "plain")


def test_a_level_goes_up_and_down_over_threads() -> None:
    registry = CollectorRegistry()
    tally = LevelTally(Gauge("level", "", registry=registry))
    in_threads(4, tally.inc)
    tally.hand_over()
    assert registry.get_sample_value("level") == 4
    tally.dec()
    tally.hand_over()
    assert registry.get_sample_value("level") == 3
