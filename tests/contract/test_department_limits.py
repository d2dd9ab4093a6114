"""Every RPC, tried by a colleague who holds every permission, but in one department only: made from the
protos, so that a new RPC joins by itself. It is closed to such colleagues until its policy says that it
honours departments."""

from __future__ import annotations

import pytest

from hms.patient.v1 import break_glass_pb2
from hms_server import ids
from hms_server.audit.drain import Drain
from tests.contract.strangers import SECRET, Hospital, Refused, directly, methods
from tests.contract.test_restricted_patients import OF_PATIENTS, by_name, names_one, written
from tests.fix_database import Tenant

METHODS = [m for m in methods() if not m.policy.platform_only and m.name != "BreakGlass"]
SCOPED = [m for m in METHODS if m.policy.department_scoped]
CLOSED = [m for m in METHODS if m.policy.access == "PERMISSION" and not m.policy.department_scoped]
# What takes a record away comes last, and then the encounter on which all others hang.
NAMING = sorted(
    filter(names_one, SCOPED),
    key=lambda m: (m.name.startswith("Mark"), m.name == "MarkEncounterEnteredInError"),
)
OTHERS = [m for m in SCOPED if not names_one(m)]


@pytest.fixture(scope="module")
def ours(make_tenant):
    return make_tenant()


@pytest.fixture(scope="module")
def full(ours, servicers, worker_database, keys):
    """Our hospital with two records of each kind. Of two departments the first has all encounters, which are
    of the first patient; the second patient was in none."""
    made = Hospital(directly(servicers, ours))
    Drain(worker_database, keys).run(ours.id)
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
def elsewhere(full, servicers, colleague_of):
    """Calls of a colleague of the other department."""
    return directly(servicers, colleague_of(), [full.made["department"][1]])


@pytest.fixture(scope="module")
def at_home(full, servicers, colleague_of):
    """Calls of a colleague of the patient's department."""
    return directly(servicers, colleague_of(), [full.made["department"][0]])


@pytest.fixture(scope="module")
def rescuer(full, servicers, colleague_of):
    """A colleague of the other department who broke the glass for the first patient, and his calls."""
    made = colleague_of()
    calls = directly(servicers, made, [full.made["department"][1]])
    method = next(m for m in methods() if m.name == "BreakGlass")
    request = break_glass_pb2.BreakGlassRequest(
        patient_id=full.made["patient"][0], reason="unconscious", duration_seconds=3600
    )
    calls(method, request)
    return made, calls


def tried(full, method, calls):
    """The answer that somebody gets, or how the call is refused."""
    try:
        return full.answered(method, call=calls), None
    except Refused as refused:
        return None, refused


def test_the_methods_that_were_found_are_those_of_patients_and_their_records():
    assert {m.name for m in OTHERS} >= {"SearchPatients", "ListPatients", "ListDepartments"}
    names = {m.name for m in NAMING}
    assert names >= {"GetPatient", "UpdatePatient", "BatchGetPatients", "GetEncounter", "CreateObservation"}
    assert names >= {"GetPatientTimeline", "GetPatientSummary", "ListRecordVersions", "AmendCondition"}


def test_what_belongs_to_no_department_is_closed():
    """Whoever opens one of these says so here, and why it honours departments."""
    names = {m.name for m in CLOSED}
    assert {"CreateUser", "UpdateRole", "UpdateSettings", "ListAuditEvents", "GetDisclosureReport"} <= names
    assert {"CreatePatient", "DeletePatient", "MergePatients", "ListDuplicatePairs", "GetMerge"} <= names
    assert {"SetPatientRestriction", "ListBreakGlass", "CreateDepartment", "CreateServiceAccount"} <= names
    for method in SCOPED:
        rooms = ("hms.patient.", "hms.clinical.", "hms.admin.", "hms.scheduling.")
        assert method.policy.full_name.startswith(rooms)
        if method.policy.full_name.startswith("hms.admin."):
            assert method.policy.permission == "directory.read"


