"""One hospital's burst does not keep another waiting: the call threads of one process."""

from __future__ import annotations

import concurrent.futures
import threading
import time

import grpc
import prometheus_client
import pytest
from google.rpc import error_details_pb2, status_pb2

from hms_server import clock
from hms_server.context import CallLimits
from hms_server.edge import known as known_module
from hms_server.edge import refusal
from hms_server.edge.known import KnownTokens
from hms_server.edge.server import Server
from hms_server.edge.threads import CallThreads
from hms_server.gate.allowances import Allowances

A, B, C = "Bearer a", "Bearer b", "Bearer c"
THREADS = 4
SECONDS = 10


class Hospitals:
    """A process with four call threads and a spare one; calls of /Slow last until they are let go."""

    def __init__(self, **parts):
        self.allowances = Allowances()
        self.threads = CallThreads(
            THREADS,
            spare=1,
            allowances=self.allowances,
            address_of=lambda event: dict(event.invocation_metadata).get("from", ""),
            **parts,
        )
        for token in (A, B, C):
            self.threads.known.learn(token, token[-1])
        self.let_go = threading.Semaphore(0)
        self.lock, self.inside, self.most = threading.Lock(), {}, {}
        self.entered = threading.Semaphore(0)
        server = Server(
            {"test.S": {"Slow": self._slow, "Quick": lambda raw, context: b"quick"}},
            threads=self.threads,
            max_request_bytes=1000,
        )
        port = server._server.add_insecure_port("127.0.0.1:0")
        server._server.start()
        self.server = server
        self.target = f"127.0.0.1:{port}"
        self.channel = grpc.insecure_channel(self.target)

    def _slow(self, raw, context):
        who = dict(context.invocation_metadata()).get("authorization", "")
        with self.lock:
            self.inside[who] = self.inside.get(who, 0) + 1
            self.most[who] = max(self.most.get(who, 0), self.inside[who])
        self.entered.release()
        assert self.let_go.acquire(timeout=SECONDS)
        with self.lock:
            self.inside[who] -= 1
        return b"slow"

    def call(self, name, token="", **metadata):
        method = self.channel.unary_unary(f"/test.S/{name}")
        sent = {**({"authorization": token} if token else {}), **metadata}
        return method.future(b"", timeout=SECONDS, metadata=tuple(sent.items()))

    def waiting(self, tenant):
        return len(self.threads._queues.get(tenant, ()))

    def begun(self, count):
        for _ in range(count):
            assert self.entered.acquire(timeout=SECONDS)

    def at_rest(self):
        """Whether nothing waits, nothing runs and every thread is idle."""
        return is_at_rest(self.threads)


def is_at_rest(threads):
    return (threads._queues, threads._running, threads._idle) == ({}, {}, len(threads._started))


def eventually(look):
    until = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def process():
    made = Hospitals()
    yield made
    made.let_go.release(200)
    made.channel.close()
    made.server.stop(SECONDS)


def test_a_burst_of_slow_calls_leaves_a_thread_to_another_hospital(process):
    slow = [process.call("Slow", A) for _ in range(40)]
    process.begun(THREADS)
    for _ in range(20):
        assert process.call("Quick", B).result() == b"quick"
    assert process.most == {A: THREADS}
    process.let_go.release(40)
    assert [call.result() for call in slow] == [b"slow"] * 40


def test_a_hospital_that_comes_into_a_burst_is_next(process):
    slow = [process.call("Slow", A) for _ in range(40)]
    process.begun(THREADS)
    slow.append(process.call("Slow", B))
    process.begun(1)
    quick = process.call("Quick", C)
    unknown = process.call("Quick", "")
    eventually(lambda: len(process.threads._queues) == 3)
    process.let_go.release(2)
    assert (quick.result(), unknown.result()) == (b"quick", b"quick")
    assert sum(call.done() for call in slow) <= 2
    process.let_go.release(40)
    assert all(call.result() == b"slow" for call in slow)


def test_another_token_that_nobody_verified_does_not_reach_a_hospitals_queue(process):
    forged = [process.call("Slow", token) for token in ("Bearer x", "Bearer y", "", "Bearer u")]
    process.begun(THREADS)
    assert process.call("Quick", A).result() == b"quick"
    # All that is forged has one share.
    forged.append(process.call("Slow", "Bearer z"))
    assert process.call("Quick", B).result() == b"quick"
    assert not any(call.done() for call in forged)


