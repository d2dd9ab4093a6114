"""FHIR's clinical types but Observation: what goes where, what has no place."""

import base64
import hashlib

import pytest

from tests.unit.fhir_fixtures import CODE, draft, faults, fields, message, slots

CONCEPT = {"codings": [{"system": "http://snomed.info/sct", "code": "1"}]}
PRACTITIONER = ("PRACTITIONER", "PRACTITIONER_ROLE")
URN = "urn:uuid:0190f2a4-0000-7000-8000-00000000000"


def coded(code):
    return {"coding": [{"code": code}]}


# Encounter


def test_an_encounter():
    made = draft(
        "Encounter",
        period={"start": "2024-02-01", "end": "2024-02-03"},
        **{"class": {"code": "IMP"}},
        type=[CODE],
        reasonCode=[{"text": "fever"}],
        serviceType=CODE,
        priority={"text": "urgent"},
        participant=[
            {"individual": {"reference": "RelatedPerson/1"}},
            {
                "type": [coded("CON")],
                "individual": {"reference": "Practitioner/a"},
                "period": {"start": "2024"},
            },
            {"type": [coded("x"), coded("ATND")], "individual": {"reference": "PractitionerRole/b"}},
            {"type": [coded("PPRF")]},
        ],
        location=[
            {"location": {"reference": "Location/w"}, "status": "active"},
            {"location": {"display": "x"}},
        ],
        serviceProvider={"reference": "Organization/o"},
        hospitalization={
            "admitSource": CODE,
            "dischargeDisposition": {"text": "home"},
            "dietPreference": [CODE],
        },
        reasonReference=[{"reference": "Condition/c"}],
        length={"value": 2},
    )
    assert made.fields == {
        "state": "COMPLETED",
        "encounter_class": "IMP",
        "start_time": "2024-02-01",
        "end_time": "2024-02-03",
        "types": [CONCEPT],
        "reasons": [{"text": "fever"}],
        "service_type": CONCEPT,
        "priority": {"text": "urgent"},
        "participants": [{"type": "CON", "start_time": "2024"}, {"type": "x"}],
        "admit_source": CONCEPT,
        "discharge_disposition": {"text": "home"},
    }
    assert slots(made) == {
        ("patient_id",): ("Patient/p", ("PATIENT",), True),
        ("participants", 0, "practitioner_id"): ("Practitioner/a", PRACTITIONER, False),
        ("participants", 1, "practitioner_id"): ("PractitionerRole/b", PRACTITIONER, False),
        ("practitioner_id",): ("PractitionerRole/b", PRACTITIONER, False),
        ("location_id",): ("Location/w", ("LOCATION",), False),
        ("organization_id",): ("Organization/o", ("ORGANIZATION",), False),
    }
    assert made.left_out == [
        *("participant", "participant.type", "location.status", "location"),
        *("hospitalization.dietPreference", "length", "reasonReference"),
    ]
    assert message(made).participants[0].type == "CON"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("planned", "PLANNED"),
        ("arrived", "IN_PROGRESS"),
        ("triaged", "IN_PROGRESS"),
        ("in-progress", "IN_PROGRESS"),
        ("onleave", "ON_HOLD"),
        ("finished", "COMPLETED"),
        ("cancelled", "CANCELLED"),
        ("entered-in-error", "ENTERED_IN_ERROR"),
        ("unknown", "IN_PROGRESS"),
    ],
)
def test_the_state_of_an_encounter(status, state):
    assert fields("Encounter", status=status)["state"] == state


def test_an_encounter_of_unknown_state_that_has_an_end_is_completed():
    assert fields("Encounter", status="unknown", period={"end": "2024"})["state"] == "COMPLETED"


def test_the_first_participant_leads_where_nobody_is_said_to():
    people = [{"individual": {"reference": f"{URN}{i}"}} for i in range(2)]
    assert slots(draft("Encounter", participant=people))["practitioner_id",][0] == f"{URN}0"


# Condition and AllergyIntolerance


