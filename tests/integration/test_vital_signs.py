"""Sets of vital signs as they are recorded: observations, flags, body mass index, early warning score."""

from __future__ import annotations

import threading

import pytest

from hms_server import errors, ids
from hms_server.clinical import vital_sets
from tests.fix_clinical import concept

ADULT, CHILD = "1980-05-01", "2021-05-01"
SEVEN = {
    "temperature": {"value": 38.5},
    "pulse": {"value": 115},
    "respiratory_rate": {"value": 22},
    "oxygen_saturation": {"value": 93},
    "supplemental_oxygen": True,
    "systolic": {"value": 105},
    "diastolic": {"value": 70},
    "consciousness": "A",
}


def visit(charts, registry, **patient):
    """An encounter of a new patient."""
    made = registry.create(**{"birth_date": ADULT, **patient})
    return charts.create("ENCOUNTER", patient_id=made.id, state="IN_PROGRESS")


def record(charts, encounter, **fields):
    return charts.RecordVitalSigns(
        **{"encounter_id": encounter.id, "effective_time": "2026-03-01T10:00:00Z", **fields}
    )


def by_code(response):
    return {each.code.codings[0].code: each for each in response.vital_signs}


def warned(response):
    return [each.code for each in response.warnings]


def test_a_set_makes_an_observation_of_each_sign_as_fhir_has_them(charts, registry):
    encounter = visit(charts, registry)
    made = record(
        charts,
        encounter,
        temperature={"value": 98.6, "unit": "[degF]"},
        systolic={"value": 120},
        diastolic={"value": 80},
        weight={"value": 154.3, "unit": "[lb_av]"},
        height={"value": 70, "unit": "[in_i]"},
        head_circumference={"value": 56},
        pain_score=0,
        capillary_glucose={"value": 95, "unit": "mg/dL"},
        note="after rest",
    )
    found = by_code(made)
    assert {code: (each.quantity.value, each.quantity.code) for code, each in found.items()} == {
        "8310-5": (37.0, "Cel"),
        "85354-9": (0, ""),
        "29463-7": (69.989, "kg"),
        "8302-2": (177.8, "cm"),
        "9843-4": (56, "cm"),
        "72514-3": (0, "{score}"),
        "41653-7": (95, "mg/dL"),
        "39156-5": (22.1, "kg/m2"),
    }
    pressure = found["85354-9"]
    assert [(c.code.codings[0].code, c.quantity.value) for c in pressure.components] == [
        ("8480-6", 120),
        ("8462-4", 80),
    ]
    assert all(each.categories[0] == "vital-signs" and each.state == "FINAL" for each in found.values())
    assert {each.note for each in found.values()} == {"after rest"}
    assert list(found["8310-5"].interpretations) == ["N"]
    assert found["8310-5"].reference_ranges[0].high.value == 38.0
    assert not made.HasField("early_warning_score")
    bmi = found["39156-5"]
    assert list(bmi.derived_from_ids) == [found["29463-7"].id, found["8302-2"].id]
    assert charts.get("OBSERVATION", bmi.id) == bmi
    listed = charts.ListVitalSigns(encounter_id=encounter.id).vital_signs
    assert {each.id for each in listed} == {each.id for each in made.vital_signs}


def test_seven_parameters_make_the_early_warning_score(charts, registry):
    made = record(charts, visit(charts, registry), **SEVEN)
    score = made.early_warning_score
    # Respiration 2, saturation 2, oxygen 2, systolic 1, pulse 2, alert 0, temperature 1
    assert score.quantity.value == 10
    assert [c.quantity.value for c in score.components[:7]] == [2, 2, 2, 1, 2, 0, 1]
    assert (score.components[7].code.text, score.components[7].text) == (vital_sets.RISK, "HIGH")
    assert "EARLY_WARNING" in warned(made)
    assert sorted(score.derived_from_ids) == sorted(each.id for each in made.vital_signs)
    assert charts.get("OBSERVATION", score.id) == score


def test_the_hypercapnic_scale_counts_a_low_saturation_as_meant(charts, registry):
    usual = record(charts, visit(charts, registry), **{**SEVEN, "oxygen_saturation": {"value": 90}})
    scale_2 = record(
        charts,
        visit(charts, registry),
        **{**SEVEN, "oxygen_saturation": {"value": 90}},
        hypercapnic_scale=True,
    )
    assert usual.early_warning_score.quantity.value - scale_2.early_warning_score.quantity.value == 3
    assert "1104321000000108" in [c.code.codings[0].code for c in scale_2.early_warning_score.components[:7]]
    assert list(by_code(scale_2)["2708-6"].interpretations) == ["N"]
    assert list(by_code(usual)["2708-6"].interpretations) == ["LL"]


