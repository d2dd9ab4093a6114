"""From grpc to the chain and back: bytes in, bytes out.

Requests are parsed inside the chain, since grpcio answers INTERNAL for bytes that it cannot parse and
parses before anybody has asked who calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.headers import set_headers
from hms_server.edge.status import DETAILS_KEY, StatusError

Behaviour = Callable[[Any, Any], bytes]


class _Status(grpc.Status):
    def __init__(self, error: StatusError) -> None:
        self.code = error.grpc_code
        self.details = error.status.message
        self.trailing_metadata = ((DETAILS_KEY, error.status.SerializeToString()),)


def behaviour(
    method: BoundMethod, handler: Handler, resolve: Callable[[str, dict[str, str]], str]
) -> Behaviour:
    """The grpc behaviour of one unary method."""
    policy = method.policy

    def behave(raw: Any, context: Any) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        call = Call(policy, metadata, raw, resolve(context.peer(), metadata), context)
        try:
            response: bytes = handler(call).SerializeToString()
        except StatusError as error:
            set_headers(context, tuple(call.response_headers))
            context.abort_with_status(_Status(error))
            raise  # abort always raises; this line is for the reader
        set_headers(context, tuple(call.response_headers))
        return response

    return behave
