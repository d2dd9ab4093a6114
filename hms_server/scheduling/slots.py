"""The search for slots: what is asked for to the arguments of search_slots, and its rows to messages."""

from __future__ import annotations

import datetime
from typing import Any

from hms.scheduling.v1 import slot_pb2 as pb
from hms_server import errors
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.queries import load_queries
from hms_server.database.transaction import Database
from hms_server.scheduling import mapping, schedule_rules

_QUERY = load_queries("hms_server.scheduling", "slots.sql")["search_slots"]
MOST_DAYS = 62


class Slots:
    """Reads of slots."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def search(self, request: pb.SearchSlotsRequest, call: Call) -> pb.SearchSlotsResponse:
        """A page of slots in order of time, both ways. Raises InvalidArgument."""
        _require_days(request)
        limits = call.departments
        worked_in = [(each.system, each.code) for each in request.specialities]
        worked_in += [("", code) for code in request.speciality_codes]
        asked = {
            "practitioners": _ids(request.practitioner_ids),
            "departments": _ids(request.department_ids),
            "limits": None if limits is None else sorted(limits),
            "with_parts": request.with_sub_departments,
            "systems": [system for system, _ in worked_in],
            "codes": [code for _, code in worked_in] or None,
            "service": request.service.strip(),
            "weekdays": sorted(set(request.weekdays)) or None,
            "start_clock": request.start_clock or "00:00",
            "end_clock": request.end_clock or "24:00",
            "start_date": request.start_date or None,
            "end_date": request.end_date or None,
            "least_free": -1000 if request.include_full else request.min_free_seats or 1,
        }
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=tuple(asked.values()),
            size=request.page_size,
            token=request.page_token,
        )
        key_time, key_practitioner, key_source = page.key or (None, None, None)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = transaction.queue(
                _QUERY,
                **asked,
                key_time=key_time,
                key_practitioner=key_practitioner,
                key_source=key_source,
                backward=page.backward,
                limit=page.limit,
            )
        rows, following, preceding = self._pages.close(page, pending.rows, _key)
        return pb.SearchSlotsResponse(
            slots=[mapping.slot(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )


def _key(row: Any) -> tuple[Any, ...]:
    return row.start_time, str(row.practitioner_id), str(row.schedule_id or row.exception_id)


def _ids(given: Any) -> list[str] | None:
    return sorted({each.lower() for each in given}) or None


def _require_days(request: pb.SearchSlotsRequest) -> None:
    """Raises InvalidArgument for days that are none, or too many."""
    schedule_rules.refuse(
        [
            *schedule_rules.days(request, "", "start_date", "end_date"),
            *(
                errors.FieldViolation(f"specialities[{i}].code", "is required")
                for i, each in enumerate(request.specialities)
                if not each.code
            ),
        ]
    )
    if request.start_date and request.end_date:
        first, last = map(datetime.date.fromisoformat, (request.start_date, request.end_date))
        if (last - first).days >= MOST_DAYS:
            raise errors.invalid_field("end_date", f"{MOST_DAYS} days at most may be looked through")
