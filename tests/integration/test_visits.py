"""The beginning and the end of a visit: encounter, token and appointment go together."""

from __future__ import annotations

import threading

import pytest

from hms.patient.v1 import break_glass_pb2, merge_pb2
from hms_server import errors, ids
from tests.fix_clinical import Charts
from tests.fix_database import Tenant


@pytest.fixture
def checked_in(front_desk, patient_id):
    """An appointment that is checked in, and its token that is called."""
    appointment_id = front_desk.appointment(patient_id)
    return appointment_id, front_desk.token(patient_id, appointment_id)


def refused(call, error, reason):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.reason == reason
    return caught.value


def test_a_token_goes_into_consultation_with_its_encounter(charts, front_desk, patient_id, checked_in):
    appointment_id, token_id = checked_in
    made = charts.StartEncounter(
        queue_token_id=token_id, reasons=[{"text": "Chest pain"}], encounter_class="AMB"
    )
    assert (made.state, made.encounter_class, made.patient_id) == ("IN_PROGRESS", "AMB", patient_id)
    assert (made.queue_token_id, made.appointment_id) == (token_id, appointment_id)
    assert made.department_id == front_desk.department_id
    assert made.practitioner_id == front_desk.practitioner_id
    assert made.location_id == front_desk.location_id
    assert made.reasons[0].text == "Chest pain"
    assert front_desk.state("queue_token", token_id) == "IN_CONSULTATION"
    assert front_desk.state("appointment", appointment_id) == "CHECKED_IN"
    read = charts.get("ENCOUNTER", made.id)
    assert (read.queue_token_id, read.appointment_id) == (token_id, appointment_id)


def test_an_appointment_starts_with_the_token_it_has(charts, front_desk, checked_in):
    appointment_id, token_id = checked_in
    made = charts.StartEncounter(appointment_id=appointment_id)
    assert made.queue_token_id == token_id
    assert front_desk.state("queue_token", token_id) == "IN_CONSULTATION"
    assert refused(
        lambda: charts.StartEncounter(queue_token_id=token_id), errors.AlreadyExists, "ENCOUNTER_STARTED"
    ).metadata == {"encounter_id": made.id}


def test_an_appointment_without_a_token_must_be_checked_in(charts, front_desk, patient_id):
    for state in ("BOOKED", "CONFIRMED", "ARRIVED", "CANCELLED", "NO_SHOW", "FULFILLED"):
        early = front_desk.appointment(patient_id, state)
        refused(
            lambda early=early: charts.StartEncounter(appointment_id=early),
            errors.FailedPrecondition,
            "NOT_CHECKED_IN",
        )
    ready = front_desk.appointment(patient_id)
    made = charts.StartEncounter(appointment_id=ready)
    assert (made.appointment_id, made.queue_token_id) == (ready, "")
    caught = refused(
        lambda: charts.StartEncounter(appointment_id=ready), errors.AlreadyExists, "ENCOUNTER_STARTED"
    )
    assert caught.metadata == {"encounter_id": made.id}
    charts.CompleteEncounter(id=made.id)
    assert front_desk.state("appointment", ready) == "FULFILLED"


@pytest.mark.parametrize("state", ["SKIPPED", "COMPLETED", "TRANSFERRED", "CANCELLED"])
def test_a_token_that_does_not_wait_starts_nothing(charts, front_desk, patient_id, state):
    token_id = front_desk.token(patient_id, state=state)
    refused(lambda: charts.StartEncounter(queue_token_id=token_id), errors.FailedPrecondition, "WRONG_STATE")
    assert charts.listed("ENCOUNTER", patient_id=patient_id) == []


def test_a_patient_comes_straight_in(charts, front_desk, patient_id):
    made = charts.StartEncounter(
        patient_id=patient_id, department_id=front_desk.department_id, encounter_class="EMER"
    )
    assert (made.state, made.encounter_class, made.queue_token_id) == ("IN_PROGRESS", "EMER", "")
    assert made.start_time


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ((), "patient_id"),
        (("patient_id",), "department_id"),
        (("appointment_id", "department_id"), "department_id"),
        (("queue_token_id", "department_id"), "department_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value) or "nothing",
)
def test_a_visit_starts_from_one_thing(charts, names, field):
    with pytest.raises(errors.InvalidArgument) as caught:
        charts.StartEncounter(**dict.fromkeys(names, ids.uuid7()))
    assert [violation.field for violation in caught.value.violations] == [field]


