"""Many patients in a few statements, for whoever brings in a whole registry.

The same rules as for one patient. Whether two records may be one person is not asked here: nobody waits
for the answer, and the records keep the keys by which the next search finds it out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson

from hms.patient.v1 import patient_pb2 as pb
from hms_server import clock, errors, validation
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Pending, Transaction
from hms_server.patient import keys, rules

Row = dict[str, Any]

_QUERIES = load_queries("hms_server.patient", "bulk.sql")
# Of JSON in one statement.
_MOST_BYTES = 1 << 20


def today() -> str:
    """Today's date where the day has come first (UTC+14), so that nobody's birth is refused."""
    return clock.date_of(clock.now().timestamp() + 14 * 3600)


def prepare(fields: dict[str, Any], today: str) -> dict[str, Any]:
    """The document of a patient with these fields, by the message's names.

    Raises InvalidArgument with every violation: "patient.birth_date". `today` is a FHIR date.
    """
    patient = pb.Patient(**fields)
    found = validation.violations(patient, "patient")
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=found
        )
    return rules.new_document(patient, today)


def new_row(patient_id: str, uhid: str, document: dict[str, Any]) -> Row:
    """The row of a new patient."""
    return _row(patient_id, keys.derive(document, uhid), uhid=uhid, document=document)


def changed_row(present: Any, document: dict[str, Any]) -> Row:
    """The row of a patient's next version; `present` is what `load` found."""
    derived = keys.derive(document, present.uhid, present.merged_uhids)
    return _row(present.id, derived, document=document)


def with_own_identifiers(document: dict[str, Any], present: dict[str, Any]) -> dict[str, Any]:
    """A source's document with those identifiers of the `present` one that other systems gave.

    A source decides about the numbers that it knows of; what the hospital noted beside them stays.
    """
    told = document.get("identifiers", [])
    systems = {identifier.get("system", "") for identifier in told}
    own = [i for i in present.get("identifiers", ()) if i.get("system", "") not in systems]
    return {**document, "identifiers": [*told, *own]} if own else document


def survivors(transaction: Transaction, ids: Collection[str]) -> Pending:
    """Where these patients live on, if need be after a merge: id, survivor_id, deleted.

    Nobody merges or deletes one of them until the transaction ends.
    """
    return transaction.queue(_QUERIES["survivors"], ids=list(ids))


def load(transaction: Transaction, ids: Collection[str]) -> Pending:
    """Those of the ids that exist, locked until the end of the transaction, for `changed_row`."""
    return transaction.queue(_QUERIES["load_patients"], ids=list(ids))


def insert(transaction: Transaction, rows: Sequence[Row], actor_id: str) -> None:
    """Queues new patients. The flush raises UniqueViolation where a UHID is taken."""
    for chunk in _chunks(rows):
        transaction.queue(_QUERIES["insert_patients"], rows=chunk, actor_id=actor_id)
        transaction.queue(_QUERIES["insert_keys_of_many"], rows=chunk)


def update(transaction: Transaction, rows: Sequence[Row], actor_id: str) -> None:
    """Queues the next versions of patients that are locked; those that stood are kept."""
    if rows:
        transaction.queue(_QUERIES["delete_keys_of_many"], ids=[row["id"] for row in rows])
    for chunk in _chunks(rows):
        transaction.queue(_QUERIES["update_patients"], rows=chunk, actor_id=actor_id)
        transaction.queue(_QUERIES["insert_keys_of_many"], rows=chunk)


def _row(patient_id: str, derived: keys.Keys, **columns: Any) -> Row:
    return {
        "id": patient_id,
        "name_key": derived.name_key,
        "birth_date": derived.birth_date,
        "search_text": derived.search_text,
        "pairs": derived.pairs,
        **columns,
    }


def _chunks(rows: Sequence[Row]) -> Iterator[str]:
    chunk: list[bytes] = []
    size = 0
    for row in rows:
        text = orjson.dumps(row)
        if chunk and size + len(text) > _MOST_BYTES:
            yield f"[{b','.join(chunk).decode()}]"
            chunk, size = [], 0
        chunk.append(text)
        size += len(text)
    if chunk:
        yield f"[{b','.join(chunk).decode()}]"
