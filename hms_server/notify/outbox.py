"""How a room asks for mail: in its own transaction, so that there is one if and only if there is a reason."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from hms_server import ids
from hms_server.context import Call
from hms_server.database.transaction import Pending, Transaction
from hms_server.notify import store
from hms_server.notify.kinds import Kind
from hms_server.telemetry import logs, metrics

_log = logging.getLogger(__name__)


class Asked:
    """A mail that was asked for."""

    def __init__(self, call: Call, kind: Kind, entity_id: str, pending: Pending) -> None:
        self._call = call
        self._kind = kind
        self._entity_id = entity_id
        self._pending = pending

    def committed(self) -> None:
        """To be called after the commit: wakes a worker, or tells the operator that nobody can be told."""
        if any(row.recipient for row in self._pending.rows):
            self._call.mailed = True
            return
        metrics.MAILS.labels(self._kind.name, "nobody").inc()
        logs.event(
            _log,
            logging.WARNING,
            "a mail has nobody to go to: the hospital names no address",
            kind=self._kind.name,
            tenant_id=self._call.tenant_id,
            entity_id=self._entity_id,
        )


def queue(
    transaction: Transaction,
    call: Call,
    kind: Kind,
    *,
    entity_id: str,
    role_codes: Sequence[str],
    **detail: object,
) -> Asked:
    """Asks for a mail to the hospital's privacy officers; where it names none, to those whose role holds the
    kind's permission, but not to the caller.

    `detail` is what the kind's text needs (kind.fields, nothing of a patient); `role_codes` are the system
    roles that hold the permission. It needs no address, SMTP server or Redis: no call fails for its mail.
    """
    if detail.keys() != kind.fields:
        raise ValueError(f"mail {kind.name} takes {', '.join(sorted(kind.fields))}")
    pending = store.ask_privacy_officers(
        transaction,
        ids.uuid7(),
        kind,
        entity_id=entity_id,
        detail=detail,
        actor_id=call.caller.user_id,
        role_codes=role_codes,
    )
    return Asked(call, kind, entity_id, pending)
