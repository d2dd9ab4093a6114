"""An event as a FHIR R4 AuditEvent resource, in the manner of IHE BALP. Pure.

HMS asks no caller for a purpose of use: it is told from the room that was called. The place in the chain and
the hash stand in extensions.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"

_ACTIONS = {"CREATE": "C", "READ": "R", "UPDATE": "U", "DELETE": "D", "EXECUTE": "E"}
_INTERACTIONS = {
    "CREATE": "create",
    "READ": "read",
    "UPDATE": "update",
    "DELETE": "delete",
    "EXECUTE": "operation",
}
_SEARCHES = ("List", "Search", "Find")
# By the end of the method's name: DICOM type and subtype.
_ACTS = {
    "Login": (("110114", "User Authentication"), ("110122", "Login")),
    "Logout": (("110114", "User Authentication"), ("110123", "Logout")),
    "Refresh": (("110114", "User Authentication"), ("110122", "Login")),
    "GetDisclosureReport": (("110106", "Export"), None),
    "hms audit export": (("110106", "Export"), None),
}
_SECURITY_ALERT = ("110113", "Security Alert")
# Changes of who may do what, by the type of the entity.
_ALERTS = {
    "role": ("110136", "Security Roles Changed"),
    "user": ("110137", "User security Attributes Changed"),
    "tenant": ("110131", "Security Configuration"),
    "settings": ("110131", "Security Configuration"),
    "legal_hold": ("110131", "Security Configuration"),
    "audit_safeguards": ("110131", "Security Configuration"),
}
_FAULTS = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"}
_PURPOSES = {
    "patient": ("TREAT", "treatment"),
    "clinical": ("TREAT", "treatment"),
    "fhir": ("TREAT", "treatment"),
    "identity": ("HSYSADMIN", "health system administration"),
    "admin": ("HSYSADMIN", "health system administration"),
    "audit": ("HCOMPL", "health compliance"),
}
# FHIR object-role of what an event is about; other records are domain resources.
_ROLES = {
    "patient": ("1", "Patient"),
    "user": ("11", "Security User Entity"),
    "role": ("12", "Security User Group"),
}
_RECORD = ("4", "Domain Resource")


def to_resource(row: Any) -> dict[str, Any]:
    """The resource of a row of audit_event."""
    kind, subtype = _kind(row)
    purpose = [{"coding": [_coding(f"{_TERMINOLOGY}/v3-ActReason", *_purpose(row.method))]}]
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": row.id,
        "extension": [
            {"url": "urn:hms:audit:sequence", "valueString": str(row.sequence)},
            {"url": "urn:hms:audit:hash", "valueString": row.hash.hex()},
            {"url": "urn:hms:audit:key", "valueString": row.key_id},
        ],
        "type": kind,
        "subtype": [subtype] if subtype else [],
        "action": _ACTIONS.get(row.action, "E"),
        "recorded": row.record_time,
        "outcome": "0" if row.outcome == "OK" else "8" if row.outcome in _FAULTS else "4",
        "outcomeDesc": " ".join(filter(None, (row.outcome, row.reason))),
        "purposeOfEvent": purpose,
        "agent": [_agent(row, purpose)],
        "source": {
            "observer": {
                "identifier": {"system": "urn:hms:tenant", "value": row.tenant_id},
                "display": "HMS",
            },
            "type": [_coding(f"{_TERMINOLOGY}/security-source-type", "4", "Application Server")],
        },
        "entity": list(_entities(row)),
    }
    return {name: value for name, value in resource.items() if value not in ([], "")}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _kind(row: Any) -> tuple[dict[str, str], dict[str, str] | None]:
    name = row.method.rpartition("/")[2]
    if name in _ACTS:
        kind, subtype = _ACTS[name]
        return _coding(_DICOM, *kind), _coding(_DICOM, *subtype) if subtype else None
    if row.action != "READ" and row.entity_type in _ALERTS:
        return _coding(_DICOM, *_SECURITY_ALERT), _coding(_DICOM, *_ALERTS[row.entity_type])
    searches = row.action == "READ" and name.startswith(_SEARCHES)
    code = "search-type" if searches else _INTERACTIONS.get(row.action, "operation")
    return (
        _coding(f"{_TERMINOLOGY}/audit-event-type", "rest", "RESTful Operation"),
        _coding("http://hl7.org/fhir/restful-interaction", code, code.replace("-type", "")),
    )


def _purpose(method: str) -> tuple[str, str]:
    parts = method.split(".")
    room = parts[1] if len(parts) > 1 else "audit"
    return _PURPOSES.get(room, ("HOPERAT", "healthcare operations"))


def _agent(row: Any, purpose: list[dict[str, Any]]) -> dict[str, Any]:
    agent: dict[str, Any] = {
        "type": {"coding": [_coding(_DICOM, "110153", "Source Role ID")]},
        "name": row.actor_name or "not known",
        "requestor": True,
        "purposeOfUse": purpose,
    }
    if row.actor_id:
        agent["who"] = {"identifier": {"system": "urn:hms:user", "value": row.actor_id}}
    if row.session_id:
        agent["policy"] = [f"urn:uuid:{row.session_id}"]
    if row.address:
        agent["network"] = {"address": row.address, "type": "2" if _is_address(row.address) else "1"}
    return agent


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _entities(row: Any) -> Iterator[dict[str, Any]]:
    named = row.entity_id if row.entity_type == "patient" else ""
    for patient_id in row.patient_ids:
        yield _entity("patient", patient_id, row.new_version if patient_id == named else 0)
    if row.entity_id and row.entity_id not in row.patient_ids:
        yield _entity(row.entity_type, row.entity_id, row.new_version)
    start = 0
    for group in row.entities or ():
        end = start + group["count"]
        for each in (row.entity_ids or ())[start:end]:
            yield {**_entity(group["type"], each, 0), "description": group["action"]}
        start = end
    if row.request_id:
        yield {
            "what": {"identifier": {"value": row.request_id}},
            "type": _coding(_BALP_ENTITY, "XrequestId", "X-Request-Id"),
        }


def _entity(kind: str, entity_id: str, version: int) -> dict[str, Any]:
    code, display = _ROLES.get(kind, _RECORD)
    if kind == "patient":
        history = f"/_history/{version}" if version else ""
        what: dict[str, Any] = {"reference": f"Patient/{entity_id}{history}"}
    else:
        what = {"identifier": {"system": f"urn:hms:{kind or 'record'}", "value": entity_id}}
    person = ("1", "Person") if kind in ("patient", "user") else ("2", "System Object")
    return {
        "what": what,
        "type": _coding(f"{_TERMINOLOGY}/audit-entity-type", *person),
        "role": _coding(f"{_TERMINOLOGY}/object-role", code, display),
    }
