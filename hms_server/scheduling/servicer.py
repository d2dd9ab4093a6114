"""hms.scheduling.v1.SchedulingService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.scheduling.v1 import appointment_pb2, booking_pb2, reminder_pb2, waiting_list_pb2
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling.appointment_lists import AppointmentLists
from hms_server.scheduling.appointments import Appointments
from hms_server.scheduling.booking import Booking
from hms_server.scheduling.booking_changes import BookingChanges
from hms_server.scheduling.reminders import Reminders
from hms_server.scheduling.waiting_list import WaitingList


class SchedulingServicer:
    """Schedules, appointments and the queue of the day."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._appointments = Appointments(database)
        self._appointment_lists = AppointmentLists(database, pages)
        self._booking = Booking(database, request_ids)
        self._booking_changes = BookingChanges(database, request_ids)
        self._waiting_list = WaitingList(database, pages, request_ids)
        self._reminders = Reminders(database, pages)

    # --- Schedules and slots

    # --- Appointments: booking

    def HoldAppointment(
        self, request: booking_pb2.HoldAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Keeps a seat for a while."""
        return self._booking.hold(request, call)

    def BookAppointment(
        self, request: booking_pb2.BookAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Books a seat of a slot."""
        return self._booking.book(request, call)

    def OverbookAppointment(
        self, request: booking_pb2.OverbookAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Books above the slot's capacity."""
        return self._booking.overbook(request, call)

    def BookHeldAppointment(
        self, request: booking_pb2.BookHeldAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Books what is held."""
        return self._booking_changes.book_held(request, call)

    def ConfirmAppointment(
        self, request: booking_pb2.ConfirmAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """The patient will come."""
        return self._booking_changes.confirm(request, call)

    def RescheduleAppointment(
        self, request: booking_pb2.RescheduleAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """To another slot."""
        return self._booking_changes.reschedule(request, call)

    def CancelAppointment(
        self, request: booking_pb2.CancelAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Gives the seat back."""
        return self._booking_changes.cancel(request, call)

    def AmendAppointment(
        self, request: booking_pb2.AmendAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """Changes what is said of it."""
        return self._booking_changes.amend(request, call)

    def BatchBookAppointments(
        self, request: booking_pb2.BatchBookAppointmentsRequest, call: Call
    ) -> booking_pb2.BatchBookAppointmentsResponse:
        """Books all or nothing."""
        return self._booking.batch(request, call)

    def ListAppointments(
        self, request: booking_pb2.ListAppointmentsRequest, call: Call
    ) -> booking_pb2.ListAppointmentsResponse:
        """Appointments in order of time."""
        return self._appointment_lists.appointments(request, call)

    def ListAppointmentVersions(
        self, request: booking_pb2.ListAppointmentVersionsRequest, call: Call
    ) -> booking_pb2.ListAppointmentVersionsResponse:
        """An appointment's history."""
        return self._appointment_lists.versions(request, call)

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
