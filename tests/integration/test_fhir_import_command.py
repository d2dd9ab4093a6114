"""`hms import-fhir` on the whole running system."""

from __future__ import annotations

import concurrent.futures
import gzip
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from hms.patient.v1 import patient_pb2 as pb
from tests.fix_client import PASSWORD, colleague, hospital

SAMPLES = pathlib.Path(__file__).parents[2] / "samples" / "fhir"
SAMPLE_PATIENTS = 12


@pytest.fixture
def clinic(stack):
    """A hospital that holds nothing yet."""
    made = hospital(stack)
    yield made
    made.close()


@pytest.fixture
def run(stack):
    """Runs the command for a caller; gives its status and all that it printed."""

    def start(caller, *arguments, password=PASSWORD):
        environment = {
            **os.environ,
            "HMS_GRPC_TARGET": stack.env["HMS_GRPC_TARGET"],
            "HMS_TENANT": caller.tenant,
            "HMS_USER": caller.username,
            "HMS_PASSWORD": password,
            "COLUMNS": "200",
        }
        done = subprocess.run(
            [sys.executable, "-m", "hms_server", "import-fhir", *map(str, arguments)],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    return start


def counts(text):
    """The summary's numbers by their name."""
    found = {}
    for line in text.splitlines():
        words = line.replace("│", " ").split()
        if len(words) == 2 and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found


def held(caller):
    request = pb.ListPatientsRequest(page_size=1000)
    return list(caller.patients.ListPatients(request, metadata=caller.metadata, timeout=15).patients)


def search(caller, query):
    request = pb.SearchPatientsRequest(query=query)
    return list(caller.patients.SearchPatients(request, metadata=caller.metadata, timeout=15).patients)


def bundle(*resources):
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": {"resourceType": "Patient", **resource}} for resource in resources],
    }


def test_the_samples_are_held_whole_and_a_second_run_creates_none(clinic, run):
    status, text = run(clinic, SAMPLES)
    assert (status, counts(text)) == (
        0,
        {"created": SAMPLE_PATIENTS, "updated": 0, "unchanged": 0, "rejected": 0},
    ), text
    assert "skipped" in text
    assert "Observation 36" in text
    patients = held(clinic)
    assert len(patients) == SAMPLE_PATIENTS
    by_source = {p.identifiers[-1].value: p for p in patients}
    for file in SAMPLES.glob("*.json*"):
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for entry in json.loads(data)["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] != "Patient":
                continue
            patient = by_source[resource["id"]]
            assert [n.family_name for n in patient.names] == [n.get("family", "") for n in resource["name"]]
            assert [list(n.given_names) for n in patient.names] == [
                n.get("given", []) for n in resource["name"]
            ]
            assert [i.value for i in patient.identifiers[:-1]] == [i["value"] for i in resource["identifier"]]
            assert [t.value for t in patient.telecoms] == [t["value"] for t in resource.get("telecom", ())]
            assert [list(a.lines) for a in patient.addresses] == [
                a.get("line", []) for a in resource.get("address", ())
            ]
    status, text = run(clinic, SAMPLES)
    assert (status, counts(text)) == (
        0,
        {"created": 0, "updated": 0, "unchanged": SAMPLE_PATIENTS, "rejected": 0},
    ), text
    assert {p.etag for p in held(clinic)} == {"1"}
    for query in ("कुलकर्णी आशा", "asha kulkarni", "முருகன்", "চট্টোপাধ্যায়", "انصاری", "98765 43210"):
        assert len(search(clinic, query)) == 1, query


def test_a_changed_record_is_updated_and_faults_are_told(clinic, run, tmp_path):
    file = tmp_path / "one.json"
    patients = [{"id": str(i), "name": [{"family": "Rao", "given": [f"N{i}"]}]} for i in range(3)]
    file.write_text(json.dumps(bundle(*patients)))
    assert run(clinic, file)[0] == 0
    patients[0]["telecom"] = [{"system": "phone", "value": "+91 98450 11111"}]
    patients[1]["birthDate"] = "1999-02-30"
    patients[2]["birthDate"] = "2999"
    file.write_text(json.dumps(bundle(*patients)))
    (tmp_path / "two.json.gz").write_bytes(gzip.compress(file.read_bytes())[:40])
    status, text = run(clinic, tmp_path)
    assert (status, counts(text)) == (1, {"created": 0, "updated": 1, "unchanged": 0, "rejected": 3}), text
    assert 'rejected: one.json: entry[1].resource.birthDate: "1999-02-30" is no date' in text
    assert "rejected: one.json: entry[2].resource.birthDate: must not be after today" in text
    assert "rejected: two.json.gz: " in text
    assert sorted((p.etag, len(p.telecoms)) for p in held(clinic)) == [("1", 0), ("1", 0), ("2", 1)]


def test_two_imports_at_once_make_each_patient_once(clinic, run, tmp_path):
    patients = [{"id": f"r{i}", "name": [{"family": "Rao", "given": [f"N{i}"]}]} for i in range(60)]
    for name, gender in (("a.json", "female"), ("b.json", "male")):
        (tmp_path / name).write_text(json.dumps(bundle(*[{**p, "gender": gender} for p in patients])))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: run(clinic, tmp_path / name), ("a.json", "b.json")))
    assert [status for status, _ in results] == [0, 0], results
    assert len(held(clinic)) == len(patients)


def test_a_deleted_patient_is_registered_anew(clinic, run, tmp_path):
    file = tmp_path / "one.json"
    file.write_text(json.dumps(bundle({"id": "x", "name": [{"text": "Asha"}]})))
    assert run(clinic, file)[0] == 0
    (first,) = held(clinic)
    clinic.patients.DeletePatient(pb.DeletePatientRequest(id=first.id), metadata=clinic.metadata, timeout=15)
    status, text = run(clinic, file)
    assert (status, counts(text)["created"]) == (0, 1), text
    (second,) = held(clinic)
    assert second.id != first.id


def test_mistakes_of_configuration(clinic, run, tmp_path):
    assert run(clinic, tmp_path / "none.json")[0] == 2
    status, text = run(clinic, SAMPLES, password="quite another one")
    assert status == 2
    assert "BAD_CREDENTIALS" in text
    assert "Traceback" not in text


def test_a_user_who_may_not_write_is_told_once(clinic, run):
    status, text = run(colleague(clinic, "LAB"), SAMPLES)
    assert status == 1
    assert text.count("PERMISSION_DENIED") == 1


def test_the_demo_hospital_takes_an_import_without_waiting(stack, run, tmp_path):
    file = tmp_path / "many.json"
    file.write_text(
        json.dumps(bundle(*[{"id": f"demo-{i}", "name": [{"text": f"Patient {i}"}]} for i in range(200)]))
    )

    class Demo:
        tenant, username = stack.env["HMS_TENANT"], stack.env["HMS_USER"]

    begun = time.monotonic()
    for _ in range(2):
        status, text = run(Demo, file, password=stack.env["HMS_PASSWORD"])
        assert status == 0, text
        assert "waiting" not in text
    assert time.monotonic() - begun < 60
