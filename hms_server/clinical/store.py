"""Calls the room's SQL. The only writer of encounter, clinical_record and their versions."""

from __future__ import annotations

import datetime
from typing import Any

import orjson

from hms_server.clinical.kinds import RECORD_TYPES, Kind
from hms_server.clinical.rules import Row
from hms_server.database.pages import Page
from hms_server.database.queries import Query, load_queries
from hms_server.database.transaction import Pending, Transaction

_PACKAGE = "hms_server.clinical"
_QUERIES = load_queries(_PACKAGE)
_READS = load_queries(_PACKAGE, "reads.sql")
_UPWARD = load_queries(_PACKAGE, "lists.sql", order="ascending", op=">", direction="ASC")
_DOWNWARD = load_queries(_PACKAGE, "lists.sql", order="descending", op="<", direction="DESC")
# So many of each type come with an encounter.
MOST_OF_TYPE = 500
_FIRST_ID, _LAST_ID = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"


def lock_patient(
    transaction: Transaction, patient_id: str, encounter_id: str, *, alone: bool = False
) -> Pending:
    """The patient of a new record, locked against a merge (`alone`: and against whoever locks it so):
    id, deleted, merged_into."""
    query = _QUERIES["lock_patient_alone" if alone else "lock_patient"]
    return transaction.queue(query, patient_id=patient_id or None, encounter_id=encounter_id or None)


def missing_references(
    transaction: Transaction,
    wanted: list[tuple[str, str, str]],
    *,
    patient_id: str = "",
    record_id: str = "",
    encounter_id: str = "",
) -> Pending:
    """Fields of those (field, type, id) that are not there; the patient is given, or the record's."""
    return transaction.queue(
        _QUERIES["missing_references"],
        fields=[field for field, _, _ in wanted],
        types=[type_ for _, type_, _ in wanted],
        ids=[id_ for _, _, id_ in wanted],
        patient_id=patient_id or None,
        record_id=record_id or None,
        encounter_id=encounter_id or None,
    )


def under_grant(transaction: Transaction, patient_id: str) -> Pending:
    """Whether a grant of the caller's opens the patient: granted."""
    return transaction.queue(_QUERIES["under_grant"], patient_id=patient_id)


def get_record(transaction: Transaction, kind: Kind, record_id: str) -> Pending:
    """One record, audited."""
    return transaction.queue(
        _QUERIES["get_record"], id=record_id, type=kind.type, audit_entity_id=record_id, audit_must_find=True
    )


def get_encounter(transaction: Transaction, encounter_id: str) -> Pending:
    """An encounter with everything that belongs to it, a row each, audited."""
    return transaction.queue(
        _READS["get_encounter"],
        id=encounter_id,
        types=list(RECORD_TYPES),
        limit=MOST_OF_TYPE + 1,
        audit_entity_id=encounter_id,
        audit_must_find=True,
    )


def get_summary(transaction: Transaction, patient_id: str) -> Pending:
    """A patient's summary, a row for each part, audited."""
    return transaction.queue(
        _READS["get_summary"], patient_id=patient_id, audit_entity_id=patient_id, audit_must_find=True
    )


def lock(transaction: Transaction, kind: Kind, record_id: str) -> Pending:
    """One record, locked until the end of the transaction."""
    query = _QUERIES["lock_encounter" if kind.is_encounter else "lock_record"]
    return transaction.queue(query, id=record_id, type=kind.type)


def insert(transaction: Transaction, kind: Kind, row: Row, actor_id: str) -> Pending:
    """A new record."""
    query = _QUERIES["insert_encounter" if kind.is_encounter else "insert_record"]
    return transaction.queue(query, **_parameters(row, actor_id))


def update(transaction: Transaction, kind: Kind, row: Row, actor_id: str) -> Pending:
    """The record's next version; the present one is kept."""
    query = _QUERIES["update_encounter" if kind.is_encounter else "update_record"]
    return transaction.queue(query, **_parameters(row, actor_id))


def _parameters(row: Row, actor_id: str) -> dict[str, Any]:
    return {**row, "document": orjson.dumps(row["document"]).decode(), "actor_id": actor_id}


def list_records(
    transaction: Transaction, page: Page, *, ascending: bool, patient_id: str, **filters: Any
) -> Pending:
    """Records of a type, of a patient or (without one) of an encounter, in reading order of the page.

    `filters`: type, encounter_id, category, codes, states, show_entered_in_error, start_time, end_time.
    """
    name = "records_of_patient" if patient_id else "records_of_encounter"
    return _list(transaction, page, name, ascending, patient_id=patient_id or None, **filters)


def list_encounters(transaction: Transaction, page: Page, *, ascending: bool, **filters: Any) -> Pending:
    """Encounters of a patient in reading order of the page.

    `filters`: patient_id, classes, states, show_entered_in_error, start_time, end_time.
    """
    return _list(transaction, page, "encounters_of_patient", ascending, **filters)


def timeline(transaction: Transaction, page: Page, *, ascending: bool, **filters: Any) -> Pending:
    """Records of all types in reading order of the page.

    `filters`: patient_id, types, with_encounters, show_entered_in_error, start_time, end_time.
    """
    return _list(transaction, page, "timeline", ascending, **filters)


def list_versions(transaction: Transaction, page: Page, record_id: str) -> Pending:
    """Versions of a record of any type in reading order of the page, newest first in the list."""
    query = _query("versions", upward=page.backward)
    return transaction.queue(
        query,
        id=record_id,
        key=page.key[0] if page.key is not None else 2**63 - 1,
        limit=page.limit,
        audit_entity_id=record_id,
        audit_must_find=page.key is None,
    )


def _list(transaction: Transaction, page: Page, name: str, ascending: bool, **filters: Any) -> Pending:
    upward = ascending != page.backward
    if page.key is not None:
        key_time, key_id = _iso(page.key[0]), page.key[1]
    else:
        key_time, key_id = ("-infinity", _FIRST_ID) if upward else ("infinity", _LAST_ID)
    return transaction.queue(
        _query(name, upward=upward),
        key_time=key_time,
        key_id=key_id,
        limit=page.limit,
        audit_entity_id=filters.get("patient_id") or filters.get("encounter_id") or "",
        audit_must_find=True,
        **filters,
    )


def _query(name: str, *, upward: bool) -> Query:
    return _UPWARD[f"{name}_ascending"] if upward else _DOWNWARD[f"{name}_descending"]


def _iso(micros: int) -> str:
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (epoch + datetime.timedelta(microseconds=micros)).isoformat()
