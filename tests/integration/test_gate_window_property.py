"""No window of a limit's length holds more than the limit, whatever is called when.

The clock is stepped: the scripts run on a real Redis, but read the time from a key.
"""

from __future__ import annotations

import hypothesis
import pytest
import redis
from hypothesis import strategies as st

from hms_server import clock, ids
from hms_server.gate.local import LocalLimiter
from hms_server.gate.publisher import lua
from hms_server.gate.runner import ScriptRunner
from hms_server.gate.tiers import Limit

CLOCK = "test:clock"
# Pauses in ms, and weights. Short pauses fill buckets, long ones cross windows.
STEPS = st.lists(
    st.tuples(st.one_of(st.integers(0, 300), st.integers(0, 15_000)), st.integers(1, 4)),
    min_size=1,
    max_size=120,
)
LIMITS = st.builds(Limit, calls=st.integers(1, 12), seconds=st.sampled_from((1, 3, 10)))
QUIET = hypothesis.settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def client(redis_url):
    with redis.Redis.from_url(redis_url, protocol=2) as made:
        yield made


@pytest.fixture(scope="module")
def gate_script(client):
    return stepped(client, "counter.lua", "gate.lua")


@pytest.fixture(scope="module")
def address_script(client):
    return stepped(client, "counter.lua", "block.lua", "address.lua")


def stepped(client, *names):
    """The gate's own scripts but for the clock."""
    text = lua(*names)
    assert text.count("redis.call('TIME')") == 1
    return ScriptRunner(client, text.replace("redis.call('TIME')", f"redis.call('LRANGE', '{CLOCK}', 0, 1)"))


def set_clock(client, ms):
    client.delete(CLOCK)
    client.rpush(CLOCK, ms // 1000, ms % 1000 * 1000)


def most_in_a_window(passed, seconds):
    """`passed`: times in ms and weights."""
    return max(
        (sum(w for t, w in passed if start <= t < start + seconds * 1000) for start, _ in passed), default=0
    )


@QUIET
@hypothesis.given(steps=STEPS, limit=LIMITS)
def test_the_gates_script_never_lets_more_through(client, gate_script, steps, limit):
    run = gate_script
    names = [f"hms:{{{ids.uuid7()}}}:{part}" for part in ("t", "u", "s", "c1", "c2")]
    client.hset(names[0], mapping={"pv": 1})
    client.set(names[1], 1)
    client.set(names[2], "1")
    now, passed, refusals = 1_800_000_000_000, [], 0
    for pause, weight in steps:
        now += pause
        set_clock(client, now)
        outcome, _, remaining, wait_ms, _ = run(names, [2, "X", limit.calls, limit.seconds, 10, weight])
        if outcome == 0:
            passed.append((now, min(weight, limit.calls)))
            assert remaining >= 0
        else:
            assert outcome == 4
            assert 0 < wait_ms <= limit.seconds * 1100
            refusals += 1
    assert passed, "the first call always passes"
    assert most_in_a_window(passed, limit.seconds) <= limit.calls
    # Nobody waits longer than a window and a tenth.
    now += limit.seconds * 1100 + 1
    set_clock(client, now)
    assert run(names, [2, "X", limit.calls, limit.seconds, 10, limit.calls])[0] == 0


@QUIET
@hypothesis.given(steps=STEPS, users=st.integers(2, 4))
def test_a_tenants_users_together_never_pass_the_tenants_limit(client, gate_script, steps, users):
    run = gate_script
    tenant = ids.uuid7()
    shared = [f"hms:{{{tenant}}}:{part}" for part in ("t", "u", "s", "all")]
    client.hset(shared[0], mapping={"pv": 1})
    client.set(shared[1], 1)
    client.set(shared[2], "1")
    now, passed = 1_800_000_000_000, []
    for number, (pause, weight) in enumerate(steps):
        now += pause
        set_clock(client, now)
        own = f"hms:{{{tenant}}}:c{number % users}"
        # Twice a user's limit for all.
        if run([*shared[:3], own, shared[3]], [2, "X", 4, 3, 2, weight])[0] == 0:
            passed.append((now, weight))
    assert most_in_a_window(passed, 3) <= 8


@QUIET
@hypothesis.given(steps=STEPS, limit=LIMITS)
def test_the_script_of_addresses_never_lets_more_through(client, address_script, steps, limit):
    run = address_script
    names = [f"hms:{{{ids.uuid7()}}}:{part}" for part in ("c", "block", "blocks")]
    now, passed = 1_800_000_000_000, []
    for pause, _ in steps:
        now += pause
        set_clock(client, now)
        if run(names, [limit.calls, limit.seconds, 0, 0, 0])[0] == 0:
            passed.append((now, 1))
    assert most_in_a_window(passed, limit.seconds) <= limit.calls


@QUIET
@hypothesis.given(steps=STEPS, limit=LIMITS)
def test_the_local_limiter_never_lets_more_through(monkeypatch, steps, limit):
    limiter, now, passed = LocalLimiter(), 0, []
    monkeypatch.setattr(clock, "monotonic", lambda: now / 1024)
    for pause, weight in steps:
        now += pause
        wait = limiter.take("key", limit, weight)
        if wait:
            assert 0 < wait <= limit.seconds
        else:
            passed.append((now, min(weight, limit.calls)))
    assert most_in_a_window(passed, limit.seconds * 1.024) <= limit.calls
    now += limit.seconds * 1024
    assert limiter.take("key", limit, limit.calls) == 0.0
