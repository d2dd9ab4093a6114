"""What somebody sees and writes who is limited to a department: its encounters, what is written of those, and
the patients who have or had one there. The statements and the policies, each without the other."""

from __future__ import annotations

import dataclasses

import pytest

from hms.patient.v1 import break_glass_pb2, merge_pb2
from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors, ids
from hms_server.database.queries import compile_query
from hms_server.patient import store
from tests.fix_database import Tenant
from tests.fix_patient import Registry

TABLES = (
    "patient", "patient_version", "encounter", "encounter_version",
    "clinical_record", "clinical_record_version",
)  # fmt: skip


class Ward:
    """A hospital with two departments, and a colleague who is limited to the first."""

    def __init__(self, registry, charts_of, owner):
        self.owner, self.registry, self.tenant = owner, registry, registry.tenant
        self.all = charts_of(self.tenant)
        self.ours, self.theirs = (self.department() for _ in range(2))
        user_id = ids.uuid7()
        owner.execute(
            "INSERT INTO user_account (tenant_id, id, username, username_key, password_hash)"
            " VALUES (%s, %s, %s, %s, '-')",
            [self.tenant.id, user_id, user_id, user_id],
        )
        self.colleague = Tenant(self.tenant.id, user_id, frozenset({self.ours}))
        self.charts = charts_of(self.colleague)
        self.patients = Registry(registry.servicer, self.colleague)

    def department(self):
        department_id = ids.uuid7()
        self.owner.execute(
            "INSERT INTO department (tenant_id, id, document, name_key, active, actor_id)"
            " VALUES (%s, %s, '{\"display_name\": \"Cardiology\"}', 'cardiology', true, %s)",
            [self.tenant.id, department_id, self.tenant.user_id],
        )
        return department_id

    def visit(self, patient_id, department_id, **fields):
        """An encounter in a department, or in none."""
        return self.all.create("ENCOUNTER", patient_id=patient_id, department_id=department_id, **fields)

    def break_glass(self, patient_id):
        return self.patients.BreakGlass(
            break_glass_pb2.BreakGlassRequest(
                patient_id=patient_id, reason="unconscious", duration_seconds=3600
            )
        )

    def listed(self, **fields):
        return [p.id for p in self.patients.ListPatients(pb.ListPatientsRequest(**fields)).patients]


@pytest.fixture
def ward(registry, charts_of, owner):
    return Ward(registry, charts_of, owner)


@pytest.fixture
def shared(ward):
    """A patient with a visit and a condition in each department, and a condition outside of any visit."""
    patient = ward.registry.create("Meera", "Shared")
    visits = [ward.visit(patient.id, place) for place in (ward.ours, ward.theirs)]
    conditions = [
        ward.all.create("CONDITION", encounter_id=visit.id, patient_id=patient.id) for visit in visits
    ]
    conditions.append(ward.all.create("CONDITION", patient_id=patient.id))
    return patient.id, [v.id for v in visits], [c.id for c in conditions]


def refusal(call, *arguments, **fields):
    with pytest.raises(errors.HmsError) as caught:
        call(*arguments, **fields)
    return caught.value.code, caught.value.reason


NOT_THERE = ("NOT_FOUND", "NOT_FOUND")
LIMITED = ("PERMISSION_DENIED", "DEPARTMENT_LIMITED")


# What is read


