"""The two-level cache: what it asks, what it survives, and that it never waits in vain."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import redis

from hms_server import clock, config, errors
from hms_server.cache import client as redis_client
from hms_server.cache.levels import Cache, Entry
from hms_server.cache.local import LocalStore
from hms_server.telemetry import metrics

ENTRY = Entry("test", local_seconds=60, shared_seconds=300)


class FakeRedis:
    """What the cache uses of a client, in memory; `away` makes it fail."""

    def __init__(self):
        self.held = {}
        self.calls = 0
        self.away = False

    def _count(self):
        self.calls += 1
        if self.away:
            raise redis.ConnectionError("away")

    def get(self, name):
        self._count()
        return self.held.get(name)

    def set(self, name, value, px):
        self._count()
        self.held[name] = value


@pytest.fixture
def now(monkeypatch):
    present = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: present[0])
    return present


def make(client):
    return Cache(ENTRY, client, lambda tenant_id, value: (tenant_id, value))


def count(result):
    return metrics.CACHE.labels("test", result)._value.get()


def test_the_loader_is_asked_once(now):
    cache = make(FakeRedis())
    loads = []
    for _ in range(3):
        assert cache.get("t1", "k", lambda: loads.append(1) or [1, 2]) == ("t1", [1, 2])
    assert len(loads) == 1


def test_another_process_finds_it_in_redis(now):
    shared = FakeRedis()
    make(shared).get("t1", "k", lambda: {"a": 1})
    assert make(shared).get("t1", "k", pytest.fail) == ("t1", {"a": 1})
    assert list(shared.held) == ["hms:{t1}:cache:test:k"]


def test_the_tenant_is_in_the_key(now):
    cache = make(FakeRedis())
    assert cache.get("t1", "k", lambda: 1) != cache.get("t2", "k", lambda: 2)


def test_the_process_forgets_before_redis_does(now):
    shared = FakeRedis()
    cache = make(shared)
    cache.get("t1", "k", lambda: 1)
    now[0] += 60
    assert cache.get("t1", "k", pytest.fail) == ("t1", 1)
    shared.held.clear()
    now[0] += 60
    assert cache.get("t1", "k", lambda: 2) == ("t1", 2)


def test_empty_values_are_kept_too(now):
    cache = make(FakeRedis())
    assert cache.get("t1", "k", list) == ("t1", [])
    assert cache.get("t1", "k", pytest.fail) == ("t1", [])


def test_with_redis_away_the_loader_answers_and_redis_is_left_alone(now):
    shared = FakeRedis()
    shared.away = True
    cache = make(shared)
    away = count("redis_away")
    for number in range(5):
        assert cache.get("t1", str(number), lambda: 1) == ("t1", 1)
    assert shared.calls == 1
    assert count("redis_away") == away + 1
    now[0] += 1.0
    shared.away = False
    cache.get("t1", "later", lambda: 1)
    assert shared.held


def test_a_damaged_entry_is_loaded_anew(now):
    shared = FakeRedis()
    shared.held["hms:{t1}:cache:test:k"] = b"\xff{"
    assert make(shared).get("t1", "k", lambda: 3) == ("t1", 3)


def test_hits_and_misses_are_counted(now):
    shared = FakeRedis()
    before = [count(result) for result in ("local_hit", "shared_hit", "miss")]
    cache = make(shared)
    cache.get("t1", "k", lambda: 1)
    cache.get("t1", "k", lambda: 1)
    make(shared).get("t1", "k", lambda: 1)
    after = [count(result) for result in ("local_hit", "shared_hit", "miss")]
    assert [a - b for a, b in zip(after, before, strict=True)] == [1, 1, 1]


def run_together(number, work):
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_calls_that_miss_at_once_are_one_load():
    cache = make(FakeRedis())
    loads, values = [], []

    def load():
        loads.append(1)
        time.sleep(0.1)
        return 1

    run_together(8, lambda: values.append(cache.get("t1", "k", load)))
    assert len(loads) == 1
    assert values == [("t1", 1)] * 8


def test_a_load_that_fails_fails_its_own_call_alone():
    cache = make(FakeRedis())
    first = threading.Event()
    results = []

    def load():
        if not first.is_set():
            first.set()
            time.sleep(0.1)
            raise errors.DeadlineExceeded("the first caller's deadline")
        return 1

    def work():
        try:
            results.append(cache.get("t1", "k", load))
        except errors.DeadlineExceeded:
            results.append("failed")

    run_together(4, work)
    assert results.count("failed") == 1
    assert results.count(("t1", 1)) == 3
    assert cache.get("t1", "k", pytest.fail) == ("t1", 1)


# The store in the process


def test_a_store_is_bounded_and_keeps_what_is_used():
    store = LocalStore(100)
    store.put("used", 1, 10.0)
    for number in range(1000):
        store.put(number, number, 10.0)
        assert store.get("used", 0.0) == 1
        assert len(store) <= 100
    assert store.get(999, 0.0) == 999
    assert store.get(0, 0.0) is None


def test_a_store_forgets_at_the_end_of_life():
    store = LocalStore(10)
    store.put("a", 1, 10.0)
    assert store.get("a", 9.9) == 1
    assert store.get("a", 10.0) is None
    store.put("a", 2, 20.0)
    assert store.get("a", 10.0) == 2


def test_a_store_stands_many_threads():
    store = LocalStore(64)

    def work():
        for number in range(5000):
            store.put(number % 200, number % 200, 10.0)
            assert store.get(number % 200, 0.0) in (None, number % 200)

    run_together(4, work)
    assert len(store) <= 64


# The client


def settings(**changes):
    return config.Settings(redis_timeout_seconds=0.1, **changes)


def test_a_server_that_does_not_answer_costs_one_time_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with redis_client.connect(f"redis://127.0.0.1:{port}/0", settings()) as client:
            started = time.monotonic()
            with pytest.raises(redis.TimeoutError):
                client.get("x")
            assert time.monotonic() - started < 0.25


def test_a_server_that_is_not_there_fails_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with redis_client.connect(f"redis://127.0.0.1:{port}/0", settings()) as client:
        started = time.monotonic()
        with pytest.raises(redis.ConnectionError):
            client.get("x")
        assert time.monotonic() - started < 0.1


def test_a_wrong_address_is_told_without_its_password():
    with pytest.raises(errors.ConfigError) as caught:
        redis_client.connect("http://:secret@host", settings())
    assert "secret" not in str(caught.value)
