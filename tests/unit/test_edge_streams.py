"""Client-streaming methods at the edge, with grpc's own server and client."""

from __future__ import annotations

import queue
import threading

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from hms.patient.v1 import patient_pb2 as pb
from hms.policy.v1 import policy_pb2
from hms_server import clock, errors
from hms_server.context import CallLimits
from hms_server.edge import chain, stream
from hms_server.edge.bound import BoundMethod
from hms_server.edge.interceptors.deadline import DeadlineInterceptor
from hms_server.edge.known import KnownTokens
from hms_server.edge.server import Server, upload_threads
from hms_server.edge.threads import CallThreads
from hms_server.edge.transport import StreamBehaviour, behaviour
from hms_server.errors import ConfigError
from hms_server.gate.allowances import OverAllowance
from hms_server.gate.gate import Quota, RateLimited
from hms_server.policy import policy_of
from tests.fix_client import reason
from tests.unit.edge_fixtures import call, method, policy, principal
from tests.unit.test_chain import parts
from tests.unit.test_interceptors import FakeGate, Transport, Verifier

TOKEN = (("authorization", "Bearer x"),)
SECONDS = 20


def message(name="Asha", **fields):
    return pb.CreatePatientRequest(patient=pb.Patient(family_name=name), **fields)


class Uploads:
    """A handler that counts what it got, and remembers how each call of it ended."""

    def __init__(self):
        self.started = queue.SimpleQueue()
        self.ended = queue.SimpleQueue()

    def __call__(self, requests, made):
        self.started.put(True)
        count = 0
        try:
            for request in requests:
                assert isinstance(request, pb.CreatePatientRequest)
                count += 1
                self.started.put(request.patient.family_name)
        except errors.HmsError as error:
            self.ended.put(type(error))
            raise
        self.ended.put(count)
        return pb.Patient(family_name=str(count))


@pytest.fixture
def serve():
    servers = []

    def start(uploads, threads=1, pool=None, **changes):
        pool = pool or upload_threads()
        bound = BoundMethod(policy(max_stream_bytes=1000), pb.CreatePatientRequest, 400)
        handler = chain.bind(chain.build(parts(**changes)), bound, lambda c: uploads(c.request, c))
        unary = BoundMethod(policy(), pb.GetPatientRequest, 400)
        plain = chain.bind(chain.build(parts()), unary, lambda c: pb.Patient())

        def resolve(context, metadata):
            return "192.0.2.7"

        methods = {
            "Upload": StreamBehaviour(behaviour(bound, handler, resolve), pool),
            "Get": behaviour(unary, plain, resolve),
        }
        server = Server({"test.S": methods}, threads=threads, max_request_bytes=400)
        port = server._server.add_insecure_port("127.0.0.1:0")
        server._server.start()
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        servers.append((server, channel))
        return channel

    yield start
    for server, channel in servers:
        channel.close()
        server.stop(0)


def upload(channel, requests, timeout=SECONDS, metadata=TOKEN):
    stub = channel.stream_unary(
        "/test.S/Upload",
        request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
        response_deserializer=pb.Patient.FromString,
    )
    return stub.future(iter(requests), metadata=metadata, timeout=timeout)


class Stalling:
    """Sends what it is given, and then nothing more until it is let go."""

    def __init__(self, *requests):
        self.requests = list(requests)
        self.free = threading.Event()

    def __iter__(self):
        yield from self.requests
        self.free.wait(SECONDS)


def refusal(answer):
    with pytest.raises(grpc.RpcError) as caught:
        answer.result()
    return reason(caught.value)


def test_the_messages_of_a_stream_arrive_parsed_and_in_order(serve):
    uploads = Uploads()
    answer = upload(serve(uploads), (message(str(i)) for i in range(50)))
    assert answer.result().family_name == "50"
    assert dict(answer.initial_metadata())["x-ratelimit-remaining"] == "99"
    assert [uploads.started.get() for _ in range(51)] == [True, *map(str, range(50))]


def test_an_empty_stream_and_an_empty_message_are_two_things(serve):
    channel = serve(Uploads())
    assert upload(channel, iter(())).result().family_name == "0"
    assert refusal(upload(channel, iter([b""]))) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "changes",
    [
        {"verifier": Verifier(errors.Unauthenticated("forged"))},
        {"gate": FakeGate(RateLimited("slow down", "RATE_LIMITED", Quota(5, 0, 9), 9.0, True))},
        {
            "verifier": type(
                "Nobody", (), {"verify": lambda self, token: principal(permissions=frozenset())}
            )()
        },
    ],
    ids=["authentication", "gate", "authorization"],
)
def test_who_is_refused_is_refused_before_anything_is_read(changes):
    class Untouched:
        def __getattr__(self, name):
            pytest.fail(f"the stream was asked for {name}")

    bound = BoundMethod(policy(max_stream_bytes=1000), pb.CreatePatientRequest, 400)
    handler = chain.bind(chain.build(parts(**changes)), bound, lambda c: pytest.fail("served"))
    made = call({"authorization": "Bearer x"})
    made.request = Untouched()
    with pytest.raises(Exception, match=r"UNAUTHENTICATED|RESOURCE_EXHAUSTED|PERMISSION_DENIED"):
        handler(made)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"\xff\xff\xff", "MALFORMED_REQUEST"),
        (message("x" * 500), "REQUEST_TOO_LARGE"),
        (message("Ra\0o"), "INVALID_ARGUMENT"),
        (message(request_id="no uuid"), "INVALID_ARGUMENT"),
    ],
    ids=["malformed", "large", "nul", "rule"],
)
def test_a_bad_message_in_the_middle_is_refused_with_its_reason(serve, bad, why):
    uploads = Uploads()
    assert refusal(upload(serve(uploads), iter([message(), bad, message()]))) == ("INVALID_ARGUMENT", why)
    assert uploads.ended.get(timeout=SECONDS) is errors.InvalidArgument


