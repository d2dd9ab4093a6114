"""The audit of an import: one event for each patient, which lists what was made and changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hms_server.database.audited import AuditedEntities, AuditedEvent
from hms_server.fhir.items import CREATED, UNCHANGED, Item
from hms_server.fhir.prepare import Rows
from hms_server.fhir.resolve import CLINICAL

# By entity type and action: the ids
_Done = dict[tuple[str, str], list[str]]


def events(items: Sequence[Item], rows: Rows, present: Mapping[str, Any]) -> list[AuditedEvent]:
    """The events of a bundle. What belongs to no patient is listed in the event of the first one.

    A bundle that changed nothing leaves one event, too: it was told what is there. `present` holds the
    records as they stood, by id.
    """
    done = _by_patient(items)
    shared = _of_directory(rows)
    if not done:
        return [_without_patient(items, shared)]
    return [
        AuditedEvent(
            patient_ids=(patient_id,),
            entities=[*_entities(of_patient), *(_entities(shared) if i == 0 else ())],
            fields=_about(patient_id, of_patient, present),
        )
        for i, (patient_id, of_patient) in enumerate(done.items())
    ]


def _by_patient(items: Iterable[Item]) -> dict[str, _Done]:
    done: dict[str, _Done] = {}
    for item in items:
        if item.outcome != UNCHANGED and (item.kind == "PATIENT" or item.kind in CLINICAL):
            patient_id = item.patient_id or item.entity_id
            what = (item.kind.lower(), "CREATE" if item.outcome == CREATED else "UPDATE")
            done.setdefault(patient_id, {}).setdefault(what, []).append(item.entity_id)
    return done


def _of_directory(rows: Rows) -> _Done:
    done: _Done = {}
    for action, entries in (("CREATE", rows.new_entries), ("UPDATE", rows.changed_entries)):
        for kind, of_kind in entries.items():
            if of_kind:
                done[kind.lower(), action] = [row["id"] for row in of_kind]
    return done


def _about(patient_id: str, done: _Done, present: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"entity_type": "patient", "entity_id": patient_id, "action": "UPDATE"}
    if ("patient", "CREATE") in done:
        fields |= {"action": "CREATE", "new_version": 1}
    elif ("patient", "UPDATE") in done:
        version = present[patient_id].version
        fields |= {"old_version": version, "new_version": version + 1}
    return fields


def _without_patient(items: Sequence[Item], shared: _Done) -> AuditedEvent:
    patients = list(dict.fromkeys(item.entity_id for item in items if item.kind == "PATIENT"))
    actions = {action for _, action in shared}
    fields: dict[str, Any] = {"action": "READ"}
    if actions:
        fields = {"action": "CREATE" if "CREATE" in actions else "UPDATE"}
    if patients:
        fields |= {"entity_type": "patient", "entity_id": patients[0]}
    return AuditedEvent(patient_ids=patients, entities=_entities(shared), fields=fields)


def _entities(done: _Done) -> list[AuditedEntities]:
    return [AuditedEntities(type=kind, action=action, ids=found) for (kind, action), found in done.items()]
