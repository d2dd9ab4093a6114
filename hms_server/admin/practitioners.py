"""Lists of practitioners: by where they work and in what, in order of name or of their making."""

from __future__ import annotations

from typing import Any

from hms.admin.v1 import directory_pb2 as pb
from hms_server import errors, ids
from hms_server.admin import entries, mapping
from hms_server.admin.kinds import KINDS
from hms_server.context import Call
from hms_server.database.pages import Page, Pages
from hms_server.database.queries import Query, load_queries
from hms_server.database.transaction import Database

_KIND = KINDS["PRACTITIONER"]
# Column, its type, what comes before the first and beyond the last (keys of names are words of a-z and 0-9).
_ORDERS = {
    "name": ("name_key", "text", "", "{"),
    "create_time": ("create_time", "timestamptz", "-infinity", "infinity"),
}


def _load(column: str, kind: str, descending: bool) -> dict[str, Query]:
    return load_queries(
        "hms_server.admin",
        "practitioners.sql",
        table=f"practitioner_{column}_{'down' if descending else 'up'}",
        key=column,
        type=kind,
        after="<" if descending else ">",
        direction="DESC" if descending else "",
    )


# By order, and whether it is read downwards.
_SQL = {
    (name, descending): _load(column, kind, descending)
    for name, (column, kind, _, _) in _ORDERS.items()
    for descending in (False, True)
}


class PractitionerLists:
    """A part of the admin service."""

    def __init__(self, *, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def list_practitioners(
        self, request: pb.ListPractitionersRequest, call: Call
    ) -> pb.ListPractitionersResponse:
        """A page of practitioners, both ways. Raises InvalidArgument for an order that there is not, a query
        without a word and a page token of another list."""
        order, is_descending = _order(request.order_by)
        filters: dict[str, Any] = {
            "department_id": request.department_id.lower() or None,
            "speciality": request.speciality.strip(),
            "system": request.speciality_system.strip(),
            "code": request.registration_number.strip(),
            "show_inactive": request.show_inactive,
            "show_deleted": request.show_deleted,
            "patterns": entries.patterns(request.query),
        }
        if filters["system"] and not filters["speciality"]:
            raise errors.invalid_field("speciality_system", "is of a speciality: say which one, too")
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(order, is_descending, *filters.values()),
            size=request.page_size,
            token=request.page_token,
        )
        is_down = is_descending != page.backward
        key, entry_id = page.key or _beyond(order, is_down)
        query = _SQL[order, is_down][_name(filters)]
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(query, **filters, key=key, id=entry_id, limit=page.limit)
        return self._answer(page, order, pending.rows)

    def _answer(self, page: Page, order: str, found: list[Any]) -> pb.ListPractitionersResponse:
        def key(row: Any) -> tuple[str, str]:
            return (row.name_key if order == "name" else row.create_time.isoformat(), row.id)

        rows, following, preceding = self._pages.close(page, found, key)
        return pb.ListPractitionersResponse(
            practitioners=[mapping.entry(_KIND, row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )


def _order(text: str) -> tuple[str, bool]:
    """The order, and whether it is descending; raises InvalidArgument."""
    name, _, direction = " ".join(text.split()).partition(" ")
    if (name or "name") not in _ORDERS or direction not in ("", "asc", "desc"):
        allowed = ", ".join(f"{each}, {each} desc" for each in _ORDERS)
        raise errors.invalid_field("order_by", f"must be one of: {allowed}")
    return name or "name", direction == "desc"


def _beyond(order: str, is_down: bool) -> tuple[str, str]:
    _, _, first, last = _ORDERS[order]
    return (last, ids.MAX) if is_down else (first, ids.NIL)


def _name(filters: dict[str, Any]) -> str:
    if filters["code"]:
        return "list_by_code"
    if filters["department_id"]:
        return "list_of_department"
    return "list_of_speciality" if filters["speciality"] else "list"
