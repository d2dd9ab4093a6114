"""Domain errors to google.rpc.Status with ErrorInfo and the standard details (AIP-193)."""

from __future__ import annotations

import math

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from hms_server import errors

DOMAIN = "hms"
DETAILS_KEY = "grpc-status-details-bin"


class StatusError(Exception):
    """A call that ends with this status; what interceptors outside of error mapping see."""

    def __init__(self, code: str, reason: str, status: status_pb2.Status) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.status = status

    @property
    def grpc_code(self) -> grpc.StatusCode:
        """The code as grpc names it."""
        return grpc.StatusCode[self.code]


def to_status(error: errors.HmsError, request_id: str) -> StatusError:
    """The status that a caller sees for `error`."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata={**error.metadata, "request_id": request_id}
    )
    details: list[Message] = [info]
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        details.append(bad)
    if error.retry_seconds is not None:
        nanos = max(1, math.ceil(error.retry_seconds * 1e9))
        delay = duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, errors.ResourceExhausted):
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(subject=error.subject, description=error.message)
        details.append(quota)
    details.extend(error.details)
    packed = []
    for detail in details:
        wrapped = any_pb2.Any()
        wrapped.Pack(detail)
        packed.append(wrapped)
    code: int = grpc.StatusCode[error.code].value[0]
    status = status_pb2.Status(code=code, message=error.message, details=packed)
    return StatusError(error.code, error.reason, status)
