"""Events as lines of a CSV table (RFC 4180, UTF-8). Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

COLUMNS = (
    "sequence",
    "id",
    "record_time",
    "action",
    "method",
    "actor_id",
    "actor_name",
    "session_id",
    "entity_type",
    "entity_id",
    "patient_ids",
    "outcome",
    "reason",
    "request_id",
    "trace_id",
    "address",
    "old_version",
    "new_version",
    "entities",
    "key_id",
    "hash",
)

# What a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line(values: Iterable[object]) -> str:
    """One line. A text that a spreadsheet would run is made a plain one by an apostrophe."""
    text = io.StringIO()
    csv.writer(text).writerow(
        [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) else v for v in values]
    )
    return text.getvalue()


def header() -> str:
    """The line of an export's column names."""
    return line(COLUMNS)


def event_line(row: Any) -> str:
    """An event of an export. Lists are parted by spaces; entities are told by number."""
    groups: Sequence[dict[str, Any]] = row.entities or ()
    cells = {
        "patient_ids": " ".join(row.patient_ids),
        "entities": " ".join(f"{g['action']}:{g['type']}:{g['count']}" for g in groups),
        "hash": row.hash.hex(),
    }
    return line(cells[name] if name in cells else _cell(getattr(row, name)) for name in COLUMNS)


def _cell(value: Any) -> Any:
    return "" if value is None else value
