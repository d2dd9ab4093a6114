"""Audit records of what a process or a command of HMS does: no call stands behind them."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import orjson

from hms_server import ids
from hms_server.database import audited
from hms_server.database.transaction import Database, Transaction


def queue(transaction: Transaction, *, event_id: str = "", **fields: Any) -> None:
    """Queues a record with these fields of audit_event: action, method, entity_type, actor_name, ..."""
    transaction.queue(
        audited.INSERT,
        audit_event_id=event_id or audited.new_event_id(),
        audit_record=orjson.dumps({"request_id": ids.uuid7(), **fields}).decode(),
        patient_ids=[],
        outcome="OK",
    )


def queue_many(transaction: Transaction, events: Sequence[audited.AuditedEvent], **fields: Any) -> None:
    """Queues several records that have these fields in common, in one statement."""
    if events:
        transaction.queue(
            audited.INSERT_MANY,
            audit_record=orjson.dumps({"request_id": ids.uuid7(), **fields}).decode(),
            audit_events=audited.many(events),
        )


def leave_safeguards(
    tenants: Database, *, anchor_file: pathlib.Path | None, archive: pathlib.Path | None, apart: bool
) -> None:
    """Says in the platform's chain which safeguards of the audit are on that an installation may go without:
    at each start of `hms cron` and daily, so that one turned off is on record."""
    states = {"ANCHOR_FILE": anchor_file is not None, "ARCHIVE": archive is not None, "DATABASE_APART": apart}
    with tenants.tenant_transaction(ids.PLATFORM_TENANT) as transaction:
        queue(
            transaction,
            action="EXECUTE",
            method="hms cron",
            entity_type="audit_safeguards",
            actor_name="hms cron",
            reason=" ".join(f"{name}:{'ON' if on else 'OFF'}" for name, on in states.items()),
        )
