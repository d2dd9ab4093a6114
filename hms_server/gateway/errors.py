"""What the gateway's own errors look like: the same google.rpc.Status as the server's.

Reasons come from hms.common.v1.ErrorReason; docs/api.md explains each.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.rpc import code_pb2

from hms.common.v1 import error_reason_pb2

DOMAIN = "hms"
ERROR_INFO_TYPE = "type.googleapis.com/google.rpc.ErrorInfo"
RETRY_INFO_TYPE = "type.googleapis.com/google.rpc.RetryInfo"


def reason_name(reason: error_reason_pb2.ErrorReason.ValueType) -> str:
    """A reason by its number, so that a renamed one is found by the type checker."""
    return error_reason_pb2.ErrorReason.Name(reason)


@dataclass(frozen=True)
class LocalError:
    """An HTTP status that Envoy answers by itself, and what it says with it."""

    http: int
    code: int
    reason: str
    message: str
    # Seconds after which to try again; 0 where trying again is no use.
    retry_seconds: int = 0


_MALFORMED = reason_name(error_reason_pb2.MALFORMED_REQUEST)
_TOO_LARGE = reason_name(error_reason_pb2.REQUEST_TOO_LARGE)
_INTERNAL = reason_name(error_reason_pb2.INTERNAL)
_UNAVAILABLE = reason_name(error_reason_pb2.UNAVAILABLE)
_DEADLINE = reason_name(error_reason_pb2.DEADLINE_EXCEEDED)
_UNIMPLEMENTED = reason_name(error_reason_pb2.UNIMPLEMENTED)
INVALID_ARGUMENT = reason_name(error_reason_pb2.INVALID_ARGUMENT)

UNREADABLE = LocalError(400, code_pb2.INVALID_ARGUMENT, _MALFORMED, "The request cannot be read as HTTP.")
ODD_PATH = LocalError(
    400,
    code_pb2.INVALID_ARGUMENT,
    _MALFORMED,
    "The address cannot be read: the path holds a NUL, a slash or a backslash in encoded form.",
)
FAULT = LocalError(500, code_pb2.INTERNAL, _INTERNAL, "A fault of ours, logged under the request id.")
NO_SUCH_PATH = LocalError(
    404, code_pb2.UNIMPLEMENTED, _UNIMPLEMENTED, "No such method or path. See /openapi.json."
)

# What Envoy answers without asking the server. Messages are ours: Envoy's name inner addresses.
LOCAL_ERRORS = (
    UNREADABLE,
    LocalError(403, code_pb2.PERMISSION_DENIED, reason_name(error_reason_pb2.PERMISSION_DENIED), "Refused."),
    NO_SUCH_PATH,
    LocalError(405, code_pb2.UNIMPLEMENTED, _UNIMPLEMENTED, "The path does not take this HTTP method."),
    LocalError(408, code_pb2.DEADLINE_EXCEEDED, _DEADLINE, "The request did not arrive whole in time."),
    LocalError(413, code_pb2.RESOURCE_EXHAUSTED, _TOO_LARGE, "The request body is larger than the limit."),
    LocalError(415, code_pb2.INVALID_ARGUMENT, _MALFORMED, "The content type must be application/json."),
    LocalError(426, code_pb2.INVALID_ARGUMENT, _MALFORMED, "HTTP/1.1 or HTTP/2 is needed."),
    LocalError(
        431, code_pb2.RESOURCE_EXHAUSTED, _TOO_LARGE, "The request headers are larger than the limit."
    ),
    LocalError(
        429,
        code_pb2.RESOURCE_EXHAUSTED,
        reason_name(error_reason_pb2.RATE_LIMITED),
        "Too many requests.",
        retry_seconds=1,
    ),
    FAULT,
    LocalError(501, code_pb2.UNIMPLEMENTED, _UNIMPLEMENTED, "Not implemented."),
    LocalError(
        502,
        code_pb2.UNAVAILABLE,
        _UNAVAILABLE,
        "The service did not answer properly: try again with the same request_id.",
        retry_seconds=1,
    ),
    LocalError(
        503,
        code_pb2.UNAVAILABLE,
        _UNAVAILABLE,
        "The service is away: try again with the same request_id.",
        retry_seconds=1,
    ),
    LocalError(504, code_pb2.DEADLINE_EXCEEDED, _DEADLINE, "The deadline passed."),
)

# The reason of a gRPC status that came without google.rpc details: gRPC's own, not the server's.
REASON_OF_CODE = {
    code_pb2.CANCELLED: _DEADLINE,
    code_pb2.UNKNOWN: _INTERNAL,
    code_pb2.INVALID_ARGUMENT: INVALID_ARGUMENT,
    code_pb2.DEADLINE_EXCEEDED: _DEADLINE,
    code_pb2.NOT_FOUND: reason_name(error_reason_pb2.NOT_FOUND),
    code_pb2.ALREADY_EXISTS: reason_name(error_reason_pb2.ALREADY_EXISTS),
    code_pb2.PERMISSION_DENIED: reason_name(error_reason_pb2.PERMISSION_DENIED),
    # gRPC's own use of it is a message above the limit; rate limits carry their details.
    code_pb2.RESOURCE_EXHAUSTED: _TOO_LARGE,
    code_pb2.FAILED_PRECONDITION: reason_name(error_reason_pb2.WRONG_STATE),
    code_pb2.ABORTED: reason_name(error_reason_pb2.CONCURRENT_CHANGE),
    code_pb2.OUT_OF_RANGE: INVALID_ARGUMENT,
    code_pb2.UNIMPLEMENTED: _UNIMPLEMENTED,
    code_pb2.INTERNAL: _INTERNAL,
    code_pb2.UNAVAILABLE: _UNAVAILABLE,
    code_pb2.DATA_LOSS: _INTERNAL,
    code_pb2.UNAUTHENTICATED: reason_name(error_reason_pb2.TOKEN_INVALID),
}


def all_reasons() -> list[str]:
    """Every reason that an error can have, as the proto orders them."""
    return [name for name, number in error_reason_pb2.ErrorReason.items() if number]