def test_a_stream_that_never_ends_is_refused_at_its_limit(serve):
    def without_end():
        while True:
            yield message("x" * 100)

    uploads = Uploads()
    answer = upload(serve(uploads), without_end())
    assert refusal(answer) == ("INVALID_ARGUMENT", "REQUEST_TOO_LARGE")
    assert "1000 bytes" in answer.details()


def test_a_client_that_goes_away_is_never_taken_for_one_that_is_done(serve):
    uploads = Uploads()
    channel = serve(uploads)
    for _ in range(100):
        answer = upload(channel, stalling := Stalling(message()))
        assert uploads.started.get(timeout=SECONDS)
        assert uploads.started.get(timeout=SECONDS) == "Asha"
        answer.cancel()
        assert uploads.ended.get(timeout=SECONDS) is errors.Cancelled
        stalling.free.set()


def test_a_message_beyond_what_the_transport_takes_ends_the_upload(serve):
    uploads = Uploads()
    code, _ = refusal(upload(serve(uploads), iter([message(), message("x" * 5000)])))
    assert code == "RESOURCE_EXHAUSTED"
    assert uploads.ended.get(timeout=SECONDS) is errors.Cancelled


def test_a_client_that_stalls_is_told_the_deadline_and_its_thread_goes_on(serve):
    uploads = Uploads()
    channel = serve(uploads, deadline_ceiling_seconds=0.2)
    for _ in range(3):
        answer = upload(channel, stalling := Stalling(message()), timeout=None)
        assert refusal(answer) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        assert uploads.ended.get(timeout=SECONDS) is errors.DeadlineExceeded
        stalling.free.set()


def test_a_client_whose_own_deadline_passes_leaves_no_thread_waiting(serve):
    uploads = Uploads()
    channel = serve(uploads)
    answer = upload(channel, stalling := Stalling(message()), timeout=0.2)
    assert refusal(answer)[0] == "DEADLINE_EXCEEDED"
    assert uploads.ended.get(timeout=SECONDS) in (errors.DeadlineExceeded, errors.Cancelled)
    stalling.free.set()


def test_uploads_wait_for_each_other_and_never_take_a_calls_thread(serve):
    uploads = Uploads()
    channel = serve(uploads, threads=1)
    stalling = [Stalling(), Stalling(), Stalling()]
    answers = [upload(channel, one) for one in stalling]
    for _ in range(2):
        uploads.started.get(timeout=SECONDS)
    get = channel.unary_unary("/test.S/Get", response_deserializer=pb.Patient.FromString)
    request = pb.GetPatientRequest(id="01890000-0000-7000-8000-000000000001").SerializeToString()
    assert get(request, metadata=TOKEN, timeout=SECONDS) == pb.Patient()
    assert uploads.started.empty()
    for one in stalling:
        one.free.set()
    assert [answer.result().family_name for answer in answers] == ["0", "0", "0"]


def test_an_answer_may_come_before_the_stream_is_whole(serve):
    channel = serve(lambda requests, made: pb.Patient(family_name=next(requests).patient.family_name))
    answer = upload(channel, stalling := Stalling(message()))
    assert answer.result().family_name == "Asha"
    stalling.free.set()


def test_waiting_is_bounded_with_the_grpcio_that_is_installed():
    assert stream._next is stream._next_in_time


@pytest.mark.parametrize(("own", "least", "most"), [(300, 290, 300), (0, 10, 15)])
def test_a_method_may_have_a_ceiling_of_its_own(own, least, most):
    made = call()
    made.transport = Transport(9.2e18)
    DeadlineInterceptor(15.0).bind(method(deadline_seconds=own), lambda c: None)(made)
    assert least < made.deadline - clock.monotonic() <= most