def test_what_is_not_there_starts_nothing(charts, front_desk, patient_id, checked_in):
    for origin in ("queue_token_id", "appointment_id"):
        refused(
            lambda origin=origin: charts.StartEncounter(**{origin: ids.uuid7()}), errors.NotFound, "NOT_FOUND"
        )
    for name in ("department_id", "practitioner_id", "location_id"):
        fields = {"patient_id": patient_id, "department_id": front_desk.department_id, name: ids.uuid7()}
        with pytest.raises(errors.InvalidArgument, match=name):
            charts.StartEncounter(**fields)
    with pytest.raises(errors.InvalidArgument, match="practitioner_id"):
        charts.StartEncounter(queue_token_id=checked_in[1], practitioner_id=ids.uuid7())


def test_a_repeated_request_starts_once(charts, checked_in):
    request_id = ids.uuid7()
    first = charts.StartEncounter(queue_token_id=checked_in[1], request_id=request_id)
    assert charts.StartEncounter(queue_token_id=checked_in[1], request_id=request_id) == first
    done = charts.CompleteEncounter(id=first.id, request_id=request_id)
    assert charts.CompleteEncounter(id=first.id, request_id=request_id) == done


def together(calls):
    """What came of calls that are made at once: answers and reasons."""
    outcomes = []
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        try:
            outcomes.append(call())
        except errors.HmsError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_twenty_clicks_at_once_make_one_encounter(charts, front_desk, patient_id, checked_in):
    appointment_id, token_id = checked_in
    outcomes = together(
        [
            (lambda: charts.StartEncounter(queue_token_id=token_id))
            if number % 2
            else (lambda: charts.StartEncounter(appointment_id=appointment_id))
            for number in range(20)
        ]
    )
    (made,) = [each for each in outcomes if not isinstance(each, errors.HmsError)]
    lost = [each for each in outcomes if isinstance(each, errors.HmsError)]
    assert {each.reason for each in lost} == {"ENCOUNTER_STARTED"}
    assert {each.metadata["encounter_id"] for each in lost} == {made.id}
    assert charts.listed("ENCOUNTER", patient_id=patient_id) == [made.id]
    versions = front_desk.owner.execute(
        "SELECT count(*) FROM queue_token_version WHERE tenant_id = %s AND id = %s",
        [charts.tenant.id, token_id],
    ).fetchone()
    assert versions == (1,)


def test_twenty_clicks_on_an_appointment_without_a_token_make_one_encounter(charts, front_desk, patient_id):
    appointment_id = front_desk.appointment(patient_id)
    outcomes = together([lambda: charts.StartEncounter(appointment_id=appointment_id)] * 20)
    assert sum(not isinstance(each, errors.HmsError) for each in outcomes) == 1
    assert len(charts.listed("ENCOUNTER", patient_id=patient_id)) == 1


def test_a_completed_visit_completes_token_and_appointment_once(charts, front_desk, checked_in):
    appointment_id, token_id = checked_in
    started = charts.StartEncounter(queue_token_id=token_id)
    outcomes = together([lambda: charts.CompleteEncounter(id=started.id, etag=started.etag)] * 8)
    (done,) = [each for each in outcomes if not isinstance(each, errors.HmsError)]
    assert {e.reason for e in outcomes if isinstance(e, errors.HmsError)} == {"ETAG_MISMATCH"}
    assert (done.state, bool(done.end_time)) == ("COMPLETED", True)
    assert front_desk.state("queue_token", token_id) == "COMPLETED"
    assert front_desk.state("appointment", appointment_id) == "FULFILLED"
    refused(lambda: charts.CompleteEncounter(id=started.id), errors.FailedPrecondition, "WRONG_STATE")
    kept = front_desk.owner.execute(
        "SELECT row_data ->> 'state' FROM queue_token_version WHERE tenant_id = %s AND id = %s"
        " ORDER BY version",
        [charts.tenant.id, token_id],
    ).fetchall()
    assert kept == [("CALLED",), ("IN_CONSULTATION",)]


def test_an_unsigned_note_is_in_the_way_of_the_end(charts, checked_in):
    started = charts.StartEncounter(queue_token_id=checked_in[1])
    note = charts.create("NOTE", encounter_id=started.id, plan="Rest")
    caught = refused(
        lambda: charts.CompleteEncounter(id=started.id), errors.FailedPrecondition, "UNSIGNED_NOTES"
    )
    assert caught.metadata == {"note_id": note.id}
    signed = charts.SignNote(id=note.id, etag=note.etag)
    charts.AmendNote(note={"id": note.id, "plan": "Operate"}, reason="new")
    refused(lambda: charts.CompleteEncounter(id=started.id), errors.FailedPrecondition, "UNSIGNED_NOTES")
    assert charts.CompleteEncounter(id=started.id, leave_drafts=True).state == "COMPLETED"
    assert signed.state == "SIGNED"


