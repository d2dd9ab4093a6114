"""Every RPC, tried by a colleague whom restricted patients are hidden from: made from the protos, so that a
new RPC joins by itself. The colleague has every permission, but no department and no grant."""

from __future__ import annotations

import pytest

from hms.patient.v1 import break_glass_pb2 as pb
from hms_server import ids
from hms_server.audit.drain import Drain
from hms_server.clinical.kinds import KINDS
from tests.contract.strangers import SECRET, Hospital, Refused, directly, methods
from tests.fix_database import Tenant

# What belongs to a patient, as policies name it.
OF_PATIENTS = {"patient", "merge", "record", *(kind.field for kind in KINDS.values())}
# Name the patients whom they are about to those who review.
OF_REVIEWERS = {"break_glass", "audit_event"}
WRITTEN = ("patient", "patient_version", "patient_key", "patient_merge", "encounter", "clinical_record")


def names_one(method):
    """Whether a request names a patient or a record of one."""
    fields = method.request.DESCRIPTOR.fields_by_name
    if method.policy.entity_type not in OF_PATIENTS:
        return False
    resource = fields.get(method.policy.entity_type)
    of_resource = () if resource is None else resource.message_type.fields_by_name
    creates = method.policy.audit_action == "CREATE"
    return (
        any(name in fields for name in ("patient_id", "survivor_id", "record_id"))
        or "patient_id" in of_resource
        or (not creates and any(name in (*fields, *of_resource) for name in ("id", "ids")))
    )


METHODS = [m for m in methods() if not m.policy.platform_only and m.name != "BreakGlass"]
# What takes a record away, or the restriction from a patient, comes last.
NAMING = sorted(
    filter(names_one, METHODS),
    key=lambda m: (m.name == "SetPatientRestriction", m.name.startswith(("Mark", "Delete"))),
)
READING = [m for m in NAMING if m.policy.audit_action == "READ"]
OTHERS = [m for m in METHODS if not names_one(m)]


def by_name(found):
    return [pytest.param(method, id=method.name) for method in found]


@pytest.fixture(scope="module")
def ours(make_tenant):
    return make_tenant()


@pytest.fixture(scope="module")
def full(ours, servicers, worker_database, keys, owner):
    """Our hospital with two records of each kind, all of its patients restricted."""
    made = Hospital(directly(servicers, ours))
    change = next(m for m in METHODS if m.name == "UpdatePatient")
    made.answered(change)
    Drain(worker_database, keys).run(ours.id)
    made.made["audit_event"] = [
        str(event)
        for (event,) in owner.execute(
            "SELECT id FROM audit_event WHERE tenant_id = %s AND entity_type = 'patient'"
            " AND action = 'UPDATE'",
            [ours.id],
        )
    ]
    assert made.made["audit_event"]
    owner.execute("UPDATE patient SET restricted = true WHERE tenant_id = %s", [ours.id])
    # Those that were made of every kind of record.
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE tenant_id = %s", [ours.id])
    return made


@pytest.fixture(scope="module")
def colleague_of(ours, owner):
    """Makes further users of our hospital."""

    def make():
        made = Tenant(ours.id, ids.uuid7())
        owner.execute(
            "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
            " VALUES (%s, %s, %s, %s, '-')",
            [made.id, made.user_id, made.user_id, made.user_id],
        )
        return made

    return make


@pytest.fixture(scope="module")
def colleague(colleague_of):
    return colleague_of()


@pytest.fixture(scope="module")
def rescuer(full, colleague_of, servicers):
    """A colleague who broke the glass for both patients."""
    made = colleague_of()
    for patient_id in full.made["patient"]:
        request = pb.BreakGlassRequest(patient_id=patient_id, reason="unconscious", duration_seconds=3600)
        servicers["hms.patient.v1.PatientService"].BreakGlass(request, made.call("PatientService/BreakGlass"))
    return made


def outcome(full, method, servicers, tenant):
    """The answer that somebody gets, or how the call is refused."""
    try:
        return full.answered(method, call=directly(servicers, tenant)), None
    except Refused as refused:
        return None, refused