def test_every_method_with_a_permission_is_tried_as_the_one_or_the_other():
    of_permission = [m for m in METHODS if m.policy.access == "PERMISSION"]
    assert len(SCOPED) + len(CLOSED) == len(of_permission)
    assert len(SCOPED) > 50
    assert len(CLOSED) > 20


@pytest.mark.parametrize("method", by_name(CLOSED))
def test_a_method_that_does_not_honour_departments_is_closed(method, full, at_home, owner, ours):
    before = written(owner, ours)
    answer, refused = tried(full, method, at_home)
    assert answer is None
    assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "DEPARTMENT_LIMITED")
    assert method.policy.permission in refused.text
    assert written(owner, ours) == before


@pytest.mark.parametrize("method", by_name(NAMING))
def test_a_patient_of_another_department_and_what_is_written_of_one_are_not_there(
    method, full, elsewhere, owner, ours
):
    before = written(owner, ours)
    answer, refused = tried(full, method, elsewhere)
    assert answer is None, "a record of another department was served"
    assert refused.code == "NOT_FOUND", refused
    assert SECRET not in refused.text
    assert written(owner, ours) == before


@pytest.mark.parametrize("method", by_name(OTHERS))
def test_nothing_else_shows_a_patient_of_another_department(method, full, elsewhere):
    answer, refused = tried(full, method, elsewhere)
    shown = refused.text if answer is None else str(answer)
    assert [each for kind in OF_PATIENTS for each in full.made.get(kind, ()) if each in shown] == []
    if method.policy.entity_type in OF_PATIENTS:
        assert SECRET not in shown


@pytest.mark.parametrize("method", by_name([*OTHERS, *NAMING[:-1]]))
def test_what_belongs_to_ones_own_department_is_there(method, full, at_home):
    if method.policy.entity_type not in full.made and method.name != "ListRecordVersions":
        pytest.skip("the API alone makes none of it")
    answer, refused = tried(full, method, at_home)
    # What was marked as entered in error stays that.
    assert refused is None or refused.code == "FAILED_PRECONDITION", refused
    # The second patient never was in the department.
    assert full.made["patient"][1] not in str(answer)


@pytest.mark.parametrize("method", by_name(NAMING))
def test_who_broke_the_glass_sees_it_all(method, full, rescuer):
    if method.policy.entity_type not in full.made and method.name != "ListRecordVersions":
        pytest.skip("the API alone makes none of it")
    _, refused = tried(full, method, rescuer[1])
    assert refused is None or refused.code == "FAILED_PRECONDITION", refused


def test_what_was_done_under_a_grant_is_audited_as_that(rescuer, ours, owner):
    (grant,) = owner.execute("SELECT id FROM break_glass WHERE user_id = %s", [rescuer[0].user_id]).fetchone()
    rows = owner.execute(
        "SELECT record ->> 'method', record ->> 'reason' FROM audit_outbox WHERE tenant_id = %s"
        " AND record ->> 'actor_id' = %s AND outcome = 'OK' AND cardinality(patient_ids) > 0",
        [ours.id, rescuer[0].user_id],
    ).fetchall()
    marked = [method for method, reason in rows if (reason or "").startswith(f"BREAK_GLASS:{grant}")]
    unmarked = {method for method, reason in rows if f"BREAK_GLASS:{grant}" not in (reason or "")}
    assert len(marked) > 30
    assert unmarked <= {"hms.patient.v1.PatientService/BreakGlass"}


@pytest.mark.parametrize("method", by_name([m for m in NAMING if m.policy.audit_action == "READ"]))
def test_after_its_time_a_grant_opens_nothing(method, full, rescuer, owner):
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE user_id = %s", [rescuer[0].user_id])
    answer, refused = tried(full, method, rescuer[1])
    assert answer is None
    assert refused.code == "NOT_FOUND"


@pytest.mark.parametrize("method", by_name([m for m in NAMING if m.policy.audit_action == "READ"]))
def test_a_restricted_patient_stays_hidden_in_the_own_department_too(method, full, at_home, owner, ours):
    owner.execute("UPDATE patient SET restricted = true WHERE tenant_id = %s", [ours.id])
    answer, refused = tried(full, method, at_home)
    assert answer is None
    assert refused.code == "NOT_FOUND"