def described(client_streaming, **fields):
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="s.proto", package="s", syntax="proto3")
    file.message_type.add(name="M")
    made = file.service.add(name="S").method.add(name="Go", input_type=".s.M", output_type=".s.M")
    made.client_streaming = client_streaming
    made.options.Extensions[policy_pb2.method].CopyFrom(
        policy_pb2.MethodPolicy(
            access=policy_pb2.ACCESS_AUTHENTICATED,
            rate_tier=policy_pb2.RATE_TIER_IMPORT,
            audit_class=policy_pb2.AUDIT_CLASS_CREATE,
            entity_type="bundle",
            **fields,
        )
    )
    pool.Add(file)
    return pool.FindServiceByName("s.S").methods[0]


def test_a_policy_tells_the_limits_of_a_stream():
    found = policy_of(described(True, max_stream_bytes=7, deadline_seconds=300))
    assert (found.rate_tier, found.max_stream_bytes, found.deadline_seconds) == ("IMPORT", 7, 300)


@pytest.mark.parametrize(
    ("client_streaming", "fields"),
    [
        (True, {}),
        (False, {"max_stream_bytes": 7}),
        (True, {"max_stream_bytes": -1}),
        (False, {"deadline_seconds": -1}),
    ],
)
def test_a_limit_that_cannot_be_stops_the_start(client_streaming, fields):
    with pytest.raises(ConfigError, match="max_stream_bytes"):
        policy_of(described(client_streaming, **fields))


A, B = (("authorization", "Bearer a"),), (("authorization", "Bearer b"),)


class Tenants:
    """Tokens of two hospitals."""

    def verify(self, token):
        return principal(tenant_id=token)


@pytest.fixture
def shared(serve, monkeypatch):
    """Uploads of two hospitals, whose tokens are known; nobody has patience."""
    monkeypatch.setattr(stream, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(stream, "_LOOK_SECONDS", 0.02)
    known = KnownTokens()
    for tenant in ("a", "b"):
        known.learn(f"Bearer {tenant}", tenant)
    pool = upload_threads(known=known)
    uploads = Uploads()
    verified = {"verifier": Tenants(), "known": known, "must_give_way": pool.must_give_way}
    return serve(uploads, pool=pool, **verified), uploads


def test_stalling_uploads_of_one_hospital_give_way_to_another_and_no_more_than_one_of_them(shared):
    channel, uploads = shared
    stalling = [Stalling(message()) for _ in range(4)]
    answers = [upload(channel, one, metadata=A) for one in stalling]
    for _ in range(4):
        uploads.started.get(timeout=SECONDS)
    # Nobody else waits: there is no end to patience.
    assert not any(answer.done() for answer in answers)
    assert upload(channel, [message()], metadata=B).result().family_name == "1"
    assert uploads.ended.get(timeout=SECONDS) is OverAllowance
    assert uploads.ended.get(timeout=SECONDS) == 1
    ended = [answer for answer in answers if answer.done()]
    assert [refusal(answer) for answer in ended] == [("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS_AT_ONCE")]
    # The others go on, one after another while both hospitals call.
    for one in stalling:
        one.free.set()
    assert [answer.result().family_name for answer in answers if answer not in ended] == ["1"] * 3


def test_an_upload_that_drips_gives_way_like_one_that_stalls(shared):
    channel, uploads = shared
    over = threading.Event()

    def drips():
        for _ in range(9):
            yield message()
            over.wait(0.02)
        over.wait(SECONDS)

    dripping = [upload(channel, drips(), metadata=A) for _ in range(2)]
    for _ in range(4):
        uploads.started.get(timeout=SECONDS)
    assert upload(channel, [message()], metadata=B).result().family_name == "1"
    over.set()
    codes = sorted(answer.code().name for answer in dripping)
    assert codes == ["OK", "RESOURCE_EXHAUSTED"]


def test_uploads_that_wait_have_a_bound_for_each_hospital(serve):
    known = KnownTokens()
    for tenant in ("a", "b"):
        known.learn(f"Bearer {tenant}", tenant)
    pool = CallThreads(2, known=known, most_calls=4)
    channel = serve(Uploads(), pool=pool, known=known, verifier=Tenants())
    # The other hospital has called lately, so one place is what this one has.
    assert upload(channel, [], metadata=B).result().family_name == "0"
    stalling = [Stalling() for _ in range(6)]
    answers = [upload(channel, one, metadata=A) for one in stalling]
    assert {refusal(answer) for answer in answers[4:]} == {("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS_AT_ONCE")}
    assert upload(channel, [message()], metadata=B).result().family_name == "1"
    for one in stalling:
        one.free.set()
    assert [answer.result().family_name for answer in answers[:4]] == ["0"] * 4


def test_the_hospitals_own_size_of_an_upload_holds_before_the_methods(serve):
    gate = FakeGate()
    gate.allowances.told(principal().tenant_id, CallLimits(max_stream_bytes=300))
    answer = upload(serve(Uploads(), gate=gate), (message("x" * 100) for _ in range(50)))
    assert refusal(answer) == ("RESOURCE_EXHAUSTED", "OVER_REQUEST_SIZE_OF_TENANT")
    assert "300 bytes" in answer.details()
