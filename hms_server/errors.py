"""Errors of the domain. They know their status and ErrorInfo reason; edge/status.py maps them.

Raised anywhere, mapped in one place (AIP-193). Messages are read by callers: they say what to do and
hold no patient data, SQL or secret. `reason` is a name of hms.common.v1.ErrorReason (a test compares).
"""

from __future__ import annotations

from typing import Any, NamedTuple


class FieldViolation(NamedTuple):
    """One broken rule of a request: the path of the field and what is wrong with it."""

    field: str
    description: str


class HmsError(Exception):
    """Base of all domain errors. `code` is the name of a gRPC status code.

    `details`: messages of ours that help the caller on, beside the standard ones.
    """

    code = "INTERNAL"
    default_reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: dict[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_seconds: float | None = None,
        details: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = metadata or {}
        self.violations = violations
        self.retry_seconds = retry_seconds
        self.details = details


class InvalidArgument(HmsError):
    """The request can never succeed as it is."""

    code = "INVALID_ARGUMENT"
    default_reason = "INVALID_ARGUMENT"


def invalid_field(field: str, description: str) -> InvalidArgument:
    """An InvalidArgument with one violation."""
    return InvalidArgument(f"{field}: {description}", violations=(FieldViolation(field, description),))


class NotFound(HmsError):
    """No such record in the caller's tenant; another tenant's record is told alike."""

    code = "NOT_FOUND"
    default_reason = "NOT_FOUND"


class AlreadyExists(HmsError):
    """A record with this key stands."""

    code = "ALREADY_EXISTS"
    default_reason = "ALREADY_EXISTS"


class FailedPrecondition(HmsError):
    """The record's state does not allow this."""

    code = "FAILED_PRECONDITION"
    default_reason = "WRONG_STATE"


class Aborted(HmsError):
    """Two changes met; read again and decide."""

    code = "ABORTED"
    default_reason = "CONCURRENT_CHANGE"


class PermissionDenied(HmsError):
    """The caller is known and may not do this."""

    code = "PERMISSION_DENIED"
    default_reason = "PERMISSION_DENIED"


class Unauthenticated(HmsError):
    """The caller is not known, or no longer."""

    code = "UNAUTHENTICATED"
    default_reason = "TOKEN_INVALID"


class ResourceExhausted(HmsError):
    """Over a limit; `retry_seconds` says when to try again."""

    code = "RESOURCE_EXHAUSTED"
    default_reason = "RATE_LIMITED"
    subject = "caller"  # whose limit it is


class Unavailable(HmsError):
    """A part that is needed is away; a mutation may be repeated with the same request_id."""

    code = "UNAVAILABLE"
    default_reason = "UNAVAILABLE"


class DeadlineExceeded(HmsError):
    """The deadline passed, or the caller went away."""

    code = "DEADLINE_EXCEEDED"
    default_reason = "DEADLINE_EXCEEDED"


class Cancelled(HmsError):
    """The caller went away: work for it is dropped."""

    code = "CANCELLED"
    default_reason = "DEADLINE_EXCEEDED"


class Internal(HmsError):
    """A fault of ours; the caller learns no more than the request id."""


class ConcurrentChange(Aborted):
    """The database refused because of a concurrent change; `database.retry` tries again."""


class ConfigError(Exception):
    """A configuration mistake, as one line for the operator."""
