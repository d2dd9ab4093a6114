"""Calls the SQL of restrictions and break-glass. The only writer of break_glass."""

from __future__ import annotations

from hms_server import ids
from hms_server.database.pages import Page
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction

_PACKAGE, _FILE = "hms_server.patient", "break_glass.sql"
_UPWARD = load_queries(_PACKAGE, _FILE, order="ascending", op=">", direction="ASC")
_DOWNWARD = load_queries(_PACKAGE, _FILE, order="descending", op="<", direction="DESC")


def restrict(transaction: Transaction, patient_id: str, restricted: bool, actor_id: str) -> Pending:
    """Restricts a locked patient and those merged into it, or lifts that: patient_id, new_version."""
    return transaction.queue(_DOWNWARD["restrict"], id=patient_id, restricted=restricted, actor_id=actor_id)


def find(transaction: Transaction, patient_id: str, uhid: str) -> Pending:
    """The id of a patient, whether or not the caller sees the record: id, None where there is none."""
    return transaction.queue(_DOWNWARD["find"], id=patient_id or None, uhid=uhid)


def insert(
    transaction: Transaction, grant_id: str, patient_id: str, *, user_id: str, reason: str, seconds: int
) -> None:
    """A grant that begins now."""
    transaction.queue(
        _DOWNWARD["insert"],
        id=grant_id,
        patient_id=patient_id,
        user_id=user_id,
        reason=reason,
        seconds=seconds,
    )


def lock(transaction: Transaction, grant_id: str) -> Pending:
    """A grant, locked until the end of the transaction: id, version, patient_id, user_id, outcome."""
    return transaction.queue(_DOWNWARD["lock"], id=grant_id)


def review(transaction: Transaction, grant_id: str, *, outcome: str, note: str, reviewer_id: str) -> None:
    """Stores what a reviewer found."""
    transaction.queue(_DOWNWARD["review"], id=grant_id, outcome=outcome, note=note, reviewer_id=reviewer_id)


def read(transaction: Transaction, grant_id: str) -> Pending:
    """A grant."""
    return transaction.queue(_DOWNWARD["read"], id=grant_id)


def get(transaction: Transaction, grant_id: str) -> Pending:
    """A grant, audited."""
    return transaction.queue(_DOWNWARD["get"], id=grant_id, audit_entity_id=grant_id, audit_must_find=True)


def list_grants(
    transaction: Transaction, page: Page, *, patient_id: str, user_id: str, unreviewed: bool
) -> Pending:
    """A page of grants in reading order, newest first in the list, audited."""
    key, grant_id = page.key or ("infinity", ids.MAX)
    return transaction.queue(
        _UPWARD["list_ascending"] if page.backward else _DOWNWARD["list_descending"],
        key=key,
        id=grant_id,
        patient_id=patient_id or None,
        user_id=user_id or None,
        unreviewed=unreviewed,
        limit=page.limit,
        audit_entity_id=patient_id,
    )
