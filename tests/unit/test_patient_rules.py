"""What makes a patient valid, and what a change amounts to."""

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server import errors
from hms_server.patient import rules

TODAY = "2026-11-24"


def _patient(**fields):
    return pb.Patient(**{"names": [{"family_name": "Rao", "given_names": ["Asha"]}], **fields})


def _violations(patient):
    with pytest.raises(errors.InvalidArgument) as refused:
        rules.new_document(patient, TODAY)
    return [v.field for v in refused.value.violations]


def test_what_only_the_server_sets_is_ignored():
    made = rules.new_document(
        _patient(id="x", uhid="y", etag="9", duplicate_candidates=[{"uhid": "z"}]), TODAY
    )
    assert made == {"names": [{"family_name": "Rao", "given_names": ["Asha"]}], "active": True}


def test_the_short_form_becomes_a_name():
    made = rules.new_document(pb.Patient(given_name="Asha Devi", family_name="Rao"), TODAY)
    assert made["names"][0]["given_names"] == ["Asha", "Devi"]
    assert made["names"][0]["family_name"] == "Rao"


def test_the_short_form_may_repeat_names_but_not_contradict_them():
    assert rules.new_document(_patient(given_name="Asha", family_name="Rao"), TODAY)
    assert _violations(_patient(family_name="Roy")) == ["patient.family_name"]


@pytest.mark.parametrize(
    ("fields", "violations"),
    [
        ({"names": []}, ["patient.names"]),
        ({"names": [{"family_name": " \u3000"}]}, ["patient.names[0]"]),
        ({"names": [{"text": "Asha"}, {"use": "maiden"}]}, ["patient.names[1]"]),
        ({"names": [{"text": "A\0B"}]}, ["patient.names[0].text"]),
        ({"birth_date": "2023-02-30"}, ["patient.birth_date"]),
        ({"birth_date": "2023-2-3"}, ["patient.birth_date"]),
        ({"birth_date": "२०२३"}, ["patient.birth_date"]),
        ({"birth_date": "2026-11-25"}, ["patient.birth_date"]),
        ({"birth_date": "2027"}, ["patient.birth_date"]),
        ({"birth_date": "1849-12-31"}, ["patient.birth_date"]),
        ({"deceased_time": "2020"}, ["patient.deceased_time"]),
        ({"deceased": True, "deceased_time": "2020-01-01T10:00"}, ["patient.deceased_time"]),
        ({"deceased": True, "deceased_time": "2027"}, ["patient.deceased_time"]),
        (
            {"birth_date": "1990-05-02", "deceased": True, "deceased_time": "1990-05-01"},
            ["patient.deceased_time"],
        ),
        ({"telecoms": [{"system": "phone", "value": "none"}]}, ["patient.telecoms[0].value"]),
        ({"communications": [{"language": "hi_IN"}]}, ["patient.communications[0].language"]),
        (
            {"addresses": [{"city": "Pune", "period": {"start": "2020", "end": "2019"}}]},
            ["patient.addresses[0].period.end"],
        ),
    ],
)
def test_violations(fields, violations):
    assert _violations(_patient(**fields)) == violations


def test_every_violation_is_told_at_once():
    assert set(_violations(pb.Patient(birth_date="1", deceased_time="x"))) == {
        "patient.names",
        "patient.birth_date",
        "patient.deceased_time",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"birth_date": "1975"},
        {"birth_date": "1975-04"},
        {"birth_date": "2024-02-29"},
        {"birth_date": TODAY},
        {"birth_date": "2026-11"},
        {"birth_date": "1990-05", "deceased": True, "deceased_time": "1990-05-01"},
        {"birth_date": "1950", "deceased": True, "deceased_time": "2025-10-18T21:55:54.738989+00:00"},
        {"names": [{"text": "王小明"}]},
        {"names": [{"given_names": ["மீனா"]}]},
    ],
)
def test_what_is_allowed(fields):
    assert rules.new_document(_patient(**fields), TODAY)


_PRESENT = {
    "names": [{"use": "official", "family_name": "Rao", "given_names": ["Asha"]}],
    "gender": "female",
    "birth_date": "1984-02-29",
    "active": True,
}


def _changed(patient, *fields):
    return rules.changed_document(_PRESENT, patient, frozenset(fields), TODAY)


def test_only_the_selected_fields_change():
    changed = _changed(pb.Patient(gender="other", birth_date="1999"), "gender")
    assert changed == {**_PRESENT, "gender": "other"}


def test_a_selected_field_that_is_not_given_is_cleared():
    assert "birth_date" not in _changed(pb.Patient(), "birth_date")


def test_a_cleared_active_is_a_new_patients():
    assert _changed(pb.Patient(), "active")["active"] is True
    assert _changed(pb.Patient(active=False), "active")["active"] is False


def test_the_short_form_changes_the_first_name():
    changed = _changed(pb.Patient(family_name="Nair"), "family_name")
    assert changed["names"] == [{"use": "official", "family_name": "Nair", "given_names": ["Asha"]}]


def test_a_patient_keeps_a_name():
    with pytest.raises(errors.InvalidArgument):
        _changed(pb.Patient(), "names")
