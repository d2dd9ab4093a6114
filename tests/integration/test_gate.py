"""The gate on a real Redis: versions, sessions, limits, and what happens without Redis."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time

import prometheus_client
import pytest
import redis

from hms_server import clock, errors, ids
from hms_server.context import CallLimits
from hms_server.gate import bounds, keys
from hms_server.gate.gate import Gate, RateLimited
from hms_server.gate.publisher import GatePublisher
from hms_server.gate.state import GateState
from tests.unit.edge_fixtures import principal


class Loader:
    """PostgreSQL's part: what it would answer, and how often it was asked."""

    def __init__(self, **changes):
        values = {
            "tenant_permission_version": 1,
            "tenant_row_version": 1,
            "tenant_state": "ACTIVE",
            "user_permission_version": 1,
            "user_state": "ACTIVE",
            "session_active": True,
            "rate_limits": {},
        }
        self.state = GateState(**{**values, **changes})
        self.asked = 0
        self.error = None

    def __call__(self, tenant_id, user_id, session_id):
        self.asked += 1
        if self.error:
            raise self.error
        return self.state


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url, protocol=2) as made:
        yield made


@pytest.fixture
def caller():
    return principal(tenant_id=ids.uuid7(), user_id=ids.uuid7(), session_id=ids.uuid7())


def gate(client, loader):
    return Gate(client, GatePublisher(client), loader)


@pytest.fixture
def dead():
    """A Redis that is not there."""
    with redis.Redis(host="127.0.0.1", port=1, socket_timeout=0.1) as made:
        yield made


def test_a_missing_key_is_loaded_once_and_then_answered_by_redis(client, caller):
    loader = Loader()
    checked = gate(client, loader)
    assert [checked.check(caller, "DEFAULT").remaining for _ in range(3)] == [99, 98, 97]
    assert loader.asked == 1


def test_a_session_that_postgresql_does_not_know_is_refused(client, caller):
    loader = Loader()
    loader.state = None
    with pytest.raises(errors.Unauthenticated) as caught:
        gate(client, loader).check(caller, "DEFAULT")
    assert caught.value.reason == "SESSION_REVOKED"


def test_a_revocation_is_in_force_at_once_and_a_late_load_does_not_undo_it(client, caller):
    loader = Loader()
    checked, publisher = gate(client, loader), GatePublisher(client)
    checked.check(caller, "DEFAULT")
    publisher.session_revoked(caller.tenant_id, caller.session_id)
    # A loader that read the session before it was revoked.
    publisher.publish(caller.tenant_id, session_id=caller.session_id, session_state="1")
    with pytest.raises(errors.Unauthenticated) as caught:
        checked.check(caller, "DEFAULT")
    assert caught.value.reason == "SESSION_REVOKED"


@pytest.mark.parametrize("whose", ["tenant", "user"])
def test_a_new_permission_version_makes_the_token_stale_at_once(client, caller, whose):
    checked, publisher = gate(client, Loader()), GatePublisher(client)
    checked.check(caller, "DEFAULT")
    if whose == "tenant":
        publisher.tenant(caller.tenant_id, 2, 1, {})
    else:
        publisher.user(caller.tenant_id, caller.user_id, 2)
    with pytest.raises(errors.Unauthenticated) as caught:
        checked.check(caller, "DEFAULT")
    assert caught.value.reason == "PERMISSIONS_STALE"


def test_a_suspended_tenant_is_refused_at_once_and_a_late_publication_does_not_undo_it(client, caller):
    checked, publisher = gate(client, Loader()), GatePublisher(client)
    checked.check(caller, "DEFAULT")
    publisher.tenant(caller.tenant_id, 2, 2, {}, "SUSPENDED")
    # A change of before that comes late.
    publisher.tenant(caller.tenant_id, 1, 1, {})
    with pytest.raises(errors.PermissionDenied) as caught:
        checked.check(caller, "EXEMPT")
    assert caught.value.reason == "TENANT_SUSPENDED"
    publisher.tenant(caller.tenant_id, 2, 3, {}, "ACTIVE")
    with pytest.raises(errors.Unauthenticated) as stale:
        checked.check(caller, "DEFAULT")
    assert stale.value.reason == "PERMISSIONS_STALE"


