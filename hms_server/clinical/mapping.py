"""Rows to messages. A document holds a message's fields by name, so it goes in as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hms.clinical.v1 import record_pb2
from hms_server.clinical.booked import BOOKED_TYPES, booked
from hms_server.clinical.kinds import COLUMNS, KINDS, Kind
from hms_server.patient import mapping as patient_mapping


def timestamp(micros: int) -> Timestamp:
    """Microseconds since 1970 as a message; about half of what FromMicroseconds takes."""
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def record(row: Any) -> Any:
    """The message of a row of any type."""
    kind = KINDS[row.type]
    return of_document(kind, row, row.document)


def of_document(kind: Kind, row: Any, document: dict[str, Any]) -> Any:
    """The message of a row with this document."""
    pointers = {name: value for name in COLUMNS if (value := getattr(row, name, None)) is not None}
    return kind.message(
        **document,
        **pointers,
        id=row.id,
        create_time=timestamp(row.create_micros),
        update_time=timestamp(row.update_micros),
        etag=str(row.version),
    )


def any_record(row: Any) -> record_pb2.ClinicalRecord:
    """A row of any type, in the message that holds any."""
    made: Any = booked(row.type, row.extra) if row.type in BOOKED_TYPES else record(row)
    return record_pb2.ClinicalRecord(
        type=row.type, clinical_time=timestamp(row.clinical_micros), **{row.type.lower(): made}
    )


def version(row: Any) -> record_pb2.RecordVersion:
    """One version of a record's history."""
    return record_pb2.RecordVersion(
        record=any_record(row), change_time=timestamp(row.update_micros), actor_id=row.actor_id
    )


def patient_of(row: Any) -> Any:
    """The patient of a row that was joined with one: uhid, patient_version, patient_document and so on."""
    return patient_mapping.patient(
        SimpleNamespace(
            id=row.patient_id,
            uhid=row.uhid,
            version=row.patient_version,
            document=row.patient_document,
            create_time=row.patient_create_time,
            update_time=row.patient_update_time,
            delete_time=row.patient_delete_time,
            merged_into=row.merged_into,
            merged_uhids=row.merged_uhids,
            restricted=row.restricted,
        )
    )
