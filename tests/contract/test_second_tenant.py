"""Every RPC, tried from another hospital: made from the protos, so that a new RPC joins by itself."""

from __future__ import annotations

import grpc
import pytest

from hms.audit.v1 import audit_pb2
from hms.patient.v1 import patient_pb2
from tests.contract.strangers import SECRET, Hospital, Refused, methods, over_grpc
from tests.fix_client import eventually, reason

METHODS = [pytest.param(method, id=method.name) for method in methods()]
LISTS = [param for param in METHODS if param.values[0].is_list]


@pytest.fixture(scope="module")
def full(ours):
    """Our hospital, with two records of each kind."""
    hospital = Hospital(over_grpc(ours))
    event = eventually(lambda: ours.events(patient_id=hospital.made["patient"][0]))[0]
    hospital.made["audit_event"] = [event.id]
    hospital.made["tenant"] = [ours.tenant_id]
    return hospital


@pytest.fixture(scope="module")
def tokens(full):
    """A page token of each list that can have one, by the method's name."""
    found = {}
    for param in LISTS:
        method = param.values[0]
        try:
            answer = full.answered(method, page_size=1)
        except Refused:
            continue
        if answer.next_page_token:
            found[method.name] = answer.next_page_token
    return found


def test_the_api_can_make_every_kind_of_record_it_has(full):
    assert full.could_not == {}
    assert {"patient", "encounter", "observation", "department", "user", "role"} <= set(full.made)


@pytest.mark.parametrize("method", METHODS)
def test_another_hospitals_records_are_not_found_and_never_shown(method, full, theirs):
    policy = method.policy
    fields = method.request.DESCRIPTOR.fields_by_name
    resource = fields.get(policy.entity_type)
    names_one = policy.audit_action != "CREATE" and (
        "id" in fields
        or "ids" in fields
        or (resource is not None and "id" in resource.message_type.fields_by_name)
    )
    answer, refused = outcome(full, method, theirs)
    if refused is None:
        assert not names_one, "another hospital's record was served"
        assert [text for text in full.texts if text in str(answer)] == []
        return
    expected = {"NOT_FOUND"} if names_one else {"NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION"}
    assert refused.code in ({"PERMISSION_DENIED"} if policy.platform_only else expected), refused
    # The ids are the caller's own words.
    assert SECRET not in refused.text


def outcome(full, method, theirs):
    """The answer that another hospital gets, or how it is refused."""
    try:
        return full.answered(method, call=over_grpc(theirs)), None
    except Refused as refused:
        return None, refused


@pytest.mark.parametrize("method", LISTS)
def test_another_hospitals_page_token_does_not_open(method, full, tokens, theirs):
    token = tokens.get(method.name) or tokens["ListPatients"]
    with pytest.raises(Refused) as caught:
        full.answered(method, call=over_grpc(theirs), page_size=1, page_token=token)
    allowed = {"INVALID_PAGE_TOKEN"} | ({"PERMISSION_DENIED"} if method.policy.platform_only else set())
    assert caught.value.reason in allowed


def test_the_tokens_that_were_tried_are_those_of_the_lists_themselves(tokens):
    assert {"ListPatients", "ListObservations", "ListEncounters", "GetPatientTimeline"} <= set(tokens)


def test_a_token_of_one_hospital_names_its_own_in_the_audit(full, ours, theirs):
    patient_id = full.made["patient"][0]
    with pytest.raises(grpc.RpcError) as caught:
        theirs.patients.GetPatient(patient_pb2.GetPatientRequest(id=patient_id), metadata=theirs.metadata)
    assert reason(caught.value)[0] == "NOT_FOUND"
    looked = "hms.patient.v1.PatientService/GetPatient"
    events = eventually(
        lambda: [e for e in theirs.events() if e.entity_id == patient_id and e.method == looked]
    )
    assert events[0].outcome == "NOT_FOUND"
    assert list(events[0].patient_ids) == []
    ours_events = ours.audit.ListAuditEvents(
        audit_pb2.ListAuditEventsRequest(patient_id=patient_id), metadata=ours.metadata
    )
    assert theirs.user_id not in {e.actor_id for e in ours_events.audit_events}
