"""hms.scheduling.v1.SchedulingService: each method goes to the part that knows it."""

from __future__ import annotations

from hms.scheduling.v1 import (
    appointment_pb2,
    arrival_pb2,
    booking_pb2,
    queue_calls_pb2,
    queue_pb2,
    reminder_pb2,
    schedule_pb2,
    series_pb2,
    slot_pb2,
    waiting_list_pb2,
)
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.scheduling import schedule_lists
from hms_server.scheduling.appointment_lists import AppointmentLists
from hms_server.scheduling.appointments import Appointments
from hms_server.scheduling.arrivals import Arrivals
from hms_server.scheduling.booking import Booking
from hms_server.scheduling.booking_changes import BookingChanges
from hms_server.scheduling.queue import Queue
from hms_server.scheduling.queue_board import QueueReads
from hms_server.scheduling.queue_transfer import Transfers
from hms_server.scheduling.reminders import Reminders
from hms_server.scheduling.schedule_kinds import EXCEPTION, SCHEDULE
from hms_server.scheduling.schedules import Schedules
from hms_server.scheduling.series import Series
from hms_server.scheduling.series_cancel import SeriesCancel
from hms_server.scheduling.slots import Slots
from hms_server.scheduling.tokens import Tokens
from hms_server.scheduling.waiting_list import WaitingList


