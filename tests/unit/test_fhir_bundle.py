"""The text of a bundle as its entries: what is accepted, and what is wrong with the rest."""

from __future__ import annotations

import json

import pytest

from hms_server import errors
from hms_server.fhir.bundle import dangling, parse, rejected
from hms_server.fhir.folding import folded, with_roles
from hms_server.fhir.identity import Digester

UUID = "0b1c2d3e-0000-4000-8000-00000000000"


def text(*entries, kind="transaction", **fields):
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries), **fields}).encode()


def entry(kind="Patient", n=1, **fields):
    resource = {"resourceType": kind, **fields}
    return {
        "fullUrl": f"urn:uuid:{UUID}{n}",
        "resource": resource,
        "request": {"method": "POST", "url": kind},
    }


def faults(content):
    with pytest.raises(errors.InvalidArgument) as caught:
        parse(content, ("Patient",))
    assert caught.value.reason == "BUNDLE_REJECTED"
    return [(v.field, v.description) for v in caught.value.violations]


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset"])
def test_bundles_of_resources_are_accepted(kind):
    one, two = parse(text(entry(id="a"), entry("Claim", 2), kind=kind), ("Patient",))
    assert (one.path, one.type, one.source_id) == ("entry[0].resource", "Patient", "a")
    assert (two.path, two.type, two.source_id) == ("entry[1].resource", "Claim", f"{UUID}2")
    assert one.at("name[0].family") == "entry[0].resource.name[0].family"


@pytest.mark.parametrize(
    ("resource", "full_url", "expected"),
    [
        ({"id": "a.b-1"}, "urn:uuid:ignored", "a.b-1"),
        ({}, f"urn:uuid:{UUID}1", f"{UUID}1"),
        ({}, "https://fhir.example/r4/Patient/123", "123"),
    ],
)
def test_a_record_is_known_by_its_id_or_else_by_the_end_of_its_full_url(resource, full_url, expected):
    content = text({"fullUrl": full_url, "resource": {"resourceType": "Patient", **resource}})
    (one,) = parse(content, ("Patient",))
    assert one.source_id == expected


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 5])
def test_an_id_that_is_none_is_refused_and_not_quoted(given):
    description = "neither an id nor a fullUrl" if given == "" else "no FHIR id"
    assert faults(text(entry(id=given))) == [
        ("entry[0].resource.id", f"{description}: it could not be found again")
    ]


def test_a_byte_order_mark_and_an_empty_bundle_do_no_harm():
    assert parse(b"\xef\xbb\xbf" + text(), ()) == []
    assert parse(b'{"resourceType":"Bundle","type":"searchset"}', ()) == []


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (b"", "bundle", "is empty"),
        (b" \n ", "bundle", "is empty"),
        (b'{"resourceType":"Bund', "bundle", "ends too early"),
        (b'{"resourceType" "Bundle"}', "bundle", "is no JSON"),
        (b"[" * 2000, "bundle", "JSON"),
        (b"[1]", "bundle", "no FHIR"),
        (b'{"resourceType":"Bundle","type":"transaction","entry":{}}', "entry", "is no list"),
        (text(kind="document"), "type", "must be one of"),
        (text(7), "entry[0]", "is no object"),
        (text({"request": {"method": "POST"}}), "entry[0].resource", "is missing"),
        (text({**entry(), "request": {"method": "DELETE"}}), "entry[0].request.method", "POST or PUT"),
        (text({**entry(), "request": "POST"}), "entry[0].request.method", "POST or PUT"),
        (text({"resource": {"id": "a"}}), "entry[0].resource.resourceType", "is missing"),
        (text({"resource": {"resourceType": "Bundle"}}), "entry[0].resource", "bundle in a bundle"),
        (text({"resource": {"resourceType": "Patient"}}), "entry[0].resource.id", "could not be found again"),
        (text(entry(id="a b")), "entry[0].resource.id", "no FHIR id"),
        (text({**entry(), "fullUrl": 7}), "entry[0].fullUrl", "is no string"),
        (text(entry(id="a"), entry(n=2, id="a")), "entry[1].resource", "same record as entry[0].resource"),
        (text(entry(id="a"), entry(id="b")), "entry[1].resource", "same record as entry[0].resource"),
    ],
)
def test_what_cannot_be_taken_over_is_named_with_its_place(content, field, reason):
    ((place, description),) = faults(content)
    assert place == field
    assert reason in description


def test_all_faults_are_counted_and_a_hundred_told():
    error = rejected([errors.FieldViolation(f"entry[{i}]", "is wrong") for i in range(250)])
    assert len(error.violations) == 100
    assert "250 faults; entry[0]: is wrong" in error.message


def test_a_urn_that_no_entry_has_is_found_wherever_it_stands():
    deep = entry("Claim", 2, item=[{"encounter": [{"reference": f"urn:uuid:{UUID}9"}]}])
    there = entry("Claim", 3, patient={"reference": f"URN:uuid:{UUID}1".replace("URN", "urn")})
    narrative = entry("Claim", 4, text={"div": f'"reference":"urn:uuid:{UUID}8"'})
    content = text(entry(), deep, there, narrative)
    found = list(dangling(content, parse(content, ())))
    assert [fault.field for fault in found] == ["entry[1].resource.item[0].encounter[0].reference"]
    spaced = json.dumps(json.loads(text(entry(), deep)), indent=2).encode()
    assert len(list(dangling(spaced, parse(spaced, ())))) == 1


def test_the_order_of_elements_and_the_blanks_between_them_are_no_change():
    digester = Digester(1)
    one = digester.digest({"a": 1, "b": {"c": 2, "d": [1, 2]}})
    assert one == digester.digest({"b": {"d": [1, 2], "c": 2}, "a": 1})
    assert one != digester.digest({"a": 1, "b": {"c": 2, "d": [2, 1]}})
    assert one != Digester(2).digest({"a": 1, "b": {"c": 2, "d": [1, 2]}})


def test_what_the_hospital_noted_of_an_entry_stays():
    present = {
        "display_name": "Old",
        "code": "C1",
        "identifiers": [{"system": "s", "value": "1"}, {"system": "own", "value": "2"}],
        "types": [{"text": "gone"}],
    }
    made = folded({"display_name": "New", "identifiers": [{"system": "s", "value": "3"}]}, present)
    assert made == {
        "display_name": "New",
        "code": "C1",
        "identifiers": [{"system": "s", "value": "3"}, {"system": "own", "value": "2"}],
    }
    assert folded({"display_name": "New"}, None) == {"display_name": "New"}


def test_roles_replace_those_of_their_id_and_bring_their_specialities():
    heart, bones, own = {"text": "heart"}, {"text": "bones"}, {"text": "own"}
    fields = {"roles": [{"id": "1", "specialities": [heart]}, {"id": "h"}], "specialities": [heart, own]}
    made = with_roles(fields, [{"id": "1", "specialities": [bones]}, {"id": "2"}])
    assert [role["id"] for role in made["roles"]] == ["1", "h", "2"]
    assert made["specialities"] == [bones, own]
    made = with_roles(made, [], gone=["1"])
    assert [role["id"] for role in made["roles"]] == ["h", "2"]
    assert made["specialities"] == [own]
