"""What of FHIR's shape is refused, of any type, with the path of each fault."""

import pytest

from hms_server.fhir.translate import MappingError
from tests.unit.fhir_fixtures import CODE, LEAST, draft, faults, fields

STRANGE = [{"url": "https://example.org/not-really", "valueBoolean": True}]


def test_every_fault_is_told_at_once_with_its_path_and_without_its_value():
    assert faults(
        "Observation",
        status="done",
        code=None,
        subject={"display": "Asha"},
        effectiveDateTime="2023-02-30",
        category={"text": "x"},
        component=[{"code": CODE, "valueQuantity": {"unit": "kg"}}, {"valueInteger": 1.5}],
        performer=[{"reference": "nobody"}],
        referenceRange=[{"low": {"value": "5"}}],
    ) == {
        "status": "is none of registered, preliminary, final, amended, corrected, cancelled, "
        "entered-in-error, unknown",
        "code": "is missing, and required",
        "subject": "names no resource: HMS needs a reference, not an identifier or a display",
        "effectiveDateTime": "is no date or time with a zone",
        "category": "is no list",
        "component[0].valueQuantity.value": "is missing, and required",
        "component[1].code": "is missing, and required",
        "component[1].valueInteger": "is no whole number",
        "performer[0].reference": "is no reference to a resource",
        "referenceRange[0].low.value": "is no number",
    }


@pytest.mark.parametrize(
    ("fhir_type", "name"),
    [(fhir_type, name) for fhir_type in LEAST for name in LEAST[fhir_type] if name != "id"],
)
def test_what_fhir_and_hms_require_is_missed(fhir_type, name):
    person = fhir_type in ("Patient", "Practitioner")
    expected = "HMS needs a name with a part or a text" if person else "is missing, and required"
    assert faults(fhir_type, **{name: None}) == {name: expected}


def test_a_class_needs_a_code():
    assert faults("Encounter", **{"class": {"display": "ambulatory"}}) == {
        "class.code": "is missing, and required"
    }


@pytest.mark.parametrize("fhir_type", sorted(LEAST))
def test_modifier_extensions_and_implicit_rules_are_refused_in_every_type(fhir_type):
    assert "may not be ignored" in faults(fhir_type, modifierExtension=STRANGE)["modifierExtension[0]"]
    assert "implicitRules" in faults(fhir_type, implicitRules="https://example.org/rules")
    assert draft(fhir_type, extension=STRANGE, modifierExtension=[], _status={"id": "x"}).left_out == []


def test_modifier_extensions_inside_are_refused():
    assert set(
        faults(
            "Observation",
            component=[{"code": CODE, "modifierExtension": STRANGE}],
            referenceRange=[{"text": "x", "modifierExtension": STRANGE}],
        )
    ) == {"component[0].modifierExtension[0]", "referenceRange[0].modifierExtension[0]"}
    assert set(faults("MedicationRequest", dosageInstruction=[{"modifierExtension": STRANGE}])) == {
        "dosageInstruction[0].modifierExtension[0]"
    }


def test_elements_that_turn_the_meaning_round_are_refused():
    assert set(faults("MedicationRequest", doNotPerform=True)) == {"doNotPerform"}
    assert set(faults("Immunization", isSubpotent=True)) == {"isSubpotent"}
    assert draft("MedicationRequest", doNotPerform=False).left_out == []
    assert draft("Immunization", isSubpotent=False).left_out == []


@pytest.mark.parametrize(
    "time",
    [
        "2023-02-30",
        "2023-13",
        "2023-01-01T10:00:00",
        "2023-01-01T10:00Z",
        "2023-01T10:00:00Z",
        "2023-01-01T24:00:00Z",
        "yesterday",
        "2023-01-01T10:00:00+15:00",
        "0000-01-01",
    ],
)
def test_an_impossible_time_or_one_without_a_zone_is_refused_and_not_quoted(time):
    assert faults("Observation", effectiveDateTime=time) == {
        "effectiveDateTime": "is no date or time with a zone"
    }
    assert set(faults("Encounter", period={"start": "2020", "end": time})) == {"period.end"}


@pytest.mark.parametrize("time", ["2023", "2023-02", "2024-02-29", "2023-02-01T23:59:60.123456789+05:30"])
def test_partial_and_exact_times_are_taken_over_as_they_stand(time):
    assert fields("Observation", effectiveDateTime=time)["effective_time"] == time


