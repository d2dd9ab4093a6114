"""What an interceptor is, and the method it is bound to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from google.protobuf.message import DecodeError, Message

from hms_server import errors
from hms_server.context import Call, MethodPolicy

# Takes a call on its way in, gives the response message back on its way out.
Handler = Callable[[Call], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class BoundMethod:
    """One RPC: its policy and the class of its request."""

    policy: MethodPolicy
    request_class: type[Message]

    def parse(self, call: Call) -> Message:
        """The request message, parsed once; raises InvalidArgument (MALFORMED_REQUEST)."""
        request = call.request
        if isinstance(request, bytes):
            try:
                request = self.request_class.FromString(request)
            except DecodeError:
                raise errors.InvalidArgument(
                    "The request's bytes are not the message that the method takes.",
                    reason="MALFORMED_REQUEST",
                ) from None
            call.request = request
        message: Message = request
        return message


class Interceptor(Protocol):
    """One concern. Bound to each method once, at start-up: a call pays for no wiring."""

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """A handler that does its part and calls `following`."""
        ...