def test_an_amendment_does_not_end_a_visit_past_its_notes(charts, patient_id):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id, state="IN_PROGRESS")
    note = charts.create("NOTE", encounter_id=encounter.id, plan="Rest")
    caught = refused(
        lambda: charts.amend("ENCOUNTER", encounter.id, state="COMPLETED"),
        errors.FailedPrecondition,
        "UNSIGNED_NOTES",
    )
    assert caught.metadata == {"note_id": note.id}
    assert charts.amend("ENCOUNTER", encounter.id, state="ON_HOLD").state == "ON_HOLD"
    charts.amend("ENCOUNTER", encounter.id, state="IN_PROGRESS")
    charts.SignNote(id=note.id, etag=note.etag)
    assert charts.amend("ENCOUNTER", encounter.id, state="COMPLETED").state == "COMPLETED"
    # What is written up later is in nobody's way: the visit is over.
    late = charts.create("NOTE", encounter_id=encounter.id, plan="Late")
    ended = charts.amend("ENCOUNTER", encounter.id, state="COMPLETED", end_time="2026-03-01T10:00:00Z")
    assert ended.end_time.startswith("2026-03-01T10:00:00")
    assert late.state == "DRAFT"


def test_callers_who_end_visits_by_an_amendment_go_on_to(charts, patient_id):
    encounter = charts.create("ENCOUNTER", patient_id=patient_id, state="IN_PROGRESS")
    assert charts.amend("ENCOUNTER", encounter.id, state="COMPLETED").state == "COMPLETED"


def test_an_encounter_that_is_planned_is_not_completed(charts, patient_id):
    planned = charts.create("ENCOUNTER", patient_id=patient_id)
    refused(lambda: charts.CompleteEncounter(id=planned.id), errors.FailedPrecondition, "WRONG_STATE")


def test_amendments_of_the_state_take_the_token_along(charts, front_desk, checked_in):
    appointment_id, token_id = checked_in
    started = charts.StartEncounter(queue_token_id=token_id)
    for state, token in (("ON_HOLD", "ON_HOLD"), ("IN_PROGRESS", "IN_CONSULTATION"), ("COMPLETED",) * 2):
        charts.amend("ENCOUNTER", started.id, state=state)
        assert front_desk.state("queue_token", token_id) == token
    assert front_desk.state("appointment", appointment_id) == "FULFILLED"


@pytest.mark.parametrize("end", ["cancel", "mark"])
def test_a_visit_that_was_none_gives_the_token_back_to_the_desk(charts, front_desk, checked_in, end):
    appointment_id, token_id = checked_in
    started = charts.StartEncounter(queue_token_id=token_id)
    if end == "cancel":
        charts.amend("ENCOUNTER", started.id, state="CANCELLED")
    else:
        charts.mark("ENCOUNTER", started.id)
    assert front_desk.state("queue_token", token_id) == "ON_HOLD"
    assert front_desk.state("appointment", appointment_id) == "CHECKED_IN"
    again = charts.StartEncounter(queue_token_id=token_id)
    assert again.id != started.id
    charts.CompleteEncounter(id=again.id)
    assert front_desk.state("queue_token", token_id) == "COMPLETED"


def test_an_amendment_says_nothing_of_where_a_visit_came_from(charts, checked_in):
    started = charts.StartEncounter(queue_token_id=checked_in[1])
    charts.amend("ENCOUNTER", started.id, note="x", queue_token_id=ids.uuid7())
    assert charts.get("ENCOUNTER", started.id).queue_token_id == checked_in[1]
    with pytest.raises(errors.InvalidArgument):
        charts.amend("ENCOUNTER", started.id, mask=["queue_token_id"])
    forged = charts.create("ENCOUNTER", patient_id=started.patient_id, queue_token_id=checked_in[1])
    assert forged.queue_token_id == ""