def test_of_a_patient_of_two_departments_the_own_ones_part_is_seen(ward, shared):
    patient_id, visits, conditions = shared
    assert ward.patients.GetPatient(pb.GetPatientRequest(id=patient_id)).id == patient_id
    assert ward.charts.listed("ENCOUNTER", patient_id=patient_id) == visits[:1]
    assert ward.charts.listed("CONDITION", patient_id=patient_id) == conditions[:1]
    summary = ward.charts.GetPatientSummary(patient_id=patient_id)
    assert [c.id for c in summary.problems] == conditions[:1]
    shown = str(summary) + str(ward.charts.GetPatientTimeline(patient_id=patient_id))
    assert conditions[0] in shown
    assert visits[0] in shown
    assert not [each for each in (*visits[1:], *conditions[1:]) if each in shown]
    whole = str(ward.charts.get("ENCOUNTER", visits[0]))
    assert conditions[0] in whole
    assert not [each for each in conditions[1:] if each in whole]
    for type_, record_id in (("ENCOUNTER", visits[1]), *(("CONDITION", each) for each in conditions[1:])):
        assert refusal(ward.charts.get, type_, record_id) == NOT_THERE
        assert refusal(ward.charts.mark, type_, record_id) == NOT_THERE
        assert refusal(ward.charts.ListRecordVersions, record_id=record_id) == NOT_THERE
    assert refusal(ward.charts.listed, "CONDITION", encounter_id=visits[1]) == NOT_THERE


def test_a_search_finds_those_of_the_department_and_counts_no_others(ward):
    ours, theirs, nobodys = (ward.registry.create("Kavya", f"Common{i}") for i in range(3))
    ward.visit(ours.id, ward.ours)
    ward.visit(theirs.id, ward.theirs)
    assert set(ward.registry.search("Kavya")) == {ours.id, theirs.id, nobodys.id}
    assert ward.patients.search("Kavya") == [ours.id]
    assert ward.patients.search("avya") == [ours.id]
    assert ward.patients.search("Kavya", uhid=theirs.uhid) == []
    assert ward.patients.search(uhid=ours.uhid) == [ours.id]
    answer = ward.patients.SearchPatients(pb.SearchPatientsRequest(query="Kavya", page_size=1))
    assert not answer.truncated
    assert ward.listed() == [ours.id]


def test_a_search_comes_to_the_departments_patients_though_the_hospital_has_many_of_the_name(ward, owner):
    found = ward.registry.create("Zoya", "Last")
    ward.visit(found.id, ward.ours)
    for _ in range(3):
        ward.registry.create("Zoya", "Many")
    assert ward.patients.search("Zoya") == [found.id]


def test_a_search_of_the_department_is_that_of_the_hospital(ward):
    patients = [
        ward.registry.create(given, family, birth_date=born, telecoms=[{"system": "phone", "value": phone}])
        for given, family, born, phone in (
            ("Ravi", "Iyer", "1970-01-02", "9876543210"),
            ("Ravindra", "Iyengar", "1970-05-02", "9876543211"),
            ("Vinod", "Ravikumar", "1981-01-02", "9876543212"),
        )
    ]
    for patient in patients:
        ward.visit(patient.id, ward.ours)
    for asked in (
        {"query": "ravi"}, {"query": "iye"}, {"query": "inod"}, {"query": "ravi iyer"}, {"query": "r"},
        {"query": "ravi", "birth_date": "1970"}, {"phone": "9876543212"}, {"uhid": patients[1].uhid},
        {"query": "avi", "phone": "9876543212"}, {"query": "nobody"}, {"birth_date": "1970-05"},
    ):  # fmt: skip
        assert ward.patients.search(**asked) == ward.registry.search(**asked), asked


def test_lists_go_through_all_pages_of_the_department_both_ways(ward):
    wanted = []
    for i in range(7):
        patient = ward.registry.create("Page", f"N{i}")
        if i % 2 == 0:
            ward.visit(patient.id, ward.ours)
            wanted.append(patient.id)
    for order_by, first in (("create_time", 0), ("create_time desc", -1), ("name", 0), ("name desc", -1)):
        expected = wanted if first == 0 else wanted[::-1]
        first_page = ward.patients.ListPatients(pb.ListPatientsRequest(order_by=order_by, page_size=3))
        second = ward.patients.ListPatients(
            pb.ListPatientsRequest(order_by=order_by, page_size=3, page_token=first_page.next_page_token)
        )
        assert [p.id for p in (*first_page.patients, *second.patients)] == expected
        assert not second.next_page_token
        back = ward.patients.ListPatients(
            pb.ListPatientsRequest(order_by=order_by, page_size=3, page_token=second.previous_page_token)
        )
        assert back.patients == first_page.patients