def test_a_condition():
    made = draft(
        "Condition",
        clinicalStatus=coded("remission"),
        verificationStatus=coded("differential"),
        category=[coded("problem-list-item")],
        severity=CODE,
        bodySite=[CODE, {"text": "left"}],
        encounter={"reference": f"{URN}1"},
        onsetPeriod={"start": "2019-04", "end": "2019-05"},
        abatementPeriod={"start": "2020", "end": "2021"},
        recordedDate="2019-06",
        recorder={"reference": "Practitioner/a"},
        asserter={"reference": "Patient/p"},
        note=[{"text": "mild"}],
        stage=[{"summary": CODE}],
    )
    assert made.fields == {
        "clinical_state": "REMISSION",
        "verification_state": "DIFFERENTIAL",
        "code": CONCEPT,
        "categories": ["problem-list-item"],
        "severity": CONCEPT,
        "body_sites": [CONCEPT, {"text": "left"}],
        "onset_time": "2019-04",
        "abatement_time": "2021",
        "recorded_time": "2019-06",
        "note": "mild",
    }
    assert set(slots(made)) == {("patient_id",), ("encounter_id",), ("practitioner_id",)}
    assert made.left_out == ["asserter", "onsetPeriod.end", "abatementPeriod.start", "stage"]


@pytest.mark.parametrize("fhir_type", ["Condition", "AllergyIntolerance"])
def test_a_problem_without_a_clinical_status_is_active_unless_it_never_was(fhir_type):
    assert fields(fhir_type)["clinical_state"] == "ACTIVE"
    wrong = fields(fhir_type, verificationStatus=coded("entered-in-error"), clinicalStatus=coded("active"))
    assert "clinical_state" not in wrong
    assert wrong["verification_state"] == "ENTERED_IN_ERROR"


@pytest.mark.parametrize("abatement", [{"abatementDateTime": "2020"}, {"abatementString": "last year"}])
def test_a_condition_that_is_over_is_not_active(abatement):
    made = draft("Condition", **abatement)
    assert made.fields["clinical_state"] == "RESOLVED"
    assert made.fields.get("abatement_time") == abatement.get("abatementDateTime")


def test_a_status_is_found_among_several_codings():
    status = {"coding": [{"system": "urn:local", "code": "A"}, {"code": "relapse"}]}
    assert fields("Condition", clinicalStatus=status)["clinical_state"] == "RELAPSE"


def test_ages_and_words_for_the_onset_are_named():
    assert draft("Condition", onsetAge={"value": 40}).left_out == ["onsetAge"]
    assert draft("AllergyIntolerance", onsetString="as a child").left_out == ["onsetString"]


def test_the_asserter_stands_for_a_recorder_that_is_not_there():
    made = draft("Condition", asserter={"reference": "Practitioner/a"})
    assert slots(made)["practitioner_id",] == ("Practitioner/a", PRACTITIONER, False)
    same = {"reference": "Practitioner/a"}
    assert draft("Condition", recorder=same, asserter=same).left_out == []


def test_an_allergy():
    made = draft(
        "AllergyIntolerance",
        clinicalStatus=coded("inactive"),
        verificationStatus=coded("refuted"),
        type="intolerance",
        category=["food", "food", "biologic"],
        criticality="unable-to-assess",
        onsetDateTime="1999",
        recordedDate="2000-01-02",
        lastOccurrence="2001",
        reaction=[
            {
                "substance": CODE,
                "manifestation": [{"text": "hives"}],
                "severity": "severe",
                "onset": "2001-02",
                "description": "at once",
                "exposureRoute": CODE,
            },
            {},
        ],
        note=[{"text": "peanuts"}],
    )
    assert made.fields == {
        "clinical_state": "INACTIVE",
        "verification_state": "REFUTED",
        "code": CONCEPT,
        "type": "intolerance",
        "categories": ["food", "biologic"],
        "criticality": "unable-to-assess",
        "onset_time": "1999",
        "recorded_time": "2000-01-02",
        "last_occurrence_time": "2001",
        "reactions": [
            {
                "substance": CONCEPT,
                "manifestations": [{"text": "hives"}],
                "severity": "severe",
                "onset_time": "2001-02",
                "description": "at once",
            }
        ],
        "note": "peanuts",
    }
    assert made.left_out == ["reaction.exposureRoute"]


