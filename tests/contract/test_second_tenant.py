"""Every RPC, tried from another hospital: made from the protos, so that a new RPC joins by itself."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from hms.audit.v1 import audit_pb2
from hms.identity.v1 import identity_pb2
from hms.patient.v1 import merge_pb2, patient_pb2
from hms_server import ids
from hms_server.policy import load_policies, services
from tests.fix_client import colleague, eventually, reason

METHODS = [
    pytest.param(method, id=f"{service.name}.{method.name}")
    for service in services()
    for method in service.methods
    # Without a token there is no tenant to come from; Logout names no record, and ends the session that
    # the other cases use.
    if load_policies()[f"{service.full_name}/{method.name}"].access != "PUBLIC" and method.name != "Logout"
]


@pytest.fixture(scope="module")
def secrets(ours):
    """One record of each kind in our hospital, by the kind's name, and text that only we know."""
    patient = ours.create_patient(family_name="Verysecretname", birth_date="1970-01-02")
    role = ours.identity.CreateRole(
        identity_pb2.CreateRoleRequest(
            role=identity_pb2.Role(code="SECRET_ROLE", permissions=["patient.read"])
        ),
        metadata=ours.metadata,
    )
    for _ in range(3):
        ours.create_patient(family_name="Verysecretname")
    other = colleague(ours, "DOCTOR")
    event = eventually(lambda: ours.events(patient_id=patient.id))[0]
    merged = ours.create_patient(family_name="Verysecretname")
    merge = ours.patients.MergePatients(
        merge_pb2.MergePatientsRequest(survivor_id=patient.id, merged_id=merged.id, reason="Verysecretname"),
        metadata=ours.metadata,
    )
    page = ours.patients.ListPatients(patient_pb2.ListPatientsRequest(page_size=1), metadata=ours.metadata)
    return {
        "patient": patient.id,
        "user": other.user_id,
        "role": role.id,
        "tenant": ours.tenant_id,
        "audit_event": event.id,
        "merge": merge.id,
        "merged_patient": merged.id,
        "page_token": page.next_page_token,
        "texts": ("Verysecretname", "SECRET_ROLE", patient.id, other.user_id, role.id, event.id),
    }


def aim(message, kind, secrets, depth=0):
    """Fills every id of `message` with our hospital's. Returns whether it named one."""
    named = False
    for field in message.DESCRIPTOR.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if not field.is_repeated and field.message_type.file.package.startswith("hms.") and depth < 1:
                named |= aim(getattr(message, field.name), kind, secrets, depth + 1)
                getattr(message, field.name).SetInParent()
        elif field.name in ("id", "ids"):
            value = secrets[kind]
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
            named = True
        elif field.name in ("patient_id", "actor_id"):
            setattr(message, field.name, secrets["patient" if field.name == "patient_id" else "user"])
            named |= field.name == "patient_id" and message.DESCRIPTOR.name.startswith(
                ("ListPatient", "ListMerges", "ListDuplicateCandidates")
            )
        elif field.name in ("survivor_id", "merged_id"):
            kind_of = {"survivor_id": "patient", "merged_id": "merged_patient"}
            setattr(message, field.name, secrets[kind_of[field.name]])
            named = True
        elif field.name == "reason" and field.type == FieldDescriptor.TYPE_STRING:
            message.reason = "any"
        elif field.name == "request_id":
            message.request_id = ids.uuid7()
        elif field.name == "query":
            message.query = "Verysecretname"
    return named


@pytest.mark.parametrize("method", METHODS)
def test_another_hospitals_records_are_not_found_and_never_shown(method, secrets, theirs):
    policy = load_policies()[f"{method.containing_service.full_name}/{method.name}"]
    request = GetMessageClass(method.input_type)()
    named = aim(request, policy.entity_type, secrets) and not method.name.startswith("Create")
    try:
        response = theirs.call(policy.full_name, request, GetMessageClass(method.output_type))
    except grpc.RpcError as error:
        code, _ = reason(error)
        expected = {"PERMISSION_DENIED"} if policy.platform_only else {"NOT_FOUND"}
        assert code in expected | (set() if named else {"INVALID_ARGUMENT"})
        shown = str(error.details())
    else:
        assert not named, "another hospital's record was served"
        shown = str(response)
    own_request = str(request)
    assert [text for text in secrets["texts"] if text in shown and text not in own_request] == []


@pytest.mark.parametrize(
    "method", [p for p in METHODS if "page_token" in p.values[0].input_type.fields_by_name]
)
def test_another_hospitals_page_token_does_not_open(method, secrets, theirs):
    policy = load_policies()[f"{method.containing_service.full_name}/{method.name}"]
    request = GetMessageClass(method.input_type)()
    aim(request, policy.entity_type, secrets)
    request.page_token = secrets["page_token"]
    with pytest.raises(grpc.RpcError) as caught:
        theirs.call(policy.full_name, request, GetMessageClass(method.output_type))
    allowed = {("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")}
    if policy.platform_only:
        allowed.add(("PERMISSION_DENIED", "PERMISSION_DENIED"))
    assert reason(caught.value) in allowed


def test_a_token_of_one_hospital_names_its_own_in_the_audit(secrets, ours, theirs):
    with pytest.raises(grpc.RpcError):
        theirs.patients.GetPatient(
            patient_pb2.GetPatientRequest(id=secrets["patient"]), metadata=theirs.metadata
        )
    events = eventually(lambda: [e for e in theirs.events() if e.entity_id == secrets["patient"]])
    assert events[0].outcome == "NOT_FOUND"
    assert list(events[0].patient_ids) == []
    ours_events = ours.audit.ListAuditEvents(
        audit_pb2.ListAuditEventsRequest(patient_id=secrets["patient"]), metadata=ours.metadata
    )
    assert theirs.user_id not in {e.actor_id for e in ours_events.audit_events}