def test_several_patients_are_got_all_or_none(ward, shared):
    other = ward.registry.create("Ours", "Not")
    both = pb.BatchGetPatientsRequest(ids=[shared[0], other.id])
    assert refusal(ward.patients.BatchGetPatients, both) == NOT_THERE


def test_whoever_was_in_the_department_by_mistake_alone_is_not_of_it(ward):
    patient = ward.registry.create("Wrong", "Door")
    visit = ward.visit(patient.id, ward.ours)
    assert ward.listed() == [patient.id]
    ward.charts.mark("ENCOUNTER", visit.id)
    assert ward.listed() == []
    assert refusal(ward.patients.GetPatient, pb.GetPatientRequest(id=patient.id)) == NOT_THERE


def test_a_visit_that_goes_over_to_another_department_goes_out_of_sight(ward, shared):
    patient_id, visits, conditions = shared
    ward.all.amend("ENCOUNTER", visits[0], department_id=ward.theirs)
    assert refusal(ward.charts.get, "CONDITION", conditions[0]) == NOT_THERE
    assert refusal(ward.charts.ListRecordVersions, record_id=visits[0]) == NOT_THERE
    assert refusal(ward.patients.GetPatient, pb.GetPatientRequest(id=patient_id)) == NOT_THERE
    assert ward.listed() == []


def test_a_merged_record_is_where_the_surviving_one_is(ward):
    survivor, merged = (ward.registry.create("Asha", "Twice") for _ in range(2))
    ward.visit(merged.id, ward.ours)
    ward.registry.MergePatients(
        merge_pb2.MergePatientsRequest(survivor_id=survivor.id, merged_id=merged.id, reason="one person")
    )
    for patient_id in (survivor.id, merged.id):
        assert ward.patients.GetPatient(pb.GetPatientRequest(id=patient_id)).id == patient_id
    assert len(ward.charts.listed("ENCOUNTER", patient_id=merged.id)) == 1
    assert ward.patients.search(uhid=merged.uhid) == [survivor.id]


def test_who_is_limited_to_no_department_that_stands_sees_nothing(ward, shared, charts_of):
    nowhere = dataclasses.replace(ward.colleague, departments=frozenset())
    patients = Registry(ward.registry.servicer, nowhere)
    assert refusal(patients.GetPatient, pb.GetPatientRequest(id=shared[0])) == NOT_THERE
    assert list(patients.ListPatients(pb.ListPatientsRequest()).patients) == []


# What is written


def test_a_record_is_written_of_a_visit_of_the_department_alone(ward, shared):
    patient_id, visits, _ = shared
    made = ward.charts.create("CONDITION", encounter_id=visits[0])
    assert made.patient_id == patient_id
    assert refusal(ward.charts.create, "CONDITION", encounter_id=visits[1]) == NOT_THERE
    code, _ = refusal(ward.charts.create, "CONDITION", patient_id=patient_id, encounter_id=visits[1])
    assert code == "INVALID_ARGUMENT"
    assert refusal(ward.charts.create, "CONDITION", patient_id=patient_id) == LIMITED
    assert refusal(ward.charts.amend, "CONDITION", made.id, ["encounter_id"]) == LIMITED
    code, _ = refusal(ward.charts.amend, "CONDITION", made.id, encounter_id=visits[1])
    assert code == "INVALID_ARGUMENT"
    assert ward.charts.amend("CONDITION", made.id, note="seen again").encounter_id == visits[0]


def test_a_visit_is_made_in_the_own_department_for_its_patients_alone(ward, shared):
    patient_id, visits, _ = shared
    made = ward.charts.create("ENCOUNTER", patient_id=patient_id, department_id=ward.ours.upper())
    assert made.department_id == ward.ours
    assert (
        refusal(ward.charts.create, "ENCOUNTER", patient_id=patient_id, department_id=ward.theirs) == LIMITED
    )
    assert refusal(ward.charts.create, "ENCOUNTER", patient_id=patient_id) == LIMITED
    for department_id in (ward.theirs, ""):
        mask = ["department_id"]
        assert refusal(ward.charts.amend, "ENCOUNTER", made.id, mask, department_id=department_id) == LIMITED
    # Nobody makes a patient one of his department by himself.
    stranger = ward.registry.create("No", "Visit")
    fields = {"patient_id": stranger.id, "department_id": ward.ours}
    assert refusal(ward.charts.create, "ENCOUNTER", **fields) == NOT_THERE
    assert refusal(ward.charts.amend, "ENCOUNTER", visits[1], department_id=ward.ours) == NOT_THERE