def test_a_patient_who_was_handed_over_has_a_visit_with_each(charts, front_desk, patient_id, checked_in):
    appointment_id, token_id = checked_in
    first = charts.StartEncounter(queue_token_id=token_id)
    front_desk.owner.execute(
        "UPDATE queue_token SET state = 'TRANSFERRED' WHERE tenant_id = %s AND id = %s",
        [charts.tenant.id, token_id],
    )
    successor = front_desk.token(
        patient_id,
        appointment_id,
        practitioner_id=front_desk.practitioner(),
        transferred_from=token_id,
    )
    second = charts.StartEncounter(queue_token_id=successor)
    assert second.appointment_id == appointment_id
    charts.CompleteEncounter(id=first.id)
    assert front_desk.state("appointment", appointment_id) == "CHECKED_IN"
    assert front_desk.state("queue_token", token_id) == "TRANSFERRED"
    charts.CompleteEncounter(id=second.id)
    assert front_desk.state("appointment", appointment_id) == "FULFILLED"


def test_start_and_end_are_audited_with_what_they_moved(charts, owner, patient_id, checked_in):
    started = charts.StartEncounter(queue_token_id=checked_in[1])
    charts.CompleteEncounter(id=started.id)
    rows = owner.execute(
        "SELECT patient_ids::text[], record -> 'entities' FROM audit_outbox WHERE tenant_id = %s"
        " AND record ->> 'method' ~ '(Start|Complete)Encounter$' ORDER BY event_id",
        [charts.tenant.id],
    ).fetchall()
    assert [patients for patients, _ in rows] == [[patient_id]] * 2
    assert [[e["type"] for e in entities] for _, entities in rows] == [
        ["queue_token"],
        ["queue_token", "appointment"],
    ]


def test_a_merge_takes_encounter_appointment_and_token_along(charts, front_desk, registry, patient_id):
    survivor = registry.create().id
    appointment_id = front_desk.appointment(patient_id)
    token_id = front_desk.token(patient_id, appointment_id)
    started = charts.StartEncounter(queue_token_id=token_id)
    made = charts.RecordVitalSigns(encounter_id=started.id, pulse={"value": 70})
    waiting = front_desk.token(patient_id, session_start="2026-11-24T14:00:00Z")
    registry.MergePatients(merge_pb2.MergePatientsRequest(survivor_id=survivor, merged_id=patient_id))
    assert charts.get("ENCOUNTER", started.id).patient_id == survivor
    assert charts.get("OBSERVATION", made.vital_signs[0].id).patient_id == survivor
    for table, row_id in (("queue_token", token_id), ("appointment", appointment_id)):
        assert front_desk.owner.execute(
            f"SELECT patient_id::text FROM {table} WHERE id = %s", [row_id]
        ).fetchone() == (survivor,)
    charts.CompleteEncounter(id=started.id)
    assert front_desk.state("queue_token", token_id) == "COMPLETED"
    assert charts.StartEncounter(queue_token_id=waiting).patient_id == survivor
    refused(
        lambda: charts.StartEncounter(patient_id=patient_id, department_id=front_desk.department_id),
        errors.FailedPrecondition,
        "PATIENT_MERGED",
    )


def test_visits_begin_and_end_while_their_patients_are_merged(charts, front_desk, registry):
    for number in range(4):
        survivor, merged = registry.create(), registry.create()
        starts = [f"2026-11-{day}T{9 + number:02}:00:00Z" for day in range(24, 28)]
        tokens = [front_desk.token(merged.id, session_start=start) for start in starts]
        request = merge_pb2.MergePatientsRequest(survivor_id=survivor.id, merged_id=merged.id)

        def visit(token_id):
            started = charts.StartEncounter(queue_token_id=token_id)
            return charts.CompleteEncounter(id=started.id)

        outcomes = together(
            [
                *((lambda token_id=token_id: visit(token_id)) for token_id in tokens),
                lambda request=request: registry.MergePatients(request),
            ]
        )
        failed = [each for each in outcomes if isinstance(each, errors.HmsError)]
        # A token is seen where its patient is: who looks between the two finds it gone or merged, once.
        assert {each.reason for each in failed} <= {"CONCURRENT_CHANGE", "PATIENT_MERGED", "NOT_FOUND"}
        rows = front_desk.owner.execute(
            "SELECT e.patient_id = t.patient_id, t.state, e.state FROM encounter e"
            " JOIN queue_token t ON t.tenant_id = e.tenant_id AND t.id = e.queue_token_id"
            " WHERE t.id = ANY (%s)",
            [tokens],
        ).fetchall()
        states = {("IN_CONSULTATION", "IN_PROGRESS"), ("COMPLETED", "COMPLETED")}
        assert {(token, encounter) for _, token, encounter in rows} <= states
        assert all(same for same, _, _ in rows)


