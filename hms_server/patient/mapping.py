"""Rows to messages. A document holds the fields of Patient by name, so it goes in as it is."""

from __future__ import annotations

import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hms.patient.v1 import patient_pb2 as pb


def timestamp(moment: datetime.datetime) -> Timestamp:
    """`moment` as a message: about half of the time that Timestamp.FromDatetime takes."""
    seconds = int(moment.timestamp() // 1)
    return Timestamp(seconds=seconds, nanos=moment.microsecond * 1000)


def patient(row: Any) -> pb.Patient:
    """A patient's message of a row with id, version, uhid, document and times."""
    document = row.document
    first = document["names"][0]
    return pb.Patient(
        **document,
        id=row.id,
        uhid=row.uhid,
        given_name=" ".join(first.get("given_names", ())),
        family_name=first.get("family_name"),
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
        delete_time=timestamp(row.delete_time) if row.delete_time is not None else None,
        etag=str(row.version),
        merged_into_id=row.merged_into,
        # A record that was merged itself answers to nothing.
        merged_uhids=row.merged_uhids if row.merged_into is None else (),
        restricted=row.restricted,
    )


def display_name(names: list[dict[str, Any]]) -> str:
    """A name as a person reads it: its text, or its parts."""
    first = names[0]
    parts = [*first.get("given_names", ()), first.get("family_name", "")]
    return first.get("text") or " ".join(part for part in parts if part)


def candidate(row: Any, reasons: list[str], score: float) -> pb.DuplicateCandidate:
    """A record that may be the same person."""
    return pb.DuplicateCandidate(
        patient_id=row.id,
        uhid=row.uhid,
        display_name=display_name(row.document["names"]),
        birth_date=row.document.get("birth_date"),
        reasons=reasons,
        score=score,
    )


def version(row: Any) -> pb.PatientVersion:
    """One version of a patient's history."""
    return pb.PatientVersion(patient=patient(row), change_time=row.update_time, actor_id=row.actor_id)
