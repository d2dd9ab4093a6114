"""The messages of a client's stream, one by one as the handler asks for them.

Nothing of a stream is read before the handler asks: whoever is refused sends in vain. grpcio's own
iterator is not enough for uploads (docs/decisions/0011-client-streams.md): it waits without an end for a
client that stalls, and it sometimes says that a stream is whole whose client went away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import grpc._server as grpc_server
from google.protobuf.message import Message

from hms_server import clock, errors
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod
from hms_server.gate.allowances import RETRY_SECONDS, OverAllowance, check_stream

# Whether an upload of a tenant must end, since the tenant's uploads keep all others waiting.
MustGiveWay = Callable[[str], bool]
# How long an upload may keep others waiting while it waits for its client, and how often that is looked at.
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 1.0


def nobody_waits(_tenant_id: str) -> bool:
    """Where uploads have threads enough."""
    return False


def messages(
    method: BoundMethod,
    call: Call,
    stream: Any,
    check: Callable[[Message], None],
    must_give_way: MustGiveWay = nobody_waits,
) -> Iterator[Message]:
    """Parsed and checked messages of `stream`, which is grpcio's iterator of bytes.

    Raises InvalidArgument for a message that `check` or its method refuses, or where all messages
    together are too large; OverAllowance where they are for the hospital's own limits; DeadlineExceeded where
    the client stalls; Cancelled where it went away.
    """
    total, limit = 0, method.policy.max_stream_bytes
    for raw in _arrivals(stream, call, _Patience(call, must_give_way)):
        total += len(raw)
        if total > limit:
            raise errors.InvalidArgument(
                f"The upload has more than {limit} bytes, which is the limit: send it in parts.",
                reason="REQUEST_TOO_LARGE",
            )
        if call.limits is not None:
            check_stream(total, call.limits)
        message = method.read(raw)
        check(message)
        yield message


class _Patience:
    """Counts how long an upload waited for its client, and ends it where others waited for that too long."""

    def __init__(self, call: Call, must_give_way: MustGiveWay) -> None:
        self._call = call
        self._must_give_way = must_give_way
        self._waited = 0.0

    def waited(self, seconds: float) -> None:
        """Raises OverAllowance."""
        self._waited += seconds
        if self._waited < _PATIENCE_SECONDS:
            return
        # Looked at anew after a while, not with each message.
        self._waited -= _LOOK_SECONDS
        principal = self._call.principal
        if principal is not None and self._must_give_way(principal.tenant_id):
            raise OverAllowance(
                "Uploads of another hospital wait, and your hospital's hold all places and are slow:"
                " send this one again, and one at a time.",
                reason="TOO_MANY_CALLS_AT_ONCE",
                retry_seconds=RETRY_SECONDS,
            )


def _arrivals(stream: Any, call: Call, patience: _Patience) -> Iterator[bytes]:
    while True:
        try:
            raw = _next(stream, call, patience)
        except StopIteration:
            break
        except grpc.RpcError:
            raise _gone(call) from None
        yield raw
    try:
        # A client that goes away ends the stream a moment before grpcio learns why. What is received after
        # the end is an end again, but it comes after that news.
        _next(stream, call, patience)
    except StopIteration:
        return
    except grpc.RpcError:
        raise _gone(call) from None


def _gone(call: Call) -> errors.HmsError:
    """What ended the call while it was waiting: its deadline, or the client."""
    if call.deadline is not None and clock.monotonic() >= call.deadline:
        return errors.DeadlineExceeded("The deadline passed before the upload was whole.")
    return errors.Cancelled("The caller went away in the middle of the upload.")


def _next_in_time(stream: Any, call: Call, patience: _Patience) -> bytes:
    """What `next(stream)` does, but no longer than the deadline, and than others can wait."""
    condition = stream._state.condition
    with condition:
        stream._raise_or_start_receive_message()
        while True:
            left = call.remaining(threading.TIMEOUT_MAX)
            begun = clock.monotonic()
            if not condition.wait(min(left, _LOOK_SECONDS)) and left <= _LOOK_SECONDS:
                raise errors.DeadlineExceeded("The deadline passed before the upload was whole.")
            patience.waited(clock.monotonic() - begun)
            raw: bytes | None = stream._look_for_request()
            if raw is not None:
                return raw


def _next_in_its_own_time(stream: Any, _call: Call, _patience: _Patience) -> bytes:
    raw: bytes = next(stream)
    return raw


def _is_as_expected() -> bool:
    kind = getattr(grpc_server, "_RequestIterator", None)
    used = {"_state", "_raise_or_start_receive_message", "_look_for_request"}
    return used <= {*vars(kind), *kind.__annotations__} if kind else False


# Where grpcio's inside is not as expected, a client that stalls is bounded by the deadline of its own.
_next = _next_in_time if _is_as_expected() else _next_in_its_own_time