# Procedure and Immunization


def test_a_procedure():
    made = draft(
        "Procedure",
        status="not-done",
        category=CODE,
        outcome={"text": "none"},
        performedPeriod={"start": "2024-01-01T10:00:00Z", "end": "2024-01-01T11:00:00Z"},
        reasonCode=[CODE],
        reasonReference=[
            {"reference": "Observation/1"},
            {"reference": "Condition/1"},
            {"reference": f"{URN}2"},
            {"reference": "Condition/1"},
        ],
        bodySite=[CODE],
        performer=[
            {"actor": {"reference": "Practitioner/a"}, "function": CODE},
            {"actor": {"reference": "Organization/o"}},
        ],
        note=[{"text": "patient declined"}],
        location={"reference": "Location/w"},
    )
    assert made.fields == {
        "state": "NOT_DONE",
        "code": CONCEPT,
        "category": CONCEPT,
        "outcome": {"text": "none"},
        "performed_time": "2024-01-01T10:00:00Z",
        "performed_end_time": "2024-01-01T11:00:00Z",
        "reasons": [CONCEPT],
        "body_sites": [CONCEPT],
        "reason_condition_ids": ["", ""],
        "note": "patient declined",
    }
    assert slots(made) == {
        ("patient_id",): ("Patient/p", ("PATIENT",), True),
        ("reason_condition_ids", 0): ("Condition/1", ("CONDITION",), False),
        ("reason_condition_ids", 1): (f"{URN}2", ("CONDITION",), False),
        ("practitioner_id",): ("Practitioner/a", PRACTITIONER, False),
        ("organization_id",): ("Organization/o", ("ORGANIZATION",), False),
    }
    assert made.left_out == ["reasonReference", "performer.function", "location"]


def test_an_immunization():
    made = draft(
        "Immunization",
        status="not-done",
        statusReason=CODE,
        primarySource=False,
        lotNumber="L-1",
        expirationDate="2025-01",
        manufacturer={"display": "Serum Institute"},
        site=CODE,
        route=CODE,
        doseQuantity={"value": 0.5, "unit": "ml"},
        protocolApplied=[{"doseNumberString": "2", "series": "primary"}, {"doseNumberPositiveInt": 3}],
        performer=[
            {"function": coded("OP"), "actor": {"reference": "Practitioner/ordered"}},
            {"function": coded("AP"), "actor": {"reference": "Practitioner/gave"}},
        ],
    )
    assert made.fields == {
        "state": "NOT_DONE",
        "state_reason": CONCEPT,
        "code": CONCEPT,
        "occurrence_time": "2020",
        "primary_source": False,
        "lot_number": "L-1",
        "expiration_date": "2025-01",
        "manufacturer": "Serum Institute",
        "site": CONCEPT,
        "route": CONCEPT,
        "dose": {"value": 0.5, "unit": "ml"},
        "dose_number": 2,
    }
    assert slots(made)["practitioner_id",][0] == "Practitioner/gave"
    assert made.left_out == [
        *("protocolApplied.series", "protocolApplied", "performer.function", "performer.actor"),
    ]


def test_an_immunization_whose_time_is_told_in_words():
    made = draft(
        "Immunization", occurrenceDateTime=None, occurrenceString="as a child", recorded="2024-01-02"
    )
    assert (made.fields["occurrence_time"], made.left_out) == ("2024-01-02", ["occurrenceString"])


# DiagnosticReport and DocumentReference


