"""Audit records of what a process of HMS does by itself: no call stands behind them."""

from __future__ import annotations

import pathlib

import orjson

from hms_server import ids
from hms_server.database import audited
from hms_server.database.transaction import Database

SAFEGUARDS = "hms cron"


def leave(
    tenants: Database,
    tenant_id: str,
    *,
    action: str,
    method: str,
    entity_type: str,
    entity_id: str = "",
    reason: str,
    event_id: str = "",
) -> None:
    """Puts a record into the tenant's outbox, in a transaction of its own."""
    record = {
        "action": action,
        "method": method,
        "entity_type": entity_type,
        "entity_id": entity_id,
        "actor_name": "hms cron",
        "reason": reason,
        "request_id": ids.uuid7(),
    }
    with tenants.tenant_transaction(tenant_id) as transaction:
        transaction.queue(
            audited.INSERT,
            audit_event_id=event_id or audited.new_event_id(),
            audit_record=orjson.dumps(record).decode(),
            patient_ids=[],
            outcome="OK",
        )


def leave_safeguards(
    tenants: Database, *, anchor_file: pathlib.Path | None, archive: pathlib.Path | None, apart: bool
) -> None:
    """Says in the platform's chain which safeguards of the audit are on that an installation may go without:
    at each start of `hms cron` and daily, so that one turned off is on record."""
    states = {"ANCHOR_FILE": anchor_file is not None, "ARCHIVE": archive is not None, "DATABASE_APART": apart}
    leave(
        tenants,
        ids.PLATFORM_TENANT,
        action="EXECUTE",
        method=SAFEGUARDS,
        entity_type="audit_safeguards",
        reason=" ".join(f"{name}:{'ON' if on else 'OFF'}" for name, on in states.items()),
    )