def test_a_patient_of_the_department_is_changed_and_no_other(ward, shared):
    stranger = ward.registry.create("No", "Visit")
    change = pb.UpdatePatientRequest(patient=pb.Patient(id=shared[0], gender="female"))
    assert ward.patients.UpdatePatient(change).gender == "female"
    versions = ward.patients.ListPatientVersions(pb.ListPatientVersionsRequest(patient_id=shared[0]))
    assert len(versions.versions) == 2
    change.patient.id = stranger.id
    assert refusal(ward.patients.UpdatePatient, change) == NOT_THERE


def test_a_repeat_gets_the_first_answer(ward, shared):
    request_id = ids.uuid7()
    first = ward.charts.create("CONDITION", request_id, encounter_id=shared[1][0])
    assert ward.charts.create("CONDITION", request_id, encounter_id=shared[1][0]) == first


# Break-glass and restriction


def test_a_grant_opens_all_of_the_patient_for_its_time(ward, owner):
    patient = ward.registry.create("In", "Need")
    visit = ward.visit(patient.id, ward.theirs)
    condition = ward.all.create("CONDITION", patient_id=patient.id)
    assert refusal(ward.charts.get, "CONDITION", condition.id) == NOT_THERE
    grant = ward.break_glass(patient.id)
    assert ward.charts.get("CONDITION", condition.id) == condition
    assert ward.charts.listed("ENCOUNTER", patient_id=patient.id) == [visit.id]
    assert ward.listed() == [patient.id]
    assert ward.patients.search("Need") == [patient.id]
    made = ward.charts.create("CONDITION", patient_id=patient.id)
    (reason,) = owner.execute(
        "SELECT record ->> 'reason' FROM audit_outbox WHERE tenant_id = %s AND record ->> 'entity_id' = %s",
        [ward.tenant.id, made.id],
    ).fetchone()
    assert reason == f"BREAK_GLASS:{grant.id}"
    owner.execute("UPDATE break_glass SET expire_time = now() WHERE id = %s", [grant.id])
    assert refusal(ward.charts.get, "CONDITION", condition.id) == NOT_THERE
    assert ward.listed() == ward.patients.search("Need") == []


def test_what_is_seen_through_the_department_is_not_marked_as_done_under_a_grant(ward, shared, owner):
    ward.break_glass(shared[0])
    ward.charts.get("CONDITION", shared[2][0])
    ward.charts.get("CONDITION", shared[2][1])
    rows = owner.execute(
        "SELECT record ->> 'entity_id', coalesce(record ->> 'reason', '') <> '' FROM audit_outbox"
        " WHERE tenant_id = %s AND record ->> 'method' LIKE '%%GetCondition'",
        [ward.tenant.id],
    ).fetchall()
    assert dict(rows) == {shared[2][0]: False, shared[2][1]: True}


def test_a_restricted_patient_of_the_department_is_not_there(ward, shared, owner):
    owner.execute("UPDATE patient SET restricted = true WHERE id = %s", [shared[0]])
    assert refusal(ward.patients.GetPatient, pb.GetPatientRequest(id=shared[0])) == NOT_THERE
    assert refusal(ward.charts.get, "ENCOUNTER", shared[1][0]) == NOT_THERE
    assert ward.listed() == ward.patients.search("Shared") == []
    ward.break_glass(shared[0])
    assert ward.listed() == ward.patients.search("Shared") == [shared[0]]


# Each lock without the other


