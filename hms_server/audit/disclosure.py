"""A patient's disclosure report: who saw or changed what, when and from where. Pure.

It names the patient by UHID and ids alone, as the audit does.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from hms_server.audit import table

COLUMNS = (
    "time",
    "user",
    "user_id",
    "act",
    "what",
    "entity_id",
    "outcome",
    "address",
    "record",
    "event_id",
    "request_id",
)


class Line(NamedTuple):
    """One event that names the patient, by COLUMNS."""

    time: str
    user: str
    user_id: str
    act: str  # "READ: get patient"
    what: str  # "patient", "observation CREATE 12"
    entity_id: str
    outcome: str
    address: str
    record: str  # the record that it was done under: another one where that was merged into the patient's
    event_id: str
    request_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The report of one patient."""

    patient_id: str
    uhid: str
    merged_ids: tuple[str, ...]  # records that went into this one
    start: datetime.datetime
    end: datetime.datetime
    made: datetime.datetime
    lines: list[Line]
    kept_from: datetime.datetime | None = None  # what was before was archived, and is not in the report

    @property
    def gap(self) -> str:
        """What the report has to say of its own beginning; empty where nothing of the asked time is gone."""
        if self.kept_from is None:
            return ""
        return f"Events before {moment(self.kept_from)} were archived and are not in this report"


def report(
    subject: Any,
    rows: Sequence[Any],
    start: datetime.datetime,
    end: datetime.datetime,
    made: datetime.datetime,
    kept_from: datetime.datetime | None = None,
) -> Report:
    """The report of `get_subject`'s row and the rows of `disclosures`."""
    return Report(
        patient_id=subject.named_patient_id,
        uhid=subject.uhid,
        merged_ids=tuple(each for each in subject.record_ids if each != subject.named_patient_id),
        start=start,
        end=end,
        made=made,
        lines=[_line(row, subject.record_ids) for row in rows],
        kept_from=kept_from,
    )


def _line(row: Any, record_ids: Sequence[str]) -> Line:
    records = [each for each in record_ids if each in row.patient_ids]
    listed = [f"{g['type']} {g['action']} {g['count']}" for g in row.entities or ()]
    return Line(
        time=moment(row.record_time),
        user=row.actor_name,
        user_id=row.actor_id or "",
        act=f"{row.action}: {_words(row.method)}",
        what=", ".join(filter(None, [row.entity_type, *listed])),
        entity_id=row.entity_id,
        outcome=row.outcome,
        address=row.address,
        record=" ".join(records),
        event_id=row.id,
        request_id=row.request_id,
    )


def _words(method: str) -> str:
    """The method's name in words: "GetPatient" is "get patient"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", method.rpartition("/")[2]).lower()


def moment(time: datetime.datetime) -> str:
    """A time in UTC, to the second."""
    return time.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_csv(made: Report) -> str:
    """The report as CSV: a line of names, and one for each event. Where the asked time reaches before what is
    kept, the first line is no event but says so, in the column `what`."""
    lines = list(made.lines)
    if made.kept_from is not None:
        blank = dict.fromkeys(COLUMNS, "")
        lines.insert(
            0, Line(**{**blank, "time": moment(made.kept_from), "act": "ARCHIVED", "what": made.gap})
        )
    return "".join([table.line(COLUMNS), *map(table.line, lines)])
