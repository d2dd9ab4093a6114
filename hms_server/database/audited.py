"""The audit record of a call, as the outbox holds it: fields of audit_event by name.

The record is written in the call's own transaction; the drain (audit/drain.py) chains it later.
"""

from __future__ import annotations

from typing import Any

import orjson

from hms_server import ids
from hms_server.context import Call
from hms_server.database.queries import compile_query

INSERT = compile_query(
    "audited.insert",
    """
    INSERT INTO audit_outbox (tenant_id, event_id, record, patient_ids, outcome)
    VALUES (:tenant_id, :audit_event_id, :audit_record, :patient_ids::uuid[], :outcome)
    """,
)


def record(call: Call, **extra: Any) -> str:
    """JSON of who, what and where of `call`. `extra` sets or replaces fields of audit_event."""
    fields: dict[str, Any] = {
        "action": call.method.audit_action,
        "method": call.method.full_name,
        "entity_type": call.method.entity_type,
        "request_id": call.request_id,
        "trace_id": call.trace_id,
        "address": call.address,
    }
    principal = call.principal
    if principal is not None:
        fields["actor_id"] = principal.user_id
        fields["actor_name"] = principal.username
        fields["session_id"] = principal.session_id
    if extra:
        fields.update(extra)
    return orjson.dumps(fields).decode()


def new_event_id() -> str:
    """Id of a new audit event."""
    return ids.uuid7()
