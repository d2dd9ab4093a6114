"""The files of a disclosure report: whole, and harmless to who opens them."""

from __future__ import annotations

import base64
import csv
import datetime
import io
import re
import zlib

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hms_server import errors, ids
from hms_server.audit import disclosure, disclosure_pdf, rules

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)


def line(**changes):
    values = dict.fromkeys(disclosure.COLUMNS, "") | {"time": "2026-01-01T00:00:00Z", "user": "asha"}
    return disclosure.Line(**{**values, **changes})


def report(lines):
    return disclosure.Report(ids.uuid7(), "H-1", (), NOW, NOW, NOW, lines)


def text_of(pdf):
    """The strings that the pages draw."""
    pages = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    drawn = []
    for page in pages:
        content = zlib.decompress(base64.a85decode(b"<~" + page.strip(), adobe=True))
        drawn += re.findall(rb"\((.*?)\) Tj", content)
    return b"\n".join(drawn).decode()


def test_a_pdf_has_every_line_over_as_many_pages_as_it_takes():
    pdf = disclosure_pdf.to_pdf(report([line(user=f"user{n}") for n in range(300)]))
    text = text_of(pdf)
    assert pdf.startswith(b"%PDF-")
    assert all(f"user{n}\n" in text + "\n" for n in range(300))
    pages = re.findall(r"page (\d+) of (\d+)", text)
    assert [int(page) for page, _ in pages] == list(range(1, len(pages) + 1))
    assert {int(count) for _, count in pages} == {len(pages)}


def test_a_pdf_of_nothing_is_one_page():
    assert "page 1 of 1" in text_of(disclosure_pdf.to_pdf(report([])))


def test_a_name_in_another_script_is_readable_and_a_long_one_cut():
    text = text_of(disclosure_pdf.to_pdf(report([line(user="आशा", address="x" * 200)])))
    assert "\nasa\n" in text
    assert "x..." in text


def test_a_cell_that_a_spreadsheet_would_run_is_a_text():
    (_, row) = csv.reader(io.StringIO(disclosure.to_csv(report([line(user="=1+1")]))))
    assert row[1] == "'=1+1"


def timestamp(text):
    made = Timestamp()
    made.FromJsonString(text)
    return made


@pytest.mark.parametrize(
    ("start", "end", "first"),
    [
        (None, None, "2020-06-01T12:00:00+00:00"),
        (None, "2024-02-29T00:00:00Z", "2018-02-28T00:00:00+00:00"),
        ("2001-01-01T00:00:00Z", None, "2001-01-01T00:00:00+00:00"),
        (None, "0003-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_report_is_of_six_years_unless_it_is_said(start, end, first):
    found, _ = rules.disclosure_range(
        timestamp(start) if start else None, timestamp(end) if end else None, NOW
    )
    assert found.isoformat() == first


def test_a_time_that_ends_before_it_begins_is_refused():
    for start, end in (("2027-01-01T00:00:00Z", None), ("2021-01-01T00:00:00Z", "2020-01-01T00:00:00Z")):
        with pytest.raises(errors.InvalidArgument):
            rules.disclosure_range(timestamp(start), timestamp(end) if end else None, NOW)
