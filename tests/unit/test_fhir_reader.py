"""Files of FHIR resources: forms, order, and what is told of broken ones."""

from __future__ import annotations

import gzip
import json
import os

import orjson
import pytest

from hms_server.errors import ConfigError
from hms_server.fhir import reader
from hms_server.fhir.reader import Broken, Group, find_files, read

PATIENT = {"resourceType": "Patient", "id": "p"}
BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}]}


@pytest.fixture
def write(tmp_path):
    def make(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return make


def items(path):
    return list(read(find_files([path])[0]))


def text(parcel):
    return b"".join(parcel.pieces)


def line(kind, **fields):
    return json.dumps({"resourceType": kind, **fields}).encode()


def test_a_folder_is_read_in_order_of_names(write, tmp_path):
    for name in ("b.json", "a.json.gz", "sub/c.json.gz", ".hidden.json", "README.md"):
        write(name, PATIENT)
    assert [file.name for file in find_files([str(tmp_path)])] == ["a.json.gz", "b.json", "sub/c.json.gz"]


def test_files_of_lines_come_in_the_order_of_what_they_refer_to(write, tmp_path):
    kinds = ["Claim", "Observation", "Encounter", "Patient", "PractitionerRole", "Organization"]
    for i, kind in enumerate(kinds):
        write(f"{i}.ndjson", line(kind))
    write("9.ndjson.gz", line("Bundle"))
    write("x.ndjson", b"{oops")
    names = [file.name for file in find_files([str(tmp_path)])]
    assert names == ["9.ndjson.gz", *(f"{i}.ndjson" for i in range(5, -1, -1)), "x.ndjson"]


def test_paths_that_lead_nowhere_are_a_mistake_of_the_call(write, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (str(tmp_path / "none.json"), str(tmp_path / "empty"), write("a.txt", PATIENT)):
        with pytest.raises(ConfigError):
            find_files([path])


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "A.JSON"])
def test_a_json_file_is_sent_as_it_is_in_pieces(write, name, monkeypatch):
    monkeypatch.setattr(reader, "PIECE_BYTES", 7)
    content = json.dumps(BUNDLE, indent=1).encode()
    (parcel,) = items(write(name, content))
    assert text(parcel) == content
    assert max(map(len, parcel.pieces)) == 7
    assert parcel.place("entry[0].resource.id") == f"{name}: entry[0].resource.id"
    assert parcel.place("") == name


def test_lines_have_numbers_and_a_broken_one_stops_nothing(write):
    content = b"\n".join(
        [line("Patient", id="1"), b"", b"{oops", json.dumps(BUNDLE).encode(), b"7", line("A")]
    )
    for name in ("a.ndjson", "a.ndjson.gz"):
        broken, bundle, number, group = items(write(name, content))
        assert isinstance(broken, Broken)
        assert (broken.place, broken.text[:8]) == (f"{name}:3", "no JSON:")
        assert bundle.place("entry[0].resource.id") == f"{name}:4: entry[0].resource.id"
        assert orjson.loads(text(bundle)) == BUNDLE
        assert number.place == f"{name}:5"
        assert [e["resource"]["resourceType"] for e in orjson.loads(text(group))["entry"]] == ["Patient", "A"]
        assert group.place("entry[1].resource.name[0].family") == f"{name}:6: name[0].family"
        assert group.place("entry[0].resource") == f"{name}:1"
        assert group.place("type") == f"{name}: type"


def test_the_good_lines_of_a_group_can_go_without_the_bad_ones():
    group = Group("a.ndjson", [1, 2, 5], [line("A"), line("B"), line("C")])
    rest = group.without({group.entry("entry[1].resource.x")})
    assert rest is not None
    assert [e["resource"]["resourceType"] for e in orjson.loads(text(rest))["entry"]] == ["A", "C"]
    assert rest.place("entry[1].resource") == "a.ndjson:5"
    assert rest.without({0, 1}) is None


def test_many_lines_are_several_bundles(write):
    path = write("a.ndjson", b"\n".join([line("Observation")] * 2500))
    assert [len(orjson.loads(text(one))["entry"]) for one in items(path)] == [1000, 1000, 500]


def test_files_that_are_too_large_are_refused_unsent(write, monkeypatch):
    monkeypatch.setattr(reader, "MOST_BYTES", 100)
    (broken,) = items(write("a.json", b" " * 101))
    assert "larger than" in broken.text
    group, broken = items(write("a.ndjson", line("Patient") + b"\n" + b" " * 101))[::-1]
    assert (broken.place, isinstance(group, Group)) == ("a.ndjson:2", True)


@pytest.mark.parametrize("name", ["a.json.gz", "a.ndjson.gz"])
def test_a_file_that_was_cut_off_sends_nothing_broken(write, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(json.dumps(BUNDLE).encode())[:-6])
    (broken,) = [item for item in items(str(path)) if isinstance(item, Broken)]
    assert "cut off" in broken.text
    path.write_bytes(b"no gzip at all")
    (broken,) = items(str(path))
    assert "no good gzip file" in broken.text


def test_names_of_any_bytes_are_shown(tmp_path):
    path = os.fsencode(tmp_path) + b"/a\xff\n.json"
    with open(path, "wb") as file:
        file.write(json.dumps(PATIENT).encode())
    (file,) = find_files([str(tmp_path)])
    assert file.name == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.json"
