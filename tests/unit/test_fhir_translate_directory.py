"""FHIR Organization, Location, Practitioner, PractitionerRole and Patient as fields."""

from tests.unit.fhir_fixtures import CODE, draft, faults, message, slots

CONCEPT = {"codings": [{"system": "http://snomed.info/sct", "code": "1"}]}
NPI = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "9999981641"}


def test_an_organization():
    made = draft(
        "Organization",
        active=False,
        type=[CODE],
        identifier=[{"system": "urn:x", "value": "1", "assigner": {"display": "y"}}],
        telecom=[{"system": "phone", "value": "1", "rank": 1}],
        address=[{"line": ["1 Road"], "postalCode": "411004"}],
        partOf={"reference": "Organization/o"},
        alias=["CL"],
    )
    assert made.fields == {
        "active": False,
        "telecoms": [{"system": "phone", "value": "1", "rank": 1}],
        "display_name": "City Lab",
        "types": [CONCEPT],
        "identifiers": [{"system": "urn:x", "value": "1"}],
        "addresses": [{"postal_code": "411004", "lines": ["1 Road"]}],
    }
    assert slots(made) == {("parent_id",): ("Organization/o", ("ORGANIZATION",), False)}
    assert made.left_out == ["identifier.assigner", "alias"]


def test_a_location():
    made = draft(
        "Location",
        status="suspended",
        description="first floor",
        telecom=[{"value": "1"}],
        address={"city": "Pune", "period": {"start": "2020"}},
        position={"latitude": 18.5, "longitude": 0, "altitude": 560},
        managingOrganization={"reference": "Organization/o"},
        physicalType=CODE,
    )
    assert made.fields == {
        "display_name": "Ward 3",
        "active": False,
        "description": "first floor",
        "telecoms": [{"value": "1"}],
        "address": {"city": "Pune", "period": {"start": "2020"}},
        "latitude": 18.5,
        "longitude": 0.0,
    }
    assert slots(made) == {("organization_id",): ("Organization/o", ("ORGANIZATION",), False)}
    assert made.left_out == ["position.altitude", "physicalType"]
    assert draft("Location", status="active").fields["active"] is True
    assert set(faults("Location", position={"latitude": 1})) == {"position.longitude"}


def test_a_practitioner_whose_numbers_stay_identifiers():
    made = draft(
        "Practitioner",
        active=True,
        name=[{"use": "official", "family": "Rao", "given": ["Asha"], "prefix": ["Dr."]}],
        identifier=[NPI],
        gender="female",
        qualification=[{"code": {"text": "MBBS"}, "issuer": {"display": "MUHS"}}],
        birthDate="1980",
    )
    assert made.fields == {
        "active": True,
        "names": [{"use": "official", "family_name": "Rao", "given_names": ["Asha"], "prefixes": ["Dr."]}],
        "identifiers": [NPI],
        "gender": "female",
        "qualifications": [{"text": "MBBS"}],
    }
    assert made.left_out == ["qualification.issuer", "birthDate"]


def test_a_role_is_an_entry_of_its_practitioners():
    made = draft(
        "PractitionerRole",
        active=True,
        organization={"reference": "Organization/o"},
        code=[CODE],
        specialty=[{"text": "Psychiatry"}],
        location=[{"reference": "Location/w"}],
    )
    assert made.kind == "PRACTITIONER_ROLE"
    assert made.fields == {
        "role": {"id": "r-1", "active": True, "codes": [CONCEPT], "specialities": [{"text": "Psychiatry"}]}
    }
    assert slots(made) == {
        ("practitioner_id",): ("Practitioner/d", ("PRACTITIONER",), True),
        ("role", "organization_id"): ("Organization/o", ("ORGANIZATION",), False),
    }
    assert made.left_out == ["location"]
    assert message(made).specialities[0].text == "Psychiatry"


def test_a_patient():
    made = draft(
        "Patient",
        identifier=[NPI],
        birthDate="1975-04",
        deceasedDateTime="2020",
        active=False,
        link=[{"other": {"reference": "Patient/q"}, "type": "seealso"}],
        generalPractitioner=[{"reference": "Practitioner/d"}],
        managingOrganization={"reference": "Organization/o"},
    )
    assert made.fields == {
        "names": [{"family_name": "Rao"}],
        "identifiers": [NPI],
        "birth_date": "1975-04",
        "active": False,
        "deceased": True,
        "deceased_time": "2020",
    }
    assert made.slots == []
    assert made.left_out == ["generalPractitioner", "link", "managingOrganization"]
