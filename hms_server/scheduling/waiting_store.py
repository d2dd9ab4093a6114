"""Statements on the waiting list, offers, follow-ups and reminders. Each is queued; the caller flushes."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from hms_server import ids
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_ROOM = "hms_server.scheduling"
_QUERIES = load_queries(_ROOM, "waiting.sql")
_UPWARD = load_queries(_ROOM, "waiting_lists.sql", order="ascending", op=">", direction="ASC")
_DOWNWARD = load_queries(_ROOM, "waiting_lists.sql", order="descending", op="<", direction="DESC")


def place(transaction: Transaction, **ids_of: str | None) -> Pending:
    """What an entry points to: department_id, practitioner_id and previous_appointment_id, null where there
    is no such, or none of that patient's."""
    return transaction.queue(_QUERIES["waiting_place"], **ids_of)


def rank(transaction: Transaction, appointment_id: str, value: int) -> Pending:
    """Where a new entry stands: 1 before 2."""
    return transaction.queue(_QUERIES["rank_entry"], id=appointment_id, rank=value)


def lock_practitioner_of(transaction: Transaction, appointment_id: str) -> Pending:
    """Locks the practitioner of an appointment."""
    return transaction.queue(_QUERIES["lock_practitioner_of"], id=appointment_id)


def wish(transaction: Transaction, appointment_id: str) -> Pending:
    """What the patient had asked for before the offer."""
    return transaction.queue(_QUERIES["wish"], id=appointment_id)


def offer(
    transaction: Transaction,
    stretches: Sequence[tuple[str, datetime.datetime, datetime.datetime]],
    *,
    offer_seconds: int,
    least_seconds: int,
    chosen: str | None = None,
) -> Pending:
    """Offers the free seats of these practitioners' slots to the waiting list: id, patient_id, old_version
    and new_version of each entry that got one (migrations/0026_waiting_list.sql)."""
    return transaction.queue(
        _QUERIES["offer_seats"],
        practitioners=[practitioner_id for practitioner_id, _, _ in stretches],
        starts=[start for _, start, _ in stretches],
        ends=[end for _, _, end in stretches],
        offer_seconds=offer_seconds,
        least_seconds=least_seconds,
        chosen=chosen,
    )


def waiting(transaction: Transaction, page: Page, department_id: str, practitioner_id: str) -> Pending:
    """A page of the waiting list in reading order, audited."""
    value, moment, entry_id = page.key or (0, "-infinity", ids.PLATFORM_TENANT)
    name = "list_of_department" if department_id else "list_of_practitioner"
    return transaction.queue(
        _directed(name, page.backward),
        department_id=department_id or None,
        practitioner_id=practitioner_id or None,
        rank=value,
        time=moment,
        id=entry_id,
        limit=page.limit,
    )


def follow_ups(transaction: Transaction, page: Page, appointment_id: str) -> Pending:
    """A page of the appointments that follow one up, in reading order, audited. One row without an id says
    that there is none; no row, that there is no such appointment."""
    (key,) = page.key or (ids.PLATFORM_TENANT,)
    return transaction.queue(
        _directed("follow_ups", page.backward),
        id=appointment_id,
        key=key,
        limit=page.limit,
        audit_entity_id=appointment_id,
        audit_must_find=True,
    )


def reminders(transaction: Transaction, page: Page, appointment_id: str) -> Pending:
    """A page of an appointment's reminders in reading order, audited; rows as with `follow_ups`."""
    moment, key = page.key or ("-infinity", ids.PLATFORM_TENANT)
    return transaction.queue(
        _directed("reminders", page.backward),
        id=appointment_id,
        time=moment,
        key=key,
        limit=page.limit,
        audit_entity_id=appointment_id,
        audit_must_find=True,
    )


def _directed(name: str, backward: bool) -> Any:
    return _DOWNWARD[f"{name}_descending"] if backward else _UPWARD[f"{name}_ascending"]