@pytest.mark.parametrize("state", ["SUSPENDED", "ERASING", "ERASED"])
def test_a_tenant_that_is_not_active_is_refused_from_postgresql_too(client, dead, caller, state):
    for redis_server in (client, dead):
        with pytest.raises(errors.PermissionDenied) as caught:
            gate(redis_server, Loader(tenant_state=state)).check(caller, "DEFAULT")
        assert caught.value.reason == "TENANT_SUSPENDED"


def test_versions_in_redis_only_move_forward(client, caller):
    publisher = GatePublisher(client)
    publisher.user(caller.tenant_id, caller.user_id, 5)
    publisher.user(caller.tenant_id, caller.user_id, 4)
    publisher.tenant(caller.tenant_id, 3, 3, {"SEARCH": (7, 60)})
    publisher.tenant(caller.tenant_id, 2, 3, {"SEARCH": (9, 60)})
    publisher.publish(caller.tenant_id, session_id=caller.session_id, session_state="1")
    checked = gate(client, Loader())
    fresh = principal(
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
        session_id=caller.session_id,
        permission_version=8,
    )
    assert checked.check(fresh, "SEARCH").limit == 7


def test_the_call_over_the_limit_is_refused_with_the_time_to_wait(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (3, 60)}))
    assert [checked.check(caller, "SEARCH").remaining for _ in range(3)] == [2, 1, 0]
    with pytest.raises(RateLimited) as caught:
        checked.check(caller, "SEARCH")
    assert caught.value.first
    assert 50 <= caught.value.retry_seconds <= 66
    with pytest.raises(RateLimited) as caught:
        checked.check(caller, "SEARCH")
    assert not caught.value.first


def test_a_limit_that_a_tenant_gets_is_in_force_at_once(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (1, 60)}))
    checked.check(caller, "SEARCH")
    GatePublisher(client).tenant(caller.tenant_id, 1, 2, {"SEARCH": (50, 60)})
    assert checked.check(caller, "SEARCH").remaining == 48


def test_tiers_and_tenants_are_counted_apart(client, caller):
    loader = Loader(rate_limits={"SEARCH": (1, 60)})
    checked = gate(client, loader)
    checked.check(caller, "SEARCH")
    assert checked.check(caller, "DEFAULT").remaining == 99
    other = principal(tenant_id=ids.uuid7(), user_id=caller.user_id, session_id=caller.session_id)
    assert checked.check(other, "SEARCH").remaining == 0


def test_a_tenant_as_a_whole_has_ten_times_a_users_limit(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (1, 60)}))

    def colleague():
        return principal(tenant_id=caller.tenant_id, user_id=ids.uuid7(), session_id=ids.uuid7())

    for _ in range(10):
        checked.check(colleague(), "SEARCH")
    with pytest.raises(RateLimited):
        checked.check(colleague(), "SEARCH")


def test_a_hundred_calls_at_once_never_pass_the_limit(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (20, 60)}))

    def ask(_):
        try:
            checked.check(caller, "SEARCH")
            return True
        except RateLimited:
            return False

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(100))) == 20


def test_no_window_of_its_length_holds_more_than_the_limit(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (5, 1)}))
    passed = []
    until = time.monotonic() + 3.2
    while time.monotonic() < until:
        before = time.monotonic()
        try:
            checked.check(caller, "SEARCH")
            passed.append(before)
        except RateLimited:
            pass
        time.sleep(0.007)
    assert len(passed) >= 10
    for start in passed:
        # A call is counted after it was sent: the edges are left out.
        assert sum(start <= t < start + 0.98 for t in passed) <= 5


def test_without_redis_postgresql_decides_and_its_answer_is_kept(dead, caller):
    loader = Loader()
    checked = gate(dead, loader)
    for _ in range(5):
        checked.check(caller, "DEFAULT")
    assert loader.asked == 1
    stale = principal(
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
        session_id=caller.session_id,
        permission_version=9,
    )
    with pytest.raises(errors.Unauthenticated):
        checked.check(stale, "DEFAULT")


