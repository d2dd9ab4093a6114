"""FHIR Observation: values, components, times, who made it."""

import pytest

from tests.unit.fhir_fixtures import CODE, SUBJECT, draft, faults, fields, slots

CONCEPT = {"codings": [{"system": "http://snomed.info/sct", "code": "1"}]}
PRACTITIONER = ("PRACTITIONER", "PRACTITIONER_ROLE")


def test_every_element_that_hms_has_a_place_for():
    made = draft(
        "Observation",
        status="entered-in-error",
        category=[
            {"coding": [{"code": "laboratory"}]},
            {"coding": [{"code": "laboratory"}]},
            {"text": "Blood"},
        ],
        code={
            "coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hb"}],
            "text": "Haemoglobin",
        },
        encounter={"reference": "https://x.example/fhir/Encounter/7/_history/2"},
        effectiveDateTime="2024-02-29T10:00:00+05:30",
        valueQuantity={
            "value": 7,
            "comparator": "<",
            "unit": "g/dl",
            "system": "http://unitsofmeasure.org",
            "code": "g/dL",
        },
        interpretation=[{"coding": [{"code": "LL"}]}, {"text": "critical"}],
        referenceRange=[
            {
                "low": {"value": 12.5, "unit": "g/dl"},
                "high": {"value": 16},
                "type": {"coding": [{"code": "normal"}]},
                "text": "women",
            }
        ],
        bodySite=CODE,
        method={"text": "by hand"},
        note=[{"text": "haemolysed"}, {"text": "repeat"}],
        performer=[{"reference": "Organization/lab"}, {"reference": "PractitionerRole/7"}],
    )
    assert made.fields == {
        "state": "ENTERED_IN_ERROR",
        "code": {
            "codings": [{"system": "http://loinc.org", "code": "718-7", "display": "Hb"}],
            "text": "Haemoglobin",
        },
        "categories": ["laboratory", "Blood"],
        "effective_time": "2024-02-29T10:00:00+05:30",
        "quantity": {
            "value": 7.0,
            "comparator": "<",
            "unit": "g/dl",
            "system": "http://unitsofmeasure.org",
            "code": "g/dL",
        },
        "interpretations": ["LL", "critical"],
        "reference_ranges": [
            {
                "low": {"value": 12.5, "unit": "g/dl"},
                "high": {"value": 16.0},
                "type": "normal",
                "text": "women",
            }
        ],
        "body_site": CONCEPT,
        "method": {"text": "by hand"},
        "note": "haemolysed\nrepeat",
    }
    assert made.left_out == []
    assert slots(made) == {
        ("patient_id",): ("Patient/p", ("PATIENT",), True),
        ("encounter_id",): ("https://x.example/fhir/Encounter/7/_history/2", ("ENCOUNTER",), False),
        ("organization_id",): ("Organization/lab", ("ORGANIZATION",), False),
        ("practitioner_id",): ("PractitionerRole/7", PRACTITIONER, False),
    }
    assert [slot.fhir_path for slot in made.slots] == ["subject", "encounter", "performer[0]", "performer[1]"]


@pytest.mark.parametrize(
    ("element", "value", "field", "expected"),
    [
        ("valueCodeableConcept", CODE, "concept", CONCEPT),
        ("valueString", "brown", "text", "brown"),
        ("valueBoolean", False, "boolean", False),
        ("valueInteger", 0, "integer", 0),
        ("valueInteger", -(2**31), "integer", -(2**31)),
        ("valueQuantity", {"value": 0}, "quantity", {"value": 0.0}),
        (
            "valueRange",
            {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2.5, "unit": "mg"}},
            "text",
            "1 mg - 2.5 mg",
        ),
        ("valueRange", {"low": {"value": 1, "unit": "mg"}}, "text", ">= 1 mg"),
        ("valueRange", {"high": {"value": 1}}, "text", "<= 1"),
        ("valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}, "text", "1 : 128"),
        ("valueTime", "14:30:00", "text", "14:30:00"),
        ("valueDateTime", "2024-02", "text", "2024-02"),
        ("valuePeriod", {"start": "2024-02", "end": "2024-03"}, "text", "2024-02/2024-03"),
        ("valuePeriod", {"start": "2024-02"}, "text", "2024-02/.."),
    ],
)
def test_a_value_of_each_form_of_an_observation_and_of_its_components(element, value, field, expected):
    made = draft("Observation", **{element: value}, component=[{"code": CODE, element: value}])
    assert made.fields[field] == expected
    assert made.fields["components"] == [{"code": CONCEPT, field: expected}]
    assert made.left_out == []


