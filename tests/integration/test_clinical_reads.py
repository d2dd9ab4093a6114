"""Lists, the timeline, the summary and the whole encounter."""

from __future__ import annotations

import pytest

from hms_server import errors, ids
from hms_server.clinical import store
from hms_server.clinical.kinds import KINDS, RECORD_TYPES
from tests.fix_clinical import TYPES, concept


def day(number: int) -> str:
    return f"2026-01-{number:02d}T08:00:00Z"


def walk(method, **fields):
    """Every page forward, then backward from the last; the records of each way."""
    pages, token = [], ""
    while True:
        page = method(page_token=token, page_size=2, **fields)
        pages.append(page)
        token = page.next_page_token
        if not token:
            break
    back, token = [pages[-1]], pages[-1].previous_page_token
    while token:
        page = method(page_token=token, page_size=2, **fields)
        back.insert(0, page)
        token = page.previous_page_token
    return pages, back


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("order", ["", "clinical_time"])
def test_a_list_is_walked_both_ways_without_a_gap_or_a_repeat(charts, patient_id, type_, order):
    kind = KINDS[type_]
    times = [day(n) for n in (3, 1, 2, 2, 5)]
    made = [
        charts.create(
            type_,
            patient_id=patient_id,
            **{kind.times[-1]: t, **({"onset_time": t} if type_ == "CONDITION" else {})},
        )
        for t in times
    ]
    wanted = [r.id for _, r in sorted(zip(times, made, strict=True), key=lambda pair: (pair[0], pair[1].id))]
    if not order:
        wanted.reverse()
    (method,) = kind.listed
    forward, backward = walk(getattr(charts, method), patient_id=patient_id, order_by=order)
    for pages in (forward, backward):
        assert [r.id for page in pages for r in getattr(page, kind.plural)] == wanted


def test_the_timeline_is_one_order_of_all_types_both_ways(charts, patient_id):
    wanted = []
    for n, type_ in enumerate([*TYPES, *TYPES], 1):
        extra = {"onset_time": day(n)} if type_ in ("CONDITION", "ALLERGY") else {}
        made = charts.create(type_, patient_id=patient_id, **{KINDS[type_].times[-1]: day(n)}, **extra)
        wanted.insert(0, (type_, made.id))
    forward, backward = walk(charts.GetPatientTimeline, patient_id=patient_id)
    for pages in (forward, backward):
        found = [(r.type, getattr(r, r.type.lower()).id) for page in pages for r in page.records]
        assert found == wanted
    some = charts.GetPatientTimeline(
        patient_id=patient_id,
        types=["ENCOUNTER", "ALLERGY"],
        start_time={"seconds": 1767340800},  # 2026-01-02T08:00:00Z
        order_by="clinical_time",
    )
    assert [r.type for r in some.records] == ["ALLERGY", "ENCOUNTER", "ALLERGY"]
    assert some.records[0].clinical_time.seconds == 1767513600


@pytest.mark.parametrize("what", [*TYPES, "TIMELINE", "SUMMARY", "VITAL_SIGNS"])
def test_nobodys_record_is_not_found_and_an_empty_one_is_empty(charts, patient_id, what):
    method = {
        "TIMELINE": "GetPatientTimeline",
        "SUMMARY": "GetPatientSummary",
        "VITAL_SIGNS": "ListVitalSigns",
    }.get(what) or next(iter(KINDS[what].listed))
    with pytest.raises(errors.NotFound):
        getattr(charts, method)(patient_id=ids.uuid7())
    assert getattr(charts, method)(patient_id=patient_id) is not None


def test_a_list_filters_by_time_state_code_and_category(charts, patient_id):
    pulse = charts.create("OBSERVATION", patient_id=patient_id, effective_time=day(1))
    sodium = charts.create(
        "OBSERVATION",
        patient_id=patient_id,
        effective_time=day(2),
        state="PRELIMINARY",
        categories=["laboratory"],
        code=concept("2951-2", "Sodium", "http://loinc.org"),
    )

    def listed(**fields):
        return charts.listed("OBSERVATION", patient_id=patient_id, **fields)

    assert listed() == [sodium.id, pulse.id]
    assert listed(codes=["8867-4"]) == [pulse.id]
    assert listed(states=["PRELIMINARY"]) == [sodium.id]
    assert listed(start_time={"seconds": 1767340800}) == [sodium.id]
    assert listed(end_time={"seconds": 1767340800}) == [pulse.id]
    vital = charts.ListVitalSigns(patient_id=patient_id)
    assert [o.id for o in vital.vital_signs] == [pulse.id]


