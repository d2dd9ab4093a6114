"""The commands' client: it sends the token, renews it, and keeps no call waiting."""

from __future__ import annotations

import concurrent.futures

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from hms.admin.v1 import admin_pb2, admin_pb2_grpc
from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms_server import config, errors
from hms_server.cli import client as clients


def abort(context, code, reason):
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="hms"))
    status = status_pb2.Status(code=code.value[0], message="no", details=[info])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, "no")


class Identity(identity_pb2_grpc.IdentityServiceServicer):
    """Gives token after token; `lifetime` is told to the client."""

    def __init__(self):
        self.number = 0
        self.lifetime = 900
        self.refreshed = []

    def Login(self, request, context):
        if request.password != "right":
            abort(context, grpc.StatusCode.UNAUTHENTICATED, "BAD_CREDENTIALS")
        return identity_pb2.LoginResponse(access_token="a0", refresh_token="r0", expires_in=self.lifetime)

    def Refresh(self, request, context):
        self.refreshed.append(request.refresh_token)
        self.number += 1
        return identity_pb2.RefreshResponse(
            access_token=f"a{self.number}", refresh_token=f"r{self.number}", expires_in=self.lifetime
        )


class Uploads(grpc.GenericRpcHandler):
    """Takes a stream; refuses the tokens named in `refused` before it reads."""

    def __init__(self):
        self.refused = {}
        self.seen = []

    def service(self, details):
        return grpc.stream_unary_rpc_method_handler(self.take) if details.method == "/test/Take" else None

    def take(self, requests, context):
        token = dict(context.invocation_metadata())["authorization"]
        self.seen.append((token, context.time_remaining()))
        if token in self.refused:
            abort(context, grpc.StatusCode.UNAUTHENTICATED, self.refused[token])
        return b"".join(requests)


class Admin(admin_pb2_grpc.AdminServiceServicer):
    """Refuses the tokens named in `refused`, and remembers what it saw."""

    def __init__(self):
        self.refused = {}
        self.seen = []

    def GetSettings(self, request, context):
        token = dict(context.invocation_metadata())["authorization"]
        self.seen.append((token, context.time_remaining()))
        if token in self.refused:
            abort(context, grpc.StatusCode.UNAUTHENTICATED, self.refused[token])
        return admin_pb2.Settings(etag="1")


@pytest.fixture
def fake():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    identity, admin = Identity(), Admin()
    identity_pb2_grpc.add_IdentityServiceServicer_to_server(identity, server)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(admin, server)
    uploads = Uploads()
    server.add_generic_rpc_handlers((uploads,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", identity, admin, uploads
    server.stop(None).wait()


@pytest.fixture
def client(fake):
    with clients.Client(fake[0], deadline_seconds=5) as made:
        made.login("demo", "admin", "right")
        yield made


def get_settings(client, **options):
    return admin_pb2_grpc.AdminServiceStub(client.channel).GetSettings(
        admin_pb2.GetSettingsRequest(), **options
    )


def test_every_call_carries_token_and_deadline(fake, client):
    assert get_settings(client).etag == "1"
    get_settings(client, timeout=2)
    (first, long), (_, short) = fake[2].seen
    assert first == "Bearer a0"
    assert 3 < long < 5.5
    assert short < 2.5


@pytest.mark.parametrize("reason", ["TOKEN_EXPIRED", "PERMISSIONS_STALE"])
def test_a_stale_token_is_renewed_and_the_call_made_again(fake, client, reason):
    fake[2].refused["Bearer a0"] = reason
    assert get_settings(client).etag == "1"
    assert [token for token, _ in fake[2].seen] == ["Bearer a0", "Bearer a1"]
    assert fake[1].refreshed == ["r0"]


def test_many_threads_renew_once(fake, client):
    fake[2].refused["Bearer a0"] = "PERMISSIONS_STALE"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {answer.etag for answer in pool.map(lambda _: get_settings(client), range(8))} == {"1"}
    assert fake[1].refreshed == ["r0"]


def test_a_token_is_renewed_before_it_expires(fake, client, monkeypatch):
    now = clients.clock.monotonic()
    monkeypatch.setattr(clients.clock, "monotonic", lambda: now + 871)
    get_settings(client)
    assert [token for token, _ in fake[2].seen] == ["Bearer a1"]


def take(client, **options):
    return client.channel.stream_unary("/test/Take")(iter([b"a", b"b"]), **options)


def test_a_stream_carries_token_and_deadline(fake, client, monkeypatch):
    assert take(client) == b"ab"
    now = clients.clock.monotonic()
    monkeypatch.setattr(clients.clock, "monotonic", lambda: now + 871)
    assert take(client, timeout=300) == b"ab"
    (first, short), (second, long) = fake[3].seen
    assert (first, second) == ("Bearer a0", "Bearer a1")
    assert 3 < short < 5.5
    assert 290 < long < 305


@pytest.mark.parametrize("reason", ["TOKEN_EXPIRED", "PERMISSIONS_STALE"])
def test_a_stream_that_was_refused_for_its_token_can_be_sent_anew(fake, client, reason):
    fake[3].refused["Bearer a0"] = reason
    with pytest.raises(grpc.RpcError) as caught:
        take(client)
    assert clients.may_repeat(caught.value)
    assert take(client) == b"ab"
    assert [token for token, _ in fake[3].seen] == ["Bearer a0", "Bearer a1"]


def test_a_stream_that_was_refused_for_good_is_not_sent_anew(fake, client):
    fake[3].refused["Bearer a0"] = "SESSION_REVOKED"
    with pytest.raises(grpc.RpcError) as caught:
        take(client)
    assert not clients.may_repeat(caught.value)
    assert fake[1].refreshed == []


def test_other_refusals_are_the_callers(fake, client):
    fake[2].refused["Bearer a0"] = "SESSION_REVOKED"
    with pytest.raises(grpc.RpcError) as caught:
        get_settings(client)
    assert clients.reason(caught.value) == "SESSION_REVOKED"
    assert clients.describe(caught.value) == "UNAUTHENTICATED SESSION_REVOKED: no"
    assert fake[1].refreshed == []


def test_a_wrong_password_is_told(fake):
    settings = config.Settings(grpc_target=fake[0], tenant="demo", user="admin", password="wrong")
    with pytest.raises(grpc.RpcError) as caught:
        clients.sign_in(settings)
    assert clients.reason(caught.value) == "BAD_CREDENTIALS"


def test_what_is_not_set_is_named(monkeypatch):
    with pytest.raises(errors.ConfigError, match="HMS_TENANT"):
        clients.sign_in(config.Settings(grpc_target="127.0.0.1:1", tenant="", user="x", password="y"))


def test_a_server_that_is_away_is_told():
    with clients.Client("127.0.0.1:1") as client, pytest.raises(grpc.RpcError) as caught:
        client.login("demo", "admin", "right")
    assert clients.describe(caught.value).startswith("UNAVAILABLE: ")