def test_without_redis_a_local_limiter_counts(dead, caller):
    checked = gate(dead, Loader(rate_limits={"SEARCH": (2, 60)}))
    checked.check(caller, "SEARCH")
    checked.check(caller, "SEARCH")
    with pytest.raises(RateLimited):
        checked.check(caller, "SEARCH")


def test_without_redis_and_postgresql_the_call_is_refused(dead, caller):
    loader = Loader()
    loader.error = errors.Unavailable("away")
    with pytest.raises(errors.Unavailable):
        gate(dead, loader).check(caller, "DEFAULT")


def test_a_call_counts_as_often_as_its_method_weighs(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (10, 60)}))
    assert [checked.check(caller, "SEARCH", weight).remaining for weight in (1, 5, 4)] == [9, 4, 0]
    with pytest.raises(RateLimited):
        checked.check(caller, "SEARCH")


def test_a_call_that_weighs_more_than_is_left_is_refused_and_counts_nothing(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (10, 60)}))
    checked.check(caller, "SEARCH", 8)
    with pytest.raises(RateLimited):
        checked.check(caller, "SEARCH", 3)
    assert checked.check(caller, "SEARCH", 2).remaining == 0


def test_a_call_that_weighs_more_than_the_whole_limit_takes_all_of_it(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (3, 60)}))
    assert checked.check(caller, "SEARCH", 5).remaining == 0
    with pytest.raises(RateLimited):
        checked.check(caller, "SEARCH")


def test_weights_count_without_redis_too(dead, caller):
    checked = gate(dead, Loader(rate_limits={"SEARCH": (10, 60)}))
    checked.check(caller, "SEARCH", 8)
    with pytest.raises(RateLimited):
        checked.check(caller, "SEARCH", 3)
    checked.check(caller, "SEARCH", 2)


@pytest.mark.parametrize("seconds", [3600, 5])
def test_a_window_of_another_length_is_in_force_at_once(client, caller, seconds):
    checked = gate(client, Loader(rate_limits={"SEARCH": (2, 60)}))
    checked.check(caller, "SEARCH")
    GatePublisher(client).tenant(caller.tenant_id, 1, 2, {"SEARCH": (4, seconds)})
    quotas = [checked.check(caller, "SEARCH") for _ in range(4)]
    assert [q.remaining for q in quotas] == [3, 2, 1, 0]
    assert quotas[0].reset_seconds <= seconds * 1.1 + 1
    with pytest.raises(RateLimited) as caught:
        checked.check(caller, "SEARCH")
    assert caught.value.retry_seconds <= seconds * 1.1 + 1


class SlowLoader(Loader):
    """PostgreSQL that takes long to answer."""

    def __init__(self, clocked, seconds):
        super().__init__()
        self._clocked, self._seconds = clocked, seconds

    def __call__(self, *whose):
        state = super().__call__(*whose)
        self._clocked.ahead += self._seconds
        return state


@pytest.fixture
def clocked(monkeypatch):
    class Clock:
        ahead = 0.0

    monkeypatch.setattr(clock, "monotonic", lambda: time.monotonic() + Clock.ahead)
    return Clock


def test_without_redis_the_bound_runs_from_before_postgresql_was_asked(dead, caller, clocked):
    loader = SlowLoader(clocked, 14)
    checked = gate(dead, loader)
    checked.check(caller, "DEFAULT")
    loader.state = dataclasses.replace(loader.state, session_active=False)
    clocked.ahead += bounds.WITHOUT_REDIS_SECONDS - 14
    with pytest.raises(errors.Unauthenticated):
        checked.check(caller, "DEFAULT")