class SchedulingServicer:
    """Schedules, appointments and the queue of the day."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        self._appointments = Appointments(database)
        self._appointment_lists = AppointmentLists(database, pages)
        self._booking = Booking(database, request_ids)
        self._booking_changes = BookingChanges(database, request_ids)
        self._arrivals = Arrivals(database, request_ids)
        self._tokens = Tokens(database, request_ids)
        self._transfers = Transfers(database, request_ids)
        self._queue = Queue(database, request_ids)
        self._queue_reads = QueueReads(database, pages)
        self._schedules = Schedules(SCHEDULE, database=database, pages=pages, request_ids=request_ids)
        self._exceptions = Schedules(EXCEPTION, database=database, pages=pages, request_ids=request_ids)
        self._slots = Slots(database, pages)
        self._waiting_list = WaitingList(database, pages, request_ids)
        self._series = Series(database, request_ids)
        self._series_cancel = SeriesCancel(database, request_ids)
        self._reminders = Reminders(database, pages)

    # --- Schedules and slots

    def CreateSchedule(
        self, request: schedule_pb2.CreateScheduleRequest, call: Call
    ) -> schedule_pb2.Schedule:
        """A new weekly template."""
        made: schedule_pb2.Schedule = self._schedules.create(request, call)
        return made

    def GetSchedule(self, request: schedule_pb2.GetScheduleRequest, call: Call) -> schedule_pb2.Schedule:
        """A weekly template."""
        found: schedule_pb2.Schedule = self._schedules.get(request, call)
        return found

    def ListSchedules(
        self, request: schedule_pb2.ListSchedulesRequest, call: Call
    ) -> schedule_pb2.ListSchedulesResponse:
        """Weekly templates in order of their first day."""
        listed: schedule_pb2.ListSchedulesResponse = self._schedules.list_records(
            request, call, schedule_pb2.ListSchedulesResponse, schedule_lists.schedule_filters(request)
        )
        return listed

    def UpdateSchedule(
        self, request: schedule_pb2.UpdateScheduleRequest, call: Call
    ) -> schedule_pb2.Schedule:
        """Changes a weekly template."""
        made: schedule_pb2.Schedule = self._schedules.update(request, call)
        return made

    def DeleteSchedule(
        self, request: schedule_pb2.DeleteScheduleRequest, call: Call
    ) -> schedule_pb2.Schedule:
        """Takes a weekly template away."""
        gone: schedule_pb2.Schedule = self._schedules.delete(request, call)
        return gone

    def BatchCreateSchedules(
        self, request: schedule_pb2.BatchCreateSchedulesRequest, call: Call
    ) -> schedule_pb2.BatchCreateSchedulesResponse:
        """Weekly templates, all or nothing."""
        made: schedule_pb2.BatchCreateSchedulesResponse = self._schedules.batch_create(request, call)
        return made

    def CreateScheduleException(
        self, request: schedule_pb2.CreateScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """Leave, a closure or an extra session."""
        made: schedule_pb2.ScheduleException = self._exceptions.create(request, call)
        return made

    def GetScheduleException(
        self, request: schedule_pb2.GetScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """An exception."""
        found: schedule_pb2.ScheduleException = self._exceptions.get(request, call)
        return found

    def ListScheduleExceptions(
        self, request: schedule_pb2.ListScheduleExceptionsRequest, call: Call
    ) -> schedule_pb2.ListScheduleExceptionsResponse:
        """Exceptions in order of their ends."""
        listed: schedule_pb2.ListScheduleExceptionsResponse = self._exceptions.list_records(
            request,
            call,
            schedule_pb2.ListScheduleExceptionsResponse,
            schedule_lists.schedule_exception_filters(request),
        )
        return listed

    def UpdateScheduleException(
        self, request: schedule_pb2.UpdateScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """Changes an exception."""
        made: schedule_pb2.ScheduleException = self._exceptions.update(request, call)
        return made

    def DeleteScheduleException(
        self, request: schedule_pb2.DeleteScheduleExceptionRequest, call: Call
    ) -> schedule_pb2.ScheduleException:
        """Takes an exception away."""
        gone: schedule_pb2.ScheduleException = self._exceptions.delete(request, call)
        return gone

    def BatchCreateScheduleExceptions(
        self, request: schedule_pb2.BatchCreateScheduleExceptionsRequest, call: Call
    ) -> schedule_pb2.BatchCreateScheduleExceptionsResponse:
        """Exceptions, all or nothing."""
        made: schedule_pb2.BatchCreateScheduleExceptionsResponse = self._exceptions.batch_create(
            request, call
        )
        return made

    def SearchSlots(self, request: slot_pb2.SearchSlotsRequest, call: Call) -> slot_pb2.SearchSlotsResponse:
        """Slots with their free seats."""
        return self._slots.search(request, call)

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

    def BookSeries(self, request: series_pb2.BookSeriesRequest, call: Call) -> series_pb2.BookSeriesResponse:
        """Books an appointment that comes again."""
        return self._series.book(request, call)

    def CancelSeries(
        self, request: series_pb2.CancelSeriesRequest, call: Call
    ) -> series_pb2.CancelSeriesResponse:
        """Cancels what of a series lies ahead."""
        return self._series_cancel.cancel(request, call)

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

    def ArriveAppointment(
        self, request: arrival_pb2.ArriveAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """The patient is in the house."""
        return self._arrivals.arrive(request, call)

    def CheckInAppointment(
        self, request: arrival_pb2.CheckInAppointmentRequest, call: Call
    ) -> arrival_pb2.CheckInAppointmentResponse:
        """The patient takes a place in the queue."""
        return self._arrivals.check_in(request, call)

    def MarkNoShow(self, request: arrival_pb2.MarkNoShowRequest, call: Call) -> appointment_pb2.Appointment:
        """The patient did not come."""
        return self._arrivals.no_show(request, call)

    def CompleteAppointment(
        self, request: arrival_pb2.CompleteAppointmentRequest, call: Call
    ) -> appointment_pb2.Appointment:
        """The patient was seen."""
        return self._arrivals.complete(request, call)

    def IssueQueueToken(
        self, request: queue_calls_pb2.IssueQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """A walk-in takes a place."""
        return self._tokens.issue(request, call)

    def GetQueueToken(
        self, request: queue_calls_pb2.GetQueueTokenRequest, call: Call
    ) -> queue_calls_pb2.QueueEntry:
        """A token with position and estimate."""
        return self._queue_reads.token(request, call)

    def ListQueueTokens(
        self, request: queue_calls_pb2.ListQueueTokensRequest, call: Call
    ) -> queue_calls_pb2.ListQueueTokensResponse:
        """The tokens of a department."""
        return self._queue_reads.tokens(request, call)

    def GetQueue(self, request: queue_calls_pb2.GetQueueRequest, call: Call) -> queue_calls_pb2.Queue:
        """The queue of a session, with patients."""
        return self._queue_reads.queue(request, call)

    def GetQueueBoard(
        self, request: queue_calls_pb2.GetQueueBoardRequest, call: Call
    ) -> queue_calls_pb2.QueueBoard:
        """The queue of a session as numbers alone."""
        return self._queue_reads.board(request, call)

    def CallNext(self, request: queue_calls_pb2.CallNextRequest, call: Call) -> queue_pb2.QueueToken:
        """Calls who is next."""
        return self._queue.call_next(request, call)

    def CallQueueToken(
        self, request: queue_calls_pb2.CallQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Calls somebody out of the order."""
        return self._queue.call(request, call)

    def SkipQueueToken(
        self, request: queue_calls_pb2.SkipQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Was called and did not come."""
        return self._queue.skip(request, call)

    def HoldQueueToken(
        self, request: queue_calls_pb2.HoldQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Is sent for a test, say."""
        return self._queue.hold(request, call)

    def ReturnQueueToken(
        self, request: queue_calls_pb2.ReturnQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Waits again."""
        return self._queue.return_(request, call)

    def TransferQueueToken(
        self, request: queue_calls_pb2.TransferQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Goes over to another queue."""
        return self._transfers.transfer(request, call)

    def SetQueueTokenPriority(
        self, request: queue_calls_pb2.SetQueueTokenPriorityRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Goes before others, or no longer."""
        return self._queue.prioritise(request, call)

    def CancelQueueToken(
        self, request: queue_calls_pb2.CancelQueueTokenRequest, call: Call
    ) -> queue_pb2.QueueToken:
        """Gives the place up."""
        return self._queue.cancel(request, call)
