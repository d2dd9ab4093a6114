"""FHIR Patient to the API's Patient: what is taken over, what is refused and where it stands."""

import pathlib

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server.fhir.patient import MappingError, source_id, to_patient
from hms_server.fhir.reader import find_files, read

SAMPLES = pathlib.Path(__file__).parents[2] / "samples" / "fhir"


def mapped(**elements):
    return to_patient({"resourceType": "Patient", "name": [{"family": "Rao"}], **elements})


def faults(**elements):
    with pytest.raises(MappingError) as caught:
        mapped(**elements)
    return {fault.path: fault.text for fault in caught.value.faults}


def sample(patient_id):
    for item in read(find_files([str(SAMPLES / "indian-names.json")])[0]):
        if item.content["id"] == patient_id:
            return to_patient(item.content)
    raise LookupError(patient_id)


def test_every_field_is_taken_over():
    patient = sample("in-asha-kulkarni").patient
    assert [name.use for name in patient.names] == ["official", "usual", "maiden"]
    assert patient.names[0] == pb.HumanName(
        use="official",
        text="आशा विनायक कुलकर्णी",
        family_name="कुलकर्णी",
        given_names=["आशा", "विनायक"],
        prefixes=["श्रीमती"],
    )
    assert patient.names[2].period == pb.Period(end="1999-05")
    assert patient.identifiers[1] == pb.Identifier(
        use="official",
        type="NI",
        system="https://healthid.ndhm.gov.in",
        value="91-1111-2222-3333",
        period=pb.Period(start="2021-09-27"),
    )
    assert patient.telecoms[0] == pb.Telecom(system="phone", value="+91 98765 43210", use="mobile", rank=1)
    assert patient.addresses[0] == pb.Address(
        use="home",
        type="both",
        lines=["१२, गुलमोहर सोसायटी", "कर्वे रस्ता"],
        city="पुणे",
        district="पुणे",
        state="महाराष्ट्र",
        postal_code="411004",
        country="IN",
    )
    assert (patient.gender, patient.birth_date, patient.marital_status) == ("female", "1974-11-02", "M")
    assert patient.HasField("active")
    assert patient.active
    assert patient.contacts[0] == pb.Contact(
        relationships=["N"],
        name=pb.HumanName(family_name="Kulkarni", given_names=["Vinayak"]),
        telecoms=[pb.Telecom(system="phone", value="+91 98765 43211", use="mobile")],
        gender="male",
    )
    assert [(c.language, c.preferred) for c in patient.communications] == [
        ("mr-IN", True),
        ("hi-IN", False),
        ("en-IN", False),
    ]


def test_deceased_by_time_and_by_flag():
    iqbal = sample("in-mohammad-iqbal").patient
    assert (iqbal.deceased, iqbal.deceased_time) == (True, "2019-03-07T04:40:00+05:30")
    assert not iqbal.active
    assert sample("in-unknown-date-of-death").patient.deceased
    assert not mapped(deceasedBoolean=False).patient.deceased


def test_contacts_have_texts_organizations_and_addresses():
    first, second = sample("in-ruma-chattopadhyay").patient.contacts
    assert list(first.relationships) == ["C", "sister"]
    assert second.organization == "State Library, Kolkata"
    assert sample("in-baby-of-lakshmi").patient.contacts[0].address.city == "Bengaluru"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json*")), ids=lambda path: path.name)
def test_every_sample_is_taken_over_whole(path):
    items = list(read(find_files([str(path)])[0]))
    patients = [item.content for item in items if item.type == "Patient"]
    assert patients
    for resource in patients:
        patient, _ = to_patient(resource)
        for fhir, ours in (
            ("name", "names"),
            ("identifier", "identifiers"),
            ("telecom", "telecoms"),
            ("address", "addresses"),
            ("contact", "contacts"),
            ("communication", "communications"),
        ):
            assert len(getattr(patient, ours)) == len(resource.get(fhir, ())), fhir


@pytest.mark.parametrize("date", ["1975", "1975-04", "1975-04-21", "2000-02-29"])
def test_partial_birth_dates(date):
    assert mapped(birthDate=date).patient.birth_date == date


