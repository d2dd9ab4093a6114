"""Response headers in the same write as the response.

`ServicerContext.send_initial_metadata` starts a batch of its own, which costs about a third of a bare call's
CPU (docs/decisions/0005-headers-in-one-write.md). grpcio sends initial metadata together with the
status when nobody sent it before, only without a way to say what. This gives it one: the operation
that grpcio builds then carries what was left on the call's state. Where grpcio's inside is not as
expected, headers go the public way.
"""

from __future__ import annotations

import inspect
from typing import Any

import grpc._server as grpc_server

Headers = tuple[tuple[str, str], ...]
_ATTRIBUTE = "hms_headers"


def _install() -> bool:
    original = getattr(grpc_server, "_get_initial_metadata_operation", None)
    if original is None or list(inspect.signature(original).parameters) != ["state", "metadata"]:
        return False

    def operation(state: Any, metadata: Any) -> Any:
        return original(state, getattr(state, _ATTRIBUTE, None) if metadata is None else metadata)

    grpc_server._get_initial_metadata_operation = operation
    return True


_IN_ONE_WRITE = _install()


def set_headers(context: Any, headers: Headers) -> None:
    """Sets the headers of a call's reply; once, before the behaviour returns or aborts."""
    state = getattr(context, "_state", None)
    if _IN_ONE_WRITE and state is not None:
        setattr(state, _ATTRIBUTE, headers)
    else:
        context.send_initial_metadata(headers)
