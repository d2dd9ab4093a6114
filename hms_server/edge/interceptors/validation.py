"""Checks the request against its proto's rules (protovalidate): every violation at once."""

from __future__ import annotations

from google.protobuf.message import Message

from hms_server import errors, validation
from hms_server.context import Call
from hms_server.edge import stream
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.stream import MustGiveWay, nobody_waits


class ValidationInterceptor:
    """Parses and validates; what the proto cannot say is left to the room's rules.

    The messages of a client's stream are looked at as the handler asks for them; `must_give_way` is asked
    while the client keeps it waiting.
    """

    def __init__(self, must_give_way: MustGiveWay = nobody_waits) -> None:
        self._must_give_way = must_give_way

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """The first validation of a class compiles its rules: done here, at start-up."""
        validation.violations(method.request_class())

        def check(message: Message) -> None:
            found = validation.violations(message)
            if found:
                raise _refusal(found)

        def handle(call: Call) -> object:
            found = validation.violations(method.parse(call))
            if found:
                raise _refusal(found)
            return following(call)

        def handle_stream(call: Call) -> object:
            call.request = stream.messages(method, call, call.request, check, self._must_give_way)
            return following(call)

        return handle_stream if method.policy.max_stream_bytes else handle


def _refusal(found: tuple[errors.FieldViolation, ...]) -> errors.InvalidArgument:
    return errors.InvalidArgument(
        "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
    )
