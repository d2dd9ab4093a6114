"""Counts and times every call by method and status code."""

from __future__ import annotations

from hms_server import clock
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.status import StatusError
from hms_server.telemetry import metrics


class MetricsInterceptor:
    """hms_requests_total, hms_request_seconds, hms_requests_in_flight."""

    def __init__(self) -> None:
        self._in_flight = metrics.level_tally(metrics.IN_FLIGHT)

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Looks the method's counters up once."""
        name = method.policy.full_name
        latency = metrics.time_tally(metrics.LATENCY.labels(name))
        succeeded = metrics.tally(metrics.REQUESTS.labels(name, "OK"))
        in_flight = self._in_flight

        def handle(call: Call) -> object:
            started = clock.monotonic()
            in_flight.inc()
            try:
                response = following(call)
                succeeded.inc()
                return response
            except StatusError as error:
                metrics.REQUESTS.labels(name, error.code).inc()
                raise
            finally:
                in_flight.dec()
                latency.observe(clock.monotonic() - started)

        return handle
