"""Calls the room's SQL. The only writer of encounter, clinical_record and their versions."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
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
_VITALS = load_queries(_PACKAGE, "vitals.sql")
_VISITS = load_queries(_PACKAGE, "visits.sql")
_UPWARD = load_queries(_PACKAGE, "lists.sql", order="ascending", op=">", direction="ASC")
_DOWNWARD = load_queries(_PACKAGE, "lists.sql", order="descending", op="<", direction="DESC")
_RESULTS = load_queries(_PACKAGE, "results.sql")
_VISIT_SUMMARY = load_queries(_PACKAGE, "visit_summary.sql")
_WAITING_UPWARD = load_queries(_PACKAGE, "waiting.sql", order="ascending", op=">", direction="ASC")
_WAITING_DOWNWARD = load_queries(_PACKAGE, "waiting.sql", order="descending", op="<", direction="DESC")
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


def get_visit_summary(transaction: Transaction, encounter_id: str, types: Sequence[str]) -> Pending:
    """An encounter's summary, a row for each part, audited."""
    return transaction.queue(
        _VISIT_SUMMARY["get_visit_summary"],
        id=encounter_id,
        types=list(types),
        limit=MOST_OF_TYPE + 1,
        audit_entity_id=encounter_id,
        audit_must_find=True,
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


def vital_context(transaction: Transaction, encounter_id: str) -> Pending:
    """What vital signs are judged by: birth_date, the last height and the last pregnancy status."""
    return transaction.queue(_VITALS["vital_context"], encounter_id=encounter_id)


def insert_set(transaction: Transaction, rows: str, actor_id: str) -> Pending:
    """New observations of one set, from a JSON array."""
    return transaction.queue(_VITALS["insert_set"], rows=rows, actor_id=actor_id)


def get_set(transaction: Transaction, encounter_id: str, set_id: str) -> Pending:
    """The observations of a set as they are now."""
    return transaction.queue(_VITALS["get_set"], encounter_id=encounter_id, set_id=set_id)


def lock_derived(transaction: Transaction, source_id: str) -> Pending:
    """Ids of what was computed from an observation, locked."""
    return transaction.queue(_VITALS["lock_derived"], source_id=source_id)


def void_derived(transaction: Transaction, record_ids: list[str], reason: str, actor_id: str) -> Pending:
    """Marks computed observations as entered in error; the versions that stood are kept."""
    return transaction.queue(_VITALS["void_derived"], ids=record_ids, reason=reason, actor_id=actor_id)


def find_started(transaction: Transaction, appointment_id: str, queue_token_id: str) -> Pending:
    """The encounter that was started from an appointment or a token and stands: id."""
    return transaction.queue(
        _VISITS["find_started"],
        appointment_id=appointment_id or None,
        queue_token_id=queue_token_id or None,
    )


def find_unsigned(transaction: Transaction, encounter_id: str) -> Pending:
    """A note of an encounter that is not signed: id."""
    return transaction.queue(_VISITS["find_unsigned"], encounter_id=encounter_id)


def find_signer(transaction: Transaction, note_id: str) -> Pending:
    """Whose account alone signs a note: user_id; no row where anybody may."""
    return transaction.queue(_VISITS["find_signer"], id=note_id)


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
    """Encounters of a patient, or a department, or a practitioner, the first that is given, in reading order
    of the page; of the latter two with their patients.

    `filters`: patient_id, department_id, practitioner_id, classes, states, show_entered_in_error, start_time,
    end_time.
    """
    owner = next(name for name in ("patient", "department", "practitioner") if filters[f"{name}_id"])
    return _list(transaction, page, f"encounters_of_{owner}", ascending, **filters)


def timeline(transaction: Transaction, page: Page, *, ascending: bool, **filters: Any) -> Pending:
    """Records of all types in reading order of the page.

    `filters`: patient_id, types, with_encounters, with_appointments, with_tokens, show_entered_in_error,
    start_time, end_time.
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


def list_waiting(transaction: Transaction, page: Page, *, ascending: bool, **filters: Any) -> Pending:
    """What waits, with its patients, in reading order of the page.

    `filters`: type, category, department_id, practitioner_id, states, priorities, start_time, end_time.
    """
    upward = ascending != page.backward
    scope = "_in_department" if filters["department_id"] else ""
    if filters["practitioner_id"]:
        scope = "_for_practitioner"
    queries = _WAITING_UPWARD if upward else _WAITING_DOWNWARD
    key_time, key_id = _key(page, upward)
    return transaction.queue(
        queries[f"waiting{scope}_{'ascending' if upward else 'descending'}"],
        key_time=key_time,
        key_id=key_id,
        limit=page.limit,
        **filters,
    )


def lock_results(
    transaction: Transaction, order_id: str
) -> tuple[Pending, Pending, Pending, Pending, Pending]:
    """What the results of an order hang on, locked: its patient (with gender and birth_date), the order, its
    report, the report's observations; and the department of its encounter."""
    order = _QUERIES["lock_record"]
    return (
        transaction.queue(_RESULTS["lock_patient_of_order"], id=order_id),
        transaction.queue(order, id=order_id, type="ORDER"),
        transaction.queue(_RESULTS["lock_report_of_order"], id=order_id),
        transaction.queue(_RESULTS["lock_results_of_order"], id=order_id),
        transaction.queue(_RESULTS["department_of_order"], id=order_id),
    )


def _key(page: Page, upward: bool) -> tuple[str, str]:
    if page.key is not None:
        return _iso(page.key[0]), page.key[1]
    return ("-infinity", _FIRST_ID) if upward else ("infinity", _LAST_ID)


def _list(transaction: Transaction, page: Page, name: str, ascending: bool, **filters: Any) -> Pending:
    upward = ascending != page.backward
    key_time, key_id = _key(page, upward)
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