def written(owner, ours):
    """A digest of what is written of the hospital's patients."""
    return [
        owner.execute(
            f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} t WHERE tenant_id = %s",
            [ours.id],
        ).fetchone()
        for table in WRITTEN
    ]


def test_the_methods_that_were_found_are_those_of_patients_and_their_records():
    names = {method.name for method in NAMING}
    assert {"GetPatient", "UpdatePatient", "ListPatientVersions", "GetMerge", "MergePatients"} <= names
    assert {"GetEncounter", "CreateObservation", "AmendCondition", "GetPatientTimeline"} <= names
    assert {"GetPatientSummary", "ListRecordVersions", "ListObservations"} <= names
    assert {"SearchPatients", "ListPatients", "ListDuplicatePairs", "CreatePatient"} <= {
        method.name for method in OTHERS
    }


@pytest.mark.parametrize("method", by_name(NAMING))
def test_a_restricted_patient_and_what_is_written_of_one_are_not_there(
    method, full, servicers, colleague, owner, ours
):
    before = written(owner, ours)
    answer, refused = outcome(full, method, servicers, colleague)
    assert answer is None, "a record of a restricted patient was served"
    # Not PERMISSION_DENIED: it would tell that there is one.
    assert refused.code == "NOT_FOUND", refused
    assert SECRET not in refused.text
    assert written(owner, ours) == before


@pytest.mark.parametrize("method", by_name(OTHERS))
def test_nothing_else_shows_a_restricted_patient(method, full, servicers, colleague):
    answer, refused = outcome(full, method, servicers, colleague)
    shown = refused.text if answer is None else str(answer)
    if method.policy.entity_type in OF_PATIENTS | {"audit_event"}:
        assert SECRET not in shown
    if method.policy.entity_type not in OF_REVIEWERS:
        hidden = [each for kind in OF_PATIENTS for each in full.made.get(kind, ())]
        assert [each for each in hidden if each in shown] == []


def test_who_registered_the_patients_does_not_see_them_either(full, servicers, ours):
    for method in READING:
        answer, refused = outcome(full, method, servicers, ours)
        assert answer is None, method.name
        assert refused.code == "NOT_FOUND", method.name


@pytest.mark.parametrize("method", by_name(NAMING))
def test_who_broke_the_glass_sees_it_all(method, full, servicers, rescuer):
    if method.policy.entity_type not in full.made and method.name != "ListRecordVersions":
        pytest.skip("the API alone makes none of it")
    _, refused = outcome(full, method, servicers, rescuer)
    # Restricted patients are neither merged nor undeleted, but they are found.
    assert refused is None or refused.code == "FAILED_PRECONDITION", refused


def test_what_was_done_under_a_grant_is_audited_as_that_and_nothing_else(full, rescuer, ours, owner):
    grants = dict(
        owner.execute(
            "SELECT patient_id, id FROM break_glass WHERE user_id = %s", [rescuer.user_id]
        ).fetchall()
    )
    assert len(grants) == 2
    rows = owner.execute(
        "SELECT record ->> 'actor_id', record ->> 'method', record ->> 'reason', patient_ids, outcome"
        " FROM audit_outbox WHERE tenant_id = %s",
        [ours.id],
    ).fetchall()
    marked = 0
    for actor, method, reason, patient_ids, result in rows:
        hidden = {*patient_ids} & {*grants}
        if actor == rescuer.user_id and hidden and result == "OK" and not method.endswith("/BreakGlass"):
            assert {each for each in reason.split() if ":" in each} == {
                f"BREAK_GLASS:{grants[patient]}" for patient in hidden
            }, method
            marked += 1
        else:
            assert not (reason or "").startswith("BREAK_GLASS"), method
    assert marked > 30


@pytest.mark.parametrize("method", by_name(READING))
def test_after_its_time_a_grant_opens_nothing(method, full, servicers, rescuer, owner, ours):
    owner.execute("UPDATE patient SET restricted = true WHERE tenant_id = %s", [ours.id])
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE user_id = %s", [rescuer.user_id])
    answer, refused = outcome(full, method, servicers, rescuer)
    assert answer is None
    assert refused.code == "NOT_FOUND"
