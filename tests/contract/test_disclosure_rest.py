"""A disclosure report comes through the gateway as the file it is, to those who may read the audit."""

from __future__ import annotations

import csv
import io

import pytest

from tests.fix_client import colleague, eventually


@pytest.fixture(scope="module")
def patient(ours):
    """A patient whose creation is in the audit."""
    made = ours.create_patient(family_name="Disclosed")
    eventually(lambda: ours.events(patient_id=made.id))
    return made


def test_a_report_is_a_csv_file(ours, patient):
    answer = ours.rest("GET", f"/v1/patients/{patient.id}:disclosureReport")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    lines = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert (lines[0]["act"], lines[0]["user"]) == ("CREATE: create patient", "admin")


def test_a_report_is_a_pdf_file(ours, patient):
    path = f"/v1/patients/{patient.id}:disclosureReport?format=REPORT_FORMAT_PDF"
    answer = ours.rest("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body.startswith(b"%PDF-")
    assert answer.body.rstrip().endswith(b"%%EOF")


def test_a_nurse_gets_no_report(ours, patient):
    nurse = colleague(ours, "NURSE")
    answer = nurse.rest("GET", f"/v1/patients/{patient.id}:disclosureReport")
    assert (answer.status, answer.headers["content-type"]) == (403, "application/json")