def test_nothing_is_lost_and_nothing_is_served_twice():
    threads, lock, served = CallThreads(THREADS), threading.Lock(), []
    tenants = [f"Bearer {n}" for n in range(7)]
    for token in tenants:
        threads.known.learn(token, token)

    class Event:
        def __init__(self, token):
            self.invocation_metadata = (("x-request-id", "1"), ("authorization", token))

    def serve(event, number):
        with lock:
            served.append(number)

    told = threading.Semaphore(0)

    def submit(number):
        # As grpcio does: what runs the call, the call, and the event that holds its metadata.
        done = threads.submit(lambda call, *rest: call(*rest), serve, Event(tenants[number % 7]), number)
        done.add_done_callback(lambda _: told.release())

    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        list(clients.map(submit, range(3000)))
    for _ in range(3000):
        assert told.acquire(timeout=SECONDS)
    assert sorted(served) == list(range(3000))
    assert is_at_rest(threads)
    threads.shutdown(wait=True)
    # Told once of each.
    assert not told.acquire(blocking=False)


def test_a_call_that_fails_takes_no_other_with_it():
    threads = CallThreads(1)
    threads.known.learn(A, "a")
    done = []

    def fail(*_):
        raise ValueError

    for number in range(20):
        threads.submit(fail if number % 2 else done.append, number)
    threads.shutdown(wait=True)
    assert done == list(range(0, 20, 2))
    assert is_at_rest(threads)


def test_without_a_spare_thread_a_share_is_given_back_when_the_other_has_been_silent(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    threads = CallThreads(THREADS)
    now[0] = 100.0
    threads._note("b")
    threads._note("a")
    assert threads._share("a") == THREADS - 1
    now[0] = 111.0
    threads._note("a")
    assert threads._share("a") == THREADS
    threads.shutdown()


# Bounds


@pytest.fixture
def small():
    """A process that takes ten calls of a hospital, and ten of all who are not known."""
    made = Hospitals(most_calls=10)
    yield made
    made.let_go.release(200)
    made.channel.close()
    made.server.stop(SECONDS)


def details(call):
    """Code, and the details of the status by their type."""
    error = call.exception()
    assert error is not None
    found = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                name = detail.type_url.rpartition(".")[2]
                found[name] = getattr(error_details_pb2, name)()
                detail.Unpack(found[name])
    return error.code().name, found


def refusals():
    labels = {"why": "concurrency"}
    return prometheus_client.REGISTRY.get_sample_value("hms_calls_refused_total", labels) or 0


def test_refusing_works_with_the_grpcio_that_is_installed():
    assert refusal._AS_EXPECTED


def test_calls_beyond_the_bound_are_refused_at_once_and_say_what_to_do(small):
    small.call("Quick", B).result()
    before = refusals()
    slow = [small.call("Slow", A) for _ in range(10)]
    eventually(lambda: small.waiting("a") == 10 - THREADS)
    more = [small.call("Slow", A, **{"x-request-id": "one-too-many"}) for _ in range(30)]
    for call in more:
        code, found = details(call)
        assert code == "RESOURCE_EXHAUSTED"
        assert found["ErrorInfo"].reason == "TOO_MANY_CALLS_AT_ONCE"
        assert found["ErrorInfo"].metadata["request_id"] == "one-too-many"
        assert found["QuotaFailure"].violations[0].subject == "tenant"
        assert found["RetryInfo"].retry_delay.seconds == 1
        assert "10 calls under way" in call.details()
        headers = dict(call.initial_metadata())
        assert (headers["retry-after"], headers["x-request-id"]) == ("1", "one-too-many")
    assert refusals() - before == 30
    # Another hospital is served meanwhile, and nothing that was taken is lost.
    assert small.call("Quick", B).result() == b"quick"
    small.let_go.release(10)
    assert [call.result() for call in slow] == [b"slow"] * 10
    assert small.call("Quick", A).result() == b"quick"


def test_a_hospitals_own_limit_is_in_force_with_the_next_call_and_gone_with_it(small):
    small.allowances.told("a", CallLimits(concurrent_calls=2))
    slow = [small.call("Slow", A) for _ in range(2)]
    small.begun(2)
    assert details(small.call("Quick", A))[1]["ErrorInfo"].reason == "TOO_MANY_CALLS_AT_ONCE"
    assert small.call("Quick", B).result() == b"quick"
    small.allowances.told("a", CallLimits())
    assert small.call("Quick", A).result() == b"quick"
    # More than the server itself takes has no effect.
    small.allowances.told("a", CallLimits(concurrent_calls=1000))
    slow += [small.call("Slow", A) for _ in range(8)]
    eventually(lambda: small.waiting("a") + small.inside[A] == 10)
    assert details(small.call("Quick", A))[0] == "RESOURCE_EXHAUSTED"
    small.let_go.release(10)
    assert [call.result() for call in slow] == [b"slow"] * 10


def test_calls_with_new_tokens_count_as_their_hospitals_once_they_are_verified(small):
    """A hospital does not get round its limit by signing in again for each call."""
    small.allowances.told("a", CallLimits(concurrent_calls=2))
    tokens = [f"Bearer new{n}" for n in range(THREADS)]
    outcomes = []

    def slow(raw, context):
        token = dict(context.invocation_metadata())["authorization"]
        try:
            small.threads.known.learn(token, "a")
        except Exception as error:
            outcomes.append(error.reason)
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "")
        return small._slow(raw, context)

    handlers = {"New": grpc.unary_unary_rpc_method_handler(slow)}
    small.server._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.T", handlers),))
    new = small.channel.unary_unary("/test.T/New")
    calls = [new.future(b"", timeout=SECONDS, metadata=(("authorization", token),)) for token in tokens]
    small.begun(2)
    eventually(lambda: outcomes == ["TOO_MANY_CALLS_AT_ONCE"] * 2)
    eventually(lambda: small.threads._running == {"a": 2})
    small.let_go.release(2)
    eventually(lambda: all(call.done() for call in calls))
    assert sorted(call.code().name for call in calls) == ["OK", "OK"] + ["RESOURCE_EXHAUSTED"] * 2
    eventually(lambda: small.threads._running == {})


