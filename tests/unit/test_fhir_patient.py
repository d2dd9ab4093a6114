"""FHIR Patient to the API's Patient: what is taken over, what is refused and where it stands."""

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.fhir.translate import fhir_path, translate
from hms_server.patient import bulk
from tests.fix_fhir import SAMPLES
from tests.unit import fhir_fixtures
from tests.unit.fhir_fixtures import PATHS, message, modelled


def draft(**elements):
    return fhir_fixtures.draft("Patient", **elements)


def patient_of(**elements):
    return message(draft(**elements))


def faults(**elements):
    return fhir_fixtures.faults("Patient", **elements)


def sample(patient_id):
    for resource in modelled(SAMPLES / "indian-names.json"):
        if resource["id"] == patient_id:
            return message(translate(resource))
    raise LookupError(patient_id)


def test_every_field_is_taken_over():
    patient = sample("in-asha-kulkarni")
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
    iqbal = sample("in-mohammad-iqbal")
    assert (iqbal.deceased, iqbal.deceased_time) == (True, "2019-03-07T04:40:00+05:30")
    assert not iqbal.active
    assert sample("in-unknown-date-of-death").deceased
    assert not patient_of(deceasedBoolean=False).deceased


def test_contacts_have_texts_organizations_and_addresses():
    first, second = sample("in-ruma-chattopadhyay").contacts
    assert list(first.relationships) == ["C", "sister"]
    assert second.organization == "State Library, Kolkata"
    assert sample("in-baby-of-lakshmi").contacts[0].address.city == "Bengaluru"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_patient_of_a_sample_keeps_each_name_number_and_address(path):
    resources = [resource for resource in modelled(path) if resource["resourceType"] == "Patient"]
    assert resources
    for resource in resources:
        patient = message(translate(resource))
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
    assert patient_of(birthDate=date).birth_date == date


@pytest.mark.parametrize("date", ["1999-02-30", "75", "1999-13", "21-04-1975", "0000", "1975-4-1", "१९७५"])
def test_an_impossible_birth_date_is_refused_and_not_quoted(date):
    assert faults(birthDate=date) == {"birthDate": "is no date"}


def test_every_fault_is_told_at_once_with_its_path_and_without_its_value():
    assert faults(
        gender="F",
        name=[{"family": "Rao", "use": "alias"}, {"given": ["A", 5]}],
        telecom=[{"value": "1", "system": "telegram"}, "x"],
        address=[{"line": "one string", "period": {"start": "2020-01-01T10:00"}}],
        active="yes",
    ) == {
        "gender": "is none of male, female, other, unknown",
        "name[0].use": "is none of usual, official, temp, nickname, anonymous, old, maiden",
        "name[1].given[1]": "is no string",
        "telecom[0].system": "is none of phone, fax, pager, email, url, sms, other",
        "telecom[1]": "is no object",
        "address[0].line": "is no list",
        "address[0].period.start": "is no date or time with a zone",
        "active": "is no true or false",
    }


def test_the_protos_own_limits_name_fhir_paths_and_no_values():
    made = draft(
        name=[{"use": "old"}, {"family": "x" * 257, "given": ["y" * 300]}],
        identifier=[{"value": "v" * 257}],
        contact=[{"telecom": [{"value": "t" * 257}]}],
    )
    with pytest.raises(errors.InvalidArgument) as caught:
        bulk.prepare(made.fields, bulk.today())
    found = {fhir_path("PATIENT", v.field, made.kept): v.description for v in caught.value.violations}
    assert set(found) == {
        "name[1].family", "name[1].given[0]", "identifier[0].value", "contact[0].telecom[0].value",
    }  # fmt: skip
    assert "256" in found["name[1].family"]
    told = " ".join([str(caught.value), *found.values()])
    assert not any(letter * 4 in told for letter in "xyvt")


def test_a_patient_needs_a_name():
    assert faults(name=[]) == {"name": "HMS needs a name with a part or a text"}
    assert faults(name=[{"use": "official"}]) == {"name": "HMS needs a name with a part or a text"}


def test_extensions_are_ignored_and_modifiers_refused():
    strange = [{"url": "https://example.org/x", "valueBoolean": True}]
    assert draft(extension=strange, _birthDate={"extension": strange}).left_out == []
    assert "may not be ignored" in faults(modifierExtension=strange)["modifierExtension[0]"]
    assert "contact[0].modifierExtension[0]" in faults(contact=[{"modifierExtension": strange}])
    assert "implicitRules" in faults(implicitRules="https://example.org/rules")


def test_what_has_no_place_is_named():
    left_out = draft(
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
    patient = patient_of(name=[{"given": [None, "", "Asha"], "suffix": [""]}])
    assert (list(patient.names[0].given_names), list(patient.names[0].suffixes)) == (["Asha"], [])


def test_control_characters_are_refused_and_the_name_is_not_quoted():
    assert faults(name=[{"family": "Ra\0o"}]) == {"name[0].family": "has a control character"}


def test_both_forms_of_deceased_are_refused():
    assert "deceasedBoolean" in faults(deceasedBoolean=True, deceasedDateTime="2020")
