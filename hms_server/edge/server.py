"""The threaded grpc server: HMS services behind the chain, health, reflection, channelz."""

from __future__ import annotations

import concurrent.futures
import socket
import threading
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from hms_server.edge import chain as chains
from hms_server.edge.bound import BoundMethod, Interceptor
from hms_server.edge.certificates import ServerCertificates
from hms_server.edge.operators import add_channelz
from hms_server.edge.reflection import add_reflection
from hms_server.edge.threads import CallThreads
from hms_server.edge.transport import Behaviour, Resolve, StreamBehaviour, behaviour
from hms_server.errors import ConfigError
from hms_server.policy import policy_of, services

# Above the chain's own limit, so that a caller who is a little over it gets a reasoned answer.
_TRANSPORT_FACTOR = 2
# Client-streaming calls served at once, and of one hospital, those that wait for one to end among them.
_STREAM_THREADS = 2
_MOST_STREAMS = 100


def upload_threads(**parts: Any) -> CallThreads:
    """The threads of client-streaming methods; `parts` as CallThreads takes them."""
    return CallThreads(_STREAM_THREADS, most_calls=_MOST_STREAMS, name="hms-stream", **parts)


def behaviours(
    servicers: Mapping[str, Any],
    chain: tuple[Interceptor, ...],
    resolve: Resolve,
    max_request_bytes: int,
    uploads: CallThreads | None = None,
) -> dict[str, dict[str, Behaviour]]:
    """Every method's behaviour, by service and method. `servicers` by the service's full name, `uploads`: the
    threads of client-streaming methods.

    Raises ConfigError for a service without a servicer, an RPC without a method or a policy: the
    server does not start.
    """
    found: dict[str, dict[str, Behaviour]] = {}
    pool = uploads or upload_threads()
    for service in services():
        servicer = servicers.get(service.full_name)
        if servicer is None:
            raise ConfigError(f"{service.full_name} has no servicer")
        found[service.full_name] = {}
        for descriptor in service.methods:
            implementation = getattr(servicer, descriptor.name, None)
            if implementation is None:
                raise ConfigError(f"{service.full_name}/{descriptor.name} is not implemented")
            method = BoundMethod(
                policy_of(descriptor), GetMessageClass(descriptor.input_type), max_request_bytes
            )

            def last(call: Any, implementation: Any = implementation) -> Any:
                return implementation(call.request, call)

            handler = chains.bind(chain, method, last)
            behave = behaviour(method, handler, resolve)
            if method.policy.max_stream_bytes:
                behave = StreamBehaviour(behave, pool)
            found[service.full_name][descriptor.name] = behave
    return found


class Server:
    """One process's server."""

    def __init__(
        self,
        methods: dict[str, dict[str, Behaviour]],
        *,
        threads: int | CallThreads,
        max_request_bytes: int,
        certificates: ServerCertificates | None = None,
    ) -> None:
        """With `certificates` the port speaks TLS alone."""
        self._certificates = certificates
        self._server = grpc.server(
            CallThreads(threads) if isinstance(threads, int) else threads,
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", max_request_bytes * _TRANSPORT_FACTOR),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 32 * 1024),
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.http2.max_ping_strikes", 0),
            ],
        )
        for service, methods_of_service in methods.items():
            handlers = {name: _handler(function) for name, function in methods_of_service.items()}
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self._names = list(methods)
        # Probes must answer while every call thread is busy.
        self._health = health.HealthServicer(
            experimental_non_blocking=True,
            experimental_thread_pool=concurrent.futures.ThreadPoolExecutor(2, "hms-health"),
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_channelz(self._server)
        add_reflection(
            self._server,
            [
                *methods,
                health.SERVICE_NAME,
                "grpc.channelz.v1.Channelz",
                reflection.SERVICE_NAME,
            ],
        )

    def start(self, listen: str) -> None:
        """Binds and serves; raises ConfigError where the address cannot be bound."""
        try:
            if self._certificates is None:
                bound = self._server.add_insecure_port(listen)
            else:
                bound = self._server.add_secure_port(listen, self._certificates.credentials())
        except RuntimeError:
            bound = 0
        if not bound:
            raise ConfigError(f"HMS_GRPC_LISTEN: cannot listen on {listen}: is the port taken?")
        self._server.start()
        self._set_health(health_pb2.HealthCheckResponse.SERVING)

    def stop(self, drain_seconds: float) -> None:
        """NOT_SERVING first, then calls in flight finish, at most `drain_seconds` long."""
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        finished: threading.Event = self._server.stop(drain_seconds)
        finished.wait(drain_seconds + 1)

    def _set_health(self, status: int) -> None:
        for name in ["", *self._names]:
            self._health.set(name, status)


def _handler(function: Behaviour) -> grpc.RpcMethodHandler[Any, Any]:
    if isinstance(function, StreamBehaviour):
        return grpc.stream_unary_rpc_method_handler(function)
    return grpc.unary_unary_rpc_method_handler(function)


def probe_port(listen: str) -> None:
    """Raises ConfigError where another program holds the port.

    With SO_REUSEPORT a second server would bind it silently and take half of the calls.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise ConfigError(f"HMS_GRPC_LISTEN: cannot listen on {listen}: {error.strerror}") from None
        except ValueError:
            raise ConfigError(f"HMS_GRPC_LISTEN: {listen} is not host:port") from None
