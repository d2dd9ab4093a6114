"""A hospital's own lists of codes: a list is the codes of one system.

Nothing is deleted: records name these codes. What is taken for new records no more is not active.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import orjson

from hms.admin.v1 import code_list_pb2 as pb
from hms_server import aip, errors, ids
from hms_server.admin import entries
from hms_server.context import Call
from hms_server.database.faults import UniqueViolation
from hms_server.database.pages import Pages
from hms_server.database.queries import load_queries
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Pending, Transaction
from hms_server.errors import FieldViolation
from hms_server.patient import normalise
from hms_server.patient.mapping import timestamp
from hms_server.texts import has_control_characters

_SQL = load_queries("hms_server.admin", "code_lists.sql", table="code_entry")
_MUTABLE = frozenset(("display", "synonyms", "active"))
# Words beyond it are not found by a list's query.
_LONGEST_KEY = 1024
# Beyond every system and code: no text in UTF-8 holds more.
_LAST = "\U0010ffff"


class CodeLists:
    """The part of the admin service that knows code lists."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    @on_conflict
    def create(self, request: pb.CreateCodeEntryRequest, call: Call) -> pb.CodeEntry:
        """A new code. Raises AlreadyExists where it stands, InvalidArgument for what is not right."""
        return self._create(request, call, [request.code_entry], "code_entry")[0]

    @on_conflict
    def batch_create(
        self, request: pb.BatchCreateCodeEntriesRequest, call: Call
    ) -> pb.BatchCreateCodeEntriesResponse:
        """All of the codes or none; raises as `create` does, and names those that stand by their places."""
        made = self._create(request, call, list(request.code_entries), "")
        return pb.BatchCreateCodeEntriesResponse(code_entries=made)

    def _create(self, request: Any, call: Call, given: list[pb.CodeEntry], path: str) -> list[pb.CodeEntry]:
        paths = [path or f"code_entries[{i}]" for i in range(len(given))]
        rows = _rows(given, paths)
        keys = [(row["system"], row["code"]) for row in rows]
        with _told(), self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            standing = _standing(transaction, keys)
            transaction.flush()
            if probe.repeat() is not None:
                there = {(row.system, row.code): row for row in standing.rows}
                transaction.audit(action="READ", entity_id=there[keys[0]].id)
                transaction.commit()
                return [_message(there[key]) for key in keys]
            _require_free(standing, keys, paths)
            made = transaction.queue(
                _SQL["insert"], rows=orjson.dumps(rows).decode(), actor_id=call.caller.user_id
            )
            self._request_ids.remember(transaction, call, probe, rows[0]["id"], 1)
            if path:
                transaction.audit(entity_id=rows[0]["id"], new_version=1)
            else:
                transaction.audit(entity_id=rows[0]["id"], new_version=1, reason=f"{len(rows)} codes")
        by_id = {row.id: row for row in made.rows}
        return [_message(by_id[row["id"]]) for row in rows]

    def get(self, request: pb.GetCodeEntryRequest, call: Call) -> pb.CodeEntry:
        """One code, active or not; raises NotFound."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(_SQL["get"], id=request.id)
        return _message(_found(pending))

    def list_entries(self, request: pb.ListCodeEntriesRequest, call: Call) -> pb.ListCodeEntriesResponse:
        """A page in order of system and code, both ways."""
        patterns = entries.patterns(request.query)
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.system, request.code_prefix, request.show_inactive, *patterns),
            size=request.page_size,
            token=request.page_token,
        )
        system, code = page.key or ((_LAST, _LAST) if page.backward else ("", ""))
        scope = {"only_system": request.system} if request.system else {"system": system}
        name = "list_of_system" if request.system else "list"
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _SQL[f"{name}_{'descending' if page.backward else 'ascending'}"],
                code=code,
                prefix=request.code_prefix,
                show_inactive=request.show_inactive,
                patterns=patterns,
                limit=page.limit,
                **scope,
            )
        rows, following, preceding = self._pages.close(page, pending.rows, lambda row: (row.system, row.code))
        return pb.ListCodeEntriesResponse(
            code_entries=map(_message, rows), next_page_token=following, previous_page_token=preceding
        )

    @on_conflict
    def update(self, request: pb.UpdateCodeEntryRequest, call: Call) -> pb.CodeEntry:
        """Changes the fields that the mask names; a change that changes nothing makes no version."""
        sent = request.code_entry
        aip.require_id("code_entry.id", sent.id)
        return self._change(request, call, sent, aip.selected(sent, request.update_mask, _MUTABLE))

    @on_conflict
    def deactivate(self, request: pb.DeactivateCodeEntryRequest, call: Call) -> pb.CodeEntry:
        """Takes a code out of use; one that is out of use is left as it is."""
        sent = pb.CodeEntry(id=request.id, etag=request.etag, active=False)
        return self._change(request, call, sent, {"active"})

    def _change(
        self, request: Any, call: Call, sent: pb.CodeEntry, selected: Collection[str]
    ) -> pb.CodeEntry:
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            present = transaction.queue(_SQL["lock"], id=sent.id)
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                pending = transaction.queue(_SQL["get"], id=earlier)
                transaction.audit(action="READ", entity_id=earlier)
                transaction.commit()
                return _message(_found(pending))
            row = _found(present)
            aip.require_etag(sent.etag, row.version)
            entry = _message(row)
            if "display" in selected:
                entry.display = sent.display
            if "synonyms" in selected:
                entry.synonyms[:] = sent.synonyms
            if "active" in selected:
                entry.active = sent.active or not sent.HasField("active")
            (columns,) = _rows([entry], ["code_entry"])
            version, made = row.version, present
            if (columns["document"], columns["active"]) != (row.document, row.active):
                version += 1
                made = transaction.queue(
                    _SQL["update"],
                    id=row.id,
                    words_key=columns["words_key"],
                    active=columns["active"],
                    document=orjson.dumps(columns["document"]).decode(),
                    actor_id=call.caller.user_id,
                )
            self._request_ids.remember(transaction, call, probe, row.id, version)
            transaction.audit(entity_id=row.id, old_version=row.version, new_version=version)
        return _message(made.first)


def _rows(given: Iterable[pb.CodeEntry], paths: list[str]) -> list[dict[str, Any]]:
    """Rows of new codes; raises InvalidArgument with every violation."""
    rows: list[dict[str, Any]] = []
    found: list[FieldViolation] = []
    seen: set[tuple[str, str]] = set()
    for entry, path in zip(given, paths, strict=True):
        system, code, display = entry.system.strip(), entry.code.strip(), entry.display.strip()
        texts = (system, code, display, *entry.synonyms)
        found += [
            FieldViolation(f"{path}.{name}", "is required")
            for name, value in (("system", system), ("code", code), ("display", display))
            if not value
        ]
        if any(map(has_control_characters, texts)):
            found.append(FieldViolation(path, "must not hold control characters"))
        if (system, code) in seen:
            found.append(FieldViolation(f"{path}.code", "stands twice"))
        seen.add((system, code))
        document: dict[str, Any] = {"display": display}
        if entry.synonyms:
            document["synonyms"] = list(entry.synonyms)
        words = normalise.words(" ".join((display, *entry.synonyms)))
        rows.append(
            {
                "id": ids.uuid7(),
                "system": system,
                "code": code,
                "words_key": " ".join(dict.fromkeys(words))[:_LONGEST_KEY],
                "active": entry.active or not entry.HasField("active"),
                "document": document,
            }
        )
    if found:
        raise errors.InvalidArgument(
            "; ".join(f"{v.field}: {v.description}" for v in found[:5]), violations=tuple(found)
        )
    return rows


def _standing(transaction: Transaction, keys: list[tuple[str, str]]) -> Pending:
    return transaction.queue(
        _SQL["standing"], systems=[system for system, _ in keys], codes=[code for _, code in keys]
    )


def _require_free(standing: Pending, keys: list[tuple[str, str]], paths: list[str]) -> None:
    there = {(row.system, row.code) for row in standing.rows}
    taken = [f"{path}.code" for key, path in zip(keys, paths, strict=True) if key in there]
    if taken:
        raise errors.AlreadyExists(
            f"{len(taken)} of these codes stand already, such as {', '.join(taken[:5])}: update those,"
            " or leave them out.",
            violations=tuple(FieldViolation(path, "stands already") for path in taken),
        )


def _message(row: Any) -> pb.CodeEntry:
    return pb.CodeEntry(
        **row.document,
        id=row.id,
        system=row.system,
        code=row.code,
        active=row.active,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
        etag=str(row.version),
    )


def _found(pending: Pending) -> Any:
    if pending.first is None:
        raise errors.NotFound("No such code.")
    return pending.first


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UniqueViolation:
        raise errors.AlreadyExists(
            "One of these codes was made meanwhile: read the list and try again."
        ) from None
