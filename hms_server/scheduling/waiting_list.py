"""The waiting list: entries, offers of seats, and declines. An entry is a WAITLISTED appointment."""

from __future__ import annotations

import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from hms.scheduling.v1 import appointment_pb2 as pb
from hms.scheduling.v1 import waiting_list_pb2
from hms_server import aip, clock, errors, ids
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.retry import on_conflict
from hms_server.database.transaction import Database, Transaction
from hms_server.scheduling import freed, mapping, store, waiting_rules, waiting_store
from hms_server.scheduling.appointments import found, patient_of
from hms_server.scheduling.states import APPOINTMENT, require_step


class WaitingList:
    """Who waits, in order, and what is offered to whom."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._database = database
        self._pages = pages
        self._request_ids = request_ids

    @on_conflict
    def join(self, request: waiting_list_pb2.JoinWaitingListRequest, call: Call) -> pb.Appointment:
        """A new entry. Raises NotFound for the patient, FailedPrecondition for one who was merged or deleted,
        InvalidArgument for what it holds or points to, PermissionDenied (DEPARTMENT_LIMITED)."""
        entry = waiting_rules.entry_of(request.appointment)
        waiting_rules.require_inside(entry.department_id, call.departments, call.method.permission)
        entry_id = ids.uuid7()
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            patient = store.lock_patient(transaction, entry.patient_id)
            place = waiting_store.place(
                transaction,
                department_id=entry.department_id,
                practitioner_id=entry.practitioner_id or None,
                previous_appointment_id=entry.previous_appointment_id or None,
                patient_id=entry.patient_id,
            )
            transaction.flush()
            earlier = probe.repeat()
            if earlier is not None:
                return _repeated(transaction, earlier)
            patient_id = waiting_rules.open_patient(patient.first)
            waiting_rules.require_place(entry, place.first)
            made = store.insert(
                transaction,
                entry_id,
                patient_id,
                call.caller.user_id,
                state="WAITLISTED",
                department_id=entry.department_id,
                practitioner_id=entry.practitioner_id or None,
                previous_appointment_id=entry.previous_appointment_id or None,
                service=entry.service,
                wanted_from=_moment(entry, "wanted_start_time"),
                wanted_until=_moment(entry, "wanted_end_time"),
                waitlist_time=clock.now(),
                document=waiting_rules.document_of(entry, _as_json),
            )
            waiting_store.rank(transaction, entry_id, waiting_rules.rank(entry))
            self._request_ids.remember(transaction, call, probe, entry_id, 1)
            transaction.audit(entity_id=entry_id, new_version=1, patient_ids=(patient_id,))
        return mapping.appointment(made.first)

    def list(
        self, request: waiting_list_pb2.ListWaitingListRequest, call: Call
    ) -> waiting_list_pb2.ListWaitingListResponse:
        """A page of the list in its order. Raises InvalidArgument where neither department nor practitioner
        is named."""
        if not (request.department_id or request.practitioner_id):
            raise errors.invalid_field("department_id", "is required, or practitioner_id")
        page = self._pages.open(
            tenant_id=call.tenant_id,
            method=call.method.full_name,
            scope=(request.department_id.lower(), request.practitioner_id.lower()),
            size=request.page_size,
            token=request.page_token,
        )
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            waiting = waiting_store.waiting(transaction, page, request.department_id, request.practitioner_id)
        rows, following, preceding = self._pages.close(
            page, waiting.rows, lambda row: (row.waitlist_rank, row.waitlist_time.isoformat(), row.id)
        )
        return waiting_list_pb2.ListWaitingListResponse(
            appointments=[with_patient(row) for row in rows],
            next_page_token=following,
            previous_page_token=preceding,
        )

    @on_conflict
    def offer(self, request: waiting_list_pb2.OfferSlotRequest, call: Call) -> pb.Appointment:
        """Offers a seat by hand. Raises NotFound, Aborted (ETAG_MISMATCH), FailedPrecondition (WRONG_STATE,
        NO_SEAT_TO_OFFER)."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            store.lock_practitioner(transaction, request.practitioner_id)
            present = store.lock(transaction, request.id)
            transaction.flush()
            if (earlier := probe.repeat()) is not None:
                return _repeated(transaction, earlier)
            row = found(present.first)
            aip.require_etag(request.etag, row.version)
            require_step(APPOINTMENT, "appointment", row.state, "HELD")
            start = request.start_time.ToDatetime(tzinfo=datetime.UTC)
            made = waiting_store.offer(
                transaction,
                [(request.practitioner_id, start, start + datetime.timedelta(microseconds=1))],
                offer_seconds=waiting_rules.OFFER_SECONDS,
                least_seconds=waiting_rules.LEAST_SECONDS,
                chosen=row.id,
            )
            after = store.lock(transaction, request.id)
            transaction.flush()
            if not made.rows:
                raise errors.FailedPrecondition(
                    "No seat of the entry's department is free then with this practitioner, or it begins too"
                    " soon: search slots and offer another.",
                    reason="NO_SEAT_TO_OFFER",
                )
            freed.record(transaction, made.rows)
            self._request_ids.remember(transaction, call, probe, row.id, made.rows[0].new_version)
        return mapping.appointment(after.first)

    @on_conflict
    def decline(self, request: waiting_list_pb2.DeclineOfferRequest, call: Call) -> pb.Appointment:
        """Puts an offer back to the list; the seat goes to the next. Raises NotFound, Aborted
        (ETAG_MISMATCH), FailedPrecondition (NOT_AN_OFFER)."""
        with self._database.tenant_transaction(call.tenant_id, call) as transaction:
            probe = self._request_ids.probe(transaction, call, request)
            waiting_store.lock_practitioner_of(transaction, request.id)
            present = store.lock(transaction, request.id)
            wish = waiting_store.wish(transaction, request.id)
            transaction.flush()
            if (earlier := probe.repeat()) is not None:
                return _repeated(transaction, earlier)
            row = found(present.first)
            aip.require_etag(request.etag, row.version)
            waiting_rules.require_offer(row)
            wanted = wish.rows[0]
            made = store.update(
                transaction,
                row,
                call.caller.user_id,
                state="WAITLISTED",
                practitioner_id=wanted.practitioner_id,
                location_id=wanted.location_id,
                service=wanted.service,
                **dict.fromkeys(
                    (
                        "schedule_id",
                        "exception_id",
                        "start_time",
                        "end_time",
                        "seat",
                        "capacity",
                        "hold_expire_time",
                    )
                ),
            )
            transaction.audit(
                entity_id=row.id,
                old_version=row.version,
                new_version=row.version + 1,
                patient_ids=(row.patient_id,),
            )
            self._request_ids.remember(transaction, call, probe, row.id, row.version + 1)
            freed.seats_freed(transaction, [row])
        return mapping.appointment(made.first)


def with_patient(row: Any) -> pb.Appointment:
    """An appointment of a list."""
    made = mapping.appointment(row)
    made.patient.CopyFrom(patient_of(row))
    return made


def _repeated(transaction: Transaction, appointment_id: str) -> pb.Appointment:
    """The present state, for a request that was answered before: audited as a read."""
    pending = store.lock(transaction, appointment_id)
    transaction.flush()
    row = found(pending.first)
    transaction.audit(action="READ", entity_id=row.id, patient_ids=(row.patient_id,))
    transaction.commit()
    return mapping.appointment(row)


def _moment(entry: pb.Appointment, field: str) -> Any:
    if not entry.HasField(field):  # type: ignore[arg-type]
        return None
    return getattr(entry, field).ToDatetime(tzinfo=datetime.UTC)


def _as_json(message: Any) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True)
