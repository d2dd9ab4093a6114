"""The audit record of a call, as the outbox holds it: fields of audit_event by name.

The record is written in the call's own transaction; the drain (audit/drain.py) chains it later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
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

# What the events of one call have in common is sent once.
INSERT_MANY = compile_query(
    "audited.insert_many",
    """
    INSERT INTO audit_outbox (tenant_id, event_id, record, patient_ids, outcome)
    SELECT :tenant_id::uuid, e.event_id, :audit_record::jsonb || e.fields, e.patient_ids, e.outcome
    FROM json_to_recordset(:audit_events::json) AS e
      (event_id uuid, fields jsonb, patient_ids uuid[], outcome text)
    """,
)


@dataclasses.dataclass(frozen=True, slots=True)
class AuditedEntities:
    """Entities of one type to which the same was done: CREATE, READ, UPDATE, DELETE or EXECUTE."""

    type: str
    action: str
    ids: Sequence[str]


@dataclasses.dataclass(frozen=True, slots=True)
class AuditedEvent:
    """One of several events of a call. `fields` sets or replaces fields of audit_event: entity_id, ..."""

    patient_ids: Sequence[str] = ()
    entities: Sequence[AuditedEntities] = ()
    outcome: str = "OK"
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def many(events: Iterable[AuditedEvent]) -> str:
    """JSON of what each of several events has of its own, for INSERT_MANY."""
    rows = []
    for event in events:
        fields = dict(event.fields)
        if event.entities:
            fields["entities"] = event.entities
        rows.append(
            {
                "event_id": new_event_id(),
                "fields": fields,
                "patient_ids": event.patient_ids,
                "outcome": event.outcome,
            }
        )
    return orjson.dumps(rows).decode()


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
