"""Checks the request against its proto's rules (protovalidate): every violation at once."""

from __future__ import annotations

from hms_server import errors, validation
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler


class ValidationInterceptor:
    """Parses and validates; what the proto cannot say is left to the room's rules."""

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """The first validation of a class compiles its rules: done here, at start-up."""
        validation.violations(method.request_class())

        def handle(call: Call) -> object:
            found = validation.violations(method.parse(call))
            if found:
                raise errors.InvalidArgument(
                    "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
                )
            return following(call)

        return handle
