"""One structured line a call: refusals, faults and slow calls by default, every call at DEBUG."""

from __future__ import annotations

import logging

from hms_server import clock
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.status import StatusError
from hms_server.telemetry import logs

_log = logging.getLogger("hms.call")
_SLOW_SECONDS = 1.0
_FAULTS = frozenset({"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DATA_LOSS"})


class LogInterceptor:
    """Ids, method, code and time; nothing of the request."""

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Logs after the call."""

        def write(level: int, call: Call, code: str, reason: str, started: float) -> None:
            principal = call.principal
            logs.event(
                _log,
                level,
                "call",
                method=method.policy.full_name,
                code=code,
                reason=reason,
                ms=round((clock.monotonic() - started) * 1000, 2),
                request_id=call.request_id,
                trace_id=call.trace_id,
                tenant=principal.tenant_id if principal else "",
                user=principal.user_id if principal else "",
            )

        def handle(call: Call) -> object:
            started = clock.monotonic()
            try:
                response = following(call)
            except StatusError as error:
                level = logging.ERROR if error.code in _FAULTS else logging.INFO
                write(level, call, error.code, error.reason, started)
                raise
            slow = clock.monotonic() - started > _SLOW_SECONDS
            if slow or _log.isEnabledFor(logging.DEBUG):
                write(logging.WARNING if slow else logging.DEBUG, call, "OK", "", started)
            return response

        return handle
