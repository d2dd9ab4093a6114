"""From grpc to the chain and back: bytes in, bytes out.

Requests are parsed inside the chain, since grpcio answers INTERNAL for bytes that it cannot parse and
parses before anybody has asked who calls.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.headers import set_headers
from hms_server.edge.status import DETAILS_KEY, StatusError

Behaviour = Callable[[Any, Any], bytes]
# The caller's network address, from grpc context and metadata.
Resolve = Callable[[Any, dict[str, str]], str]


def behaviour(method: BoundMethod, handler: Handler, resolve: Resolve) -> Behaviour:
    """The grpc behaviour of one method. Of a client-streaming one `raw` is an iterator of bytes."""
    policy = method.policy

    def behave(raw: Any, context: Any) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        call = Call(policy, metadata, raw, resolve(context, metadata), context)
        try:
            response: bytes = handler(call).SerializeToString()
        except StatusError as error:
            set_headers(context, tuple(call.response_headers))
            context.set_trailing_metadata(((DETAILS_KEY, error.status.SerializeToString()),))
            context.abort(error.grpc_code, error.status.message)
            raise  # abort always raises; this line is for the reader
        set_headers(context, tuple(call.response_headers))
        return response

    return behave


class StreamBehaviour:
    """The behaviour of a client-streaming method, on threads of its own.

    An upload takes as long as its client sends: it must not take a thread that calls wait for.
    """

    def __init__(self, behave: Behaviour, pool: ThreadPoolExecutor) -> None:
        self._behave = behave
        self.experimental_thread_pool = pool  # grpcio looks for it by this name

    def __call__(self, requests: Any, context: Any) -> bytes:
        """Serves one call."""
        return self._behave(requests, context)
