"""A disclosure report as PDF: a table over as many pages as it takes, each with its head and number.

Drawn line by line: a layout engine takes ten times as long for thousands of lines.
"""

from __future__ import annotations

import io

from anyascii import anyascii
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from hms_server.audit.disclosure import Line, Report, moment

_WIDTH, _HEIGHT = landscape(A4)
_MARGIN = 36.0
_FONT, _BOLD, _SIZE = "Helvetica", "Helvetica-Bold", 7.0
_LEADING = 10.0
# Heading, field of the line, width; the rest of the fields is in the CSV.
_COLUMNS = (
    ("Time (UTC)", "time", 84.0),
    ("User", "user", 100.0),
    ("Act", "act", 130.0),
    ("What", "what", 130.0),
    ("Outcome", "outcome", 80.0),
    ("From", "address", 80.0),
    ("Event", "event_id", 150.0),
)
_LINES_A_PAGE = int((_HEIGHT - 2 * _MARGIN - 6 * _LEADING) / _LEADING)


def to_pdf(report: Report) -> bytes:
    """The report as the bytes of a PDF file."""
    data = io.BytesIO()
    canvas = Canvas(data, pagesize=(_WIDTH, _HEIGHT), invariant=1)
    canvas.setTitle(f"Disclosures of {_plain(report.uhid)}")
    pages = max(1, -(-len(report.lines) // _LINES_A_PAGE))
    for page in range(pages):
        y = _head(canvas, report, page + 1, pages)
        for line in report.lines[page * _LINES_A_PAGE : (page + 1) * _LINES_A_PAGE]:
            y -= _LEADING
            _row(canvas, line, y)
        canvas.showPage()
    canvas.save()
    return data.getvalue()


def _head(canvas: Canvas, report: Report, page: int, pages: int) -> float:
    y: float = _HEIGHT - _MARGIN
    canvas.setFont(_BOLD, _SIZE + 4)
    canvas.drawString(_MARGIN, y, "Accounting of disclosures")
    canvas.setFont(_FONT, _SIZE)
    canvas.drawRightString(_WIDTH - _MARGIN, y, f"page {page} of {pages}, made {moment(report.made)}")
    y -= 1.5 * _LEADING
    patient = f"Patient {_plain(report.uhid)} ({report.patient_id}), {len(report.lines)} events"
    merged = f", with {len(report.merged_ids)} merged records" if report.merged_ids else ""
    span = f" from {moment(report.start)} to {moment(report.end)}"
    canvas.drawString(_MARGIN, y, patient + merged + span)
    if report.gap:
        y -= _LEADING
        canvas.drawString(_MARGIN, y, report.gap)
    y -= 1.5 * _LEADING
    canvas.setFont(_BOLD, _SIZE)
    x = _MARGIN
    for heading, _, width in _COLUMNS:
        canvas.drawString(x, y, heading)
        x += width
    canvas.line(_MARGIN, y - 2, _WIDTH - _MARGIN, y - 2)
    canvas.setFont(_FONT, _SIZE)
    return y - 2


def _row(canvas: Canvas, line: Line, y: float) -> None:
    x = _MARGIN
    for _, field, width in _COLUMNS:
        canvas.drawString(x, y, _fitted(getattr(line, field), width - 4))
        x += width


def _fitted(text: str, width: float) -> str:
    """The text as far as its column holds it."""
    shown = _plain(text)
    if stringWidth(shown, _FONT, _SIZE) <= width:
        return shown
    while shown and stringWidth(shown + "...", _FONT, _SIZE) > width:
        shown = shown[:-1]
    return shown + "..."


def _plain(text: str) -> str:
    """Text in letters that every PDF reader has: the standard fonts have Latin ones alone."""
    return anyascii(text)
