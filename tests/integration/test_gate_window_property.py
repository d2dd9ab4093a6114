"""No window of a limit's length holds more than the limit, whatever is called when.

The clock is stepped: the scripts run on a real Redis, but read the time from a key.
"""

from __future__ import annotations

import hypothesis
import pytest
import redis
from hypothesis import strategies as st

from hms_server import clock, ids
from hms_server.gate import local
from hms_server.gate.answers import RateLimited
from hms_server.gate.gate import Gate
from hms_server.gate.local import LocalLimiter
from hms_server.gate.publisher import GatePublisher, lua
from hms_server.gate.runner import ScriptRunner
from hms_server.gate.state import GateState
from hms_server.gate.tiers import FAILURES, Limit
from tests.unit.edge_fixtures import principal

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
        outcome, _, remaining, wait_ms, *_ = run(names, [2, "X", limit.calls, limit.seconds, 10, weight])
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


# Overrides, and changes of them


@QUIET
@hypothesis.given(
    steps=STEPS,
    default=LIMITS,
    overrides=st.lists(st.one_of(st.none(), LIMITS), min_size=1, max_size=6),
    often=st.integers(3, 20),
)
def test_a_hospitals_own_limit_holds_however_it_changes_within_a_window(
    client, gate_script, steps, default, overrides, often
):
    """Whatever passes, the calls of the window before it are within the limit of that moment.

    A window of another length begins anew: what was counted in windows of before cannot be compared.
    """
    names = [f"hms:{{{ids.uuid7()}}}:{part}" for part in ("t", "u", "s", "c1", "c2")]
    client.hset(names[0], mapping={"pv": 1})
    client.set(names[1], 1)
    client.set(names[2], "1")
    now, passed, limit, since = 1_800_000_000_000, [], default, 0
    for number, (pause, weight) in enumerate(steps):
        now += pause
        if number % often == 0:
            own = overrides[number // often % len(overrides)]
            client.hdel(names[0], "X") if own is None else client.hset(names[0], "X", f"{own[0]}:{own[1]}")
            if (own or default).seconds != limit.seconds:
                since = len(passed)
            limit = own or default
        set_clock(client, now)
        answer = gate_script(names, [2, "X", default.calls, default.seconds, 10, weight])
        assert answer[1] == limit.calls
        if answer[0] == 0:
            passed.append((now, min(weight, limit.calls)))
            within = [w for t, w in passed[since:] if t > now - limit.seconds * 1000]
            assert sum(within) <= limit.calls
        else:
            assert 0 < answer[3] <= limit.seconds * 1100
    set_clock(client, now + limit.seconds * 1100 + 1)
    assert gate_script(names, [2, "X", default.calls, default.seconds, 10, limit.calls])[0] == 0


# The clock


BACK = st.lists(
    st.tuples(st.one_of(st.integers(0, 3000), st.integers(-60_000, -1)), st.integers(1, 4)),
    min_size=1,
    max_size=80,
)


@QUIET
@hypothesis.given(steps=BACK, limit=LIMITS)
def test_a_clock_that_goes_back_lets_no_more_through_at_one_time_and_keeps_nobody_out(
    client, gate_script, steps, limit
):
    names = [f"hms:{{{ids.uuid7()}}}:{part}" for part in ("t", "u", "s", "c1", "c2")]
    client.hset(names[0], mapping={"pv": 1})
    client.set(names[1], 1)
    client.set(names[2], "1")
    window = limit.seconds * 1000
    now = latest = 1_800_000_000_000
    passed = []
    for step, weight in steps:
        now += step
        if latest - now > window:
            # Far back: counting begins anew, so that nobody waits until the clock has caught up.
            passed, latest = [], now
        latest = max(latest, now)
        set_clock(client, now)
        outcome, _, remaining, wait_ms, *_ = gate_script(names, [2, "X", *limit, 10, weight])
        assert remaining >= 0
        if outcome == 0:
            passed.append((now, min(weight, limit.calls)))
            assert sum(w for t, w in passed if t > latest - window) <= limit.calls + limit.calls
        else:
            assert 0 < wait_ms <= 3 * window
    # Whatever the clock did, two windows and a little later there is room.
    set_clock(client, now + 2 * window + window // 5 + 1)
    assert gate_script(names, [2, "X", *limit, 10, limit.calls])[0] == 0


# Redis comes and goes


class Away:
    """The gate's script on a Redis that is away while `away` says so."""

    def __init__(self, script):
        self.script, self.away = script, False

    def __call__(self, keys, arguments):
        if self.away:
            raise redis.ConnectionError("away")
        return self.script(keys, arguments)


@QUIET
@hypothesis.given(
    steps=st.lists(
        st.tuples(st.integers(0, 1500), st.integers(1, 3), st.booleans()), min_size=1, max_size=80
    ),
    limit=st.builds(Limit, calls=st.integers(1, 8), seconds=st.sampled_from((1, 3))),
)
def test_while_redis_comes_and_goes_nobody_is_kept_out_and_twice_the_limit_is_the_most(
    client, gate_script, monkeypatch, steps, limit
):
    """Redis and the process each count what passed through them: at worst both are used up."""
    state = GateState(1, 1, "ACTIVE", 1, "ACTIVE", True, {"SEARCH": limit})
    gate = Gate(client, GatePublisher(client), lambda *_: state)
    gate._gate = script = Away(gate_script)
    caller = principal(tenant_id=ids.uuid7(), user_id=ids.uuid7(), session_id=ids.uuid7())
    now, passed = 1_800_000_000_000, []
    monkeypatch.setattr(clock, "monotonic", lambda: now / 1000)

    def call(weight):
        set_clock(client, now)
        try:
            gate.check(caller, "SEARCH", weight)
        except RateLimited as error:
            return error.retry_seconds
        return 0

    for pause, weight, away in steps:
        now += pause
        script.away = away
        wait = call(weight)
        assert 0 <= wait <= limit.seconds * 1.1
        if not wait:
            passed.append((now, min(weight, limit.calls)))
        assert most_in_a_window(passed, limit.seconds) <= 2 * limit.calls
    for away in (True, False, True):
        # Past the second for which Redis is left alone, too.
        now += max(limit.seconds * 1100, 1000) + 1
        script.away = away
        assert call(limit.calls) == 0


def test_the_local_limiter_stays_small_whatever_is_called(monkeypatch):
    monkeypatch.setattr(local, "_MOST_ENTRIES", 100)
    limiter, now = LocalLimiter(), 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for n in range(1000):
        assert limiter.take(f"login:{n}", Limit(5, 60)) == 0.0
    assert len(limiter._calls) == 100
    # The last that came are still counted.
    for _ in range(4):
        assert limiter.take("login:999", Limit(5, 60)) == 0.0
    assert limiter.take("login:999", Limit(5, 60)) > 0
    busy = Limit(100_000_000, 60)
    for _ in range(50_000):
        now += 0.005
        assert limiter.take("busy", busy, 7) == 0.0
    assert len(limiter._calls["busy"]) <= 1002


def test_without_redis_failures_of_an_address_are_bounded_and_it_is_let_in_again(client, monkeypatch):
    """Guessing at ever other accounts is no way round."""
    gate = Gate(client, GatePublisher(client), lambda *_: None)
    gate._switch.failed(redis.ConnectionError("away"))
    # A whole number: at the very end of the window a fraction could be rounded to either side.
    now = [1000.0]
    monkeypatch.setattr(gate._switch, "_skip_until", float("inf"))
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    strangers, tried = gate.strangers, 0
    for n in range(300):
        try:
            strangers.check_block("192.0.2.1")
            strangers.check_login(f"account{n}", "192.0.2.1")
            tried += 1
            strangers.report_failure("192.0.2.1")
        except RateLimited:
            continue
    assert tried == FAILURES.calls
    strangers.check_block("192.0.2.2")
    now[0] += FAILURES.seconds
    strangers.check_block("192.0.2.1")
