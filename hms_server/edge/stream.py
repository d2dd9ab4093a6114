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


def messages(
    method: BoundMethod, call: Call, stream: Any, check: Callable[[Message], None]
) -> Iterator[Message]:
    """Parsed and checked messages of `stream`, which is grpcio's iterator of bytes.

    Raises InvalidArgument for a message that `check` or its method refuses, or where all messages
    together are too large; DeadlineExceeded where the client stalls; Cancelled where it went away.
    """
    total, limit = 0, method.policy.max_stream_bytes
    for raw in _arrivals(stream, call):
        total += len(raw)
        if total > limit:
            raise errors.InvalidArgument(
                f"The upload has more than {limit} bytes, which is the limit: send it in parts.",
                reason="REQUEST_TOO_LARGE",
            )
        message = method.read(raw)
        check(message)
        yield message


def _arrivals(stream: Any, call: Call) -> Iterator[bytes]:
    while True:
        try:
            raw = _next(stream, call)
        except StopIteration:
            break
        except grpc.RpcError:
            raise _gone(call) from None
        yield raw
    try:
        # A client that goes away ends the stream a moment before grpcio learns why. What is received after
        # the end is an end again, but it comes after that news.
        _next(stream, call)
    except StopIteration:
        return
    except grpc.RpcError:
        raise _gone(call) from None


def _gone(call: Call) -> errors.HmsError:
    """What ended the call while it was waiting: its deadline, or the client."""
    if call.deadline is not None and clock.monotonic() >= call.deadline:
        return errors.DeadlineExceeded("The deadline passed before the upload was whole.")
    return errors.Cancelled("The caller went away in the middle of the upload.")


def _next_in_time(stream: Any, call: Call) -> bytes:
    """What `next(stream)` does, but no longer than the deadline."""
    condition = stream._state.condition
    with condition:
        stream._raise_or_start_receive_message()
        while True:
            if not condition.wait(call.remaining(threading.TIMEOUT_MAX)):
                raise errors.DeadlineExceeded("The deadline passed before the upload was whole.")
            raw: bytes | None = stream._look_for_request()
            if raw is not None:
                return raw


def _next_in_its_own_time(stream: Any, _call: Call) -> bytes:
    raw: bytes = next(stream)
    return raw


def _is_as_expected() -> bool:
    kind = getattr(grpc_server, "_RequestIterator", None)
    used = {"_state", "_raise_or_start_receive_message", "_look_for_request"}
    return used <= {*vars(kind), *kind.__annotations__} if kind else False


# Where grpcio's inside is not as expected, a client that stalls is bounded by the deadline of its own.
_next = _next_in_time if _is_as_expected() else _next_in_its_own_time
