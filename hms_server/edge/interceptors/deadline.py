"""The caller's deadline bounds the work; work for a caller who is gone is dropped."""

from __future__ import annotations

from hms_server import clock, errors
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler


class DeadlineInterceptor:
    """Sets call.deadline (seconds, monotonic) and stops running statements on cancellation."""

    def __init__(self, ceiling_seconds: float) -> None:
        self._ceiling = ceiling_seconds

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """A call without a deadline has the ceiling: the method's own or the usual one."""
        ceiling = method.policy.deadline_seconds or self._ceiling

        def handle(call: Call) -> object:
            transport = call.transport
            if transport is None:
                return following(call)
            # Without a deadline grpc says about 9.2e18 seconds.
            remaining = min(transport.time_remaining(), ceiling)
            if remaining <= 0:
                raise errors.DeadlineExceeded("The deadline passed before the work began.")
            call.deadline = clock.monotonic() + remaining
            # Called at the end of every call; what it cancels is then already done.
            if not transport.add_callback(call.cancel):
                raise errors.Cancelled("The caller went away before the work began.")
            return following(call)

        return handle