@pytest.mark.parametrize(
    ("fhir_type", "element", "value"),
    [
        ("Observation", "status", 5),
        ("Observation", "status", ["final"]),
        ("Observation", "code", "1234-5"),
        ("Observation", "code", [CODE]),
        ("Observation", "subject", "Patient/p"),
        ("Observation", "component", {"code": CODE}),
        ("Observation", "valueBoolean", "yes"),
        ("Observation", "valueInteger", True),
        ("Observation", "valueInteger", 2**31),
        ("Observation", "valueString", 5),
        ("Observation", "valueTime", "25:00:00"),
        ("Observation", "valueQuantity", 5),
        ("Condition", "note", "text"),
        ("Location", "name", ["Ward"]),
        ("Practitioner", "active", 1),
    ],
)
def test_a_wrong_json_type_is_refused_where_it_stands(fhir_type, element, value):
    assert set(faults(fhir_type, **{element: value})) == {element}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "1", None])
def test_a_quantity_needs_a_number(value):
    assert set(faults("Observation", valueQuantity={"value": value, "unit": "kg"})) == {"valueQuantity.value"}


@pytest.mark.parametrize(
    ("fhir_type", "elements", "path"),
    [
        ("Encounter", {"status": "done"}, "status"),
        ("Encounter", {"class": {"code": "XYZ"}}, "class.code"),
        ("Condition", {"clinicalStatus": {"coding": [{"code": "gone"}]}}, "clinicalStatus"),
        ("Condition", {"verificationStatus": {"text": "sure"}}, "verificationStatus"),
        ("AllergyIntolerance", {"clinicalStatus": {"coding": [{"code": "relapse"}]}}, "clinicalStatus"),
        ("AllergyIntolerance", {"category": ["pets"]}, "category"),
        ("AllergyIntolerance", {"criticality": "extreme"}, "criticality"),
        ("AllergyIntolerance", {"type": "dislike"}, "type"),
        ("AllergyIntolerance", {"reaction": [{"severity": "bad"}]}, "reaction[0].severity"),
        ("MedicationRequest", {"intent": "wish"}, "intent"),
        ("MedicationRequest", {"status": "finished"}, "status"),
        ("Procedure", {"status": "done"}, "status"),
        ("Immunization", {"status": "given"}, "status"),
        ("DiagnosticReport", {"status": "done"}, "status"),
        ("DocumentReference", {"docStatus": "done"}, "docStatus"),
        ("Location", {"status": "closed"}, "status"),
        ("Practitioner", {"gender": "M"}, "gender"),
        ("Observation", {"valueQuantity": {"value": 1, "comparator": "~"}}, "valueQuantity.comparator"),
    ],
)
def test_a_code_that_a_required_value_set_does_not_have_is_refused(fhir_type, elements, path):
    found = faults(fhir_type, **elements)
    assert set(found) == {path}
    assert "is none of" in found[path]


def test_control_characters_are_refused_and_line_breaks_are_not():
    assert set(faults("Observation", valueString="a\0b")) == {"valueString"}
    assert set(faults("Condition", note=[{"text": "half \ud83d a pair"}])) == {"note[0].text"}
    assert fields("Condition", note=[{"text": "a\r\n\tb ☂\u00a0"}])["note"] == "a\r\n\tb ☂\u00a0"


@pytest.mark.parametrize(
    "reference",
    [
        "p",
        "urn:uuid:1",
        "urn:oid:x",
        "Patient/",
        "patient/1",
        "Patient?identifier=a|b",
        "Patient/a b",
        "x y/Patient/1",
    ],
)
def test_a_reference_that_nobody_can_follow_is_refused(reference):
    assert set(faults("Observation", subject={"reference": reference})) == {"subject.reference"}
    assert set(faults("Observation", encounter={"reference": reference})) == {"encounter.reference"}


def test_a_subject_must_be_a_patient():
    assert faults("Observation", subject={"reference": "Group/1"}) == {"subject.reference": "is no Patient"}
    assert set(faults("Observation", subject={"reference": "#p"})) == {"subject.reference"}


def test_two_forms_of_one_element_are_refused():
    assert set(faults("Observation", valueString="x", valueBoolean=False)) == {"valueBoolean"}
    assert set(faults("Condition", onsetDateTime="2020", onsetString="long ago")) == {"onsetString"}
    assert set(faults("Procedure", performedDateTime="2020", performedPeriod={"start": "2020"})) == {
        "performedPeriod"
    }


def test_empty_values_are_absent():
    made = draft(
        "Observation", category=[], note=None, valueString="", bodySite={}, interpretation=[None, {}]
    )
    assert (made.left_out, set(made.fields)) == ([], {"state", "code"})


def test_a_value_a_thousand_lists_deep_or_an_endless_name_does_no_harm():
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert set(faults("Observation", status=deep)) == {"status"}
    (left_out,) = draft("Observation", **{"x " * 1000: 1, "deep": None}).left_out
    assert len(left_out) < 80


def test_a_fault_is_told_once():
    absent = {"coding": [{"code": 5}]}
    caught = faults("Observation", dataAbsentReason=absent)
    assert caught == {"dataAbsentReason.coding[0].code": "is no string"}
    with pytest.raises(MappingError) as error:
        draft("Observation", dataAbsentReason=absent)
    assert len(error.value.faults) == 1
