"""Many new entries of the directory at once: all of them or none, by one statement.

The ids of a batch follow each other, so that the one id that a request id remembers tells them all.
"""

from __future__ import annotations

from typing import Any

from hms_server import errors, ids
from hms_server.admin import directory_store as store
from hms_server.admin import entries, mapping
from hms_server.admin.directory import found_ids, look_up, told
from hms_server.admin.entries import Reference
from hms_server.admin.kinds import Kind
from hms_server.context import Call
from hms_server.database.audited import AuditedEntities
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database
from hms_server.errors import FieldViolation

# A batch has 500 at most.
_ROOM = 0xFFFF


class Batches:
    """Batches of one kind of entries."""

    def __init__(self, kind: Kind, answer: type[Any], *, database: Database, request_ids: RequestIds) -> None:
        """`answer`: the message that lists what was made."""
        self._kind = kind
        self._answer = answer
        self._database = database
        self._request_ids = request_ids

    @on_conflict
    def create(self, request: Any, call: Call) -> Any:
        """New entries. Raises InvalidArgument and AlreadyExists with every violation, each by the place of
        its entry in the request ("departments[2].code")."""
        kind = self._kind
        given = list(getattr(request, kind.plural))
        documents = self._documents(given)
        asked = self._references(given)
        codes = {document[kind.code] for document in documents if document.get(kind.code)}
        new_ids = batch_ids(ids.uuid7(), len(given))
        with told(kind), self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            found = look_up(transaction, asked)
            taken = store.taken_codes(transaction, kind, codes)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                new_ids = batch_ids(earlier, len(given))
                made = store.get_each(transaction, kind, new_ids)
                transaction.audit(action="READ", entities=[AuditedEntities(kind.table, "READ", new_ids)])
            else:
                entries.require_existing(asked, found_ids(found))
                self._require_free(documents, {row.code for row in taken.rows})
                rows = [
                    {"id": entry_id, **entries.derive(kind, document)}
                    for entry_id, document in zip(new_ids, documents, strict=True)
                ]
                made = store.insert_batch(transaction, kind, rows, call.caller.user_id)
                self._request_ids.remember(transaction, call, probe, new_ids[0], 1)
                transaction.audit(entities=[AuditedEntities(kind.table, "CREATE", new_ids)])
        by_id = {row.id: row for row in made.rows}
        return self._answer(
            **{kind.plural: [mapping.entry(kind, by_id[each]) for each in new_ids if each in by_id]}
        )

    def _documents(self, given: list[Any]) -> list[dict[str, Any]]:
        """The documents of all; raises InvalidArgument with what is wrong with any."""
        kind = self._kind
        documents: list[dict[str, Any]] = []
        wrong: list[FieldViolation] = []
        first: dict[str, int] = {}
        for place, entry in enumerate(given):
            try:
                document = entries.new_document(kind, entry)
            except errors.InvalidArgument as refused:
                wrong += [
                    v._replace(field=entries.at_place(kind, place, v.field)) for v in refused.violations
                ]
                continue
            documents.append(document)
            code = document.get(kind.code, "")
            if code and first.setdefault(code, place) != place:
                wrong.append(
                    FieldViolation(
                        f"{kind.plural}[{place}].{kind.code}",
                        f"is that of {kind.plural}[{first[code]}], too",
                    )
                )
        entries.refuse(wrong)
        return documents

    def _references(self, given: list[Any]) -> list[Reference]:
        kind = self._kind
        return [
            reference._replace(path=entries.at_place(kind, place, reference.path))
            for place, entry in enumerate(given)
            for reference in entries.references(kind, entry, kind.fields)
        ]

    def _require_free(self, documents: list[dict[str, Any]], taken: set[str]) -> None:
        kind = self._kind
        violations = tuple(
            FieldViolation(f"{kind.plural}[{place}].{kind.code}", entries.taken(kind))
            for place, document in enumerate(documents)
            if document.get(kind.code) in taken
        )
        if violations:
            raise errors.AlreadyExists(
                "; ".join(f"{v.field}: {v.description}" for v in violations[:5]), violations=violations
            )


def batch_ids(first: str, number: int) -> list[str]:
    """So many ids that follow each other; of any of them alike as of the first."""
    start = int(first.replace("-", ""), 16) & ~_ROOM
    texts = (f"{start + i:032x}" for i in range(number))
    return [f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in texts]
