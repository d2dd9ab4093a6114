"""Server reflection on a thread of its own: a stream that says nothing must not keep calls waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from hms_server.edge.threads import CallThreads

# How long one stream may last, and how many wait.
_SECONDS = 15.0
_MOST_STREAMS = 100


class _Reflection:
    """The behaviour of ServerReflectionInfo."""

    def __init__(self, names: Sequence[str]) -> None:
        self._servicer = reflection.ReflectionServicer(names)
        # grpcio looks for it by this name
        self.experimental_thread_pool = CallThreads(1, most_calls=_MOST_STREAMS, name="hms-reflection")

    def __call__(self, requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Answers until the client is done, or its time is over: anybody may ask, without a token."""
        over = threading.Timer(_SECONDS, context.cancel)
        over.daemon = True
        over.start()
        try:
            yield from self._servicer.ServerReflectionInfo(requests, context)
        finally:
            over.cancel()


def add_reflection(server: grpc.Server, names: Sequence[str]) -> None:
    """Lets clients ask `server` for its services."""
    handler = grpc.stream_stream_rpc_method_handler(
        _Reflection(names),
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": handler}),)
    )
