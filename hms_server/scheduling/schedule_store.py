"""Statements on schedules and exceptions, in schedule*.sql. Each is queued; the caller flushes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from hms_server import ids
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.scheduling.schedule_kinds import EXCEPTION, SCHEDULE, Kind

_PACKAGE = "hms_server.scheduling"
_OF_TABLE = {
    kind.table: load_queries(_PACKAGE, "schedules.sql", table=kind.table, columns=kind.columns)
    for kind in (SCHEDULE, EXCEPTION)
}
_CHANGES = load_queries(_PACKAGE, "schedule_changes.sql")
_DIRECTIONS = (("ascending", ">", "ASC"), ("descending", "<", "DESC"))
# A page of schedules and one of exceptions differ in their columns alone; each file has its own names.
LISTS = {
    name: query
    for order, op, direction in _DIRECTIONS
    for kind, prefix in ((SCHEDULE, "schedules_"), (EXCEPTION, "exceptions_"))
    for name, query in load_queries(
        _PACKAGE,
        "schedule_lists.sql",
        table=kind.table,
        order=order,
        op=op,
        direction=direction,
        columns=kind.columns,
    ).items()
    if name.startswith(prefix)
}
_EDGES = {False: ("-infinity", ids.NIL), True: ("infinity", ids.MAX)}


def get(transaction: Transaction, kind: Kind, record_id: str) -> Pending:
    """One record, deleted or not."""
    return transaction.queue(_OF_TABLE[kind.table][f"get_{kind.table}"], id=record_id)


def get_each(transaction: Transaction, kind: Kind, record_ids: Collection[str]) -> Pending:
    """Records in order of their ids."""
    return transaction.queue(_OF_TABLE[kind.table][f"get_{kind.table}s"], ids=list(record_ids))


def lock(transaction: Transaction, kind: Kind, record_id: str) -> Pending:
    """One record, locked until the end of the transaction."""
    return transaction.queue(_OF_TABLE[kind.table][f"lock_{kind.table}"], id=record_id)


def list_records(transaction: Transaction, kind: Kind, page: Page, **filters: Any) -> Pending:
    """Rows of a page in reading order. None: not asked for."""
    key, key_id = page.key or _EDGES[page.backward]
    of = (
        "of_practitioner_"
        if filters["practitioner_id"]
        else "of_department_"
        if filters["department_id"]
        else ""
    )
    prefix = "schedules" if kind is SCHEDULE else "exceptions"
    query = LISTS[f"{prefix}_{of}{'descending' if page.backward else 'ascending'}"]
    return transaction.queue(query, key=key, key_id=key_id, limit=page.limit, **filters)


def lock_practitioners(transaction: Transaction, practitioner_ids: Collection[str]) -> Pending:
    """Those of the practitioners that exist, locked in order: id, active, consultation_minutes."""
    return transaction.queue(_CHANGES["lock_practitioners"], ids=list(practitioner_ids))


def lock_practitioners_of(transaction: Transaction, department_id: str | None) -> Pending:
    """Whoever may have appointments in the department, or in the hospital, locked in order: id."""
    return transaction.queue(_CHANGES["lock_practitioners_of"], department_id=department_id)


def existing(transaction: Transaction, departments: Collection[str], locations: Collection[str]) -> Pending:
    """What exists of them: kind, id."""
    return transaction.queue(_CHANGES["existing"], departments=list(departments), locations=list(locations))


def insert(
    transaction: Transaction,
    kind: Kind,
    rows: list[dict[str, Any]],
    sessions: list[dict[str, Any]],
    actor_id: str,
) -> None:
    """New records with their sessions."""
    transaction.queue(_CHANGES[f"insert_{kind.table}"], rows=_json(rows), actor_id=actor_id)
    if sessions:
        transaction.queue(_CHANGES["insert_sessions"], rows=_json(sessions))


def update(
    transaction: Transaction,
    kind: Kind,
    row: dict[str, Any],
    sessions: list[dict[str, Any]],
    actor_id: str,
) -> None:
    """The next version of a locked record; the present one is kept."""
    transaction.queue(_OF_TABLE[kind.table][f"keep_{kind.table}"], id=row["id"])
    transaction.queue(_CHANGES[f"update_{kind.table}"], rows=_json([row]), actor_id=actor_id)
    if kind is SCHEDULE:
        transaction.queue(_CHANGES["delete_sessions"], ids=[row["id"]])
        if sessions:
            transaction.queue(_CHANGES["insert_sessions"], rows=_json(sessions))


def delete(transaction: Transaction, kind: Kind, record_id: str, actor_id: str) -> None:
    """Takes a locked record away; it stays with its time."""
    transaction.queue(_OF_TABLE[kind.table][f"delete_{kind.table}"], id=record_id, actor_id=actor_id)


def overlapping_schedules(transaction: Transaction, schedule_ids: Collection[str]) -> Pending:
    """Other templates at the same times: id."""
    return transaction.queue(_CHANGES["overlapping_schedules"], ids=list(schedule_ids))


def overlapping_extras(transaction: Transaction, practitioner_ids: Collection[str]) -> Pending:
    """Extra sessions with other slots at the same time: id, other_id."""
    return transaction.queue(_CHANGES["overlapping_extras"], practitioners=list(practitioner_ids))


def without_place(
    transaction: Transaction, practitioner_ids: Collection[str], from_time: Any, until_time: Any
) -> Pending:
    """Appointments ahead that have no slot or no seat in it: id."""
    return transaction.queue(
        _CHANGES["without_place"],
        practitioners=list(practitioner_ids),
        from_time=from_time,
        until_time=until_time,
    )


def lock_stranded(transaction: Transaction, appointment_ids: Collection[str]) -> Pending:
    """Appointments, locked, in order of time, and whether the caller sees their patients (seen)."""
    return transaction.queue(_CHANGES["lock_stranded"], ids=list(appointment_ids))


def slots_with_room(transaction: Transaction, practitioner_ids: Collection[str], from_time: Any) -> Pending:
    """Slots of 62 days with who has which seat."""
    return transaction.queue(
        _CHANGES["slots_with_room"], practitioners=list(practitioner_ids), from_time=from_time
    )


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
