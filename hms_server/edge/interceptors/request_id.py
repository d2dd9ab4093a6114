"""Request id and W3C trace context: what one call is called in logs, errors, audit and traces."""

from __future__ import annotations

import random
import re

from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = "0" * 32


def well_formed(request_id: str) -> str:
    """The caller's id of a call, empty where it is none that may be written down."""
    return request_id if _REQUEST_ID.fullmatch(request_id) else ""


class RequestIdInterceptor:
    """Takes the caller's ids where they are well-formed, makes them otherwise."""

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Sets call.request_id and call.trace_id; the reply carries x-request-id."""

        def handle(call: Call) -> object:
            trace = _TRACEPARENT.fullmatch(call.metadata.get("traceparent", ""))
            given = trace[1] if trace else _NO_TRACE
            call.trace_id = given if given != _NO_TRACE else f"{random.getrandbits(128):032x}"
            call.request_id = well_formed(call.metadata.get("x-request-id", "")) or call.trace_id
            call.response_headers.append(("x-request-id", call.request_id))
            return following(call)

        return handle