@pytest.mark.parametrize("name", [name for name in SEVEN if name != "diastolic"])
def test_without_one_of_the_seven_there_is_no_score_and_it_is_said(charts, registry, name):
    fields = {key: value for key, value in SEVEN.items() if key != name}
    if name == "systolic":
        fields.pop("diastolic")
    made = record(charts, visit(charts, registry), **fields)
    assert not made.HasField("early_warning_score")
    (warning,) = [each for each in made.warnings if each.code == "SCORE_INCOMPLETE"]
    assert warning.field == name


@pytest.mark.parametrize(
    ("born", "scored"),
    [("2010-03-01", True), ("2010-03-02", False), ("2010", False), ("2009", True), ("", False)],
)
def test_the_score_is_for_those_who_are_sixteen_for_sure(charts, registry, born, scored):
    made = record(charts, visit(charts, registry, birth_date=born), **SEVEN)
    assert made.HasField("early_warning_score") == scored
    assert ("SCORE_NOT_FOR_AGE" in warned(made)) != scored
    assert ("AGE_UNKNOWN" in warned(made)) == (not born)


def status(charts, encounter, code, time, category="social-history"):
    return charts.create(
        "OBSERVATION",
        encounter_id=encounter.id,
        code=concept("82810-3", "Pregnancy status", "http://loinc.org"),
        categories=[category] if category else [],
        quantity=None,
        concept=concept(code, "Status"),
        effective_time=time,
    )


def test_the_score_is_never_made_in_a_known_pregnancy(charts, registry):
    said = record(charts, visit(charts, registry), **SEVEN, pregnant=True)
    assert not said.HasField("early_warning_score")
    assert "SCORE_NOT_IN_PREGNANCY" in warned(said)
    encounter = visit(charts, registry)
    status(charts, encounter, "77386006", "2026-01-01T10:00:00Z")
    assert not record(charts, encounter, **SEVEN).HasField("early_warning_score")
    status(charts, encounter, "60001007", "2026-02-01T10:00:00Z", category="")
    assert record(charts, encounter, **SEVEN).HasField("early_warning_score")
    old = visit(charts, registry)
    status(charts, old, "77386006", "2024-01-01T10:00:00Z")
    assert record(charts, old, **SEVEN).HasField("early_warning_score")


def test_a_childs_values_are_judged_by_the_childs_age(charts, registry):
    fields = {"pulse": {"value": 125}, "respiratory_rate": {"value": 24}}
    child = by_code(record(charts, visit(charts, registry, birth_date=CHILD), **fields))
    adult = by_code(record(charts, visit(charts, registry), **fields))
    assert [list(child[code].interpretations) for code in ("8867-4", "9279-1")] == [["H"], ["N"]]
    assert [list(adult[code].interpretations) for code in ("8867-4", "9279-1")] == [["H"], ["H"]]


def test_a_body_mass_index_takes_the_last_height_of_an_adult_alone(charts, registry):
    encounter = visit(charts, registry)
    height = record(charts, encounter, height={"value": 180}, effective_time="2025-01-01")
    later = record(charts, encounter, weight={"value": 81})
    assert by_code(later)["39156-5"].quantity.value == 25.0
    assert by_code(later)["39156-5"].derived_from_ids[1] == height.vital_signs[0].id
    assert "EARLIER_HEIGHT" in warned(later)
    child = visit(charts, registry, birth_date=CHILD)
    record(charts, child, height={"value": 100}, effective_time="2026-02-01")
    assert "39156-5" not in by_code(record(charts, child, weight={"value": 16}))
    assert "39156-5" in by_code(record(charts, child, weight={"value": 16}, height={"value": 101}))
    grown = visit(charts, registry, birth_date="2006-01-01")
    record(charts, grown, height={"value": 120}, effective_time="2015-02-01")
    assert "39156-5" not in by_code(record(charts, grown, weight={"value": 60}))


def test_a_pressure_that_was_felt_has_no_diastolic(charts, registry):
    made = by_code(record(charts, visit(charts, registry), systolic={"value": 60}))["85354-9"]
    assert made.components[1].data_absent_reason == "unknown"
    assert list(made.components[0].interpretations) == ["LL"]


