"""Reads around an appointment: its reminders and its follow-ups. Reminders are planned by the database as the
appointment changes (migrations/0026_waiting_list.sql), and handed to the mail by workers/reminders.py."""

from __future__ import annotations

from typing import Any

from hms.scheduling.v1 import reminder_pb2 as pb
from hms_server.context import Call
from hms_server.database.pages import Page, Pages
from hms_server.database.transaction import Database
from hms_server.patient.mapping import timestamp
from hms_server.scheduling import waiting_store
from hms_server.scheduling.appointments import found
from hms_server.scheduling.waiting_list import with_patient


class Reminders:
    """Reminders and follow-ups of one appointment."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def list(self, request: pb.ListRemindersRequest, call: Call) -> pb.ListRemindersResponse:
        """A page of an appointment's reminders by their time. Raises NotFound."""
        page = self._open(request, call)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = waiting_store.reminders(transaction, page, request.id)
        found(pending.first)
        rows, following, preceding = self._pages.close(
            page,
            [row for row in pending.rows if row.id is not None],
            lambda row: (row.due_time.isoformat(), row.id),
        )
        return pb.ListRemindersResponse(
            reminders=[_reminder(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def follow_ups(self, request: pb.ListFollowUpsRequest, call: Call) -> pb.ListFollowUpsResponse:
        """A page of the appointments that follow one up. Raises NotFound."""
        page = self._open(request, call)
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            pending = waiting_store.follow_ups(transaction, page, request.id)
        found(pending.first)
        rows, following, preceding = self._pages.close(
            page, [row for row in pending.rows if row.id is not None], lambda row: (row.id,)
        )
        return pb.ListFollowUpsResponse(
            appointments=[with_patient(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    def _open(self, request: Any, call: Call) -> Page:
        return self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.id.lower(),),
            size=request.page_size,
            token=request.page_token,
        )


def _reminder(row: Any) -> pb.Reminder:
    return pb.Reminder(
        id=row.id,
        appointment_id=row.appointment_id,
        due_time=timestamp(row.due_time),
        channel=row.channel,
        state=row.state,
        reason=row.reason,
        create_time=timestamp(row.create_time),
        update_time=timestamp(row.update_time),
    )