def test_sampled_data_has_no_place_and_is_named():
    sampled = {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2 3"}
    made = draft("Observation", component=[{"code": CODE, "valueSampledData": sampled}] * 2)
    assert made.left_out == ["component.valueSampledData"]


def test_a_ratio_needs_both_parts():
    assert set(faults("Observation", valueRatio={"numerator": {"value": 1}})) == {"valueRatio.denominator"}


def test_why_there_is_no_value():
    absent = {"coding": [{"code": "not-performed"}]}
    assert fields("Observation", dataAbsentReason=absent)["data_absent_reason"] == "not-performed"
    made = draft("Observation", dataAbsentReason={"text": "machine broken"})
    assert (made.fields["data_absent_reason"], made.left_out) == ("unknown", ["dataAbsentReason.text"])


@pytest.mark.parametrize(
    ("elements", "start", "end"),
    [
        ({"effectiveInstant": "2024-02-29T10:00:00Z"}, "2024-02-29T10:00:00Z", None),
        ({"effectivePeriod": {"start": "2024", "end": "2025"}}, "2024", "2025"),
        ({"effectivePeriod": {"end": "2025"}}, "2025", None),
        ({"issued": "2024-02-29T10:00:00Z"}, "2024-02-29T10:00:00Z", None),
    ],
)
def test_when_it_was_so(elements, start, end):
    made = draft("Observation", **elements)
    assert (made.fields.get("effective_time"), made.fields.get("effective_end_time")) == (start, end)
    assert made.left_out == []


def test_what_has_no_place_is_named_once_without_indexes():
    made = draft(
        "Observation",
        issued="2024-02-29T10:00:00Z",
        effectiveDateTime="2024",
        device={"reference": "Device/1"},
        specimen={"display": "blood"},
        focus=[],
        interpretation=[{"text": "x" * 65}],
        component=[{"code": CODE, "note": "x"}, {"code": CODE, "note": "x"}],
        note=[{"text": "seen", "time": "2024"}],
        contained=[{"resourceType": "Device"}],
        meta={"tag": []},
        text={"div": ""},
        language="en",
    )
    assert made.left_out == [
        *("interpretation", "issued", "component.note", "note.time"),
        *("contained", "device", "specimen"),
    ]


def test_a_reference_that_does_not_tell_its_type_may_be_a_practitioner_or_an_organization():
    urn = "urn:uuid:0190f2a4-0000-7000-8000-000000000000"
    made = draft("Observation", performer=[{"reference": urn}, {"reference": urn.replace("190", "191")}])
    assert slots(made)["practitioner_id",] == (urn, PRACTITIONER, False)
    assert slots(made)["organization_id",] == (urn, ("ORGANIZATION",), False)
    assert made.left_out == ["performer"]
    made = draft("Observation", performer=[{"reference": urn, "type": "Organization"}])
    assert set(slots(made)) == {("patient_id",), ("organization_id",)}


def test_references_without_a_literal_and_to_what_hms_does_not_keep_are_left_out():
    made = draft(
        "Observation",
        encounter={"identifier": {"value": "V-1"}},
        performer=[{"display": "Dr. Rao"}, {"reference": "CareTeam/1"}, {"reference": "#p"}],
    )
    assert (list(slots(made)), made.left_out) == ([("patient_id",)], ["encounter", "performer"])
    made = draft("Observation", encounter={"reference": "EpisodeOfCare/1"})
    assert (list(slots(made)), made.left_out) == ([("patient_id",)], ["encounter"])


def test_codings_without_a_code_are_told_by_their_display():
    made = draft("Observation", code={"coding": [{"display": "Weight"}]}, subject=SUBJECT)
    assert made.fields["code"] == {"text": "Weight"}
    made = draft("Observation", code={"coding": [{"system": "urn:x"}, {"code": "7"}]})
    assert (made.fields["code"], made.left_out) == ({"codings": [{"code": "7"}]}, ["code.coding"])
    assert set(faults("Observation", code={"coding": [{"system": "urn:x"}]})) == {"code"}
