"""Calls the room's SQL. The only writer of patient, patient_version, patient_key and uhid_counter."""

from __future__ import annotations

from typing import Any

import orjson

from hms_server.context import Call
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.patient.keys import Keys, duplicate_keys

_QUERIES = load_queries("hms_server.patient")
_GET = _QUERIES["get_patient"]
# Of callers who are limited to departments.
_OF_DEPARTMENTS = {
    name: query
    for key, kind in (("create_time", "timestamptz"), ("name_key", "text"))
    for order, op, direction in (("ascending", ">", "ASC"), ("descending", "<", "DESC"))
    for name, query in load_queries(
        "hms_server.patient",
        "department_lists.sql",
        key=key,
        type=kind,
        order=order,
        op=op,
        direction=direction,
    ).items()
}


def get(transaction: Transaction, patient_id: str) -> Pending:
    """One patient, audited."""
    return transaction.queue(_GET, id=patient_id, audit_entity_id=patient_id, audit_must_find=True)


def batch_get(transaction: Transaction, patient_ids: list[str]) -> Pending:
    """The patients, audited, where all of them exist; no row where one does not."""
    return transaction.queue(_QUERIES["batch_get_patients"], ids=patient_ids, audit_must_find=True)


def existing_ids(transaction: Transaction, patient_ids: list[str]) -> Pending:
    """Those of the ids that exist: id."""
    return transaction.queue(_QUERIES["existing_ids"], ids=patient_ids)


def list_patients(
    transaction: Transaction, page: Page, call: Call, *, order: str, ascending: bool, show_deleted: bool
) -> Pending:
    """Rows of a page in reading order: `order` is "create_time" or "name". Those of the caller's departments,
    where he is limited to some."""
    upward = ascending != page.backward
    if page.key is not None:
        key, row_id = page.key
    else:
        # Before the first, or beyond the last: keys of names are words of a-z and 0-9.
        key = {"create_time": ("infinity", "-infinity"), "name": ("{", "")}[order][upward]
        row_id = (
            "ffffffff-ffff-ffff-ffff-ffffffffffff" if not upward else "00000000-0000-0000-0000-000000000000"
        )
    direction = "ascending" if upward else "descending"
    asked = {"key": key, "id": row_id, "limit": page.limit, "show_deleted": show_deleted}
    if call.departments is None:
        return transaction.queue(_QUERIES[f"list_by_{order}_{direction}"], **asked)
    column = {"create_time": "create_time", "name": "name_key"}[order]
    return transaction.queue(_OF_DEPARTMENTS[f"list_of_departments_by_{column}_{direction}"], **asked)


def list_versions(transaction: Transaction, page: Page, patient_id: str) -> Pending:
    """Versions of a page in reading order, newest first in the list."""
    query = _QUERIES["list_versions_ascending" if page.backward else "list_versions_descending"]
    key = page.key[0] if page.key is not None else 2**63 - 1
    return transaction.queue(
        query,
        id=patient_id,
        key=key,
        limit=page.limit,
        audit_entity_id=patient_id,
        audit_must_find=page.key is None,
    )


def lock(transaction: Transaction, patient_id: str) -> Pending:
    """One patient, locked until the end of the transaction."""
    return transaction.queue(_QUERIES["lock_patient"], id=patient_id)


def candidates(transaction: Transaction, keys: Keys) -> Pending:
    """Live patients that share a phone, an identifier, or name and birth date."""
    pairs = list(duplicate_keys(keys.pairs))
    return transaction.queue(
        _QUERIES["duplicate_candidates"],
        kinds=[kind for kind, _ in pairs],
        values=[value for _, value in pairs],
    )


def insert(
    transaction: Transaction,
    *,
    patient_id: str,
    uhid: str,
    document: dict[str, Any],
    keys: Keys,
    actor_id: str,
) -> Pending:
    """A new patient with its keys."""
    row = transaction.queue(
        _QUERIES["insert_patient"],
        id=patient_id,
        uhid=uhid,
        document=orjson.dumps(document).decode(),
        name_key=keys.name_key,
        birth_date=keys.birth_date,
        search_text=keys.search_text,
        actor_id=actor_id,
    )
    _insert_keys(transaction, patient_id, keys)
    return row


def update(
    transaction: Transaction,
    *,
    patient_id: str,
    document: dict[str, Any],
    keys: Keys,
    actor_id: str,
    deleted: bool,
    merged_into: str | None = None,
    merged_uhids: list[str] | None = None,
) -> Pending:
    """The patient's next version; the present one is kept. A deleted patient has no keys.

    `merged_uhids`: those of the next version, None where they stay.
    """
    row = transaction.queue(
        _QUERIES["update_patient"],
        id=patient_id,
        document=orjson.dumps(document).decode(),
        name_key=keys.name_key,
        birth_date=keys.birth_date,
        search_text=keys.search_text,
        actor_id=actor_id,
        deleted=deleted,
        merged_into=merged_into,
        merged_uhids=merged_uhids,
    )
    transaction.queue(_QUERIES["delete_keys"], id=patient_id)
    if not deleted:
        _insert_keys(transaction, patient_id, keys)
    return row


def _insert_keys(transaction: Transaction, patient_id: str, keys: Keys) -> None:
    transaction.queue(_QUERIES["insert_keys"], id=patient_id, kinds=keys.kinds, values=keys.values)


def take_numbers(transaction: Transaction, block: int) -> Pending:
    """A block of numbers for UHIDs: first_number."""
    return transaction.queue(_QUERIES["take_numbers"], block=block)


def uhid_format(transaction: Transaction) -> Pending:
    """The tenant's format: uhid_prefix, uhid_digits."""
    return transaction.queue(_QUERIES["uhid_format"])
