"""Every resource of the samples, and any broken one: a draft that the API takes, or faults."""

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protovalidate import Validator

from hms_server.fhir.translate import TYPES, MappingError, fhir_path, translate
from tests.unit.fhir_fixtures import LEAST, MESSAGES, PATHS, draft, message, modelled, resource

# By file, all that HMS has no place for. Of a document, its size and hash are kept.
LEFT_OUT = {
    "bundle-07.json.gz": {"DocumentReference.content.attachment.data"},
    "bundle-08.json.gz": {"DocumentReference.content.attachment.data"},
    "indian-names.json": {"Patient.multipleBirthBoolean"},
}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_sample_is_taken_over_whole_and_as_the_protos_allow(path):
    validator = Validator()
    resources = modelled(path)
    assert resources
    left_out = set()
    for content in resources:
        before = copy.deepcopy(content)
        made = translate(content)
        assert content == before, "a resource must not be changed"
        left_out.update(f"{content['resourceType']}.{name}" for name in made.left_out)
        assert not validator.collect_violations(message(made)), content
    assert left_out == LEFT_OUT.get(path.name, set())


def test_the_samples_hold_the_types_that_they_are_meant_to_show():
    found = {content["resourceType"] for path in PATHS for content in modelled(path)}
    assert found >= {"Patient", "Encounter", "Observation", "Condition", "AllergyIntolerance", "Immunization"}


@pytest.mark.parametrize("fhir_type", sorted(LEAST))
def test_what_fhir_requires_is_enough_for_the_api(fhir_type):
    made = draft(fhir_type)
    assert made.left_out == []
    assert not Validator().collect_violations(message(made))


def test_every_modelled_type_is_tried_here():
    assert set(TYPES) == set(LEAST)
    assert {TYPES[name](resource(name)).kind for name in LEAST} == {*MESSAGES, "PRACTITIONER_ROLE"}


def test_a_type_that_hms_does_not_keep_is_refused():
    for given_type in ("Claim", None, ["Patient"], {}):
        with pytest.raises(MappingError, match="resourceType"):
            translate({"resourceType": given_type})


FULL = [content for path in PATHS for content in modelled(path)] + [resource(name) for name in LEAST]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["#a", "P/1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["coding", "code", "text", "reference", "value", "start"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def places(value, path=()):
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*path, step))


def told_of(content):
    """What the sender of a resource is told, "" where it is taken over."""
    try:
        translate(content)
    except MappingError as error:
        return str(error)
    return ""


def shape(content):
    return frozenset(tuple(step for step in path if isinstance(step, str)) for path in places(content))


WRONG = ("Rukmini-4711", "Rukmini-4711\0", 4711.5, ["Rukmini"], [4711], {"coding": "Rukmini"}, {"code": 4711})


def test_no_fault_tells_a_value_of_the_resource():
    faulty = 0
    # One of each shape: many resources of a bundle differ in their values alone.
    for content in {shape(content): content for content in copy.deepcopy(FULL)}.values():
        for *steps, last in filter(None, list(places(content))):
            place = content
            for step in steps:
                place = place[step]
            right = place[last]
            for value in WRONG:
                place[last] = value
                told = told_of(content)
                faulty += bool(told)
                assert "Rukmini" not in told
                assert "4711" not in told
            place[last] = right
    assert faulty > 1000


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_resource_gives_a_draft_or_faults_and_never_a_crash(data):
    content = copy.deepcopy(data.draw(st.sampled_from(FULL)))
    for _ in range(data.draw(st.integers(1, 3))):
        *steps, last = data.draw(st.sampled_from([path for path in places(content) if path]))
        place = content
        for step in steps:
            place = place[step]
        place[last] = data.draw(JSON)
    with contextlib.suppress(MappingError):
        made = translate(content)
        message(made)
        json.dumps(made.fields)


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("OBSERVATION", "observation.effective_time", "effectiveDateTime"),
        ("OBSERVATION", "observation.effective_end_time", "effectivePeriod.end"),
        ("OBSERVATION", "observation.components[1].code", "component[1].code"),
        ("OBSERVATION", "observation.components[1].quantity.unit", "component[1].valueQuantity.unit"),
        ("OBSERVATION", "observation.reference_ranges[0].low.value", "referenceRange[0].low.value"),
        ("OBSERVATION", "observation.code.codings[0].display", "code.coding[0].display"),
        ("OBSERVATION", "observation.patient_id", "subject"),
        ("OBSERVATION", "observation.state", "status"),
        ("ALLERGY", "allergy.patient_id", "patient"),
        ("ALLERGY", "allergy.reactions[0].manifestations[2].text", "reaction[0].manifestation[2].text"),
        ("CONDITION", "condition.clinical_state", "clinicalStatus"),
        ("ENCOUNTER", "encounter.end_time", "period.end"),
        ("ENCOUNTER", "encounter.encounter_class", "class.code"),
        ("ENCOUNTER", "encounter.participants[2].practitioner_id", "participant[2].individual"),
        ("PRESCRIPTION", "prescription.items[0].medication.text", "medicationCodeableConcept.text"),
        ("PRESCRIPTION", "prescription.items[0].frequency", "dosageInstruction[0].timing.repeat.frequency"),
        ("PRESCRIPTION", "prescription.items[0].instructions[3]", "dosageInstruction"),
        ("DOCUMENT", "document.attachments[1].content_type", "content[1].attachment.contentType"),
        ("DOCUMENT", "document.encounter_id", "context.encounter[0]"),
        ("PATIENT", "patient.names[0].given_names[1]", "name[0].given[1]"),
        ("LOCATION", "location.latitude", "position.latitude"),
        ("PRACTITIONER", "practitioner.qualifications[1].text", "qualification[1].code.text"),
        ("PRACTITIONER_ROLE", "practitioner.roles[3].specialities[1].text", "specialty[1].text"),
        ("PRACTITIONER_ROLE", "practitioner_role.codes[1].text", "code[1].text"),
        ("DEPARTMENT", "department", ""),
    ],
)  # fmt: skip
def test_what_the_api_complains_of_is_found_in_the_resource(kind, path, expected):
    assert fhir_path(kind, path) == expected


def test_indexes_are_right_where_an_element_was_left_out():
    made = draft("Patient", telecom=[{"system": "phone"}, {}, {"value": "1"}, {"value": "2"}])
    assert fhir_path("PATIENT", "patient.telecoms[1].value", made.kept) == "telecom[3].value"
    assert fhir_path("PATIENT", "patient.telecoms[1].value") == "telecom[1].value"
