"""Leaves an audit record of a refused call, in a short transaction of its own.

The refused call's transaction was undone, or there never was one. A caller who is not known is recorded
in the platform's chain, unless a hospital's own rule refused him. Nobody writes without bound by being
refused: of denials that are alike the first few of each minute are recorded (`DenialBounds`), and all are
counted in hms_requests_total.
"""

from __future__ import annotations

import logging
import threading

from hms_server import clock, ids
from hms_server.context import Call
from hms_server.database import audited
from hms_server.database.transaction import Database
from hms_server.gate.keys import network
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)

# An act of a method that is not audited when it succeeds.
_ACT = "EXECUTE"
# What a caller may put into the audit by headers it makes up.
_LONGEST = 200

_WINDOW_SECONDS = 60.0
# Records of one process in such a time: of denials that are alike, of one of these reasons, and of a hospital
# as a whole, like which all callers who are not known count.
_MOST_ALIKE = 5
_ONCE = frozenset({"TENANT_SUSPENDED"})
_MOST_OF_ALL = 500


class DenialBounds:
    """Counts denials by hospital, and in it by who was refused what, in windows of a minute."""

    def __init__(self) -> None:
        self._until = 0.0
        self._counts: dict[str, dict[tuple[str, ...], int]] = {}
        self._totals: dict[str, int] = {}
        self._lock = threading.Lock()

    def admits(self, call: Call, reason: str) -> bool:
        """Whether this one is recorded."""
        principal = call.principal
        key: tuple[str, ...]
        if principal is None:
            whose, key = "", (network(call.address), reason)
        elif reason in _ONCE:
            whose, key = principal.tenant_id, (principal.user_id, call.address, reason)
        else:
            whose, key = principal.tenant_id, (principal.user_id, call.method.full_name, reason)
        with self._lock:
            now = clock.monotonic()
            if now >= self._until:
                self._until = now + _WINDOW_SECONDS
                self._counts.clear()
                self._totals.clear()
            counts, total = self._counts.setdefault(whose, {}), self._totals.get(whose, 0)
            count = counts.get(key, 0)
            if total >= _MOST_OF_ALL or count >= (1 if reason in _ONCE else _MOST_ALIKE):
                return False
            counts[key], self._totals[whose] = count + 1, total + 1
            return True


class DenialAuditor:
    """Records denials. `database` should have a short statement time-out: the caller waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bounds = DenialBounds()

    def record(
        self, call: Call, error_code: str, reason: str, *, entity_id: str = "", tenant_id: str = ""
    ) -> None:
        """Stores that `call` was refused with a status code and an ErrorInfo reason. Never raises.

        `tenant_id`: in whose chain, where nobody is signed in; the platform's where it is empty.
        """
        if not self._bounds.admits(call, reason):
            metrics.DENIALS_UNTOLD.inc()
            return
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
