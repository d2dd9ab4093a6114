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
    """One RPC: its policy, the class of its request and how large that may be."""

    policy: MethodPolicy
    request_class: type[Message]
    max_request_bytes: int

    def parse(self, call: Call) -> Message:
        """The request message of a unary call, parsed once; raises as `read` does."""
        request = call.request
        if isinstance(request, bytes):
            call.request = self.read(request)
        message: Message = call.request
        return message

    def read(self, raw: bytes) -> Message:
        """One message.

        Raises InvalidArgument for one that is too large, is not the method's message, or holds NUL
        characters, which PostgreSQL cannot store.
        """
        if len(raw) > self.max_request_bytes:
            raise errors.InvalidArgument(
                f"The request has {len(raw)} bytes; {self.max_request_bytes} is the limit.",
                reason="REQUEST_TOO_LARGE",
            )
        try:
            message = self.request_class.FromString(raw)
        except DecodeError:
            raise errors.InvalidArgument(
                "The request's bytes are not the message that the method takes.",
                reason="MALFORMED_REQUEST",
            ) from None
        if b"\0" in raw:
            _refuse_nul(message)
        return message


class Interceptor(Protocol):
    """One concern. Bound to each method once, at start-up: a call pays for no wiring."""

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """A handler that does its part and calls `following`."""
        ...


def _refuse_nul(message: Message, path: str = "") -> None:
    """The bytes of a message hold many zeros, so its text is looked at field by field."""
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str) and "\0" in one:
                raise errors.invalid_field(name, "must not hold NUL characters")
            if isinstance(one, Message):
                _refuse_nul(one, f"{name}.")
