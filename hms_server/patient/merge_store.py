"""Calls the SQL of merges. The only writer of patient_merge and patient_merge_item."""

from __future__ import annotations

from typing import Any

import orjson

from hms_server import ids
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_QUERIES = load_queries("hms_server.patient", "merge.sql")


def preview(transaction: Transaction, patient_ids: list[str], merged_id: str) -> Pending:
    """Both patients, audited; no row where one does not exist."""
    return transaction.queue(
        _QUERIES["preview_patients"], ids=patient_ids, audit_entity_id=merged_id, audit_must_find=True
    )


def count_rows(transaction: Transaction, patient_id: str) -> Pending:
    """What belongs to a patient: entity_type, row_count."""
    return transaction.queue(_QUERIES["count_rows"], id=patient_id)


def lock(transaction: Transaction, patient_ids: list[str]) -> Pending:
    """The patients and those merged into them, locked until the end of the transaction."""
    return transaction.queue(_QUERIES["lock_patients"], ids=patient_ids)


def lock_of_merge(transaction: Transaction, merge_id: str) -> Pending:
    """A merge's two patients and those merged into the survivor, locked."""
    return transaction.queue(_QUERIES["lock_patients_of_merge"], id=merge_id)


def read(transaction: Transaction, merge_id: str) -> Pending:
    """One merge, with later_id: the merge in force that its survivor went away with."""
    return transaction.queue(_QUERIES["read_merge"], id=merge_id)


def documents(transaction: Transaction, merge_id: str) -> Pending:
    """The survivor's versions before and after a merge."""
    return transaction.queue(_QUERIES["merge_documents"], id=merge_id)


def insert(
    transaction: Transaction,
    *,
    merge_id: str,
    survivor: Any,
    merged: Any,
    actor_id: str,
    reason: str,
    decisions: list[dict[str, str]],
) -> Pending:
    """Notes a merge and moves what belongs to `merged`: entity_type, ids of the rows that went over."""
    transaction.queue(
        _QUERIES["insert_merge"],
        id=merge_id,
        survivor_id=survivor.id,
        merged_id=merged.id,
        actor_id=actor_id,
        reason=reason,
        decisions=orjson.dumps(decisions).decode(),
        survivor_version=survivor.version,
        merged_version=merged.version,
    )
    return transaction.queue(_QUERIES["move_rows"], id=merge_id, merged_id=merged.id, survivor_id=survivor.id)


def note_moved(transaction: Transaction, merge_id: str, moved: dict[str, int]) -> Pending:
    """Stores how many rows went over; the merge as it then stands."""
    return transaction.queue(_QUERIES["note_moved"], id=merge_id, moved=orjson.dumps(moved).decode())


def return_rows(transaction: Transaction, merge_id: str) -> Pending:
    """Gives back what went over: outcome (RETURNED, AMENDED, FOLLOWED, KEPT), entity_type, ids."""
    return transaction.queue(_QUERIES["return_rows"], id=merge_id)


def note_unmerged(
    transaction: Transaction, merge_id: str, *, actor_id: str, reason: str, result: dict[str, Any]
) -> Pending:
    """Stores that the merge was taken back and what was answered; the merge as it then stands."""
    return transaction.queue(
        _QUERIES["note_unmerged"],
        id=merge_id,
        actor_id=actor_id,
        reason=reason,
        result=orjson.dumps(result).decode(),
    )


def get(transaction: Transaction, merge_id: str) -> Pending:
    """One merge, audited, once for each of its patients."""
    return transaction.queue(
        _QUERIES["get_merge"], id=merge_id, audit_entity_id=merge_id, audit_must_find=True
    )


def list_merges(transaction: Transaction, page: Page, patient_id: str) -> Pending:
    """A page of a patient's merges in reading order, audited, each once for each of its patients. One row
    without a merge where there is none; no row where there is no such patient."""
    key, merge_id = page.key or ("infinity", ids.MAX)
    return transaction.queue(
        _QUERIES["list_merges_ascending" if page.backward else "list_merges_descending"],
        patient_id=patient_id,
        key=key,
        id=merge_id,
        limit=page.limit,
        audit_entity_id=patient_id,
        audit_must_find=True,
    )
