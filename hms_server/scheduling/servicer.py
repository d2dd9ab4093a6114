"""hms.scheduling.v1.SchedulingService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.scheduling.v1 import appointment_pb2, reminder_pb2, waiting_list_pb2
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling.appointments import Appointments
from hms_server.scheduling.reminders import Reminders
from hms_server.scheduling.waiting_list import WaitingList


class SchedulingServicer:
    """Schedules, appointments and the queue of the day."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._appointments = Appointments(database)
        self._waiting_list = WaitingList(database, pages, request_ids)
        self._reminders = Reminders(database, pages)

    # --- Schedules and slots

    # --- Appointments: booking

    def GetAppointment(
        self, request: appointment_pb2.GetAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """An appointment with patient, practitioner and department."""
        return self._appointments.get(request, call)

    # --- Appointments: waiting list, series, reminders

    def JoinWaitingList(
        self, request: waiting_list_pb2.JoinWaitingListRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Puts a patient on the waiting list."""
        return self._waiting_list.join(request, call)

    def ListWaitingList(
        self, request: waiting_list_pb2.ListWaitingListRequest, call: Call
    ) -> waiting_list_pb2.ListWaitingListResponse:
        """Who waits, in order."""
        return self._waiting_list.list(request, call)

    def OfferSlot(
        self, request: waiting_list_pb2.OfferSlotRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Offers a seat by hand."""
        return self._waiting_list.offer(request, call)

    def DeclineOffer(
        self, request: waiting_list_pb2.DeclineOfferRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Puts an offer back to the list."""
        return self._waiting_list.decline(request, call)

    def ListFollowUps(
        self, request: reminder_pb2.ListFollowUpsRequest, call: Call
    ) -> reminder_pb2.ListFollowUpsResponse:
        """The appointments that follow one up."""
        return self._reminders.follow_ups(request, call)

    def ListReminders(
        self, request: reminder_pb2.ListRemindersRequest, call: Call
    ) -> reminder_pb2.ListRemindersResponse:
        """When an appointment's patient is reminded."""
        return self._reminders.list(request, call)

    # --- Arrival and the queue of the day
