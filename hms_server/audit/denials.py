"""Leaves an audit record of a refused call, in a short transaction of its own.

The refused call's transaction was undone, or there never was one. A caller who is not known is recorded
in the platform's chain, unless a hospital's own rule refused him.
"""

from __future__ import annotations

import logging

from hms_server import ids
from hms_server.context import Call
from hms_server.database import audited
from hms_server.database.transaction import Database
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

# An act of a method that is not audited when it succeeds.
_ACT = "EXECUTE"
# What a caller may put into the audit by headers it makes up.
_LONGEST = 200


class DenialAuditor:
    """Records denials. `database` should have a short statement time-out: the caller waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, call: Call, error_code: str, reason: str, *, entity_id: str = "", tenant_id: str = ""
    ) -> None:
        """Stores that `call` was refused with a status code and an ErrorInfo reason. Never raises.

        `tenant_id`: in whose chain, where nobody is signed in; the platform's where it is empty.
        """
        if call.principal is not None:
            tenant_id = call.principal.tenant_id
        tenant_id = tenant_id or ids.PLATFORM_TENANT
        fields = {
            "reason": reason,
            "entity_id": _plain(entity_id),
            "request_id": _plain(call.request_id),
            "trace_id": _plain(call.trace_id),
            "address": _plain(call.address),
        }
        if call.method.audit_action == "NONE":
            fields["action"] = _ACT
        try:
            # Not bound to the call: a caller that is gone was refused all the same.
            with self._database.tenant_transaction(tenant_id) as transaction:
                transaction.queue(
                    audited.INSERT,
                    audit_event_id=audited.new_event_id(),
                    audit_record=audited.record(call, **fields),
                    patient_ids=[],
                    outcome=error_code,
                )
        except Exception as error:  # noqa: BLE001 - the refusal itself must reach the caller
            metrics.DENIALS_UNAUDITED.inc()
            logs.event(
                _log,
                logging.ERROR,
                "a denial was not audited",
                request_id=call.request_id,
                method=call.method.full_name,
                error=type(error).__name__,
            )
        else:
            call.audited = True


def _plain(text: str) -> str:
    """Text that PostgreSQL can store, whatever a client sent."""
    return text[:_LONGEST].encode("utf-8", "replace").decode().replace("\0", "")