def test_the_policies_alone_hide_rows_that_a_statement_forgot(ward, shared, app_database):
    patient_id, visits, conditions = shared
    ward.all.amend("CONDITION", conditions[0], note="again")
    ward.all.amend("CONDITION", conditions[1], note="again")
    ward.all.amend("ENCOUNTER", visits[0], state="IN_PROGRESS")
    ward.all.amend("ENCOUNTER", visits[1], state="IN_PROGRESS")
    stranger = ward.registry.create("No", "Visit")
    ward.registry.UpdatePatient(pb.UpdatePatientRequest(patient=pb.Patient(id=stranger.id, gender="female")))
    call = ward.colleague.call("PatientService/GetPatient")
    seen = {}
    for table in TABLES:
        everything = compile_query(
            f"test.ids_{table}", f"SELECT id FROM {table} WHERE tenant_id = :tenant_id"
        )
        with app_database.tenant_transaction(ward.tenant.id, call) as transaction:
            seen[table] = transaction.queue(everything)
    assert {table: {row.id for row in rows.rows} for table, rows in seen.items()} == {
        "patient": {patient_id},
        "patient_version": set(),
        "encounter": {visits[0]},
        "encounter_version": {visits[0]},
        "clinical_record": {conditions[0]},
        "clinical_record_version": {conditions[0]},
    }


def test_the_policies_alone_refuse_rows_of_another_department(ward, shared, app_database):
    call = ward.colleague.call("ClinicalService/AmendEncounter")
    for change in (
        f"UPDATE encounter SET department_id = '{ward.theirs}' WHERE tenant_id = :tenant_id RETURNING id",
        "UPDATE encounter SET department_id = NULL WHERE tenant_id = :tenant_id RETURNING id",
        "UPDATE clinical_record SET encounter_id = NULL WHERE tenant_id = :tenant_id RETURNING id",
    ):
        statement = compile_query(f"test.change_{ids.uuid7()}", change)
        with (
            pytest.raises(errors.Internal),
            app_database.tenant_transaction(ward.tenant.id, call) as transaction,
        ):
            transaction.queue(statement)


def test_the_statement_of_the_whole_hospital_shows_the_departments_patients_alone(ward, shared, app_database):
    """The list without its own condition."""
    ward.registry.create("No", "Visit")
    call = ward.colleague.call("PatientService/ListPatients")
    everybody = store._QUERIES["list_by_create_time_ascending"]
    with app_database.tenant_transaction(ward.tenant.id, call) as transaction:
        rows = transaction.queue(everybody, key="-infinity", id=ids.NIL, limit=100, show_deleted=True)
    assert [row.id for row in rows.rows] == [shared[0]]


@pytest.fixture
def without_policies(owner):
    """The database with no limit of departments in any policy."""
    rows = owner.execute(
        "SELECT polrelid::regclass::text, pg_get_expr(polqual, polrelid) FROM pg_policy"
        " WHERE polname = 'department_limits'"
    ).fetchall()
    assert {table for table, _ in rows} >= set(TABLES)
    for table, _ in rows:
        owner.execute(f"ALTER POLICY department_limits ON {table} USING (true)")
    yield
    for table, expression in rows:
        owner.execute(f"ALTER POLICY department_limits ON {table} USING ({expression})")


def test_the_statements_alone_list_and_find_the_departments_patients_alone(ward, shared, without_policies):
    stranger = ward.registry.create("No", "Shared")
    assert ward.patients.GetPatient(pb.GetPatientRequest(id=stranger.id)).id == stranger.id
    assert ward.listed() == ward.listed(order_by="name desc") == [shared[0]]
    assert ward.patients.search("Shared") == [shared[0]]
    fields = {"patient_id": shared[0], "department_id": ward.theirs}
    assert refusal(ward.charts.create, "ENCOUNTER", **fields) == LIMITED


def test_an_unlimited_colleague_sees_everything_on_the_same_connection(ward, shared):
    """The setting ends with its transaction: whoever has the connection next is not limited by it."""
    for _ in range(5):
        assert len(ward.charts.listed("CONDITION", patient_id=shared[0])) == 1
        assert len(ward.all.listed("CONDITION", patient_id=shared[0])) == 3