def test_a_restricted_patients_token_is_not_there_for_who_does_not_treat(
    charts_of, owner, front_desk, registry, patient_id, checked_in
):
    registry.SetPatientRestriction(
        break_glass_pb2.SetPatientRestrictionRequest(id=patient_id, restricted=True, reason="staff")
    )
    stranger = charts_of(registry.tenant)
    for origin in ({"appointment_id": checked_in[0]}, {"queue_token_id": checked_in[1]}):
        refused(lambda origin=origin: stranger.StartEncounter(**origin), errors.NotFound, "NOT_FOUND")
    owner.execute(
        "INSERT INTO user_department (tenant_id, user_id, department_id) VALUES (%s, %s, %s)",
        [registry.tenant.id, registry.tenant.user_id, front_desk.department_id],
    )
    assert stranger.StartEncounter(queue_token_id=checked_in[1]).patient_id == patient_id


def test_who_is_limited_to_a_department_starts_its_visits_alone(charts, front_desk, patient_id, checked_in):
    elsewhere = Tenant(charts.tenant.id, charts.tenant.user_id, frozenset({ids.uuid7()}))
    inside = Tenant(charts.tenant.id, charts.tenant.user_id, frozenset({front_desk.department_id}))
    outsider, insider = Charts(charts.servicer, elsewhere), Charts(charts.servicer, inside)
    refused(lambda: outsider.StartEncounter(queue_token_id=checked_in[1]), errors.NotFound, "NOT_FOUND")
    started = insider.StartEncounter(queue_token_id=checked_in[1])
    with pytest.raises(errors.NotFound):
        outsider.CompleteEncounter(id=started.id)
    with pytest.raises(errors.NotFound):
        outsider.RecordVitalSigns(encounter_id=started.id, pulse={"value": 70})
    assert insider.RecordVitalSigns(encounter_id=started.id, pulse={"value": 70}).vital_signs
    assert insider.CompleteEncounter(id=started.id).state == "COMPLETED"
    refused(
        lambda: insider.StartEncounter(patient_id=patient_id, department_id=front_desk._entry("department")),
        errors.PermissionDenied,
        "DEPARTMENT_LIMITED",
    )


def test_the_day_of_a_department_and_of_a_practitioner_is_listed_both_ways(charts, front_desk, registry):
    made = []
    for number in range(5):
        patient = registry.create(f"P{number}")
        made.append(charts.StartEncounter(queue_token_id=front_desk.token(patient.id)))
    charts.CompleteEncounter(id=made[0].id)
    for owner in (
        {"department_id": front_desk.department_id},
        {"practitioner_id": front_desk.practitioner_id},
    ):
        first = charts.ListEncounters(**owner, page_size=3, order_by="clinical_time")
        assert [e.id for e in first.encounters] == [e.id for e in made[:3]]
        assert [e.patient.names[0].given_names[0] for e in first.encounters] == ["P0", "P1", "P2"]
        second = charts.ListEncounters(
            **owner, page_size=3, order_by="clinical_time", page_token=first.next_page_token
        )
        assert [e.id for e in second.encounters] == [e.id for e in made[3:]]
        back = charts.ListEncounters(
            **owner, page_size=3, order_by="clinical_time", page_token=second.previous_page_token
        )
        assert back.encounters == first.encounters
        under_way = charts.ListEncounters(**owner, states=["IN_PROGRESS"], encounter_classes=["AMB"])
        assert [e.id for e in under_way.encounters] == [e.id for e in reversed(made[1:])]
    both = {"department_id": front_desk.department_id, "practitioner_id": front_desk.practitioner()}
    assert not charts.ListEncounters(**both).encounters
    of_patient = {"patient_id": made[2].patient_id, "department_id": front_desk.department_id}
    assert [e.id for e in charts.ListEncounters(**of_patient).encounters] == [made[2].id]
    for nobody in ({}, {"department_id": ids.uuid7()}, {"practitioner_id": ids.uuid7()}):
        with pytest.raises(errors.NotFound if nobody else errors.InvalidArgument):
            charts.ListEncounters(**nobody)


def test_the_day_leaves_out_whom_the_caller_does_not_see(charts, front_desk, registry):
    seen, unseen = registry.create().id, registry.create().id
    for patient_id in (seen, unseen):
        charts.StartEncounter(queue_token_id=front_desk.token(patient_id))
    registry.SetPatientRestriction(
        break_glass_pb2.SetPatientRestrictionRequest(id=unseen, restricted=True, reason="staff")
    )
    listed = charts.ListEncounters(department_id=front_desk.department_id).encounters
    assert [e.patient_id for e in listed] == [seen]