@pytest.mark.parametrize("date", ["1999-02-30", "75", "1999-13", "21-04-1975", "0000", "1975-4-1", "१९७५"])
def test_an_impossible_birth_date_is_refused_with_its_value(date):
    assert faults(birthDate=date) == {"birthDate": f'"{date}" is no date'}


def test_every_fault_is_told_at_once_with_its_path():
    assert faults(
        gender="F",
        name=[{"family": "Rao", "use": "alias"}, {"given": ["A", 5]}],
        telecom=[{"value": "1", "system": "telegram"}, "x"],
        address=[{"line": "one string", "period": {"start": "2020-01-01T10:00"}}],
        active="yes",
    ) == {
        "gender": '"F" is none of male, female, other, unknown',
        "name[0].use": '"alias" is none of usual, official, temp, nickname, anonymous, old, maiden',
        "name[1].given[1]": "5 is no string",
        "telecom[0].system": '"telegram" is none of phone, fax, pager, email, url, sms, other',
        "telecom[1]": '"x" is no object',
        "address[0].line": '"one string" is no list',
        "address[0].period.start": '"2020-01-01T10:00" is no date or time with a zone',
        "active": '"yes" is no true or false',
    }


def test_the_protos_own_limits_name_fhir_paths():
    found = faults(
        name=[{"use": "old"}, {"family": "x" * 257, "given": ["y" * 300]}],
        identifier=[{"value": "v" * 257}],
        contact=[{"telecom": [{"value": "t" * 257}]}],
    )
    assert set(found) == {
        "name[1].family", "name[1].given", "identifier[0].value", "contact[0].telecom[0].value",
    }  # fmt: skip
    assert "256" in found["name[1].family"]


def test_a_patient_needs_a_name():
    assert faults(name=[]) == {"name": "HMS needs a name with a part or a text"}
    assert faults(name=[{"use": "official"}]) == {"name": "HMS needs a name with a part or a text"}


def test_extensions_are_ignored_and_modifiers_refused():
    strange = [{"url": "https://example.org/x", "valueBoolean": True}]
    assert mapped(extension=strange, _birthDate={"extension": strange}).left_out == []
    assert "https://example.org/x" in faults(modifierExtension=strange)["modifierExtension[0]"]
    assert "contact[0].modifierExtension[0]" in faults(contact=[{"modifierExtension": strange}])
    assert "implicitRules" in faults(implicitRules="https://example.org/rules")


def test_what_has_no_place_is_named():
    left_out = mapped(
        telecom=[{"system": "phone"}, {"value": "1"}],
        identifier=[{"system": "urn:x"}],
        maritalStatus={"text": "it is complicated"},
        communication=[{"language": {"text": "English (mostly)"}}, {"language": {"text": "Awadhi"}}],
        photo=[{"url": "x"}],
        multipleBirthInteger=2,
    ).left_out
    assert left_out == [
        "identifier", "telecom", "communication", "maritalStatus.text", "multipleBirthInteger", "photo",
    ]  # fmt: skip


def test_null_and_empty_strings_of_lists_are_absent():
    patient = mapped(name=[{"given": [None, "", "Asha"], "suffix": [""]}]).patient
    assert (list(patient.names[0].given_names), list(patient.names[0].suffixes)) == (["Asha"], [])


def test_control_characters_are_refused():
    assert faults(name=[{"family": "Ra\0o"}]) == {"name[0].family": '"Ra\\u0000o" has a control character'}


def test_both_forms_of_deceased_are_refused():
    assert "deceasedBoolean" in faults(deceasedBoolean=True, deceasedDateTime="2020")


@pytest.mark.parametrize(
    ("resource", "full_url", "expected"),
    [
        ({"id": "a.b-1"}, "urn:uuid:ignored", "a.b-1"),
        ({}, "urn:uuid:0190f2a4-0000-7000-8000-000000000000", "0190f2a4-0000-7000-8000-000000000000"),
        ({}, "https://fhir.example/r4/Patient/123", "123"),
    ],
)
def test_the_source_id(resource, full_url, expected):
    assert source_id(resource, full_url) == expected


@pytest.mark.parametrize("resource", [{}, {"id": ""}, {"id": "a b"}, {"id": "x" * 65}, {"id": 5}])
def test_without_a_source_id_a_record_is_refused(resource):
    with pytest.raises(MappingError):
        source_id(resource, "")