def test_what_was_read_slowly_stands_in_redis_for_less(client, caller, clocked):
    """So a publication that was lost is made up for within the bound, too."""
    gate(client, SlowLoader(clocked, 14)).check(caller, "DEFAULT")
    names = (
        keys.tenant(caller.tenant_id),
        keys.user(caller.tenant_id, caller.user_id),
        keys.session(caller.tenant_id, caller.session_id),
    )
    assert all(0 < client.ttl(name) <= bounds.WITHOUT_REDIS_SECONDS - 14 for name in names)


def test_redis_away_is_told_in_metrics_and_once_in_the_log(dead, caller, caplog):
    before = fallbacks("check")
    checked = gate(dead, Loader())
    for _ in range(3):
        checked.check(caller, "DEFAULT")
    assert fallbacks("check") - before == 3
    assert [r.message for r in caplog.records] == ["Redis is away, PostgreSQL decides"]


def fallbacks(part):
    return prometheus_client.REGISTRY.get_sample_value("hms_gate_fallback_total", {"part": part}) or 0


LIMITS = CallLimits(concurrent_calls=3, max_request_bytes=2048)


def test_limits_of_calls_come_with_the_answer_and_go_with_it(client, caller):
    checked = gate(client, Loader(call_limits=LIMITS))
    assert checked.allowances.of(caller.tenant_id) is None
    checked.check(caller, "EXEMPT")
    assert checked.allowances.of(caller.tenant_id) == LIMITS
    # Another process hears of it with its first call, though Redis has it from this one.
    other = gate(client, Loader())
    other.check(caller, "DEFAULT")
    assert other.allowances.of(caller.tenant_id) == LIMITS
    GatePublisher(client).tenant(caller.tenant_id, 1, 2, {}, call_limits=CallLimits(max_stream_bytes=9))
    for each in (checked, other):
        each.check(caller, "DEFAULT")
        assert each.allowances.of(caller.tenant_id) == CallLimits(max_stream_bytes=9)
    GatePublisher(client).tenant(caller.tenant_id, 1, 3, {})
    checked.check(caller, "DEFAULT")
    assert checked.allowances.of(caller.tenant_id) is None
    assert checked.allowances._known == {}


def test_limits_of_calls_are_heard_with_a_refusal_too(client, caller):
    checked = gate(client, Loader(rate_limits={"SEARCH": (1, 60)}))
    checked.check(caller, "SEARCH")
    GatePublisher(client).tenant(caller.tenant_id, 1, 2, {"SEARCH": (1, 60)}, call_limits=LIMITS)
    with pytest.raises(RateLimited):
        checked.check(caller, "SEARCH")
    assert checked.allowances.of(caller.tenant_id) == LIMITS


def test_a_token_that_is_refused_does_not_take_the_limits_of_calls_away(client, caller):
    checked, publisher = gate(client, Loader(call_limits=LIMITS)), GatePublisher(client)
    checked.check(caller, "DEFAULT")
    publisher.user(caller.tenant_id, caller.user_id, 2)
    with pytest.raises(errors.Unauthenticated):
        checked.check(caller, "DEFAULT")
    publisher.session_revoked(caller.tenant_id, caller.session_id)
    with pytest.raises(errors.Unauthenticated):
        checked.check(caller, "DEFAULT")
    assert checked.allowances.of(caller.tenant_id) == LIMITS


def test_without_redis_limits_of_calls_come_from_postgresql(dead, caller):
    loader = Loader(call_limits=LIMITS)
    checked = gate(dead, loader)
    checked.check(caller, "DEFAULT")
    assert checked.allowances.of(caller.tenant_id) == LIMITS
    loader.state = Loader().state
    checked._states.clear()
    checked.check(caller, "DEFAULT")
    assert checked.allowances.of(caller.tenant_id) is None


def test_a_hospital_that_was_told_of_its_limits_does_not_pass_them_to_another(client, caller):
    checked = gate(client, Loader(call_limits=LIMITS))
    checked.check(caller, "DEFAULT")
    other = principal(tenant_id=ids.uuid7(), user_id=caller.user_id, session_id=caller.session_id)
    gate(client, Loader()).check(other, "DEFAULT")
    assert checked.allowances.of(other.tenant_id) is None
