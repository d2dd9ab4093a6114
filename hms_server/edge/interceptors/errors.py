"""Maps every error to a status in one place, audits denials, and nudges the drains of audit and mail.

Nothing passes this interceptor unmapped: an unexpected exception becomes INTERNAL with a request id,
and its text stays in the log's exception name and trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from hms_server import errors, ids
from hms_server.context import Call
from hms_server.edge.bound import BoundMethod, Handler
from hms_server.edge.status import to_status
from hms_server.gate.addresses import AddressDenied
from hms_server.gate.answers import RateLimited
from hms_server.telemetry import logs

_log = logging.getLogger("hms.fault")


class Denials(Protocol):
    """Stores the audit record of a refused call; never raises."""

    def record(self, call: Call, code: str, reason: str, *, tenant_id: str = "") -> None:
        """Stores it, in a transaction of its own; in the chain of `tenant_id` where nobody is signed in."""
        ...


class ErrorInterceptor:
    """Domain errors to google.rpc.Status; denials leave an audit record of their own."""

    def __init__(
        self,
        denials: Denials,
        nudge: Callable[[str], None],
        nudge_mail: Callable[[str], None] | None = None,
    ) -> None:
        self._denials = denials
        self._nudge = nudge
        self._nudge_mail = nudge_mail

    def bind(self, method: BoundMethod, following: Handler) -> Handler:
        """Wraps everything that can refuse."""

        def handle(call: Call) -> object:
            try:
                response = following(call)
            except errors.HmsError as error:
                if isinstance(error, errors.Internal):
                    logs.event(_log, logging.ERROR, str(error), request_id=call.request_id)
                    _log.debug("fault", exc_info=True)
                self._refused(call, error)
                raise to_status(_shown(error), call.request_id) from None
            except Exception as error:  # noqa: BLE001 - the one place where nothing may pass
                _log.error(
                    "unexpected %s",
                    type(error).__name__,
                    exc_info=True,
                    extra={"fields": {"request_id": call.request_id}},
                )
                raise to_status(_shown(errors.Internal("")), call.request_id) from None
            if call.audited:
                self._nudge(call.principal.tenant_id if call.principal else ids.PLATFORM_TENANT)
            if call.mailed and self._nudge_mail is not None:
                self._nudge_mail(call.tenant_id)
            return response

        return handle

    def _refused(self, call: Call, error: errors.HmsError) -> None:
        tenant_id = ""
        if isinstance(error, errors.ResourceExhausted) and error.retry_seconds is not None:
            call.response_headers.append(("retry-after", str(max(1, round(error.retry_seconds)))))
        if isinstance(error, RateLimited | AddressDenied):
            if not error.first:
                return
            if isinstance(error, AddressDenied):
                tenant_id = error.tenant_id
        elif error.code not in ("PERMISSION_DENIED", "UNAUTHENTICATED"):
            return
        if not call.audited:
            self._denials.record(call, error.code, error.reason, tenant_id=tenant_id)
        self._nudge(call.principal.tenant_id if call.principal else tenant_id or ids.PLATFORM_TENANT)


def _shown(error: errors.HmsError) -> errors.HmsError:
    if isinstance(error, errors.Internal):
        return errors.Internal("Something went wrong here: tell the operator the request id.")
    return error
