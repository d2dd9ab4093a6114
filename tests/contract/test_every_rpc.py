"""What holds for every RPC alike: one audit record a call, and one change a request id."""

from __future__ import annotations

import functools

import pytest

from hms_server import ids, validation
from tests.contract.strangers import Hospital, Refused, directly, methods

METHODS = [m for m in methods() if not m.policy.platform_only]
MUTATIONS = [m for m in METHODS if "request_id" in m.request.DESCRIPTOR.fields_by_name]
# Need a record in a state that has tests of its own.
STATEFUL = {
    "UndeletePatient",
    "MergePatients",
    "UnmergePatients",
    "PreviewMerge",
    "GetMerge",
    "GetAuditEvent",
    "RevokeSession",
    "RemoveServiceAccountKey",
    "ReviewBreakGlass",
    "AcknowledgeResult",
    "CompleteReferral",
    "SignNote",
    "CoSignNote",
    "CompleteEncounter",
    "DeleteDepartment",
    "DeletePractitioner",
    "DeleteOrganization",
    "DeleteLocation",
    "UndeleteDepartment",
    "UndeletePractitioner",
    "UndeleteOrganization",
    "UndeleteLocation",
    "ArriveAppointment",
    "CheckInAppointment",
    "MarkNoShow",
    "CompleteAppointment",
    "DeclineOffer",
    "IssueQueueToken",
    "ReturnQueueToken",
    "TransferQueueToken",
}
# One event on each of the two records.
OF_TWO_PATIENTS = {"MergePatients", "UnmergePatients"}
# The seat that comes free goes to who waits for it, with an event of its own.
FREEING = {
    *("CancelAppointment", "RescheduleAppointment", "CancelSeries", "DeclineOffer"),
    *("CreateSchedule", "UpdateSchedule", "DeleteSchedule", "BatchCreateSchedules"),
    *("CreateScheduleException", "UpdateScheduleException", "DeleteScheduleException"),
    "BatchCreateScheduleExceptions",
}


@pytest.fixture(scope="module")
def hospital_of(make_tenant, servicers):
    """A hospital with two records of each kind: one for calls that change nothing that stands, a new one
    for each other call."""

    def make():
        tenant = make_tenant()
        made = Hospital(directly(servicers, tenant))
        assert made.could_not == {}
        return made, tenant

    kept = functools.cache(make)
    return lambda method: (kept if method.policy.audit_action in ("NONE", "READ", "CREATE") else make)()


def answered(full, method, *, before_each=lambda: None, **fields):
    """The answer of the first record whose state allows it; skips where none does: other tests have one.
    `before_each` is called before each try."""
    of_kind = full.made[method.policy.entity_type] if "id" in method.request.DESCRIPTOR.fields_by_name else []
    for record_id in of_kind or [None]:
        before_each()
        try:
            return full.answered(method, **fields, **({"id": record_id} if record_id else {}))
        except Refused as caught:
            refused = caught
            if refused.code not in ("FAILED_PRECONDITION", "NOT_FOUND"):
                raise
    if method.name not in STATEFUL:
        raise refused
    pytest.skip(str(refused))


def records(owner, tenant):
    return owner.execute(
        "SELECT record ->> 'method', outcome FROM audit_outbox WHERE tenant_id = %s ORDER BY position",
        [tenant.id],
    ).fetchall()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_call_leaves_its_one_audit_record(method, hospital_of, owner):
    full, ours = hospital_of(method)
    before = []
    answered(full, method, before_each=lambda: before.append(len(records(owner, ours))))
    left = records(owner, ours)[before[-1] :]
    expected = 0 if method.policy.audit_action == "NONE" else 2 if method.name in OF_TWO_PATIENTS else 1
    if method.name in FREEING:
        expected = max(1, len(left))
    assert left == [(method.policy.full_name, "OK")] * expected


@pytest.mark.parametrize("method", MUTATIONS, ids=lambda m: m.name)
def test_a_repeated_request_changes_nothing_more(method, hospital_of, owner):
    full, ours = hospital_of(method)
    request_id = ids.uuid7()
    first = answered(full, method, request_id=request_id)
    before = contents(owner, ours)
    assert full.call(method, full.sent) == first
    assert contents(owner, ours) == before


@pytest.mark.parametrize(
    "method",
    [m for m in METHODS if "update_mask" in m.request.DESCRIPTOR.fields_by_name],
    ids=lambda m: m.name,
)
def test_a_change_of_one_field_needs_no_other(method):
    request = method.request()
    resource = getattr(request, method.policy.entity_type)
    resource.SetInParent()
    if "id" in resource.DESCRIPTOR.fields_by_name:
        resource.id = ids.uuid7()
    assert validation.violations(request) == ()


def contents(owner, tenant):
    """A digest of a hospital's rows, but for what is written of every call."""
    tables = owner.execute(
        "SELECT c.relname FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition"
        " AND c.relname <> 'audit_outbox'"
    ).fetchall()
    found = {}
    for (table,) in tables:
        digest = f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} t WHERE tenant_id = %s"
        found[table] = owner.execute(digest, [tenant.id]).fetchone()
    return found
