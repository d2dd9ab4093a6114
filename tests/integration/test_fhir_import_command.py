"""`hms import-fhir` on the whole running system."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from hms.patient.v1 import patient_pb2 as pb
from hms_server.fhir.references import KINDS
from tests.fix_client import PASSWORD, colleague, eventually, hospital
from tests.fix_fhir import SAMPLES, bundle, observation, patient, read_sample, types_of


@pytest.fixture
def clinic(stack):
    """A hospital that holds nothing yet."""
    made = hospital(stack)
    yield made
    made.close()


@pytest.fixture
def command(stack):
    """Arguments of subprocess that run the command for a caller."""

    def make(caller, *arguments, password=PASSWORD):
        environment = {
            **os.environ,
            "HMS_GRPC_TARGET": stack.env["HMS_GRPC_TARGET"],
            "HMS_TENANT": caller.tenant,
            "HMS_USER": caller.username,
            "HMS_PASSWORD": password,
            "COLUMNS": "200",
        }
        argv = [sys.executable, "-m", "hms_server", "import-fhir", *map(str, arguments)]
        return {"args": argv, "env": environment, "text": True}

    return make


@pytest.fixture
def run(command):
    """Runs the command for a caller; gives its status and all that it printed."""

    def start(caller, *arguments, **options):
        made = command(caller, *arguments, **options)
        done = subprocess.run(**made, check=False, capture_output=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    return start


def counts(text):
    """The summary's rows by type: (created, updated, unchanged)."""
    found = {}
    for line in text.splitlines():
        words = line.replace("│", " ").split()
        if len(words) == 4 and all(word.isdigit() for word in words[1:]):
            found[words[0]] = tuple(map(int, words[1:]))
    return found


def held(caller):
    request = pb.ListPatientsRequest(page_size=1000)
    return list(caller.patients.ListPatients(request, metadata=caller.metadata, timeout=15).patients)


def search(caller, query):
    request = pb.SearchPatientsRequest(query=query)
    return list(caller.patients.SearchPatients(request, metadata=caller.metadata, timeout=15).patients)


def lines(*resources):
    return "".join(json.dumps(resource) + "\n" for resource in resources)


def test_the_samples_are_held_whole_and_a_second_run_changes_nothing(clinic, run):
    inside = sum((types_of(read_sample(file)) for file in SAMPLES.glob("*.json*")), Counter())
    status, text = run(clinic, SAMPLES)
    found = counts(text)
    everything = found.pop("all")
    # Files share organizations and places, which come once.
    assert (status, {t: sum(row) for t, row in found.items()}) == (
        0,
        {t: n for t, n in inside.items() if t in KINDS},
    ), text
    assert all(updated == 0 for _, updated, _ in found.values()), text
    assert found["Patient"] == (inside["Patient"], 0, 0)
    for kind, number in inside.items():
        if kind not in KINDS:
            assert f"{kind} {number}" in text
    status, text = run(clinic, SAMPLES)
    assert (status, counts(text)["all"]) == (0, (0, 0, sum(everything))), text
    patients = held(clinic)
    assert {p.etag for p in patients} == {"1"}
    assert len(patients) == inside["Patient"]
    for query in ("कुलकर्णी आशा", "asha kulkarni", "முருகன்", "চট্টোপাধ্যায়", "انصاری", "98765 43210"):
        assert len(search(clinic, query)) == 1, query


def test_a_broken_file_is_told_and_the_others_go_on(clinic, run, tmp_path):
    asha = patient()
    (tmp_path / "a-good.json").write_bytes(bundle(asha, observation(asha)))
    (tmp_path / "b-cut.json").write_bytes(bundle(asha)[:-9])
    (tmp_path / "c-cut.json.gz").write_bytes(gzip.compress(bundle(asha))[:-9])
    (tmp_path / "d-bad.json").write_bytes(bundle(asha, observation(asha, effectiveDateTime="2024-02-30")))
    (tmp_path / "e-good.json.gz").write_bytes(gzip.compress(bundle(patient())))
    status, text = run(clinic, tmp_path, "--workers", "1")
    assert (status, counts(text)) == (
        1,
        {"Patient": (2, 0, 0), "Observation": (1, 0, 0), "all": (3, 0, 0)},
    ), text
    assert "rejected: b-cut.json: bundle: ends too early or is no JSON" in text
    assert "rejected: c-cut.json.gz: the gzip file ends too early: it was cut off" in text
    assert "rejected: d-bad.json: entry[1].resource.effectiveDateTime: is no date" in text
    assert "rejected: 3" in text


