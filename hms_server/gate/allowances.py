"""What calls of a hospital may be at most: how large, and how many at once in one process.

Few hospitals have limits of their own. They come with the gate's answer to each call, so that knowing them
costs no trip; they are known here from a hospital's first call on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hms_server import errors
from hms_server.context import CallLimits
from hms_server.telemetry import metrics

# Where the gate's answer holds the text of the limits, if the hospital has any.
_TEXT = 5
# How long whoever had too many calls under way waits before the next.
RETRY_SECONDS = 1.0

REFUSED = {why: metrics.CALLS_REFUSED.labels(why) for why in ("concurrency", "request_bytes", "stream_bytes")}


class OverAllowance(errors.ResourceExhausted):
    """The hospital's own limit is passed, not the caller's."""

    subject = "tenant"


class Stored(NamedTuple):
    """Limits as they were heard."""

    text: bytes
    limits: CallLimits


def to_text(limits: CallLimits) -> str:
    """Limits as Redis holds them; empty where there are none."""
    return ":".join(map(str, limits)) if any(limits) else ""


class Allowances:
    """The limits of hospitals that have some, by the hospital's id."""

    def __init__(self) -> None:
        self._known: dict[str, Stored] = {}

    def of(self, tenant_id: str) -> CallLimits | None:
        """A hospital's limits, None where it has none of its own."""
        stored = self._known.get(tenant_id)
        return None if stored is None else stored.limits

    def heard(self, tenant_id: str, answer: list[Any]) -> None:
        """The gate answered to a call of the hospital; refusals of tokens do not tell."""
        if len(answer) > _TEXT:
            text, stored = answer[_TEXT], self._known.get(tenant_id)
            if text != (None if stored is None else stored.text):
                self._set(tenant_id, text)

    def told(self, tenant_id: str, limits: CallLimits) -> None:
        """PostgreSQL answered, in place of Redis."""
        self._set(tenant_id, to_text(limits).encode())

    def forget(self, tenant_id: str) -> None:
        """The limits are others now: the next call tells."""
        self._known.pop(tenant_id, None)

    def _set(self, tenant_id: str, text: bytes | None) -> None:
        if not text:
            self._known.pop(tenant_id, None)
        else:
            self._known[tenant_id] = Stored(text, CallLimits(*map(int, text.split(b":"))))


def too_many(limit: int) -> OverAllowance:
    """More calls under way than a hospital may have in one process."""
    REFUSED["concurrency"].inc()
    return OverAllowance(
        f"Your hospital has {limit} calls under way at this server, which is the most it may have at once:"
        " wait for answers before sending more, then try again.",
        reason="TOO_MANY_CALLS_AT_ONCE",
        retry_seconds=RETRY_SECONDS,
    )


def check_request(size: int, limits: CallLimits) -> None:
    """Refuses a message that is larger than the hospital's calls may be."""
    if limits.max_request_bytes and size > limits.max_request_bytes:
        REFUSED["request_bytes"].inc()
        raise OverAllowance(
            f"The request has {size} bytes; {limits.max_request_bytes} is the limit of your hospital:"
            " send less at once, or ask the platform's operator for more.",
            reason="OVER_REQUEST_SIZE_OF_TENANT",
        )


def check_stream(total: int, limits: CallLimits) -> None:
    """Refuses an upload that is larger than the hospital's may be."""
    if limits.max_stream_bytes and total > limits.max_stream_bytes:
        REFUSED["stream_bytes"].inc()
        raise OverAllowance(
            f"The upload has more than {limits.max_stream_bytes} bytes, which is the limit of your hospital:"
            " send it in parts, or ask the platform's operator for more.",
            reason="OVER_REQUEST_SIZE_OF_TENANT",
        )