def test_a_report():
    made = draft(
        "DiagnosticReport",
        status="appended",
        category=[coded("LAB")],
        effectivePeriod={"start": "2024", "end": "2025"},
        issued="2025-01-01T00:00:00Z",
        result=[{"reference": f"{URN}{i}"} for i in (1, 2, 1)],
        performer=[{"reference": f"{URN}5"}],
        resultsInterpreter=[{"reference": "Practitioner/a"}],
        conclusion="normal",
        conclusionCode=[CODE],
        presentedForm=[{"data": "eA=="}],
    )
    assert made.fields == {
        "state": "APPENDED",
        "code": CONCEPT,
        "categories": ["LAB"],
        "effective_time": "2024",
        "effective_end_time": "2025",
        "issued_time": "2025-01-01T00:00:00Z",
        "result_ids": ["", ""],
        "conclusion": "normal",
        "conclusion_codes": [CONCEPT],
    }
    assert [slot.path for slot in made.slots] == [
        ("patient_id",),
        ("result_ids", 0),
        ("result_ids", 1),
        ("practitioner_id",),
        ("organization_id",),
    ]
    assert made.slots[2].fhir_path == "result[1]"
    assert made.left_out == ["resultsInterpreter", "presentedForm"]


def test_whoever_interpreted_a_report_answers_for_it_where_no_performer_does():
    made = draft("DiagnosticReport", issued="2024", resultsInterpreter=[{"reference": "Practitioner/a"}])
    assert slots(made)["practitioner_id",][0] == "Practitioner/a"
    assert made.fields["effective_time"] == "2024"


def test_a_document_is_known_by_size_and_hash_of_what_is_not_kept():
    text = "निदान: ज्वर\n".encode()
    data = base64.encodebytes(text).decode()
    made = draft(
        "DocumentReference",
        docStatus="amended",
        category=[CODE],
        description="Discharge letter",
        date="2024-01-01T00:00:00Z",
        author=[
            {"reference": "Device/1"},
            {"reference": "Practitioner/a"},
            {"reference": "Practitioner/b"},
        ],
        custodian={"reference": "Organization/o"},
        context={
            "encounter": [{"reference": "Encounter/e"}, {"reference": "Encounter/f"}],
            "period": {"start": "2023", "end": "2024"},
            "event": [CODE],
        },
        content=[
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": data,
                    "title": "Letter",
                    "creation": "2024",
                    "language": "mr",
                },
                "format": {"system": "urn:x", "code": "urn:f"},
            },
            {"attachment": {"url": "https://x.example/b", "size": 5, "hash": "aGFzaA=="}},
        ],
    )
    digest = base64.b64encode(hashlib.sha1(text).digest()).decode()
    assert made.fields == {
        "state": "CURRENT",
        "composition_state": "AMENDED",
        "code": CONCEPT,
        "categories": [CONCEPT],
        "description": "Discharge letter",
        "document_time": "2024-01-01T00:00:00Z",
        "context_start_time": "2023",
        "context_end_time": "2024",
        "attachments": [
            {
                "content_type": "text/plain",
                "title": "Letter",
                "creation_time": "2024",
                "language": "mr",
                "size": len(text),
                "hash": digest,
                "format": "urn:f",
            },
            {"url": "https://x.example/b", "size": 5, "hash": "aGFzaA=="},
        ],
    }
    assert slots(made) == {
        ("patient_id",): ("Patient/p", ("PATIENT",), True),
        ("practitioner_id",): ("Practitioner/a", PRACTITIONER, False),
        ("organization_id",): ("Organization/o", ("ORGANIZATION",), False),
        ("encounter_id",): ("Encounter/e", ("ENCOUNTER",), False),
    }
    assert made.left_out == ["content.attachment.data", "author", "context.encounter", "context.event"]


def test_data_that_is_no_base64_is_refused():
    assert set(faults("DocumentReference", content=[{"attachment": {"data": "a$b"}}])) == {
        "content[0].attachment.data"
    }


def test_a_document_without_a_type_is_told_by_its_category_and_one_in_error_by_its_state():
    made = fields("DocumentReference", type=None, category=[{"text": "note"}], docStatus="entered-in-error")
    assert (made["code"], made["state"]) == ({"text": "note"}, "ENTERED_IN_ERROR")
    assert "composition_state" not in made


# MedicationRequest


