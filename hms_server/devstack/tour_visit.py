"""What the steps of the guided tour share: calls by REST and by stubs, and what earlier steps made.

It stands apart from the steps so that each of them reads as what it shows. Only the standard library
and the stubs are used, as a client outside this repository would do it.
"""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc
from google.rpc import error_details_pb2, status_pb2

from hms_server import ids

TIMEOUT = 10.0
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_DETAILS_KEY = "grpc-status-details-bin"
_LOOK_EVERY = 0.5

_Found = TypeVar("_Found")


class NotHeld(Exception):
    """A step did not hold; the message says why."""


def expect(holds: object, why: str) -> None:
    """Fail the step with `why` unless `holds`."""
    if not holds:
        raise NotHeld(why)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    def ok(self) -> Any:
        """The body of a success."""
        expect(self.status == http.client.OK, f"answered {self.status}: {self._shown()}")
        return self.json

    def refused(self, status: int, reason: str) -> Any:
        """The body of a refusal, which must have the standard error shape."""
        expect(self.status == status, f"answered {self.status}, not {status}: {self._shown()}")
        error = self.json
        expect({"code", "message", "details"} <= error.keys(), f"no google.rpc.Status: {self._shown()}")
        first = error["details"][0]
        expect(
            (first.get("@type"), first.get("domain"), first.get("reason")) == (ERROR_INFO, "hms", reason),
            f"the first detail is not the ErrorInfo {reason}: {first}",
        )
        return error

    def _shown(self) -> str:
        return self.body[:300].decode("utf-8", "replace")


def request(
    url: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One HTTP call, under a request id of its own. `body` is JSON, or bytes that are sent as they are."""
    request_id = f"tour-{ids.uuid7()}"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"X-Request-Id": request_id, **(headers or {})}
    if data is not None:
        sent["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    try:
        # A refused body is not read to its end; the answer may be there already.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, data, sent)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read(), request_id)
    finally:
        connection.close()


@dataclass
class Session:
    """A signed-in user."""

    url: str
    username: str
    user_id: str
    access_token: str
    refresh_token: str
    # Request ids of calls that were served, for the audit to show.
    served: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One REST call with the token."""
        answer = request(self.url, method, path, body, {"Authorization": f"Bearer {self.access_token}"})
        if answer.status == http.client.OK:
            self.served[answer.request_id] = f"{method} {path.partition('?')[0]}"
        return answer

    def metadata(self, shown: str) -> tuple[tuple[str, str], ...]:
        """For one call by stubs that will be served; `shown` names it."""
        request_id = f"tour-{ids.uuid7()}"
        self.served[request_id] = shown
        return (("authorization", f"Bearer {self.access_token}"), ("x-request-id", request_id))


class Visit:
    """One tour: where the system is, and what its steps have made so far."""

    def __init__(self, env: Mapping[str, str], platform: Mapping[str, str] | None = None) -> None:
        """`platform`: HMS_TENANT, HMS_USER and HMS_PASSWORD of the platform's administrator."""
        self.env = dict(env)
        self.platform = platform
        self.url = self.env["HMS_REST_URL"]
        # Numbers of this tour alone, so that a second one on the same data holds too.
        self.mark = f"{time.time_ns() // 1000 % 10**8:08d}"
        self.phone = f"98{self.mark}"
        self._made: dict[str, Any] = {}
        self._channel: grpc.Channel | None = None

    def keep(self, name: str, value: Any) -> Any:
        """Remember what a step made, for later ones."""
        self._made[name] = value
        return value

    def made(self, name: str) -> Any:
        """What an earlier step made."""
        expect(name in self._made, f"an earlier step should have made the {name}")
        return self._made[name]

    @property
    def me(self) -> Session:
        """The tour's own administrator of the demo hospital."""
        session: Session = self.made("administrator")
        return session

    def sign_in(self, tenant: str, username: str, password: str) -> Session:
        """A new session by REST."""
        login = self.log_in(tenant, username, password).ok()
        return Session(self.url, username, login["user_id"], login["access_token"], login["refresh_token"])

    def log_in(self, tenant: str, username: str, password: str) -> Answer:
        """`auth:login` and whatever it answers."""
        body = {"tenant": tenant, "username": username, "password": password}
        return request(self.url, "POST", "/v1/auth:login", body)

    @property
    def channel(self) -> grpc.Channel:
        """To the gRPC address; made once."""
        if self._channel is None:
            self._channel = grpc.insecure_channel(self.env["HMS_GRPC_TARGET"])
        return self._channel

    def close(self) -> None:
        """Close the connection of the stubs."""
        if self._channel is not None:
            self._channel.close()


def eventually(look: Callable[[], _Found], seconds: float = TIMEOUT) -> _Found:
    """What `look` gives once it gives something; what it gave last when the time is over."""
    until = time.monotonic() + seconds
    found = look()
    while not found and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
        found = look()
    return found


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Status code and ErrorInfo reason with which a call by stubs is refused."""
    try:
        call()
    except grpc.RpcError as error:
        failed: Any = error
        return failed.code().name, _reason(failed)
    raise NotHeld("it was served")


def describe(error: grpc.RpcError) -> str:
    """A failed call by stubs in one line."""
    failed: Any = error
    return f"{failed.code().name} {_reason(failed)}: {failed.details()}"


def _reason(failed: Any) -> str:
    metadata = dict(failed.trailing_metadata() or ())
    for detail in status_pb2.Status.FromString(metadata.get(_DETAILS_KEY, b"")).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""
