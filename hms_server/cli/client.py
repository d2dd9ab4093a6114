"""What commands that use the stubs share: a channel that logs in, sends the token and renews it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import grpc
from google.rpc import error_details_pb2, status_pb2

from hms.identity.v1 import identity_pb2, identity_pb2_grpc
from hms_server import clock
from hms_server.cli.channel import open_channel
from hms_server.config import Settings

DEADLINE_SECONDS = 30.0
_DETAILS_KEY = "grpc-status-details-bin"
_RENEWED_BY = ("TOKEN_EXPIRED", "PERMISSIONS_STALE")
# A token that ends this soon is renewed before it is sent.
_SPARE_SECONDS = 30.0


def reason(error: Any) -> str:
    """ErrorInfo.reason of a failed call; empty where the server did not say."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return str(info.reason)
    return ""


def may_repeat(error: Any) -> bool:
    """Whether a call was refused for a token that a renewed one takes the place of."""
    return error.code() is grpc.StatusCode.UNAUTHENTICATED and reason(error) in _RENEWED_BY


def describe(error: grpc.RpcError) -> str:
    """A failed call as one line for the operator."""
    call: Any = error
    code, why = call.code().name, reason(error)
    return f"{code}: {call.details()}" if why in ("", code) else f"{code} {why}: {call.details()}"


class _Details(NamedTuple):
    """The details of a call, as grpc wants them from an interceptor."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _Token(NamedTuple):
    access: str
    refresh: str
    renew_after: float  # on clock.monotonic()


class Client:
    """A connection to HMS as one user. Make stubs of `channel`; for unary and client-streaming calls.

    A unary call that is refused for its token is made again by itself. A stream cannot be sent twice:
    the token is renewed, and where `may_repeat(error)` says so the caller sends it anew.
    """

    def __init__(
        self, target: str, deadline_seconds: float = DEADLINE_SECONDS, settings: Settings | None = None
    ) -> None:
        """`deadline_seconds` holds for calls that set none of their own.

        TLS as the `settings` say, none without them; raises ConfigError where its files cannot be read.
        """
        self._bare = open_channel(target, settings)
        self._identity = identity_pb2_grpc.IdentityServiceStub(self._bare)
        self._deadline = deadline_seconds
        self._token: _Token | None = None
        self._lock = threading.Lock()
        self.channel: grpc.Channel = grpc.intercept_channel(self._bare, _Interceptor(self))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the session ends by itself, or by Logout."""
        self._bare.close()

    def login(self, tenant: str, username: str, password: str) -> identity_pb2.LoginResponse:
        """Opens a session; raises grpc.RpcError."""
        answer = self._identity.Login(
            identity_pb2.LoginRequest(tenant=tenant, username=username, password=password),
            timeout=self._deadline,
        )
        self._keep(answer.access_token, answer.refresh_token, answer.expires_in)
        return answer

    def send(self, proceed: Callable[[_Details], Any], details: Any) -> Any:
        """Makes one call with the token; once more where the server asks for a renewed one."""
        token = self._present()
        call = proceed(self._with_token(details, token))
        if token is not None and may_repeat(call):
            call = proceed(self._with_token(details, self._renew(token)))
        return call

    def send_stream(self, proceed: Callable[[_Details], Any], details: Any) -> Any:
        """Makes one client-streaming call with the token; renews it where the server asks for that."""
        token = self._present()
        call = proceed(self._with_token(details, token))
        if token is not None and may_repeat(call):
            self._renew(token)
        return call

    def _present(self) -> _Token | None:
        token = self._token
        if token is not None and clock.monotonic() >= token.renew_after:
            return self._renew(token)
        return token

    def _renew(self, used: _Token) -> _Token:
        with self._lock:
            present = self._token
            if present is not None and present is not used:
                return present  # another thread was first
            answer = self._identity.Refresh(
                identity_pb2.RefreshRequest(refresh_token=used.refresh), timeout=self._deadline
            )
            return self._keep(answer.access_token, answer.refresh_token, answer.expires_in)

    def _keep(self, access: str, refresh: str, expires_in: int) -> _Token:
        spare = min(_SPARE_SECONDS, expires_in / 2)
        self._token = _Token(access, refresh, clock.monotonic() + expires_in - spare)
        return self._token

    def _with_token(self, details: Any, token: _Token | None) -> _Details:
        metadata = list(details.metadata or ())
        if token is not None:
            metadata.append(("authorization", f"Bearer {token.access}"))
        timeout = self._deadline if details.timeout is None else details.timeout
        return _Details(
            details.method,
            timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


class _Interceptor(grpc.UnaryUnaryClientInterceptor, grpc.StreamUnaryClientInterceptor):
    def __init__(self, client: Client) -> None:
        self._client = client

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return self._client.send(lambda details: continuation(details, request), client_call_details)

    def intercept_stream_unary(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        return self._client.send_stream(
            lambda details: continuation(details, request_iterator), client_call_details
        )


def sign_in(settings: Settings) -> Client:
    """A client as HMS_TENANT and HMS_USER say; raises ConfigError, grpc.RpcError."""
    settings.require("grpc_target", "tenant", "user", "password")
    client = Client(settings.grpc_target, settings=settings)
    client.login(settings.tenant, settings.user, settings.password.get_secret_value())
    return client