def test_a_flood_without_tokens_does_not_keep_somebody_elsewhere_from_signing_in(small):
    held = [small.call("Slow", token) for token in (A, B, A, B, A)]
    small.begun(THREADS + 1)
    flood = [small.call("Slow", **{"from": "192.0.2.1"}) for _ in range(30)]
    eventually(lambda: sum(call.done() for call in flood) == 20)
    # The queue is full of one address: another one takes a place in it, and its turn comes next but one.
    login = small.call("Quick", **{"from": "198.51.100.7"})
    eventually(lambda: sum(call.done() for call in flood) == 21)
    small.let_go.release(2)
    assert login.result() == b"quick"
    small.let_go.release(50)
    assert all(call.result() == b"slow" for call in held)
    results = [call.exception() is None for call in flood]
    assert (results.count(True), results.count(False)) == (9, 21)
    eventually(small.at_rest)


def test_a_flood_from_everywhere_leaves_each_address_its_fair_part_and_memory_stays_bounded(small):
    held = [small.call("Slow", token) for token in (A, B, A, B, A)]
    small.begun(THREADS + 1)
    flood = [small.call("Slow", **{"from": f"192.0.2.{n % 5}"}) for n in range(200)]
    eventually(lambda: sum(call.done() for call in flood) == 190)
    assert small.waiting("") == 10
    waiting = {n: small.threads._queues[""].of(f"192.0.2.{n}") for n in range(5)}
    assert all(1 <= count <= 4 for count in waiting.values()), waiting
    small.let_go.release(50)
    assert all(call.result() == b"slow" for call in held)
    eventually(small.at_rest)


def test_clients_that_go_away_leave_nothing_behind(small):
    held = [small.call("Slow", A) for _ in range(THREADS)]
    small.begun(THREADS)
    gone = [small.call("Slow", A) for _ in range(6)]
    eventually(lambda: small.waiting("a") == 6)
    for call in gone:
        call.cancel()
    small.let_go.release(THREADS)
    assert all(call.result() == b"slow" for call in held)
    assert small.call("Quick", A).result() == b"quick"
    eventually(small.at_rest)


def test_a_token_is_nobodys_once_it_has_expired_or_its_session_is_over(monkeypatch):
    known, now = KnownTokens(), [100.0]
    monkeypatch.setattr(clock, "unix_seconds", lambda: now[0])
    known.learn(A, "a", 160.0)
    known.learn(B, "b", 500.0)
    assert (known.tenant_of(A), known.tenant_of(B), known.tenant_of("Bearer forged")) == ("a", "b", "")
    now[0] = 160.0
    known.forget(B)
    assert (known.tenant_of(A), known.tenant_of(B)) == ("", "")