def test_a_prescription():
    made = draft(
        "MedicationRequest",
        status="on-hold",
        intent="original-order",
        authoredOn="2024-01-01",
        requester={"reference": "Practitioner/a"},
        reasonCode=[CODE],
        reasonReference=[{"reference": "Condition/1"}],
        note=[{"text": "trial"}],
        dosageInstruction=[
            {
                "sequence": 1,
                "text": "1 tablet twice a day",
                "patientInstruction": "with food",
                "additionalInstruction": [
                    {"text": "with food"},
                    {"coding": [{"code": "7", "display": "rest"}]},
                ],
                "timing": {
                    "code": {"coding": [{"code": "BID", "display": "twice a day"}]},
                    "repeat": {"frequency": 2, "period": 1, "periodUnit": "d", "when": ["MORN"]},
                },
                "asNeededCodeableConcept": {"text": "pain"},
                "route": CODE,
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                "maxDosePerPeriod": {"numerator": {"value": 4}},
            },
            {"text": "then 1 at night", "route": CODE},
        ],
        dispenseRequest={
            "expectedSupplyDuration": {"value": 5, "code": "d"},
            "quantity": {"value": 10},
            "numberOfRepeatsAllowed": 2,
            "validityPeriod": {"start": "2024"},
        },
        priority="routine",
    )
    assert made.fields == {
        "state": "ON_HOLD",
        "intent": "original-order",
        "authored_time": "2024-01-01",
        "reasons": [CONCEPT],
        "reason_condition_ids": [""],
        "note": "trial",
        "items": [
            {
                "medication": CONCEPT,
                "dose": {"value": 1.0, "unit": "tablet"},
                "frequency": 2,
                "period": 1.0,
                "period_unit": "d",
                "as_needed": True,
                "route": CONCEPT,
                "duration": {"value": 5.0, "code": "d"},
                "quantity": {"value": 10.0},
                "repeats_allowed": 2,
                "instructions": [
                    "BID",
                    "as needed for: pain",
                    "with food",
                    "rest",
                    "1 tablet twice a day",
                    "then 1 at night",
                ],
            }
        ],
    }
    assert slots(made)["practitioner_id",] == ("Practitioner/a", PRACTITIONER, False)
    assert made.left_out == [
        "dosageInstruction.maxDosePerPeriod",
        "dosageInstruction.timing.repeat.when",
        "dosageInstruction.route",
        "dispenseRequest.validityPeriod",
        "priority",
    ]


def test_a_dose_between_two_is_told_in_words():
    dose = {"doseRange": {"low": {"value": 1, "unit": "tablet"}, "high": {"value": 2, "unit": "tablet"}}}
    (item,) = fields("MedicationRequest", dosageInstruction=[{"doseAndRate": [dose]}])["items"]
    assert item["instructions"] == ["1 tablet - 2 tablet"]


def test_a_contained_medication_is_told_by_its_code():
    made = draft(
        "MedicationRequest",
        medicationCodeableConcept=None,
        medicationReference={"reference": "#m"},
        contained=[
            {"resourceType": "Practitioner", "id": "p"},
            {"resourceType": "Medication", "id": "m", "code": CODE, "batch": {"lotNumber": "1"}},
        ],
    )
    assert made.fields["items"] == [{"medication": CONCEPT}]
    assert made.left_out == ["contained", "contained.batch"]


@pytest.mark.parametrize(
    ("elements", "path"),
    [
        ({"medicationReference": {"reference": "Medication/1"}}, "medicationReference.reference"),
        ({"medicationReference": {"reference": "#x"}}, "medicationReference.reference"),
        ({"medicationReference": {"display": "Aspirin"}}, "medicationReference"),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "status": "entered-in-error"}],
            },
            "contained[0].status",
        ),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m"}],
            },
            "contained[0].code",
        ),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Device", "id": "m"}],
            },
            "contained[0].resourceType",
        ),
    ],
)
def test_a_medication_that_is_not_in_the_resource_is_refused(elements, path):
    assert set(faults("MedicationRequest", medicationCodeableConcept=None, **elements)) == {path}
