"""Checks the request against its proto's rules (protovalidate): every violation at once."""

from __future__ import annotations

from protovalidate import Validator

from hms_server import errors
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.validation import violations


class ValidationInterceptor:
    """Parses and validates; what the proto cannot say is left to the room's rules."""

    def __init__(self) -> None:
        self._validator = Validator()

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """The first validation of a class compiles its rules: done here, at start-up."""
        validator = self._validator
        violations(validator, method.request_class())

        def handle(call: Call) -> object:
            found = violations(validator, method.parse(call))
            if found:
                raise errors.InvalidArgument(
                    "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
                )
            return following(call)

        return handle
