"""Statements of prescribing (prescribing.sql). Each is queued; the caller flushes."""

from __future__ import annotations

from collections.abc import Iterable

from hms_server.database.queries import load_queries, load_unaudited
from hms_server.database.transaction import Pending, Transaction

_FILE = ("hms_server.clinical", "prescribing.sql")
_SQL = load_queries(*_FILE)
# Beside a write, which has its own audit record.
_BESIDE = load_unaudited(*_FILE)

Codings = Iterable[tuple[str, str]]


def lock_patient_of_record(transaction: Transaction, record_id: str) -> Pending:
    """The patient of a record, locked: id."""
    return transaction.queue(_SQL["lock_patient_of_record"], record_id=record_id)


def medication(
    transaction: Transaction,
    *,
    patient_id: str = "",
    encounter_id: str = "",
    record_id: str = "",
    types: Iterable[str] = ("ALLERGY", "PRESCRIPTION"),
    codings: Codings = (),
    audited: bool = False,
) -> Pending:
    """What stands of a patient's allergies and prescriptions, rules and codes: type, patient_id, id,
    document.
    The first row is the patient; none where there is no such patient."""
    asked = list(codings)
    parameters = {
        "patient_id": patient_id or None,
        "encounter_id": encounter_id or None,
        "record_id": record_id or None,
        "types": list(types),
        "systems": [system for system, _ in asked],
        "codes": [code for _, code in asked],
    }
    if audited:
        return transaction.queue(
            _SQL["medication"], audit_entity_id=record_id, audit_must_find=True, **parameters
        )
    return transaction.queue(_BESIDE["medication"], **parameters)


def listed_codes(transaction: Transaction, codings: Codings) -> Pending:
    """Of each coding, whether its system is listed and how it stands there."""
    asked = list(codings)
    return transaction.queue(
        _SQL["listed_codes"], systems=[system for system, _ in asked], codes=[code for _, code in asked]
    )


def search_codes(
    transaction: Transaction, *, system: str, patterns: list[str], prefix: str, limit: int
) -> Pending:
    """The hospital's own codes: code, display."""
    return transaction.queue(
        _SQL["search_codes"], system=system, patterns=patterns, prefix=prefix, limit=limit
    )