def test_an_encounter_comes_with_all_that_belongs_to_it(charts, registry, patient_id, owner):
    tenant = charts.tenant.id
    placed = {}
    for table in ("practitioner", "department", "organization", "location"):
        placed[f"{table}_id"] = ids.uuid7()
        document = (
            '{"names": [{"family_name": "Iyer"}]}' if table == "practitioner" else '{"display_name": "Heart"}'
        )
        owner.execute(
            f"INSERT INTO {table} (tenant_id, id, name_key, active, document, actor_id)"
            " VALUES (%s, %s, 'x', true, %s, %s)",
            [tenant, placed[f"{table}_id"], document, ids.uuid7()],
        )
    encounter = charts.create("ENCOUNTER", patient_id=patient_id, **placed)
    of_it = {type_: charts.create(type_, encounter_id=encounter.id) for type_ in RECORD_TYPES}
    charts.create("CONDITION", patient_id=patient_id)
    charts.mark("PROCEDURE", charts.create("PROCEDURE", encounter_id=encounter.id).id)
    whole = charts.GetEncounter(id=encounter.id)
    assert whole.patient.id == patient_id
    assert whole.patient.uhid
    assert whole.practitioner.names[0].family_name == "Iyer"
    assert whole.department.display_name == whole.organization.display_name == "Heart"
    assert whole.location.id == placed["location_id"]
    for type_, made in of_it.items():
        assert list(getattr(whole, KINDS[type_].plural)) == [made], type_
    assert list(whole.truncated_types) == []


def test_an_encounter_with_very_many_results_says_that_there_are_more(charts, patient_id, owner, monkeypatch):
    monkeypatch.setattr(store, "MOST_OF_TYPE", 2)
    encounter = charts.create("ENCOUNTER", patient_id=patient_id)
    made = [
        charts.create("OBSERVATION", encounter_id=encounter.id, effective_time=day(n)).id for n in (1, 2, 3)
    ]
    whole = charts.GetEncounter(id=encounter.id)
    assert [o.id for o in whole.observations] == made[:2]
    assert list(whole.truncated_types) == ["OBSERVATION"]


def test_the_summary_shows_what_counts_now(charts, patient_id):
    def create(type_, **fields):
        return charts.create(type_, patient_id=patient_id, **fields).id

    problem = create("CONDITION")
    create("CONDITION", clinical_state="RESOLVED", abatement_time="2020")
    create("CONDITION", verification_state="REFUTED")
    allergy = create("ALLERGY")
    create("ALLERGY", clinical_state="INACTIVE")
    active = create("PRESCRIPTION")
    create("PRESCRIPTION", state="STOPPED")
    shot = create("IMMUNIZATION")
    create("OBSERVATION", effective_time=day(1))
    last_pulse = create("OBSERVATION", effective_time=day(3))
    weight = create("OBSERVATION", effective_time=day(2), code=concept("29463-7", "Weight"))
    wrong = create("OBSERVATION", effective_time=day(9))
    charts.mark("OBSERVATION", wrong)
    sodium = create("OBSERVATION", categories=["laboratory"], code=concept("2951-2", "Sodium"))
    visits = [create("ENCOUNTER", start_time=day(n)) for n in range(1, 13)]
    summary = charts.GetPatientSummary(patient_id=patient_id)
    assert summary.patient.id == patient_id
    assert [r.id for r in summary.problems] == [problem]
    assert [r.id for r in summary.allergies] == [allergy]
    assert [r.id for r in summary.prescriptions] == [active]
    assert summary.prescriptions[0].items[0].frequency == 3
    assert [r.id for r in summary.immunizations] == [shot]
    assert [r.id for r in summary.vital_signs] == [last_pulse, weight]
    assert [r.id for r in summary.results] == [sodium]
    assert [r.id for r in summary.encounters] == visits[:1:-1]


def test_another_hospital_sees_nothing(charts, charts_of, new_tenant, patient_id):
    theirs = charts_of(new_tenant())
    encounter = charts.create("ENCOUNTER", patient_id=patient_id)
    made = {type_: charts.create(type_, encounter_id=encounter.id).id for type_ in RECORD_TYPES}
    made["ENCOUNTER"] = encounter.id
    for type_, record_id in made.items():
        for attempt in (
            lambda t=type_, i=record_id: theirs.get(t, i),
            lambda t=type_, i=record_id: theirs.mark(t, i),
            lambda t=type_, i=record_id: theirs.amend(t, i, **{KINDS[t].times[-1]: "2020"}),
            lambda t=type_: theirs.listed(t, patient_id=patient_id),
            lambda i=record_id: theirs.ListRecordVersions(record_id=i),
        ):
            with pytest.raises(errors.NotFound):
                attempt()