def test_tokens_without_end_do_not_fill_the_memory_and_push_out_the_oldest_alone(monkeypatch):
    monkeypatch.setattr(known_module, "_MOST_TOKENS", 100)
    known = KnownTokens()
    known.learn(B, "b")
    for n in range(99):
        known.learn(f"Bearer {n}", "a")
    assert known.tenant_of(B) == "b"
    known.learn("Bearer more", "a")
    assert (known.tenant_of(B), known.tenant_of("Bearer 0")) == ("", "a")
    assert len(known._tenants) == 100


def test_what_nobody_verified_is_never_remembered(process):
    before = len(process.threads.known._tenants)
    for n in range(50):
        process.call("Quick", f"Bearer forged{n}").result()
    assert len(process.threads.known._tenants) == before


def test_a_client_that_asks_for_reflection_and_says_nothing_holds_no_call(process):
    idle = threading.Event()

    def silence():
        idle.wait(SECONDS)
        yield from ()

    ask = process.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    streams = [ask(silence()) for _ in range(3 * THREADS)]
    for token in (A, B, ""):
        assert process.call("Quick", token).result() == b"quick"
    for stream in streams:
        stream.cancel()
    idle.set()


def series():
    return [
        (sample.name, tuple(sorted(sample.labels.items())))
        for metric in prometheus_client.REGISTRY.collect()
        for sample in metric.samples
        if sample.name.startswith("hms_")
    ]


def test_methods_and_headers_that_are_made_up_make_no_metrics_and_large_ones_are_refused(process):
    process.call("Quick", A).result()
    before = series()
    for n in range(50):
        assert process.call(f"Nope{n}", A).exception().code() is grpc.StatusCode.UNIMPLEMENTED
        process.call("Quick", f"Bearer {n}", **{"x-request-id": f"id{n}", "x-tenant": str(n)}).result()
    large = process.call("Quick", A, **{"x-large": "x" * 100_000})
    assert large.exception().code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert process.call("Quick", A).result() == b"quick"
    assert series() == before


# Starvation, counted in turns


class Turns:
    """Notes the order in which calls come to the threads, and in which threads begin them."""

    def __init__(self, process):
        self.log = []
        threads = process.threads
        place, take, hand = threads._place, threads._take, threads._hand

        # All run under the threads' own lock: the log is in the order in which things are.
        def placed(tenant, work, limit):
            before = len(self.log)
            self.log.append(("came", tenant))
            refused = place(tenant, work, limit)
            if refused is work:
                self.log[before] = ("refused", tenant)
            return refused

        def taken():
            found = take()
            if found is not None:
                self.log.append(("begun", found[0]))
            return found

        def handed(tenant, work):
            self.log.append(("begun", tenant))
            hand(tenant, work)

        threads._place, threads._take, threads._hand = placed, taken, handed

    def overtaken(self, tenant):
        """Of each call of `tenant`: how many calls of others began while it waited."""
        found, waiting = [], None
        for what, whose in self.log:
            if (what, whose) == ("came", tenant):
                waiting = 0
            elif (what, whose) == ("begun", tenant):
                found.append(waiting)
                waiting = None
            elif what == "begun" and waiting is not None:
                waiting += 1
        return found


def test_no_call_of_a_quiet_hospital_waits_for_more_than_a_turn_of_each_other(process):
    """A floods over many connections with slow and quick calls, strangers flood too; B calls one by one."""
    turns, over = Turns(process), threading.Event()
    target = process.target
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(target, options) for _ in range(16)]
    refused, served = [], []

    def flood(number):
        channel = channels[number % len(channels)]
        quick, slow = (channel.unary_unary(f"/test.S/{name}") for name in ("Quick", "Slow"))
        metadata = (("authorization", A),) if number % 4 else (("from", f"192.0.2.{number}"),)
        while not over.is_set():
            calls = [
                (slow if n % 10 == 0 else quick).future(b"", timeout=SECONDS, metadata=metadata)
                for n in range(20)
            ]
            process.let_go.release(2)
            for call in calls:
                (refused if call.exception() else served).append(number)

    clients = [threading.Thread(target=flood, args=(n,)) for n in range(32)]
    process.call("Quick", B).result()
    for client in clients:
        client.start()
    eventually(lambda: process.waiting("a") > 20)
    for _ in range(100):
        assert process.call("Quick", B).result() == b"quick"
    over.set()
    process.let_go.release(1000)
    for client in clients:
        client.join()
    for channel in channels:
        channel.close()
    overtaken = turns.overtaken("b")
    assert len(overtaken) >= 100
    # One of A's and one of the strangers' before it in the round.
    assert max(overtaken) <= 2, sorted(overtaken)[-5:]
    assert served
    assert not refused