def test_a_repeated_request_makes_one_set(charts, registry):
    encounter = visit(charts, registry)
    request_id = ids.uuid7()
    first = record(charts, encounter, **SEVEN, request_id=request_id)
    assert record(charts, encounter, **SEVEN, request_id=request_id) == first
    assert len(charts.ListVitalSigns(encounter_id=encounter.id).vital_signs) == len(first.vital_signs) + 1
    with pytest.raises(errors.InvalidArgument):
        record(charts, encounter, pulse={"value": 1}, request_id=request_id)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "pulse"),
        ({"pulse": {"value": 401}}, "pulse.value"),
        ({"pulse": {"value": 60}, "effective_time": "2126-01-01T00:00:00Z"}, "effective_time"),
        ({"pulse": {"value": 60}, "effective_time": "yesterday"}, "effective_time"),
        ({"pulse": {"value": 60}, "note": "a\x00b"}, "note"),
        (
            {"pulse": {"value": 60}, "practitioner_id": "01a20e0b-4367-7330-add1-8f44dd1455f4"},
            "practitioner_id",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "sent",
)
def test_what_cannot_be_writes_nothing(charts, registry, fields, named):
    encounter = visit(charts, registry)
    with pytest.raises(errors.InvalidArgument) as caught:
        record(charts, encounter, **fields)
    assert [violation.field for violation in caught.value.violations] == [named]
    assert not charts.ListVitalSigns(encounter_id=encounter.id).vital_signs


def test_a_set_of_nobody_is_not_found(charts):
    with pytest.raises(errors.NotFound):
        charts.RecordVitalSigns(encounter_id=ids.uuid7(), pulse={"value": 60})


def test_an_encounter_entered_in_error_gets_no_vital_signs(charts, registry):
    encounter = visit(charts, registry)
    charts.mark("ENCOUNTER", encounter.id)
    with pytest.raises(errors.InvalidArgument):
        record(charts, encounter, pulse={"value": 60})


def test_what_was_computed_from_a_sign_that_was_amended_is_marked(charts, registry):
    encounter = visit(charts, registry)
    made = record(charts, encounter, **SEVEN, weight={"value": 80}, height={"value": 180})
    pulse, bmi = by_code(made)["8867-4"], by_code(made)["39156-5"]
    charts.amend("OBSERVATION", pulse.id, note="by hand")
    assert charts.get("OBSERVATION", made.early_warning_score.id).state == "FINAL"
    charts.amend("OBSERVATION", pulse.id, quantity={"value": 75, "unit": "/min", "code": "/min"})
    marked = charts.get("OBSERVATION", made.early_warning_score.id)
    assert (marked.state, marked.etag) == ("ENTERED_IN_ERROR", "2")
    assert "amended" in marked.error_reason
    assert [v.record.observation.state for v in charts.ListRecordVersions(record_id=marked.id).versions] == [
        "ENTERED_IN_ERROR",
        "FINAL",
    ]
    assert charts.get("OBSERVATION", bmi.id).state == "FINAL"
    charts.mark("OBSERVATION", by_code(made)["8302-2"].id)
    assert charts.get("OBSERVATION", bmi.id).state == "ENTERED_IN_ERROR"
    listed = {each.id for each in charts.ListVitalSigns(encounter_id=encounter.id).vital_signs}
    assert listed.isdisjoint({bmi.id, marked.id})


def test_the_marked_score_stands_in_the_audit_of_the_amendment(charts, registry, owner):
    made = record(charts, visit(charts, registry), **SEVEN)
    charts.mark("OBSERVATION", by_code(made)["8310-5"].id)
    (entities,) = owner.execute(
        "SELECT record -> 'entities' FROM audit_outbox WHERE tenant_id = %s"
        " AND record ->> 'method' LIKE '%%MarkObservationEnteredInError'",
        [charts.tenant.id],
    ).fetchone()
    assert entities[0]["ids"] == [made.early_warning_score.id]


def test_a_set_is_audited_once_with_its_patient(charts, registry, owner):
    encounter = visit(charts, registry)
    made = record(charts, encounter, **SEVEN)
    rows = owner.execute(
        "SELECT patient_ids::text[], record -> 'entities' FROM audit_outbox WHERE tenant_id = %s"
        " AND record ->> 'method' LIKE '%%RecordVitalSigns'",
        [charts.tenant.id],
    ).fetchall()
    ((patients, entities),) = rows
    assert patients == [encounter.patient_id]
    assert len(entities[0]["ids"]) == len(made.vital_signs) + 1


def test_no_index_stands_that_was_computed_with_a_height_that_no_longer_does(charts, registry):
    encounter = visit(charts, registry)
    made = record(charts, encounter, height={"value": 180}, effective_time="2025-01-01")
    height_id = made.vital_signs[0].id
    for centimetres in range(170, 178):
        quantity = {"value": centimetres, "unit": "cm", "code": "cm"}
        threads = [
            threading.Thread(target=record, args=(charts, encounter), kwargs={"weight": {"value": 80}}),
            threading.Thread(
                target=charts.amend, args=("OBSERVATION", height_id), kwargs={"quantity": quantity}
            ),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        standing = charts.ListVitalSigns(encounter_id=encounter.id, codes=["39156-5"]).vital_signs
        assert {each.quantity.value for each in standing} <= {round(80 / (centimetres / 100) ** 2, 1)}
