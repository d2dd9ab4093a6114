"""One hospital's burst does not keep another waiting: the call threads of one process."""

from __future__ import annotations

import concurrent.futures
import threading
import time

import grpc
import pytest

from hms_server import clock
from hms_server.edge.server import Server
from hms_server.edge.threads import CallThreads

A, B, C = "Bearer a", "Bearer b", "Bearer c"
THREADS = 4
SECONDS = 10


class Hospitals:
    """A process with four call threads; calls of /Slow last until they are let go."""

    def __init__(self):
        self.threads = CallThreads(THREADS)
        for token in (A, B, C):
            self.threads.learn(token, token[-1])
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
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

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

    def call(self, name, token):
        method = self.channel.unary_unary(f"/test.S/{name}")
        return method.future(b"", timeout=SECONDS, metadata=(("authorization", token),) if token else None)

    def begun(self, count):
        for _ in range(count):
            assert self.entered.acquire(timeout=SECONDS)


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
    process.call("Quick", B).result()
    slow = [process.call("Slow", A) for _ in range(40)]
    process.begun(THREADS - 1)
    for _ in range(20):
        assert process.call("Quick", B).result() == b"quick"
    assert process.most == {A: THREADS - 1}
    process.let_go.release(40)
    assert [call.result() for call in slow] == [b"slow"] * 40


def test_a_hospital_alone_has_all_threads(process):
    slow = [process.call("Slow", A) for _ in range(8)]
    process.begun(THREADS)
    assert process.most == {A: THREADS}
    process.let_go.release(8)
    assert [call.result() for call in slow] == [b"slow"] * 8


def test_a_hospital_that_comes_into_a_burst_is_next(process):
    slow = [process.call("Slow", A) for _ in range(40)]
    process.begun(THREADS)
    quick = process.call("Quick", C)
    unknown = process.call("Quick", "")
    eventually(lambda: len(process.threads._queues) == 3)
    process.let_go.release(2)
    assert (quick.result(), unknown.result()) == (b"quick", b"quick")
    assert sum(call.done() for call in slow) <= 2
    process.let_go.release(40)
    assert all(call.result() == b"slow" for call in slow)


def test_another_token_that_nobody_verified_does_not_reach_a_hospitals_queue(process):
    process.call("Quick", B).result()
    forged = [process.call("Slow", token) for token in ("Bearer x", "Bearer y", "")]
    process.begun(3)
    assert process.call("Quick", A).result() == b"quick"
    # All that is forged has one share.
    forged.append(process.call("Slow", "Bearer z"))
    assert process.call("Quick", B).result() == b"quick"
    assert not any(call.done() for call in forged)


def test_nothing_is_lost_and_nothing_is_served_twice():
    threads, lock, served = CallThreads(THREADS), threading.Lock(), []
    tenants = [f"Bearer {n}" for n in range(7)]
    for token in tenants:
        threads.learn(token, token)

    class Event:
        def __init__(self, token):
            self.invocation_metadata = (("x-request-id", "1"), ("authorization", token))

    def serve(event, number):
        with lock:
            served.append(number)

    def submit(number):
        # As grpcio does: what runs the call, the call, and the event that holds its metadata.
        return threads.submit(lambda call, *rest: call(*rest), serve, Event(tenants[number % 7]), number)

    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        done = list(clients.map(submit, range(3000)))
    concurrent.futures.wait(done, SECONDS)
    threads.shutdown(wait=True)
    assert sorted(served) == list(range(3000))
    assert (threads._queues, threads._running, threads._put_off) == ({}, {}, 0)


def test_a_call_that_fails_takes_no_other_with_it():
    threads = CallThreads(1)
    threads.learn(A, "a")
    done = []

    def fail(*_):
        raise ValueError

    for number in range(20):
        threads.submit(fail if number % 2 else done.append, number)
    threads.shutdown(wait=True)
    assert done == list(range(0, 20, 2))
    assert (threads._queues, threads._running, threads._put_off) == ({}, {}, 0)


def test_a_share_is_given_back_when_the_other_has_been_silent(monkeypatch):
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
