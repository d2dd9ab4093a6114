"""Files of FHIR resources: forms, order, and what is told of broken ones."""

import gzip
import json
import os

import pytest

from hms_server.errors import ConfigError
from hms_server.fhir import reader
from hms_server.fhir.reader import Broken, Resource, find_files, read

PATIENT = {"resourceType": "Patient", "id": "p"}


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


def bundle(*resources, kind="collection"):
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": r} for r in resources]}


def test_a_folder_is_read_in_order_of_names(write, tmp_path):
    for name in ("b.json", "a.ndjson.gz", "sub/c.json.gz", ".hidden.json", "README.md"):
        write(name, PATIENT)
    assert [file.name for file in find_files([str(tmp_path)])] == ["a.ndjson.gz", "b.json", "sub/c.json.gz"]


def test_paths_that_lead_nowhere_are_a_mistake_of_the_call(write, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (str(tmp_path / "none.json"), str(tmp_path / "empty"), write("a.txt", PATIENT)):
        with pytest.raises(ConfigError):
            find_files([path])


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "A.JSON"])
@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset", "document"])
def test_bundles(write, name, kind):
    found = items(write(name, bundle({"resourceType": "Observation"}, PATIENT, kind=kind)))
    assert [(item.type, item.place.at("birthDate")) for item in found] == [
        ("Observation", f"{name}: entry[0].resource.birthDate"),
        ("Patient", f"{name}: entry[1].resource.birthDate"),
    ]


def test_a_single_resource_and_a_byte_order_mark(write):
    (item,) = items(write("a.json", b"\xef\xbb\xbf" + json.dumps(PATIENT).encode()))
    assert isinstance(item, Resource)
    assert item.place.at("id") == "a.json: id"


def test_lines_have_numbers_and_a_broken_one_stops_nothing(write):
    text = f"{json.dumps(PATIENT)}\n\n{{oops\n{json.dumps(bundle(PATIENT))}\n".encode()
    for name in ("a.ndjson", "a.ndjson.gz"):
        first, broken, last = items(write(name, text))
        assert first.place.at("id") == f"{name}:1: id"
        assert isinstance(broken, Broken)
        assert broken.place.at("") == f"{name}:3"
        assert last.place.at("id") == f"{name}:4: entry[0].resource.id"


def test_entries_without_a_resource_pass_and_broken_ones_are_named(write):
    content = {
        "resourceType": "Bundle",
        "entry": [{"request": {"method": "DELETE"}}, 5, {"resource": {"a": 1}}],
    }
    found = items(write("a.json", content))
    assert [(item.place.at(""), item.text) for item in found] == [
        ("a.json: entry[1]", "no object"),
        ("a.json: entry[2].resource", "no FHIR resource: it has no resourceType"),
    ]


def test_a_bundle_in_a_bundle(write):
    (item,) = items(write("a.json", bundle(bundle(PATIENT))))
    assert item.place.at("id") == "a.json: entry[0].resource.entry[0].resource.id"
    deep = PATIENT
    for _ in range(10):
        deep = bundle(deep)
    assert isinstance(items(write("deep.json", deep))[0], Broken)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.json", b"{", "no JSON"),
        ("a.json", b"", "no JSON"),
        ("a.json", b"\xff\xfe{}", "no JSON"),
        ("a.json", b"[]", "no resourceType"),
        ("a.json", b"[" * 5000, "no JSON"),
        ("a.json", json.dumps({"resourceType": "Bundle", "entry": {}}).encode(), "no list"),
        ("a.json", json.dumps(bundle(kind="history")).encode(), "history"),
    ],
)
def test_what_cannot_be_read_is_told(write, name, data, text):
    (item,) = items(write(name, data))
    assert isinstance(item, Broken)
    assert text in item.text


def test_damaged_gzip_files(write, tmp_path):
    whole = gzip.compress(json.dumps(bundle(*[{**PATIENT, "id": os.urandom(40).hex()}] * 99)).encode())
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for name, data, text in (
        ("cut.json.gz", whole[:-20], "cut off"),
        ("none.json.gz", b"{}", "gzip"),
        ("damaged.json.gz", bytes(damaged), "gzip"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        (item,) = items(str(path))
        assert isinstance(item, Broken)
        assert text in item.text


def test_a_cut_off_ndjson_gives_what_came_before(tmp_path):
    lines = b"".join(
        json.dumps({**PATIENT, "id": os.urandom(40).hex()}).encode() + b"\n" for _ in range(5000)
    )
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(lines)[:-2000])
    found = items(str(tmp_path / "a.ndjson.gz"))
    assert len(found) > 100
    assert [type(item) for item in found[-2:]] == [Resource, Broken]


def test_a_file_that_is_too_large_is_refused(write, monkeypatch):
    monkeypatch.setattr(reader, "MOST_BYTES", 20)
    (item,) = items(write("a.json", PATIENT))
    assert "larger than" in item.text
    (item,) = items(write("a.ndjson", PATIENT))
    assert "longer than" in item.text


def test_an_unreadable_file_is_told(tmp_path):
    (tmp_path / "gone.json").write_text("{}")
    (file,) = find_files([str(tmp_path / "gone.json")])
    file.path.unlink()
    (item,) = list(read(file))
    assert "No such file" in item.text
