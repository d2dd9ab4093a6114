"""A row of audit_event as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hms.audit.v1 import audit_pb2 as pb
from hms_server.audit.rules import Change


def to_proto(row: Any, changed: Iterable[Change] = (), entity_ids: Sequence[str] = ()) -> pb.AuditEvent:
    """The event of a row; `changed` are the fields that the change it records set anew, `entity_ids` the
    ids of the entities it lists, where they were read."""
    return pb.AuditEvent(
        id=row.id,
        sequence=row.sequence,
        record_time=row.record_time,
        action=row.action,
        method=row.method,
        actor_id=row.actor_id or "",
        actor_name=row.actor_name,
        session_id=row.session_id or "",
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        patient_ids=row.patient_ids,
        outcome=row.outcome,
        reason=row.reason,
        request_id=row.request_id,
        trace_id=row.trace_id,
        address=row.address,
        old_version=row.old_version,
        new_version=row.new_version,
        changes=[pb.FieldChange(**change._asdict()) for change in changed],
        hash=row.hash.hex(),
        entities=_entities(row.entities or (), entity_ids),
    )


def _entities(groups: Iterable[dict[str, Any]], entity_ids: Sequence[str]) -> Iterator[pb.AuditEntities]:
    start = 0
    for group in groups:
        end = start + group["count"]
        yield pb.AuditEntities(
            type=group["type"], action=group["action"], count=group["count"], ids=entity_ids[start:end]
        )
        start = end