def test_lines_of_a_bulk_export_find_what_they_refer_to(clinic, run, tmp_path):
    asha, ravi = patient("Asha", id="a"), patient("Ravi", id="r")
    visit = {
        "resourceType": "Encounter",
        "id": "v",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/a"},
        "period": {"start": "2024-03-01"},
    }
    pulses = [
        observation(asha, subject={"reference": "Patient/a"}, encounter={"reference": "Encounter/v"})
        for _ in range(3)
    ]
    pulses[1]["status"] = "done"
    # In an order of names that is none of references
    (tmp_path / "1.Observation.ndjson").write_text(lines(*pulses) + "{oops\n")
    (tmp_path / "2.Encounter.ndjson.gz").write_bytes(gzip.compress(lines(visit).encode()))
    (tmp_path / "3.Patient.ndjson").write_text(lines(asha, ravi))
    (tmp_path / "4.bundles.ndjson").write_bytes(bundle(patient(), kind="collection") + b"\n")
    status, text = run(clinic, tmp_path)
    assert (status, counts(text)) == (
        1,
        {"Patient": (3, 0, 0), "Encounter": (1, 0, 0), "Observation": (2, 0, 0), "all": (6, 0, 0)},
    ), text
    assert "rejected: 1.Observation.ndjson:2: status: is none of" in text
    assert "rejected: 1.Observation.ndjson:4: no JSON" in text
    assert counts(run(clinic, tmp_path)[1])["all"] == (0, 0, 6)


def test_sources_are_kept_apart(clinic, run, tmp_path):
    (tmp_path / "one.json").write_bytes(bundle(patient(id="1")))
    for source in ("his", "lab"):
        assert counts(run(clinic, tmp_path, "--source", source)[1])["Patient"] == (1, 0, 0)
    assert counts(run(clinic, tmp_path, "--source", "lab")[1])["Patient"] == (0, 0, 1)
    assert run(clinic, tmp_path, "--source", "a b")[0] == 2


def test_each_patient_of_a_file_has_an_audit_event(clinic, run, tmp_path):
    asha = patient()
    (tmp_path / "one.json").write_bytes(bundle(asha, observation(asha), observation(asha)))
    assert run(clinic, tmp_path)[0] == 0
    (one,) = held(clinic)
    (event,) = eventually(
        lambda: [e for e in clinic.events(patient_id=one.id) if e.method.endswith("ImportBundle")]
    )
    assert [(e.type, e.action, e.count) for e in event.entities] == [
        ("patient", "CREATE", 1),
        ("observation", "CREATE", 2),
    ]


def test_an_interrupted_import_ends_at_once_and_goes_on_when_it_is_run_again(clinic, command, run, tmp_path):
    for i in range(40):
        asha = patient(f"Asha {i}")
        (tmp_path / f"{i:02}.json").write_bytes(bundle(asha, *[observation(asha) for _ in range(200)]))
    made = command(clinic, tmp_path, "--workers", "1")
    with subprocess.Popen(
        **made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        eventually(lambda: held(clinic))
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=20)
    assert process.returncode == 130, text
    assert "interrupted; run it again to go on" in text
    assert "Traceback" not in text
    status, text = run(clinic, tmp_path)
    assert status == 0, text
    assert counts(text)["Patient"][2] >= 1
    assert sum(counts(text)["all"]) == 40 * 201
    assert len(held(clinic)) == 40


def test_mistakes_of_configuration(clinic, run, tmp_path):
    assert run(clinic, tmp_path / "none.json")[0] == 2
    status, text = run(clinic, SAMPLES, password="quite another one")
    assert status == 2
    assert "BAD_CREDENTIALS" in text
    assert "Traceback" not in text


def test_a_user_who_may_not_import_is_told_once(clinic, run):
    status, text = run(colleague(clinic, "LAB"), SAMPLES)
    assert status == 1
    assert text.count("PERMISSION_DENIED") == 1
