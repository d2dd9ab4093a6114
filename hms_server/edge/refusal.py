"""Refuses a call that no thread has taken: nothing of its request is read.

grpcio has no public way for that; its own refusals (unknown method) are made as this one is. Where grpcio's
inside is not as expected nothing is refused here, and calls wait without a bound; a test notices.
"""

from __future__ import annotations

import inspect
from typing import Any

import grpc._server as grpc_server
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from hms_server import errors, ids
from hms_server.edge.headers import set_headers
from hms_server.edge.interceptors.request_id import well_formed
from hms_server.edge.status import DETAILS_KEY, to_status
from hms_server.telemetry import metrics


def refuse(args: tuple[Any, ...], error: errors.ResourceExhausted) -> None:
    """Answers the call that grpcio submitted with `args` by `error`."""
    event, state = args[1], args[2]
    metadata = dict(event.invocation_metadata)
    request_id = well_formed(metadata.get("x-request-id", "")) or ids.uuid7()
    status = to_status(error, request_id).status
    metrics.REQUESTS.labels(_text(event.call_details.method).lstrip("/"), error.code).inc()
    set_headers(
        _Context(state),
        (("x-request-id", request_id), ("retry-after", str(max(1, round(error.retry_seconds or 1))))),
    )
    with state.condition:
        state.trailing_metadata = ((DETAILS_KEY, status.SerializeToString()),)
        grpc_server._abort(state, event.call, cygrpc.StatusCode.resource_exhausted, error.message.encode())


def can_refuse(args: tuple[Any, ...]) -> bool:
    """Whether these are a call as grpcio submits it, and refusing it works as it is done here."""
    return _AS_EXPECTED and len(args) > 2 and isinstance(args[2], grpc_server._RPCState)


class _Context:
    def __init__(self, state: Any) -> None:
        self._state = state


def _text(method: Any) -> str:
    return method.decode() if isinstance(method, bytes) else str(method)


def _is_as_expected() -> bool:
    abort = getattr(grpc_server, "_abort", None)
    return (
        hasattr(grpc_server, "_RPCState")
        and abort is not None
        and list(inspect.signature(abort).parameters) == ["state", "call", "code", "details"]
    )


_AS_EXPECTED = _is_as_expected()
